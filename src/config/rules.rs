//! What must hold of single values beyond their form, and across settings.

mod account;
mod browser;
mod federation;
mod keys;
mod limits;
mod mail;

use std::net::SocketAddr;

use secrecy::ExposeSecret as _;

use super::origin::Origins;
use super::url::{WebUrl, is_loopback_host};
use super::{Config, Period, Problem, Problems, Profile};

/// Highest `password.min_length`: longer passwords than this are refused anyway.
const LONGEST_MINIMUM: usize = 128;
/// OWASP's weaker pairs for argon2id: 19 MiB with two passes, or 46 MiB with one.
const PRODUCTION_MEMORY_KIB: u32 = 19_456;
const ONE_PASS_MEMORY_KIB: u32 = 46 * 1024;
const MOST_MEMORY_KIB: u32 = 1024 * 1024;
/// More threads than this are a slip of the hand, and a start that fails or a machine that stalls.
const MOST_THREADS: usize = 1024;

impl Config {
    /// Holds the settings to the rules, as [`Config::load`] does. For a config made by hand: the
    /// places named are those in the file.
    pub fn validate(&self) -> Result<(), Problems> {
        Problems::refuse(check(self, &Origins::default()))
    }
}

/// Everything in `config` that breaks a rule, named by where it was given.
pub(super) fn check(config: &Config, origins: &Origins) -> Vec<Problem> {
    let mut rules = Rules {
        config,
        origins,
        problems: Vec::new(),
    };
    rules.server();
    rules.admin_listen();
    rules.public_url();
    rules.database();
    rules.keys();
    rules.tokens();
    rules.account();
    rules.password();
    rules.mail();
    rules.links();
    rules.cookies();
    rules.cors();
    rules.limits();
    rules.federation();
    rules.compat();
    rules.problems
}

struct Rules<'a> {
    config: &'a Config,
    origins: &'a Origins,
    problems: Vec<Problem>,
}

impl Rules<'_> {
    /// Refuses the setting `path` unless `ok`.
    fn require(&mut self, ok: bool, path: &str, wrong: &str, remedy: &str) {
        self.require_all(ok, &[path], wrong, remedy);
    }

    /// Refuses the first of the settings `paths`, on which the rule depends, unless `ok`; silent
    /// when one of them could not be read, since its value then is not what was meant.
    fn require_all(&mut self, ok: bool, paths: &[&str], wrong: &str, remedy: &str) {
        if ok || paths.iter().any(|path| self.origins.is_broken(path)) {
            return;
        }
        if let Some(path) = paths.first() {
            let place = self.origins.name(path);
            self.problems.push(Problem::new(place, wrong, remedy));
        }
    }

    fn production(&self) -> bool {
        self.config.server.profile == Profile::Production
    }

    fn server(&mut self) {
        let server = &self.config.server;
        self.require(
            listen_host(&server.listen).is_some(),
            "server.listen",
            &format!("{:?} is not an address with a port", server.listen),
            "write it like 127.0.0.1:8080, [::1]:8080 or localhost:8080",
        );
        self.require(
            server.max_connections >= 1,
            "server.max_connections",
            "0 lets nobody connect",
            "choose 1 or more",
        );
        self.positive("server.request_timeout", server.request_timeout);
        self.threads("server.workers", server.workers);
        let everybody = server
            .trusted_proxies
            .iter()
            .find(|network| network.prefix_len() == 0);
        let shown = everybody.map_or_else(String::new, ToString::to_string);
        self.require(
            everybody.is_none(),
            "server.trusted_proxies",
            &format!("{shown} is every address: anybody could claim to be anybody"),
            "name the networks of your own proxies, like 10.0.0.0/8",
        );
    }

    fn admin_listen(&mut self) {
        const PATH: &str = "server.admin_listen";
        let server = &self.config.server;
        let (admin, public) = (&server.admin_listen, &server.listen);
        if admin.is_empty() {
            return;
        }
        self.require(
            listen_host(admin).is_some(),
            PATH,
            &format!("{admin:?} is not an address with a port"),
            "write it like 127.0.0.1:9090, or leave it empty for none",
        );
        // Port 0 is another one each time.
        let plain = |address: &str| address.replace("localhost:", "127.0.0.1:");
        let is_same = plain(admin) == plain(public) && !admin.ends_with(":0");
        self.require_all(
            !is_same,
            &[PATH, "server.listen"],
            &format!("{admin} is what [server] listen has"),
            "choose another port, or leave it empty for none",
        );
    }

    fn threads(&mut self, path: &str, threads: usize) {
        self.require(
            threads <= MOST_THREADS,
            path,
            &format!("{threads} is outside of what is allowed"),
            &format!("choose 1 to {MOST_THREADS}, or 0 for as many as there are cores"),
        );
    }

    fn positive(&mut self, path: &str, period: Period) {
        let ok = period >= Period::seconds(1);
        self.require(ok, path, "is no time at all", "choose 1s or more");
    }

    fn public_url(&mut self) {
        const PATH: &str = "server.public_url";
        const LIKE: &str = "write it like https://login.example.com";
        let server = &self.config.server;
        let url = match WebUrl::parse(&server.public_url) {
            Ok(url) => url,
            Err(wrong) => return self.require(false, PATH, wrong, LIKE),
        };
        self.require(!url.has_extras(), PATH, "has a query or a fragment", LIKE);
        self.require_all(
            url.is_https() || !self.production(),
            &[PATH, "server.profile"],
            "is not https, in profile production",
            LIKE,
        );
        let local = listen_host(&server.listen).is_none_or(is_loopback_host);
        self.require_all(
            url.is_https() || url.is_loopback() || local || self.production(),
            &[PATH, "server.listen", "server.profile"],
            &format!(
                "is not https, while {} is open to the network",
                server.listen
            ),
            "give the https:// URL of the proxy in front, or listen on 127.0.0.1",
        );
    }

    fn database(&mut self) {
        let url = self.config.database.url.expose_secret();
        let rest = ["sqlite://", "postgres://", "postgresql://"]
            .iter()
            .find_map(|scheme| url.strip_prefix(scheme));
        self.require(
            rest.is_some_and(|rest| !rest.is_empty()),
            "database.url",
            "names no database that Signet knows",
            "write it like sqlite://data/signet.db or postgres://user:password@host/name",
        );
        let some = self.config.database.pool_size >= 1;
        self.require(
            some,
            "database.pool_size",
            "0 is no pool",
            "choose 1 or more",
        );
    }

    fn within(&mut self, path: &str, period: Period, range: std::ops::RangeInclusive<Period>) {
        let remedy = format!("choose {} to {}", range.start(), range.end());
        let wrong = format!("{period} is outside of what is allowed");
        self.require(range.contains(&period), path, &wrong, &remedy);
    }

    fn tokens(&mut self) {
        let tokens = &self.config.tokens;
        let audience = !tokens.audience.trim().is_empty();
        let like = "name the services that accept the tokens, like \"signet\"";
        self.require(audience, "tokens.audience", "is empty", like);
        // A shorter life would be spent on the way, and between clocks that differ a little; a
        // longer one is too long for what cannot be taken back.
        let life = Period::seconds(5)..=Period::minutes(60);
        self.within("tokens.access_ttl", tokens.access_ttl, life);
        self.require(
            ["at+jwt", "JWT"].contains(&tokens.access_typ.as_str()),
            "tokens.access_typ",
            &format!("{:?} is not one of at+jwt, JWT", tokens.access_typ),
            "write at+jwt (RFC 9068), or JWT for verifiers that know nothing else",
        );
        self.positive("tokens.refresh_idle", tokens.refresh_idle);
        self.require_all(
            tokens.refresh_idle <= tokens.refresh_absolute,
            &["tokens.refresh_idle", "tokens.refresh_absolute"],
            &format!(
                "{} is longer than a session lives, {}",
                tokens.refresh_idle, tokens.refresh_absolute
            ),
            "choose refresh_idle no longer than refresh_absolute",
        );
        let leeway = Period::seconds(0)..=Period::minutes(5);
        self.within("tokens.refresh_leeway", tokens.refresh_leeway, leeway);
    }

    fn password(&mut self) {
        let password = &self.config.password;
        let (memory, time) = (password.argon2_memory_kib, password.argon2_time);
        self.require(
            (6..=LONGEST_MINIMUM).contains(&password.min_length),
            "password.min_length",
            &format!("{} is outside of what is allowed", password.min_length),
            &format!("choose 6 to {LONGEST_MINIMUM}"),
        );
        self.require(
            (8..=MOST_MEMORY_KIB).contains(&memory),
            "password.argon2_memory_kib",
            &format!("{memory} is outside of what is allowed"),
            &format!("choose 8 to {MOST_MEMORY_KIB} (KiB)"),
        );
        self.require(
            (1..=16).contains(&time),
            "password.argon2_time",
            &format!("{time} is outside of what is allowed"),
            "choose 1 to 16",
        );
        self.threads("password.pool_threads", password.pool_threads);
        self.require_all(
            !self.production() || !(8..PRODUCTION_MEMORY_KIB).contains(&memory),
            &["password.argon2_memory_kib", "server.profile"],
            &format!("{memory} is too weak for profile production"),
            &format!("choose {PRODUCTION_MEMORY_KIB} or more"),
        );
        self.require_all(
            !self.production() || time != 1 || memory >= ONE_PASS_MEMORY_KIB,
            &[
                "password.argon2_time",
                "password.argon2_memory_kib",
                "server.profile",
            ],
            "1 is too weak for profile production with this memory",
            &format!("choose 2 or more, or argon2_memory_kib = {ONE_PASS_MEMORY_KIB} or more"),
        );
    }
}

/// The host of an address to listen on; `None` if it is none.
fn listen_host(listen: &str) -> Option<&str> {
    let (host, port) = listen.rsplit_once(':')?;
    let named = host == "localhost" && port.parse::<u16>().is_ok();
    (named || listen.parse::<SocketAddr>().is_ok()).then_some(host)
}
