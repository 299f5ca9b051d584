//! The sections of `signet.toml`, one struct each, with their defaults.

mod browser;
mod docs;
mod federation;
mod keys;
mod limits;
mod log;
mod mail;

use ipnet::IpNet;
use secrecy::SecretString;

use super::Period;

pub use browser::{Compat, Cookies, Cors, CsrfToken, FieldNames, SameSite};
pub use docs::Docs;
pub use federation::{Federation, Github, Google, Oidc};
pub use keys::{AlgorithmFor, FIRST_PARTY, Keys};
pub use limits::Limits;
pub use log::{Log, LogFormat};
pub use mail::{Mail, Smtp, SmtpTls, Transport};

/// All settings.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// `[server]`
    pub server: Server,
    /// `[database]`
    pub database: Database,
    /// `[keys]`
    pub keys: Keys,
    /// `[tokens]`
    pub tokens: Tokens,
    /// `[account]`
    pub account: Account,
    /// `[password]`
    pub password: Password,
    /// `[mail]`
    pub mail: Mail,
    /// `[links]`
    pub links: Links,
    /// `[cookies]`
    pub cookies: Cookies,
    /// `[cors]`
    pub cors: Cors,
    /// `[limits]`
    pub limits: Limits,
    /// `[federation]`
    pub federation: Federation,
    /// `[compat]`
    pub compat: Compat,
    /// `[docs]`
    pub docs: Docs,
    /// `[log]`
    pub log: Log,
}

/// What kind of installation this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Profile {
    /// A developer's machine: console mail and plain http are fine.
    #[default]
    Dev,
    /// For real: risky settings are refused.
    Production,
}

/// `[server]`: listening and limits.
#[derive(Clone, Debug)]
pub struct Server {
    /// Address and port to listen on.
    pub listen: String,
    /// Address and port for operators: metrics and health; empty: none.
    pub admin_listen: String,
    /// The URL under which callers reach us; links and the issuer come from it, without a
    /// trailing slash.
    pub public_url: String,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Dev or production.
    pub profile: Profile,
    /// Worker threads; 0: one per core.
    pub workers: usize,
    /// Open connections at most.
    pub max_connections: usize,
    /// A request's headers must have come within this time, and so must its body.
    pub request_timeout: Period,
    /// Requests under way at a stop get this long.
    pub shutdown_timeout: Period,
    /// Before it stops, a node says for this long that it is not ready, so that balancers notice.
    pub drain_delay: Period,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".into(),
            admin_listen: "127.0.0.1:9090".into(),
            public_url: "http://127.0.0.1:8080".into(),
            trusted_proxies: Vec::new(),
            profile: Profile::Dev,
            workers: 0,
            max_connections: 10_000,
            request_timeout: Period::seconds(5),
            shutdown_timeout: Period::seconds(10),
            drain_delay: Period::seconds(0),
        }
    }
}

/// `[database]`: which one, and how many connections.
#[derive(Clone, Debug)]
pub struct Database {
    /// `sqlite://path` or `postgres://user:password@host/name`. May hold a password.
    pub url: SecretString,
    /// Connections of the PostgreSQL pool.
    pub pool_size: u32,
    /// PostgreSQL: start although `synchronous_commit` is off (acknowledged writes can be lost).
    pub allow_asynchronous_commit: bool,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            url: "sqlite://data/signet.db".into(),
            pool_size: 8,
            allow_asynchronous_commit: false,
        }
    }
}

/// `[tokens]`: what tokens say and how long they live.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The claim `aud` of access tokens.
    pub audience: String,
    /// Life of an access token.
    pub access_ttl: Period,
    /// The header `typ` of access tokens: `at+jwt` (RFC 9068) or `JWT`.
    pub access_typ: String,
    /// A session ends when it was not refreshed for this long.
    pub refresh_idle: Period,
    /// A session ends this long after its login, however often it is refreshed.
    pub refresh_absolute: Period,
    /// The previous refresh token still gives the same successor for this long; 0: never.
    pub refresh_leeway: Period,
    /// Tell the owner by mail when an old refresh token was used.
    pub reuse_notice: bool,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            audience: "signet".into(),
            access_ttl: Period::minutes(10),
            access_typ: "at+jwt".into(),
            refresh_idle: Period::days(30),
            refresh_absolute: Period::days(90),
            refresh_leeway: Period::seconds(30),
            reuse_notice: true,
        }
    }
}

/// Whether an e-mail address must be confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum EmailVerification {
    /// Before the first login.
    Mandatory,
    /// A mail is sent; tokens come at once.
    #[default]
    Optional,
    /// No mail is sent.
    None,
}

/// What people may log in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginMethod {
    /// The e-mail address.
    Email,
    /// The user name.
    Username,
}

/// Who may register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Registration {
    /// Everybody.
    #[default]
    Open,
    /// Nobody; operators create users.
    Closed,
}

/// `[account]`: registration and login.
#[derive(Clone, Debug)]
pub struct Account {
    /// Where the first-party API is mounted, without a trailing slash.
    pub prefix: String,
    /// Whether addresses must be confirmed.
    pub email_verification: EmailVerification,
    /// What people log in with.
    pub login_with: Vec<LoginMethod>,
    /// Who may register.
    pub registration: Registration,
    /// An address must be given at registration.
    pub email_required: bool,
    /// Shortest user name that can be chosen, in characters.
    pub username_min_length: usize,
    /// User names that nobody can choose.
    pub username_blocklist: Vec<String>,
    /// Ask for the old password when changing it.
    pub old_password_required: bool,
    /// Other sessions end when the password changes.
    pub logout_on_password_change: bool,
    /// Life of a confirmation link.
    pub confirm_ttl: Period,
    /// Life of a reset link.
    pub reset_ttl: Period,
    /// An account that must confirm its address and does not is deleted after this time.
    pub unconfirmed_ttl: Period,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            prefix: "/auth".into(),
            email_verification: EmailVerification::Optional,
            login_with: vec![LoginMethod::Email, LoginMethod::Username],
            registration: Registration::Open,
            email_required: false,
            username_min_length: 1,
            username_blocklist: Vec::new(),
            old_password_required: true,
            logout_on_password_change: true,
            confirm_ttl: Period::days(1),
            reset_ttl: Period::minutes(30),
            unconfirmed_ttl: Period::days(7),
        }
    }
}

/// `[password]`: policy and cost.
#[derive(Clone, Debug)]
pub struct Password {
    /// Shortest accepted password, in code points.
    pub min_length: usize,
    /// Argon2id memory, in KiB.
    pub argon2_memory_kib: u32,
    /// Argon2id passes.
    pub argon2_time: u32,
    /// Hashing threads; 0: as many as cores the process may use.
    pub pool_threads: usize,
}

impl Default for Password {
    fn default() -> Self {
        Self {
            min_length: 8,
            argon2_memory_kib: 19_456,
            argon2_time: 2,
            pool_threads: 0,
        }
    }
}

/// `[links]`: the app's own pages; empty: ours.
#[derive(Clone, Debug, Default)]
pub struct Links {
    /// With `{key}`.
    pub confirm_email: String,
    /// With `{uid}` and `{token}`.
    pub reset_password: String,
    /// With `{key}`.
    pub change_email: String,
}
