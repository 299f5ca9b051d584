//! A page as a response: its style, its content security policy, its type.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::http::{StatusCode, header};
use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::notice::Notice;
use crate::crypto;
use crate::error::Error;
use crate::web;

/// Every page has it inside.
pub(super) const STYLE: &str = include_str!("style.css");

/// Nothing may be loaded and nothing may run; the one style sheet is known by its hash.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = STANDARD.encode(crypto::sha256(STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    )
});

/// A page, with `status`.
pub(super) fn answer(status: StatusCode, page: &impl Template) -> HttpResponse {
    match page.render() {
        Ok(html) => dress(HttpResponse::new(status), html),
        Err(error) => HttpResponse::from_error(Error::internal(error)),
    }
}

/// An error that is not about the link or the form, as a page. Status and `Retry-After` are those
/// of the error, which stays attached for the log.
pub(super) fn failure(service: &str, error: Error) -> HttpResponse {
    let page = Notice::of_failure(service, error.kind()).render();
    let response = HttpResponse::from_error(error);
    match page {
        Ok(html) => dress(response, html),
        Err(_) => response,
    }
}

/// Where the pages are, as browsers see it: the path of the public URL, which a proxy in front may
/// have taken off, and the prefix.
pub(super) struct Base(String);

impl Base {
    pub(super) fn new(public_url: &str, prefix: &str) -> Self {
        Self(format!("{}{prefix}", web::path_of(public_url)))
    }
}

/// 303, so that what follows the form is a GET and reloading repeats nothing. It keeps the scheme
/// and the host by which the browser came.
pub(super) fn see_other(Base(base): &Base, path: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, format!("{base}{path}")))
        .finish()
}

fn dress(response: HttpResponse, html: String) -> HttpResponse {
    let mut response = response.set_body(BoxBody::new(html));
    let headers = response.headers_mut();
    let html = header::HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, html);
    if let Ok(policy) = header::HeaderValue::from_str(&POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}
