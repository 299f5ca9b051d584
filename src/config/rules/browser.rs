//! `[cookies]`, `[cors]` and `[compat]`.

use super::account::{TAKEN, is_prefix};
use super::{Rules, WebUrl};
use crate::config::SameSite;

/// Whether what is under `path` holds `other`, as cookies have it (RFC 6265bis, section 5.1.4).
fn covers(path: &str, other: &str) -> bool {
    let path = path.trim_end_matches('/');
    let rest = other.strip_prefix(path);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// These prefixes of cookie names are promises that browsers enforce (RFC 6265bis, section 4.1.3).
const HOST: &str = "__Host-";
const SECURE: &str = "__Secure-";

impl Rules<'_> {
    pub(super) fn cookies(&mut self) {
        let cookies = &self.config.cookies;
        self.cookie_name("cookies.access", &cookies.access);
        self.cookie_name("cookies.csrf", &cookies.csrf);
        if cookies.refresh.is_empty() {
            self.require_all(
                self.config.compat.strict || !cookies.enabled,
                &["cookies.refresh", "compat.strict"],
                "is empty: no app could refresh, since the token is not in the body either",
                "name it, like __Host-signet-refresh",
            );
        } else {
            self.cookie_name("cookies.refresh", &cookies.refresh);
        }
        let names = [&cookies.access, &cookies.refresh, &cookies.csrf];
        let distinct = names[0] != names[1] && names[1] != names[2] && names[0] != names[2];
        self.require_all(
            distinct,
            &["cookies.access", "cookies.refresh", "cookies.csrf"],
            "is the name of another cookie, too",
            "give each cookie a name of its own",
        );
        self.require(
            is_path(&cookies.refresh_path),
            "cookies.refresh_path",
            &format!("{:?} is not a path", cookies.refresh_path),
            "write it like / or /auth",
        );
        let url = WebUrl::parse(&self.config.server.public_url).ok();
        let base = url.map(|url| url.path().to_owned()).unwrap_or_default();
        let routes = format!("{base}{}", self.config.account.prefix);
        let prefix = &self.config.account.prefix;
        let sound = is_path(&cookies.refresh_path) && is_prefix(prefix);
        self.require_all(
            !sound || covers(&cookies.refresh_path, &routes),
            &["cookies.refresh_path", "account.prefix", "server.public_url"],
            &format!(
                "{} does not cover {routes}/logout/ and {routes}/token/refresh/, where the token is needed",
                cookies.refresh_path
            ),
            "write / or the path under which the routes are",
        );
        self.require(
            cookies.domain.is_empty() || is_domain(&cookies.domain),
            "cookies.domain",
            &format!("{:?} is not a domain", cookies.domain),
            "write it like example.com, or leave it empty",
        );
        self.cookie_promises();
    }

    /// What a name's prefix promises must be so, or browsers drop the cookie without a word.
    fn cookie_promises(&mut self) {
        let cookies = &self.config.cookies;
        for (path, name) in [
            ("cookies.access", &cookies.access),
            ("cookies.refresh", &cookies.refresh),
            ("cookies.csrf", &cookies.csrf),
        ] {
            // Browsers mind no case here.
            let is = |prefix: &str| {
                name.to_ascii_lowercase()
                    .starts_with(&prefix.to_ascii_lowercase())
            };
            let is_host = is(HOST);
            self.require_all(
                cookies.secure || !(is_host || is(SECURE)),
                &["cookies.secure", path],
                &format!("is false, but browsers take {name} only with it"),
                "leave secure on, or choose a name without this prefix",
            );
            self.require_all(
                cookies.domain.is_empty() || !is_host,
                &["cookies.domain", path],
                &format!("is given, but browsers take {name} only without it"),
                "leave domain empty, or choose names without the prefix __Host-",
            );
        }
        self.require_all(
            cookies.refresh_path == "/" || !cookies.refresh.starts_with(HOST),
            &["cookies.refresh_path", "cookies.refresh"],
            &format!(
                "is not /, but browsers take {} only with that",
                cookies.refresh
            ),
            "write /, or choose a name without the prefix __Host-",
        );
        self.require_all(
            cookies.secure || cookies.same_site != SameSite::None,
            &["cookies.secure", "cookies.same_site"],
            "is false, but browsers take same_site = \"None\" only with it",
            "leave secure on",
        );
        for (on, path) in [
            (cookies.secure, "cookies.secure"),
            (cookies.http_only, "cookies.http_only"),
        ] {
            self.require_all(
                on || !cookies.enabled || !self.production(),
                &[path, "server.profile"],
                "is false, in profile production",
                "leave it on",
            );
        }
    }

    fn cookie_name(&mut self, path: &str, name: &str) {
        // RFC 9110, section 5.6.2: a token
        let is_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        self.require(
            !name.is_empty() && name.bytes().all(is_token),
            path,
            &format!("{name:?} is not a name for a cookie"),
            "use letters, digits, - and _",
        );
    }

    pub(super) fn cors(&mut self) {
        const PATH: &str = "cors.origins";
        const LIKE: &str = "write it like https://app.example.com";
        for origin in &self.config.cors.origins {
            let url = match WebUrl::parse(origin) {
                Ok(url) => url,
                Err(wrong) => {
                    self.require(false, PATH, &format!("{origin:?} {wrong}"), LIKE);
                    continue;
                }
            };
            self.require(
                !url.has_extras() && url.without_trailing_slash() == *origin && url.is_origin(),
                PATH,
                &format!("{origin:?} is not an origin as browsers write it"),
                "scheme and host in lower case, a port unless it is the usual one, no path, like https://app.example.com",
            );
            self.require_all(
                url.is_https() || url.is_loopback() || !self.production(),
                &[PATH, "server.profile"],
                &format!("{origin:?} is not https, in profile production"),
                LIKE,
            );
        }
    }

    pub(super) fn compat(&mut self) {
        const PATH: &str = "compat.simplejwt_prefix";
        let prefix = &self.config.compat.simplejwt_prefix;
        self.require(
            is_prefix(prefix),
            PATH,
            &format!("{prefix:?} is not a path to mount routes under"),
            "write it like /api/token, or leave it empty",
        );
        let account = &self.config.account.prefix;
        let first = prefix.split('/').nth(1).unwrap_or_default();
        self.require_all(
            prefix.is_empty() || !(covers(account, prefix) || TAKEN.contains(&first)),
            &[PATH, "account.prefix"],
            &format!("{prefix} is where other routes are"),
            "choose another one, like /api/token",
        );
    }
}

fn is_path(path: &str) -> bool {
    let ok = |byte: u8| byte.is_ascii_graphic() && !b";,\"\\".contains(&byte);
    path.starts_with('/') && path.bytes().all(ok)
}

fn is_domain(domain: &str) -> bool {
    let ok = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    // A single label is everybody's, like com, and browsers refuse it.
    let is_own = domain.contains('.') || domain == "localhost";
    is_own
        && domain
            .split('.')
            .all(|label| !label.is_empty() && label.bytes().all(ok))
}
