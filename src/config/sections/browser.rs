//! What concerns browsers: cookies, other origins, and the habits of existing clients.

/// `SameSite` of a cookie (RFC 6265bis, section 5.6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SameSite {
    /// Sent by pages of the same site only.
    Strict,
    /// Also sent when a link from elsewhere is followed.
    #[default]
    Lax,
    /// Sent by pages of any site.
    None,
}

/// When a request must also repeat the token in the CSRF cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum CsrfToken {
    /// Never: the origin of a request is checked in any case.
    #[default]
    Off,
    /// When the access cookie speaks for the caller.
    Authenticated,
    /// On every request that changes something, login and registration included.
    Always,
}

/// `[cookies]`: tokens in cookies that scripts cannot read.
#[derive(Clone, Debug)]
pub struct Cookies {
    /// Tokens go into cookies, and no longer into bodies.
    pub enabled: bool,
    /// Name of the cookie with the access token.
    pub access: String,
    /// Name of the cookie with the refresh token; empty (`compat.strict` only): there is none.
    pub refresh: String,
    /// `Path` of the refresh cookie; the access cookie's is `/`.
    pub refresh_path: String,
    /// `Domain`; empty: this host alone.
    pub domain: String,
    /// Sent over TLS only (and to this machine).
    pub secure: bool,
    /// Out of reach of scripts.
    pub http_only: bool,
    /// `SameSite`.
    pub same_site: SameSite,
    /// Whether the double-submitted token is asked for, too.
    pub csrf_token: CsrfToken,
    /// Name of the cookie with that token.
    pub csrf: String,
}

impl Default for Cookies {
    fn default() -> Self {
        Self {
            enabled: false,
            access: "__Host-signet-access".into(),
            refresh: "__Host-signet-refresh".into(),
            refresh_path: "/".into(),
            domain: String::new(),
            secure: true,
            http_only: true,
            same_site: SameSite::Lax,
            csrf_token: CsrfToken::Off,
            csrf: "csrftoken".into(),
        }
    }
}

/// `[cors]`: pages of other origins that may call the API.
#[derive(Clone, Debug, Default)]
pub struct Cors {
    /// Exact origins (RFC 6454): scheme, host, port.
    pub origins: Vec<String>,
}

/// Names of the members that carry tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum FieldNames {
    /// `access`, `refresh`.
    #[default]
    Current,
    /// `access_token`, `refresh_token`: for clients of dj-rest-auth before 4.0.0.
    Legacy,
}

/// `[compat]`: the habits of existing clients.
#[derive(Clone, Debug, Default)]
pub struct Compat {
    /// Do as dj-rest-auth does also where that is less safe.
    pub strict: bool,
    /// Names of the members that carry tokens.
    pub field_names: FieldNames,
    /// A login also says when its tokens expire.
    pub return_expiration: bool,
    /// Where simplejwt's own routes are mounted, without a trailing slash; empty: nowhere.
    pub simplejwt_prefix: String,
}
