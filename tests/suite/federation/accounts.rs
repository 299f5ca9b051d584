//! The accounts that logins through others make, and those they leave alone (security lines 125
//! and 127).

use diesel::prelude::*;
use serde_json::{Value, json};
use signet::config::{EmailVerification, Registration};
use signet::storage::schema::{identities, users};

use super::House;
use crate::support::{Backend, PASSWORD, link, on_both};

on_both!(
    only_the_boolean_true_verifies_an_address,
    an_unproven_address_is_a_claim_like_any_other,
    an_address_that_somebody_confirmed_is_never_linked,
    an_account_that_waits_under_the_address_stays_outside,
    where_addresses_must_be_confirmed_an_unproven_one_must_be_too,
    where_addresses_must_be_confirmed_a_taken_one_is_not_told,
    nobody_comes_in_where_registration_is_closed,
    a_disabled_account_opens_to_no_provider,
    names_are_made_of_what_there_is,
    a_password_can_be_set_by_mail,
    a_deleted_account_leaves_no_identity,
);

fn taken() -> Value {
    json!({"non_field_errors": ["User is already registered with this e-mail address."]})
}

fn unverified() -> Value {
    json!({"non_field_errors": ["E-mail is not verified."]})
}

/// The addresses that are confirmed.
fn confirmed(house: &House) -> Vec<Option<String>> {
    let confirmed = users::table.filter(users::email_verified_at.is_not_null());
    house.server.load(confirmed.select(users::email))
}

fn only_the_boolean_true_verifies_an_address(on: Backend) {
    let house = House::new(on);
    let values = [
        json!(false),
        json!("true"),
        json!(1),
        json!(null),
        json!([true]),
        json!({}),
        json!("yes"),
    ];
    for (number, value) in values.into_iter().enumerate() {
        let mut claims = house.claims(&format!("ada-{number}"));
        claims["email_verified"] = value;
        let answer = house.present(&claims).ok(200);
        assert_eq!(answer["user"]["email"], format!("ada-{number}@example.com"));
    }
    let mut claims = house.claims("ada-7");
    claims
        .as_object_mut()
        .expect("claims")
        .remove("email_verified");
    house.present(&claims).ok(200);
    assert_eq!(confirmed(&house), [None; 0]);
    assert_eq!(
        house.server.mails().len(),
        8,
        "each may be confirmed by mail"
    );
    house.login("grace");
    assert_eq!(confirmed(&house), [Some("grace@example.com".into())]);
    // What is no address is none.
    for (number, email) in [
        json!("not an address"),
        json!(["a@b.example"]),
        json!(7),
        json!(""),
    ]
    .into_iter()
    .enumerate()
    {
        let mut claims = house.claims(&format!("nobody-{number}"));
        claims["email"] = email;
        assert_eq!(house.present(&claims).ok(200)["user"]["email"], "");
    }
    assert_eq!(confirmed(&house).len(), 1);
}

fn an_unproven_address_is_a_claim_like_any_other(on: Backend) {
    let house = House::new(on);
    let mut claims = house.claims("mallory");
    claims["email"] = json!("ada@example.com");
    claims["email_verified"] = json!(false);
    let mallory = house.present(&claims).ok(200)["user"]["pk"].clone();
    house.server.mail("ada@example.com");
    // Its owner is not kept out, by registration nor by a provider that vouches for her.
    let ada = house.login("ada").json["user"]["pk"].clone();
    assert_ne!(ada, mallory);
    assert_eq!(confirmed(&house).len(), 1);
    // And the claim is worth nothing from now on.
    assert_eq!(house.present(&claims).ok(200)["user"]["pk"], mallory);
    assert_eq!(house.login("ada").json["user"]["pk"], ada);
}

fn an_address_that_somebody_confirmed_is_never_linked(on: Backend) {
    let house = House::new(on);
    let ann = house.server.person("ann");
    let key = json!({"key": ann.confirm_key});
    ann.client
        .post_json("/auth/registration/verify-email/", &key)
        .ok(200);
    for (email, verified) in [
        ("ann@example.com", json!(true)),
        ("ANN@EXAMPLE.COM", json!(true)),
        ("ann@example.com", json!(false)),
        ("ann@example.com", json!("true")),
    ] {
        let mut claims = house.claims("somebody");
        claims["email"] = json!(email);
        claims["email_verified"] = verified;
        house.present(&claims).problem(400, &taken());
    }
    assert_eq!(house.server.count(users::table.count()), 1);
    assert_eq!(house.server.count(identities::table.count()), 0);
}

/// Pre-hijacking: whoever registered the address first, without owning it, gains nothing.
fn an_account_that_waits_under_the_address_stays_outside(on: Backend) {
    let house = House::new(on);
    let waiting = house.server.person("ada");
    let answer = house.login("ada");
    assert_ne!(answer.json["user"]["pk"], waiting.pk);
    assert_ne!(answer.json["user"]["username"], "ada", "that is taken");
    // It is as it was, and its own link leads nowhere.
    let shown = waiting.client.get("/auth/user/").ok(200);
    assert_eq!(shown["pk"], waiting.pk);
    let key = json!({"key": waiting.confirm_key});
    let path = "/auth/registration/verify-email/";
    assert_eq!(waiting.client.post_json(path, &key).status, 404);
    let body = json!({"username": "ada", "password": PASSWORD});
    let own = house.server.anonymous().post_json("/auth/login/", &body);
    assert_eq!(own.ok(200)["user"]["pk"], waiting.pk);
    // By the address it is the owner's account, and its password nobody's.
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    let by_address = house.server.anonymous().post_json("/auth/login/", &body);
    assert_eq!(by_address.status, 400);
}

fn where_addresses_must_be_confirmed_an_unproven_one_must_be_too(on: Backend) {
    let house = House::with(on, |config| {
        config.account.email_verification = EmailVerification::Mandatory;
    });
    house.login("grace");
    let mut claims = house.claims("ada");
    claims["email_verified"] = json!(false);
    house.present(&claims).problem(400, &unverified());
    let mail = house.server.mail("ada@example.com");
    house.present(&claims).problem(400, &unverified());
    assert_eq!(house.server.stored()[1], 1, "no session but Grace's");
    let key = json!({"key": link::confirm_key(&mail.text)});
    let anonymous = house.server.anonymous();
    anonymous
        .post_json("/auth/registration/verify-email/", &key)
        .ok(200);
    house.present(&claims).ok(200);
    // Who is never confirmed is forgotten, with the identity.
    let mut claims = house.claims("linus");
    claims["email_verified"] = json!(false);
    house.present(&claims).problem(400, &unverified());
    house.server.mails();
    house.server.advance(7 * 24 * 3600);
    assert_eq!(house.server.delete_unconfirmed(), 1);
    assert_eq!(house.server.count(identities::table.count()), 2);
    // Without an address there is none to confirm.
    let mut claims = house.claims("nobody");
    claims.as_object_mut().expect("claims").remove("email");
    house.present(&claims).ok(200);
}

fn where_addresses_must_be_confirmed_a_taken_one_is_not_told(on: Backend) {
    let house = House::with(on, |config| {
        config.account.email_verification = EmailVerification::Mandatory;
    });
    house.login("ada");
    let mut claims = house.claims("curious");
    claims["email"] = json!("ada@example.com");
    claims["email_verified"] = json!(false);
    house.present(&claims).problem(400, &unverified());
    let mail = house.server.mail("ada@example.com");
    assert!(mail.text.contains("already"), "{}", mail.text);
}

fn nobody_comes_in_where_registration_is_closed(on: Backend) {
    let house = House::with(on, |config| {
        config.account.registration = Registration::Closed;
    });
    let refused = json!({"detail": "You do not have permission to perform this action."});
    house.present(&house.claims("ada")).problem(403, &refused);
    assert_eq!(house.server.count(users::table.count()), 0);
}

/// Line 130.
fn a_disabled_account_opens_to_no_provider(on: Backend) {
    let house = House::new(on);
    let pk = house.login("ada").json["user"]["pk"].clone();
    let pk = pk.as_str().expect("pk");
    house.server.set_active(pk, false);
    let refused = json!({"non_field_errors": ["Unable to log in with provided credentials."]});
    house.present(&house.claims("ada")).problem(400, &refused);
    assert_eq!(
        house.server.count(users::table.count()),
        1,
        "and no second one"
    );
    house.server.set_active(pk, true);
    house.login("ada");
}

fn names_are_made_of_what_there_is(on: Backend) {
    let house = House::with(on, |config| {
        config.account.username_min_length = 2;
        config.account.username_blocklist = vec!["Admin".into()];
    });
    let user = |number: usize, changes: Value| {
        let mut claims = house.claims(&format!("sub-{number}"));
        for (name, value) in changes.as_object().expect("members") {
            claims[name] = value.clone();
        }
        house.present(&claims).ok(200)["user"].clone()
    };
    let cases = [
        (json!({"preferred_username": "Lady Ada"}), "Lady.Ada"),
        (json!({"preferred_username": "ada@corp.example"}), "ada"),
        (json!({"preferred_username": "<b>/../x"}), "b..x"),
        (json!({"preferred_username": "admin"}), "sub-3"),
        (
            json!({"preferred_username": 7, "email": "x@example.com", "given_name": "Edsger"}),
            "Edsger",
        ),
        (json!({"email": null, "given_name": "Grace"}), "Grace"),
        (json!({"email": null, "given_name": null}), "user"),
    ];
    for (number, (changes, expected)) in cases.into_iter().enumerate() {
        assert_eq!(user(number, changes)["username"], expected);
    }
    let taken = user(100, json!({"preferred_username": "USER"}))["username"].clone();
    assert!(
        taken.as_str().expect("a name").starts_with("USER-"),
        "{taken}"
    );
    let whole = user(
        101,
        json!({"given_name": null, "family_name": null, "name": "Ada de L"}),
    );
    assert_eq!(
        (&whole["first_name"], &whole["last_name"]),
        (&json!("Ada"), &json!("de L"))
    );
    let long = json!({"given_name": "x".repeat(2000), "preferred_username": "y".repeat(2000),
        "family_name": "a\u{0}\r\nb"});
    let long = user(102, long);
    assert_eq!(long["first_name"], "x".repeat(150));
    assert_eq!(long["last_name"], "ab");
}

fn a_password_can_be_set_by_mail(on: Backend) {
    let house = House::new(on);
    house.login("ada");
    let anonymous = house.server.anonymous();
    let body = json!({"username": "ada", "password": PASSWORD});
    assert_eq!(anonymous.post_json("/auth/login/", &body).status, 400);
    let address = json!({"email": "ada@example.com"});
    anonymous
        .post_json("/auth/password/reset/", &address)
        .ok(200);
    let (uid, token) = link::reset_pair(&house.server.mail("ada@example.com").text);
    let reset = json!({"uid": uid, "token": token, "new_password1": PASSWORD,
        "new_password2": PASSWORD});
    anonymous
        .post_json("/auth/password/reset/confirm/", &reset)
        .ok(200);
    house.server.mail("ada@example.com");
    anonymous.post_json("/auth/login/", &body).ok(200);
}

fn a_deleted_account_leaves_no_identity(on: Backend) {
    let house = House::new(on);
    let pk = house.login("ada").json["user"]["pk"].clone();
    house.server.delete(pk.as_str().expect("pk"));
    assert_eq!(house.server.count(identities::table.count()), 0);
    assert_ne!(
        house.login("ada").json["user"]["pk"],
        pk,
        "never used again"
    );
}
