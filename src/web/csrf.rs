//! Requests that another site's page makes a browser send (CSRF), told from the app's own.
//!
//! In cookie mode alone: a token in a body or an `Authorization` header is never sent by a browser
//! of itself. What changes something must come from our own origin or a listed one, by what the
//! browser says of itself: Fetch Metadata, else `Origin`, else `Referer`. Logging in, registering,
//! refreshing and logging out are no exceptions: who is logged in unnoticed under a stranger's
//! account is robbed, too. On top of it the double-submitted token of Django, where it is asked for.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::http::{Method, Uri};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, web};
use futures_util::stream;

use super::{Edge, TokenCookies, input};
use crate::config::CsrfToken;
use crate::crypto;
use crate::error::{Error, Kind, Result};

/// The header that repeats the token of the cookie.
pub const HEADER: HeaderName = HeaderName::from_static("x-csrftoken");
/// The form field that may repeat it instead.
const FIELD: &str = "csrfmiddlewaretoken";
/// `Sec-Fetch-Site` (Fetch Metadata Request Headers, section 2.3).
const FETCH_SITE: &str = "sec-fetch-site";

/// Whose requests are let through.
#[derive(Clone, Debug)]
pub struct Csrf {
    /// Our own origin and the listed ones.
    pub(super) origins: Vec<String>,
    /// When the double-submitted token is asked for.
    pub(super) token: CsrfToken,
}

/// Characters of a token: 190 bits.
const TOKEN_LENGTH: usize = 32;

/// A new token for the CSRF cookie.
pub fn token() -> String {
    crypto::random_base62(TOKEN_LENGTH)
}

/// Whether a token looks like one of ours.
pub fn is_token(text: &str) -> bool {
    text.len() == TOKEN_LENGTH && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Lets through what may change something.
///
/// # Errors
/// Whatever the inner service leaves as one.
pub(super) async fn protect<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    if let Err(error) = check(&mut request).await {
        return Ok(request.error_response(error).map_into_right_body());
    }
    next.call(request)
        .await
        .map(ServiceResponse::map_into_left_body)
}

async fn check(request: &mut ServiceRequest) -> Result<()> {
    let Some(edge) = request.app_data::<web::Data<Edge>>().cloned() else {
        return Ok(());
    };
    let (Some(csrf), Some(cookies)) = (&edge.csrf, &edge.cookies) else {
        return Ok(());
    };
    let is_safe = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    // A browser adds no `Authorization` by itself, and then no cookie speaks for the caller.
    if is_safe || request.headers().contains_key(header::AUTHORIZATION) {
        return Ok(());
    }
    csrf.check_origin(request.headers())?;
    let asks = match csrf.token {
        CsrfToken::Off => false,
        CsrfToken::Authenticated => cookies.access(request.request()).is_some(),
        CsrfToken::Always => true,
    };
    if asks {
        check_token(request, cookies).await?;
    }
    Ok(())
}

impl Csrf {
    fn check_origin(&self, headers: &HeaderMap) -> Result<()> {
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        // What the browser vouches for: nobody but the app itself, or the person at the address bar.
        if let Some("same-origin" | "none") = text(FETCH_SITE) {
            return Ok(());
        }
        if let Some(origin) = text("origin") {
            return self.check_listed(origin, "Origin");
        }
        let Some(referer) = text("referer") else {
            return Err(refused("Referer checking failed - no Referer."));
        };
        let origin = referer.parse().ok().and_then(|uri: Uri| origin(&uri));
        self.check_listed(origin.as_deref().unwrap_or(referer), "Referer")
    }

    fn check_listed(&self, origin: &str, what: &str) -> Result<()> {
        if self.origins.iter().any(|listed| listed == origin) {
            return Ok(());
        }
        // What is repeated was chosen by who sent it: cut, and shown as JSON only.
        let shown: String = origin.chars().take(100).collect();
        Err(refused(&format!(
            "{what} checking failed - {shown} does not match any trusted origins."
        )))
    }
}

/// Scheme, host and port as browsers write them (RFC 6454, section 6.2).
pub(super) fn origin(uri: &Uri) -> Option<String> {
    let (scheme, host) = (uri.scheme_str()?, uri.host()?.to_ascii_lowercase());
    match (scheme, uri.port_u16()) {
        ("https", Some(443)) | ("http", Some(80)) | (_, None) => Some(format!("{scheme}://{host}")),
        (_, Some(port)) => Some(format!("{scheme}://{host}:{port}")),
    }
}

/// The token of the cookie must come a second time, by a way that only pages of ours have.
async fn check_token(request: &mut ServiceRequest, cookies: &TokenCookies) -> Result<()> {
    let Some(expected) = cookies.csrf(request.request()) else {
        return Err(refused("CSRF cookie not set."));
    };
    let repeated = request.headers().get(HEADER).cloned();
    if let Some(value) = repeated {
        let wrong = "CSRF token from the 'X-Csrftoken' HTTP header incorrect.";
        return same(&expected, value.as_bytes(), wrong);
    }
    match form_token(request).await? {
        Some(value) => same(
            &expected,
            value.as_bytes(),
            "CSRF token from POST incorrect.",
        ),
        None => Err(refused("CSRF token missing.")),
    }
}

fn same(expected: &str, value: &[u8], wrong: &str) -> Result<()> {
    if crypto::constant_time_eq(expected.as_bytes(), value) {
        Ok(())
    } else {
        Err(refused(wrong))
    }
}

/// The token in a form. The body is read for it, and given back for the handler to read.
async fn form_token(request: &mut ServiceRequest) -> Result<Option<String>> {
    let media_type = input::media_type(request.request())?;
    let is_form = media_type.as_ref().is_some_and(|media_type| {
        media_type.subtype() == mime::WWW_FORM_URLENCODED || media_type.type_() == mime::MULTIPART
    });
    if !is_form {
        return Ok(None);
    }
    let payload = request.take_payload();
    let body = input::read(request.request(), payload).await?;
    let again = stream::iter([Ok(body.clone())]);
    request.set_payload(Payload::Stream {
        payload: Box::pin(again),
    });
    let form = input::parse(media_type.as_ref(), body).await?;
    let value = form.get(FIELD).and_then(serde_json::Value::as_str);
    Ok(value.map(str::to_owned))
}

fn refused(why: &str) -> Error {
    Error::new(
        Kind::Forbidden,
        "csrf_failed",
        format!("CSRF Failed: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn is_let_through(headers: &[(&str, &str)]) -> bool {
        let csrf = Csrf {
            origins: vec![
                "https://login.example.com".into(),
                "https://app.example.com".into(),
            ],
            token: CsrfToken::Off,
        };
        let headers = headers.iter().map(|(name, value)| {
            let name: HeaderName = name.parse().unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        });
        csrf.check_origin(&headers.collect()).is_ok()
    }

    /// Security line 53: what a browser may say of a request, and what comes of it.
    #[test]
    fn only_our_own_origin_and_listed_ones_may_change_something() {
        let site = |value| ("sec-fetch-site", value);
        let origin = |value| ("origin", value);
        let referer = |value| ("referer", value);
        let ours = "https://login.example.com";
        let listed = "https://app.example.com";
        let table: [(&[_], bool); 20] = [
            (&[site("same-origin")], true),
            (&[site("same-origin"), origin(ours)], true),
            (&[site("none")], true),
            (&[site("same-site")], false),
            (&[site("same-site"), origin(listed)], true),
            (
                &[site("same-site"), origin("https://blog.example.com")],
                false,
            ),
            (&[site("cross-site")], false),
            (&[site("cross-site"), origin(listed)], true),
            (&[site("cross-site"), origin("https://evil.example")], false),
            (&[site("cross-site"), origin("null")], false),
            (
                &[site("cross-site"), referer("https://evil.example/")],
                false,
            ),
            (&[origin(ours)], true),
            (&[origin(listed)], true),
            (&[origin("null")], false),
            (&[origin("https://login.example.com.evil.example")], false),
            (&[origin("http://login.example.com")], false),
            (
                &[
                    origin("https://evil.example"),
                    referer("https://login.example.com/"),
                ],
                false,
            ),
            (&[referer("https://login.example.com/a?b#c")], true),
            (
                &[referer("https://evil.example/https://login.example.com/")],
                false,
            ),
            (&[], false),
        ];
        for (headers, expected) in table {
            assert_eq!(is_let_through(headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for (uri, expected) in [
            (
                "https://Login.example.com:443/a",
                "https://login.example.com",
            ),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[::1]:80/", "http://[::1]"),
        ] {
            assert_eq!(origin(&uri.parse().unwrap()).as_deref(), Some(expected));
        }
        assert_eq!(origin(&"/a".parse().unwrap()), None);
    }
}
