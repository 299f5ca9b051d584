//! The tables. Ids, enumerations and JSON are text, times are UTC cut to microseconds: the same
//! columns mean the same in both databases.
#![expect(
    missing_docs,
    reason = "printed by diesel; the columns are documented in the migrations"
)]

diesel::table! {
    instance (id) {
        id -> Integer,
        epoch -> BigInt,
    }
}

diesel::table! {
    signing_keys (kid) {
        kid -> Text,
        algorithm -> Text,
        purpose -> Text,
        public_jwk -> Text,
        sealed_private -> Binary,
        master_key_id -> Text,
        created_at -> Timestamp,
        publish_at -> Timestamp,
        activate_at -> Timestamp,
        retire_at -> Nullable<Timestamp>,
        remove_at -> Nullable<Timestamp>,
        revoked_at -> Nullable<Timestamp>,
        sealed_public -> Nullable<Binary>,
    }
}

diesel::table! {
    users (id) {
        id -> Text,
        username -> Nullable<Text>,
        username_key -> Nullable<Text>,
        email -> Nullable<Text>,
        email_key -> Nullable<Text>,
        email_verified_at -> Nullable<Timestamp>,
        first_name -> Text,
        last_name -> Text,
        password_hash -> Nullable<Text>,
        password_changed_at -> Nullable<Timestamp>,
        is_active -> Bool,
        confirm_by -> Nullable<Timestamp>,
        created_at -> Timestamp,
        last_login_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    sessions (id) {
        id -> Text,
        subject -> Text,
        client -> Text,
        generation -> BigInt,
        rotated_at -> Timestamp,
        created_at -> Timestamp,
        idle_expires_at -> Timestamp,
        expires_at -> Timestamp,
        revoked_at -> Nullable<Timestamp>,
        revoke_reason -> Nullable<Text>,
        auth_time -> Timestamp,
        amr -> Text,
        scope -> Text,
        address -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        epoch -> BigInt,
    }
}

diesel::table! {
    one_time_tokens (digest) {
        digest -> Text,
        purpose -> Text,
        subject -> Text,
        address -> Text,
        created_at -> Timestamp,
        expires_at -> Timestamp,
        consumed_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    outbox (id) {
        id -> Text,
        kind -> Text,
        recipient -> Text,
        sealed_message -> Binary,
        created_at -> Timestamp,
        expires_at -> Timestamp,
        next_attempt_at -> Timestamp,
        attempts -> Integer,
        lease_owner -> Nullable<Text>,
        lease_until -> Nullable<Timestamp>,
        dead_at -> Nullable<Timestamp>,
        last_error -> Nullable<Text>,
    }
}

diesel::table! {
    mail_requests (id) {
        id -> Text,
        reason -> Text,
        email -> Text,
        subject -> Nullable<Text>,
        address -> Nullable<Text>,
        created_at -> Timestamp,
    }
}

diesel::table! {
    events (id) {
        id -> Text,
        at -> Timestamp,
        kind -> Text,
        subject -> Nullable<Text>,
        session -> Nullable<Text>,
        address -> Nullable<Text>,
        details -> Text,
    }
}

diesel::table! {
    identities (id) {
        id -> Text,
        subject -> Text,
        provider -> Text,
        issuer -> Text,
        external_id -> Text,
        last_login_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
    }
}

diesel::table! {
    jobs (name) {
        name -> Text,
        lease_owner -> Nullable<Text>,
        lease_until -> Nullable<Timestamp>,
        last_run_at -> Nullable<Timestamp>,
        next_run_at -> Timestamp,
        last_error -> Nullable<Text>,
    }
}

diesel::table! {
    limits (key) {
        key -> Text,
        count -> BigInt,
        until -> Timestamp,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    master_keys (id) {
        id -> Text,
        current_from -> Timestamp,
        retired_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
    }
}

diesel::table! {
    nodes (id) {
        id -> Text,
        name -> Text,
        started_at -> Timestamp,
        seen_at -> Timestamp,
        master_keys -> Text,
        jwks_max_age_s -> BigInt,
        access_ttl_s -> BigInt,
        bound_until -> Nullable<Timestamp>,
        left_at -> Nullable<Timestamp>,
        reload_every_s -> BigInt,
    }
}

diesel::joinable!(sessions -> users (subject));
diesel::allow_tables_to_appear_in_same_query!(instance, sessions, users, one_time_tokens);
