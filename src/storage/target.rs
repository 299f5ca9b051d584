//! Which database a URL means. An unknown scheme is an error: left to guess, SQLite would make a
//! file of any misspelt URL.

use std::net::IpAddr;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::refused;
use crate::error::Result;

/// A database, by scheme.
#[derive(Debug)]
pub enum Target {
    /// `sqlite://relative/path` or `sqlite:///absolute/path`.
    Sqlite(PathBuf),
    /// `postgres://…` or `postgresql://…`, as libpq takes it.
    Postgresql(SecretString),
}

impl Target {
    /// Reads a URL.
    ///
    /// # Errors
    /// Unknown scheme, no path, or a PostgreSQL server reached over a network without protection.
    pub fn parse(url: &SecretString) -> Result<Self> {
        let text = url.expose_secret();
        if let Some(path) = text.strip_prefix("sqlite://") {
            // SQLite itself takes `file:` for a URI and `:memory:` for no file at all.
            let is_special = path.starts_with("file:") || path.starts_with(':');
            if path.is_empty() || path.contains(['?', '\0']) || is_special {
                return Err(refused("[database] url: write sqlite://path/to/file.db"));
            }
            return Ok(Self::Sqlite(path.into()));
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgresql(impatient(protected(text)?)));
        }
        let scheme = text.split(':').next().unwrap_or_default();
        Err(refused(format!(
            "[database] url: unknown scheme `{scheme}:`; write sqlite://path/to/file.db or \
             postgres://user:password@host/name"
        )))
    }
}

/// A server that has gone silent must be noticed. What the URL itself says stands.
const LIMITS: [(&str, &str); 5] = [
    ("connect_timeout", "2"),
    ("tcp_user_timeout", "3000"),
    ("keepalives_idle", "10"),
    ("keepalives_interval", "3"),
    ("keepalives_count", "3"),
];

fn impatient(url: SecretString) -> SecretString {
    let mut text = url.expose_secret().to_owned();
    for (name, value) in LIMITS {
        if !text.contains(&format!("{name}=")) {
            let mark = if text.contains('?') { '&' } else { '?' };
            text.extend([mark.to_string().as_str(), name, "=", value]);
        }
    }
    text.into()
}

/// Makes sure that a connection that leaves this machine is encrypted and its server verified.
fn protected(text: &str) -> Result<SecretString> {
    let mut url = Url::parse(text)
        .map_err(|error| refused(format!("[database] url is not a URL: {error}")))?;
    let option = |name: &str| {
        url.query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    let sslmode = option("sslmode");
    if is_local(&url, option("host")) || sslmode.as_deref() == Some("disable") {
        return Ok(text.to_owned().into());
    }
    if !cfg!(feature = "postgres-tls") {
        return Err(refused(
            "[database] url: this build has no TLS, and the PostgreSQL server is not on this \
             machine. Build with `--features postgres-tls`, or write sslmode=disable into the URL \
             if the network itself is trusted",
        ));
    }
    match sslmode.as_deref() {
        Some("verify-full" | "verify-ca" | "require") => {}
        Some(weak) => {
            return Err(refused(format!(
                "[database] url: sslmode={weak} does not protect the connection; write \
                 sslmode=verify-full (or sslmode=disable if the network itself is trusted)"
            )));
        }
        None => {
            url.query_pairs_mut().append_pair("sslmode", "verify-full");
        }
    }
    let has_root = url.query_pairs().any(|(key, _)| key == "sslrootcert");
    // The vendored OpenSSL looks for authorities where no system keeps them.
    if !has_root && let Some(bundle) = SYSTEM_AUTHORITIES.iter().find(|file| file_exists(file)) {
        url.query_pairs_mut().append_pair("sslrootcert", bundle);
    }
    Ok(String::from(url).into())
}

const SYSTEM_AUTHORITIES: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

fn file_exists(path: &str) -> bool {
    std::path::Path::new(path).exists()
}

/// libpq: a `host` option overrides the authority; a path, or none at all, is a local socket.
fn is_local(url: &Url, host_option: Option<String>) -> bool {
    let host = host_option
        .or_else(|| url.host_str().map(str::to_owned))
        .unwrap_or_default();
    let host = host.replace("%2F", "/").replace("%2f", "/");
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host.is_empty()
        || host.starts_with('/')
        || host == "localhost"
        || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Target> {
        Target::parse(&text.into())
    }

    #[test]
    fn the_scheme_decides() {
        assert!(
            matches!(parse("sqlite://data/x.db"), Ok(Target::Sqlite(path)) if path.ends_with("data/x.db"))
        );
        assert!(
            matches!(parse("sqlite:///tmp/x.db"), Ok(Target::Sqlite(path)) if path.is_absolute())
        );
        for url in [
            "postgres://u:p@127.0.0.1/x",
            "postgresql://u@localhost:5433/x",
            "postgres://u@[::1]/x",
            "postgres://u@%2Fvar%2Frun%2Fpostgresql/x",
            "postgres:///x?host=/var/run/postgresql",
            "postgres://db.example.com/x?sslmode=disable",
        ] {
            assert!(matches!(parse(url), Ok(Target::Postgresql(_))), "{url}");
        }
    }

    #[test]
    fn limits_are_added_unless_the_url_has_its_own() {
        let limited = |url| match parse(url) {
            Ok(Target::Postgresql(url)) => url.expose_secret().to_owned(),
            other => panic!("{other:?}"),
        };
        let url = limited("postgres://localhost/x");
        assert!(url.starts_with("postgres://localhost/x?connect_timeout=2&tcp_user_timeout="));
        let url = limited("postgres://localhost/x?connect_timeout=9");
        assert!(url.contains("?connect_timeout=9&tcp") && !url.contains("connect_timeout=2"));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for url in [
            "postgers://h/x",
            "mysql://h/x",
            "data.db",
            "",
            "sqlite://",
            "sqlite:x.db",
            "sqlite://file:x.db",
            "sqlite://:memory:",
        ] {
            assert!(parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_network_server_needs_protection() {
        let answer = parse("postgres://u:secret@db.example.com/x");
        if cfg!(feature = "postgres-tls") {
            let Ok(Target::Postgresql(url)) = answer else {
                panic!("refused")
            };
            assert!(url.expose_secret().contains("sslmode=verify-full"));
        } else {
            let text = answer.unwrap_err().to_string();
            assert!(
                text.contains("postgres-tls") && !text.contains("secret"),
                "{text}"
            );
        }
        assert!(parse("postgres://db.example.com/x?sslmode=prefer").is_err());
        assert!(parse("postgres://localhost/x?host=db.example.com&sslmode=allow").is_err());
    }
}
