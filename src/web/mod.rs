//! # web
//!
//! What every route shares: the facts of a request, the body as fields, errors as responses (the
//! one place), the middleware, and the words in which a route is described where it is mounted.
//!
//! Standards: HTTP semantics (RFC 9110), problem details (RFC 9457), cookies (RFC 6265bis), CORS
//! and Fetch Metadata (the Fetch standard).
//! Settings: `[server] public_url, trusted_proxies, request_timeout`, `[cookies]`, `[cors]`. No
//! routes, no tables.
//! It does not know any use case.

mod address;
mod answer;
pub mod around;
mod contain;
mod cookies;
pub mod csrf;
pub mod facts;
mod fields;
mod headers;
mod input;
mod json;
mod limit;
mod observe;
mod operation;
mod problem;
pub mod route;
pub mod slash;
mod traffic;

pub use answer::{Answer, Described};
pub use cookies::{DeadCookie, TokenCookies};
pub use facts::Facts;
pub use fields::{Field, Fields};
pub use input::Input;
pub use operation::{Area, Caller, Operation, Parameter};
pub use problem::{document, method_not_allowed, not_found, status, title};
pub use traffic::Traffic;

use actix_web::HttpResponse;
use actix_web::http::Uri;
use serde::Serialize;
use utoipa::ToSchema;

use crate::config::Config;
use csrf::Csrf;

/// A request's body at most, in bytes.
pub const BODY_LIMIT: usize = 64 * 1024;

/// A request's header section at most, in bytes.
pub const HEADER_LIMIT: usize = 16 * 1024;

/// What the middleware and the extractors need to know.
#[derive(Clone, Debug)]
pub struct Edge {
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// A body must have come within this time.
    pub body_timeout: std::time::Duration,
    /// Whether callers reach us over TLS.
    pub is_https: bool,
    /// Origins whose pages may call the API.
    pub cors_origins: Vec<String>,
    /// Tokens go into these, if into any.
    pub cookies: Option<TokenCookies>,
    /// Whose requests may change something where cookies speak for the caller.
    csrf: Option<Csrf>,
}

impl From<&Config> for Edge {
    fn from(config: &Config) -> Self {
        let server = &config.server;
        let own = server.public_url.parse().ok();
        let own = own.and_then(|url| csrf::origin(&url));
        Self {
            trusted_proxies: server.trusted_proxies.clone(),
            body_timeout: std::time::Duration::from_secs(server.request_timeout.as_secs().into()),
            is_https: server.public_url.starts_with("https://"),
            cors_origins: config.cors.origins.clone(),
            cookies: TokenCookies::new(&config.cookies),
            csrf: config.cookies.enabled.then(|| Csrf {
                origins: own.into_iter().chain(config.cors.origins.clone()).collect(),
                token: config.cookies.csrf_token,
            }),
        }
    }
}

/// The path of a public URL, which a proxy in front may have taken off: without a slash at its end,
/// empty if there is none.
pub fn path_of(public_url: &str) -> String {
    let url: Option<Uri> = public_url.parse().ok();
    let path = url.as_ref().map_or("", Uri::path);
    path.trim_end_matches('/').to_owned()
}

/// `200` with a JSON body.
pub fn ok(body: impl Serialize) -> HttpResponse {
    HttpResponse::Ok().json(body)
}

/// A sentence, where there is nothing else to say.
#[derive(Serialize, ToSchema)]
pub struct Detail<'a> {
    /// For people to read.
    pub detail: &'a str,
}

/// `200 {"detail": "…"}`.
pub fn detail(text: &str) -> HttpResponse {
    ok(Detail { detail: text })
}
