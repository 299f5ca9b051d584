//! The URLs among the settings: pages on the web, and databases.

use std::net::{IpAddr, Ipv6Addr};

use actix_web::http::Uri;

use super::form::MASK;

/// An absolute `http` or `https` URL (RFC 3986) without user name and password.
pub(super) struct WebUrl {
    uri: Uri,
    fragment: bool,
}

impl WebUrl {
    /// Reads it; or says what is wrong with it, without echoing it, since it may hold a password.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        // `Uri` drops fragments
        let (text, fragment) = match text.split_once('#') {
            Some((text, _)) => (text, true),
            None => (text, false),
        };
        let uri: Uri = text.parse().map_err(|_| "is not a URL")?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err("is not a whole URL with http:// or https://");
        }
        let authority = uri.authority().ok_or("names no host")?;
        if authority.as_str().contains('@') {
            return Err("holds a user name or password");
        }
        if !is_host(authority.host()) {
            return Err("names no valid host");
        }
        let port = authority.as_str().get(authority.host().len()..);
        if port != Some("") && authority.port_u16().is_none_or(|port| port == 0) {
            return Err("has no valid port after the host");
        }
        Ok(Self { uri, fragment })
    }

    /// Whether it has a query or a fragment.
    pub(super) fn has_extras(&self) -> bool {
        self.fragment || self.uri.query().is_some()
    }

    pub(super) fn is_https(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    /// Whether the host is this machine.
    pub(super) fn is_loopback(&self) -> bool {
        is_loopback_host(self.uri.host().unwrap_or_default())
    }

    /// Whether it names nothing but an origin, as browsers write it (RFC 6454, section 6.2): no
    /// path, and no port where it is the scheme's own.
    pub(super) fn is_origin(&self) -> bool {
        let usual = if self.is_https() { 443 } else { 80 };
        self.uri.path() == "/" && self.uri.port_u16() != Some(usual)
    }

    /// The path, without a slash at the end.
    pub(super) fn path(&self) -> &str {
        self.uri.path().trim_end_matches('/')
    }

    /// Scheme and host in lower case, and no slash at the end. Of a URL without query and
    /// fragment.
    pub(super) fn without_trailing_slash(&self) -> String {
        let scheme = self.uri.scheme_str().unwrap_or_default();
        let authority = self
            .uri
            .authority()
            .map_or("", |authority| authority.as_str());
        let path = self.uri.path().trim_end_matches('/');
        format!("{scheme}://{}{path}", authority.to_ascii_lowercase())
    }
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[') {
        let address = address.strip_suffix(']').unwrap_or_default();
        return address.parse::<Ipv6Addr>().is_ok();
    }
    let ok = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    host.split('.')
        .all(|label| !label.is_empty() && label.bytes().all(ok))
}

/// Whether `host` (an address, in brackets if IPv6, or a name) is this machine (RFC 6761, 6.3).
pub(super) fn is_loopback_host(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = host.to_ascii_lowercase();
    match bare.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => name == "localhost" || name.ends_with(".localhost"),
    }
}

/// A database's URL with the password masked; where it is not plain what the password is, with
/// everything masked.
pub(super) fn mask_database_url(url: &str) -> String {
    if url.starts_with("sqlite://") {
        return url.to_owned();
    }
    let Some((scheme, rest)) = url.split_once("://") else {
        return MASK.to_owned();
    };
    let (credentials, place) = match rest.split_once('@') {
        Some((credentials, place)) => (Some(credentials), place),
        None => (None, rest),
    };
    // a password whose `@`, `/`, `?` or `#` was not percent-encoded could end anywhere
    if place.contains('@') || credentials.is_some_and(|text| text.contains(['/', '?', '#'])) {
        return format!("{scheme}://{MASK}");
    }
    let credentials = match credentials.map(|text| text.split_once(':').ok_or(text)) {
        Some(Ok((user, _))) => format!("{user}:{MASK}@"),
        Some(Err(user)) => format!("{user}@"),
        None => String::new(),
    };
    format!("{scheme}://{credentials}{}", mask_query(place))
}

/// libpq also takes `?password=…` and the like.
fn mask_query(place: &str) -> String {
    let Some((place, query)) = place.split_once('?') else {
        return place.to_owned();
    };
    let masked = |pair: &str| match pair.split_once('=') {
        Some((key, _)) if key.contains(['%']) || is_secret_key(key) => format!("{key}={MASK}"),
        _ => pair.to_owned(),
    };
    let query: Vec<_> = query.split('&').map(masked).collect();
    format!("{place}?{}", query.join("&"))
}

fn is_secret_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key.contains("password") || key.contains("secret")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_only_the_password_where_that_is_plain() {
        let cases = [
            ("sqlite://data/signet.db", "sqlite://data/signet.db"),
            ("postgres://db/signet", "postgres://db/signet"),
            (
                "postgres://me@db:5432/signet",
                "postgres://me@db:5432/signet",
            ),
            (
                "postgres://me:pw@db/signet",
                "postgres://me:********@db/signet",
            ),
            (
                "postgres://me:pw@db/s?sslmode=disable&password=pw&PASSWORD=pw&sslpassword=pw",
                "postgres://me:********@db/s?sslmode=disable&password=********\
                 &PASSWORD=********&sslpassword=********",
            ),
            (
                "postgres://db/s?pass%77ord=pw",
                "postgres://db/s?pass%77ord=********",
            ),
            ("postgres://me:p@pw@db/s", "postgres://********"),
            ("postgres://me:p/pw@db/s", "postgres://********"),
            ("postgres://me:p?pw@db/s", "postgres://********"),
            ("postgres://db/s?password=p@pw", "postgres://********"),
            ("pw", "********"),
        ];
        for (url, shown) in cases {
            assert_eq!(mask_database_url(url), shown);
            assert!(!shown.contains("pw"));
        }
    }

    #[test]
    fn tells_this_machine_from_others() {
        for host in [
            "localhost",
            "a.LOCALHOST",
            "127.0.0.1",
            "127.9.9.9",
            "[::1]",
            "::1",
        ] {
            assert!(is_loopback_host(host), "{host}");
        }
        for host in [
            "",
            "0.0.0.0",
            "[::]",
            "example.com",
            "localhost.example.com",
            "10.0.0.1",
        ] {
            assert!(!is_loopback_host(host), "{host}");
        }
    }
}
