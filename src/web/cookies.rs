//! The cookies that carry tokens: how they are named, dressed, read and taken away again.
//!
//! Standard: RFC 6265bis. Scripts cannot read them (`HttpOnly`), and with the prefix `__Host-` no
//! other host can plant one.

use actix_web::body::MessageBody;
use actix_web::cookie::time::{Duration, OffsetDateTime};
use actix_web::cookie::{self, Cookie};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};

use super::Edge;
use crate::clock::Time;
use crate::config;

/// The CSRF cookie is no secret of a session: it may outlive it.
const CSRF_LIFE: Duration = Duration::days(365);

/// Left in a request's extensions: its access cookie is dead, and the answer takes it away.
#[derive(Clone, Copy, Debug)]
pub struct DeadCookie;

/// Takes a dead access cookie away.
pub(super) async fn clear_dead<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let mut response = next.call(request).await?;
    let is_dead = response.request().extensions().contains::<DeadCookie>();
    let edge = response.request().app_data::<web::Data<Edge>>().cloned();
    if let Some(cookies) = edge.as_ref().and_then(|edge| edge.cookies.as_ref())
        && is_dead
    {
        cookies.clear_access(response.response_mut());
    }
    Ok(response)
}

/// The settings of `[cookies]`, in force.
#[derive(Clone, Debug)]
pub struct TokenCookies(config::Cookies);

impl TokenCookies {
    /// None, unless tokens are to go into cookies.
    pub fn new(settings: &config::Cookies) -> Option<Self> {
        settings.enabled.then(|| Self(settings.clone()))
    }

    /// Whether scripts cannot read them.
    pub fn is_http_only(&self) -> bool {
        self.0.http_only
    }

    /// The access token that the browser sent.
    pub fn access(&self, request: &HttpRequest) -> Option<String> {
        read(request, &self.0.access)
    }

    /// The refresh token that the browser sent.
    pub fn refresh(&self, request: &HttpRequest) -> Option<String> {
        read(request, &self.0.refresh)
    }

    /// The token of the CSRF cookie that the browser sent.
    pub fn csrf(&self, request: &HttpRequest) -> Option<String> {
        read(request, &self.0.csrf)
    }

    /// Gives the browser an access token until it expires.
    pub fn set_access<B>(&self, response: &mut HttpResponse<B>, token: &str, end: Time, now: Time) {
        let cookie = self.dress(&self.0.access, token, "/");
        put(response, lasting(cookie, end, now));
    }

    /// Gives the browser a refresh token until it expires.
    pub fn set_refresh<B>(
        &self,
        response: &mut HttpResponse<B>,
        token: &str,
        end: Time,
        now: Time,
    ) {
        if self.0.refresh.is_empty() {
            return;
        }
        let cookie = self.dress(&self.0.refresh, token, &self.0.refresh_path);
        put(response, lasting(cookie, end, now));
    }

    /// Gives the browser the token that requests then have to repeat. Scripts must read this one.
    pub fn set_csrf<B>(&self, response: &mut HttpResponse<B>, token: &str) {
        let mut cookie = self.dress(&self.0.csrf, token, "/");
        cookie.set_http_only(false);
        cookie.set_max_age(CSRF_LIFE);
        put(response, cookie);
    }

    /// Takes both tokens away.
    pub fn clear<B>(&self, response: &mut HttpResponse<B>) {
        self.clear_access(response);
        if !self.0.refresh.is_empty() {
            let gone = self.dress(&self.0.refresh, "", &self.0.refresh_path);
            put(response, expired(gone));
        }
    }

    /// Takes the access token away, unless this very answer brings one.
    pub fn clear_access<B>(&self, response: &mut HttpResponse<B>) {
        let brings = |cookie: Cookie<'_>| cookie.name() == self.0.access;
        if !response.cookies().any(brings) {
            put(response, expired(self.dress(&self.0.access, "", "/")));
        }
    }

    fn dress<'a>(&self, name: &'a str, value: &'a str, path: &'a str) -> Cookie<'a> {
        let mut cookie = Cookie::build(name, value)
            .path(path)
            .secure(self.0.secure)
            .http_only(self.0.http_only)
            .same_site(match self.0.same_site {
                config::SameSite::Strict => cookie::SameSite::Strict,
                config::SameSite::Lax => cookie::SameSite::Lax,
                config::SameSite::None => cookie::SameSite::None,
            })
            .finish();
        if !self.0.domain.is_empty() {
            cookie.set_domain(self.0.domain.clone());
        }
        cookie
    }
}

/// The value of the cookie of exactly this name. What others may do to a name or a value is not
/// undone: a browser holds `__Host-` to its promise as it is written, not as it may be decoded. Of
/// two that differ, one was planted, and nobody knows which.
fn read(request: &HttpRequest, name: &str) -> Option<String> {
    let headers = request.headers().get_all(header::COOKIE);
    let pairs = headers.flat_map(|header| header.as_bytes().split(|byte| *byte == b';'));
    let mut found: Option<&[u8]> = None;
    for pair in pairs {
        let pair = pair.trim_ascii();
        let Some(value) = pair.strip_prefix(name.as_bytes()) else {
            continue;
        };
        let Some(value) = value.strip_prefix(b"=") else {
            continue;
        };
        if found.is_some_and(|other| other != value) {
            return None;
        }
        found = Some(value);
    }
    let value = std::str::from_utf8(found?).ok()?;
    Some(value.to_owned()).filter(|value| !value.is_empty())
}

/// Old browsers know `Expires` only; where both are there, `Max-Age` counts.
fn lasting(mut cookie: Cookie<'_>, end: Time, now: Time) -> Cookie<'_> {
    cookie.set_max_age(Duration::seconds((end - now).num_seconds().max(0)));
    cookie.set_expires(OffsetDateTime::from_unix_timestamp(end.timestamp()).ok());
    cookie
}

fn expired(mut cookie: Cookie<'_>) -> Cookie<'_> {
    cookie.set_max_age(Duration::ZERO);
    cookie.set_expires(OffsetDateTime::UNIX_EPOCH);
    cookie
}

fn put<B>(response: &mut HttpResponse<B>, cookie: Cookie<'_>) {
    // Fails only for a value that is no header value; our names and tokens are ASCII.
    if let Err(error) = response.add_cookie(&cookie) {
        log::error!("a cookie could not be set: {error}");
    }
}
