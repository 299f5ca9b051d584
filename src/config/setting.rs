//! The one table of settings: name, meaning, how to read it and how to show it. Loading, checks of
//! unknown names, `config show` and the reference file all go through it.

mod entry;

use secrecy::ExposeSecret as _;
use toml::Value;

use super::Config;
use super::form::Form;
use super::url::mask_database_url;

pub(super) use entry::{Given, Setting};
use entry::{choices, read};

macro_rules! setting {
    (secret $show:expr, $section:ident $(.$key:ident)+, $doc:literal) => {
        Setting {
            secret: true,
            show: $show,
            ..setting!($section $(.$key)+, $doc)
        }
    };
    ($section:ident $(.$key:ident)+, $doc:literal) => {
        Setting {
            path: concat!(stringify!($section) $(, ".", stringify!($key))+),
            doc: $doc,
            secret: false,
            read: |config, given| read(&mut config.$section $(.$key)+, given),
            show: |config| config.$section $(.$key)+.to_toml(),
            choices: |config| choices(&config.$section $(.$key)+),
        }
    };
}

fn shown_database_url(config: &Config) -> Value {
    Value::String(mask_database_url(config.database.url.expose_secret()))
}

/// All settings, sections together, in the order in which they are shown.
pub(super) static SETTINGS: &[Setting] = &[
    setting!(server.listen, "Address and port to listen on"),
    setting!(
        server.admin_listen,
        "Address and port of /metrics, /livez and /readyz for operators: without authentication, so not to be reachable from outside; empty: none"
    ),
    setting!(
        server.public_url,
        "The URL under which callers reach this server: links in mails and the issuer come from it"
    ),
    setting!(
        server.trusted_proxies,
        "Networks of the reverse proxies whose X-Forwarded-For is believed, like \"10.0.0.0/8\""
    ),
    setting!(
        server.profile,
        "What kind of installation this is; production refuses risky settings"
    ),
    setting!(server.workers, "Worker threads; 0: one per core"),
    setting!(server.max_connections, "Open connections at most"),
    setting!(
        server.request_timeout,
        "A request's headers must have come within this time, and so must its body"
    ),
    setting!(
        server.shutdown_timeout,
        "Requests under way at a stop get this long"
    ),
    setting!(
        server.drain_delay,
        "Before it stops, a node is not ready for this long, so that balancers notice"
    ),
    setting!(secret shown_database_url, database.url, "sqlite://path, or postgres://user:password@host/name"),
    setting!(database.pool_size, "Connections to PostgreSQL at most"),
    setting!(
        database.allow_asynchronous_commit,
        "Start although PostgreSQL has synchronous_commit off, which can lose acknowledged writes"
    ),
    setting!(
        keys.master_key_file,
        "File with the 32 bytes under which secrets are sealed; made at the first start"
    ),
    setting!(keys.algorithms, "A key for each is always there"),
    setting!(
        keys.default_algorithm,
        "Algorithm of access tokens, one of algorithms"
    ),
    setting!(
        keys.by_client,
        "Algorithm of a client's tokens where it is another, like \"first-party=RS256\""
    ),
    setting!(
        keys.by_audience,
        "Likewise an audience's, like \"signet=RS256\", where by_client says nothing"
    ),
    setting!(keys.rotate_every, "A signing key's working life"),
    setting!(
        keys.announce,
        "A key is published this long before it signs; longer if jwks_max_age asks for it"
    ),
    setting!(
        keys.keep,
        "A key stays published this much longer than the tokens it signed last"
    ),
    setting!(
        keys.jwks_max_age,
        "How long verifiers may keep the JWKS, 1s to 24h"
    ),
    setting!(
        keys.reload_every,
        "Within this time every node knows of a change to the keys, 1s to 5m"
    ),
    setting!(
        keys.clock_skew,
        "The clocks of two nodes are never further apart, up to 5m"
    ),
    setting!(tokens.audience, "The claim aud of access tokens"),
    setting!(tokens.access_ttl, "Life of an access token, 5s to 60m"),
    setting!(
        tokens.access_typ,
        "The header typ of access tokens: \"at+jwt\" (RFC 9068) or \"JWT\""
    ),
    setting!(
        tokens.refresh_idle,
        "A session ends when it was not refreshed for this long"
    ),
    setting!(
        tokens.refresh_absolute,
        "A session ends this long after its login, however often it is refreshed"
    ),
    setting!(
        tokens.refresh_leeway,
        "A refresh repeated within this time gets the same answer again; 0s: never"
    ),
    setting!(
        tokens.reuse_notice,
        "Tell the owner by mail when an old refresh token was used"
    ),
    setting!(
        account.prefix,
        "Path under which registration and login are served"
    ),
    setting!(
        account.email_verification,
        "Whether addresses must be confirmed: before the first login, some time, or never"
    ),
    setting!(account.login_with, "What people may log in with"),
    setting!(
        account.registration,
        "Who may register: everybody, or nobody (operators create users)"
    ),
    setting!(
        account.email_required,
        "An address must be given at registration; it must be anyway where it is needed to log in or to be confirmed"
    ),
    setting!(
        account.username_min_length,
        "Shortest user name that can be chosen, in characters, 1 to 150"
    ),
    setting!(
        account.username_blocklist,
        "User names that nobody can choose, in whatever spelling"
    ),
    setting!(
        account.old_password_required,
        "Ask for the old password when changing it"
    ),
    setting!(
        account.logout_on_password_change,
        "A changed password ends the user's other sessions"
    ),
    setting!(
        account.confirm_ttl,
        "Life of a confirmation link, 7d at most"
    ),
    setting!(
        account.reset_ttl,
        "Life of a password reset link, 24h at most"
    ),
    setting!(
        account.unconfirmed_ttl,
        "An account that must confirm its address and does not is deleted after this time"
    ),
    setting!(
        password.min_length,
        "Shortest password accepted, in characters, 6 to 128"
    ),
    setting!(
        password.argon2_memory_kib,
        "Memory of one argon2id hash, in KiB"
    ),
    setting!(password.argon2_time, "Passes of one argon2id hash, 1 to 16"),
    setting!(
        password.pool_threads,
        "Hashing threads; 0: as many as the cores this process may use"
    ),
    setting!(
        mail.transport,
        "How mail leaves: printed, to an SMTP server, one file each, or kept in memory for tests"
    ),
    setting!(mail.from, "The sender"),
    setting!(
        mail.service_name,
        "Name of the service in subjects and texts"
    ),
    setting!(mail.directory, "Where the file transport writes"),
    setting!(
        mail.smtp.host,
        "Host name of the SMTP server; its certificate must match"
    ),
    setting!(mail.smtp.port, "Port of the SMTP server"),
    setting!(
        mail.smtp.tls,
        "Protection: STARTTLS required, TLS from the first byte, or none (a relay on this machine)"
    ),
    setting!(
        mail.smtp.ca_file,
        "A further trusted CA certificate (PEM), for a relay with a private one"
    ),
    setting!(mail.smtp.username, "User name; empty: no authentication"),
    setting!(
        secret | config | config.mail.smtp.password.to_toml(),
        mail.smtp.password,
        "Password"
    ),
    setting!(
        links.confirm_email,
        "The app's own page for confirming an address, with {key}; empty: ours"
    ),
    setting!(
        links.reset_password,
        "The app's own page for a new password, with {uid} and {token}; empty: ours"
    ),
    setting!(
        links.change_email,
        "The app's own page for confirming a new address, with {key}; empty: ours"
    ),
    setting!(
        cookies.enabled,
        "Tokens go into cookies that scripts cannot read, and no longer into bodies"
    ),
    setting!(cookies.access, "Name of the cookie with the access token"),
    setting!(cookies.refresh, "Name of the cookie with the refresh token"),
    setting!(
        cookies.refresh_path,
        "Path of the refresh cookie; the access cookie's is /"
    ),
    setting!(
        cookies.domain,
        "Domain of the cookies; empty: this host alone"
    ),
    setting!(
        cookies.secure,
        "Browsers send the cookies over TLS only, and to their own machine"
    ),
    setting!(
        cookies.http_only,
        "Scripts cannot read the cookies with the tokens"
    ),
    setting!(cookies.same_site, "Whose pages' requests carry the cookies"),
    setting!(
        cookies.csrf_token,
        "When a request must repeat the token of the CSRF cookie in X-CSRFToken; its origin is checked in any case"
    ),
    setting!(cookies.csrf, "Name of the cookie with the CSRF token"),
    setting!(
        cors.origins,
        "Origins whose pages may call the API, exactly as browsers write them, like \"https://app.example.com\""
    ),
    setting!(
        limits.enabled,
        "Limit guessing and flooding; without it, something in front must"
    ),
    setting!(
        limits.free_failures,
        "Wrong passwords in a row that cost no delay, 1 to 20"
    ),
    setting!(
        limits.max_failures,
        "Wrong passwords in a row after which only a reset by mail helps, or `signet users unlock`, 10 to 100"
    ),
    setting!(
        limits.max_delay,
        "Longest delay between two tries after wrong passwords, 1m to 24h"
    ),
    setting!(
        limits.logins_per_minute,
        "Logins that may be tried from one address (IPv6: from one /64)"
    ),
    setting!(
        limits.registrations_per_hour,
        "Registrations from one address (IPv6: from one /64)"
    ),
    setting!(
        limits.mails_per_hour,
        "Mails of one kind that callers can have sent to one address; they come back evenly over the hour"
    ),
    setting!(
        limits.mails_per_hour_in_all,
        "Mails that callers can have sent to all addresses together"
    ),
    setting!(
        limits.mail_cooldown,
        "The same mail is sent to the same address again after this time"
    ),
    setting!(
        federation.timeout,
        "Longest wait for one answer of a provider, 1s to 10s"
    ),
    setting!(
        federation.ca_file,
        "A further trusted CA certificate (PEM), for the providers"
    ),
    setting!(
        federation.google.client_id,
        "As registered with Google; empty: off"
    ),
    setting!(
        secret | config | config.federation.google.client_secret.to_toml(),
        federation.google.client_secret,
        "Needed for codes"
    ),
    setting!(
        federation.google.callback_url,
        "redirect_uri of the app's request for a code"
    ),
    setting!(
        federation.google.issuer,
        "The claim iss; the discovery document is below it"
    ),
    setting!(
        federation.google.tokeninfo_url,
        "Where it is asked for whom an access token is"
    ),
    setting!(
        federation.github.client_id,
        "As registered with GitHub; empty: off"
    ),
    setting!(
        secret | config | config.federation.github.client_secret.to_toml(),
        federation.github.client_secret,
        "Needed"
    ),
    setting!(
        federation.github.callback_url,
        "redirect_uri of the app's request for a code"
    ),
    setting!(
        federation.github.api_url,
        "Where the API is; people are known by it"
    ),
    setting!(federation.github.token_url, "Where codes are exchanged"),
    setting!(
        federation.oidc.name,
        "In the path of its routes: /auth/NAME/"
    ),
    setting!(
        federation.oidc.client_id,
        "As registered with the provider; empty: off"
    ),
    setting!(
        secret | config | config.federation.oidc.client_secret.to_toml(),
        federation.oidc.client_secret,
        "Empty: a public client"
    ),
    setting!(
        federation.oidc.callback_url,
        "redirect_uri of the app's request for a code"
    ),
    setting!(
        federation.oidc.issuer,
        "The claim iss; the discovery document is below it"
    ),
    setting!(
        compat.strict,
        "Do as dj-rest-auth does also where that is less safe; see docs/dj-rest-auth.md"
    ),
    setting!(
        compat.field_names,
        "Members that carry tokens: access and refresh, or, for clients of dj-rest-auth before 4.0.0, access_token and refresh_token"
    ),
    setting!(
        compat.return_expiration,
        "A login also says when its tokens expire"
    ),
    setting!(
        compat.simplejwt_prefix,
        "Path under which simplejwt's own routes are served, like /api/token; empty: nowhere"
    ),
    setting!(
        docs.enabled,
        "Serve /openapi.json, and /docs, where every call can be tried; both tell nothing secret"
    ),
    setting!(log.format, "Lines for people, or one JSON object per line"),
    setting!(
        log.filter,
        "error, warn, info, debug or trace, also per module: \"info,signet=debug\""
    ),
];
