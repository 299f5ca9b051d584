//! Errors as responses: the one place. The body is a problem document (RFC 9457) whose extension
//! members are the ones that existing clients read.

use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use serde_json::{Map, Value};

use crate::error::{Error, Kind, Result};

/// The status by which an error is told.
pub fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Kind::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Kind::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        Kind::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// What an error is about, in a few words that stay the same.
pub fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::Invalid => "The request is not valid",
        Kind::Unauthenticated => "Authentication is needed",
        Kind::Forbidden => "Not allowed",
        Kind::NotFound => "Not found",
        Kind::MethodNotAllowed => "Method not allowed",
        Kind::RequestTimeout => "The request came too slowly",
        Kind::TooLarge => "The request body is too large",
        Kind::UnsupportedMediaType => "Unsupported media type",
        Kind::HeadersTooLarge => "The request headers are too large",
        Kind::TooManyRequests => "Too many requests",
        Kind::Unavailable => "Temporarily unavailable",
        Kind::Internal => "Internal error",
    }
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        status(self.kind())
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(status(self.kind()));
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        if self.kind() == Kind::Unauthenticated {
            response.insert_header((header::WWW_AUTHENTICATE, r#"Bearer realm="api""#));
        }
        if let Some(seconds) = self.retry_after() {
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        response
            .content_type("application/problem+json")
            .body(Value::Object(document(self)).to_string())
    }
}

/// The problem document of an error.
pub fn document(error: &Error) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert(
        "type".into(),
        format!("urn:signet:error:{}", error.code()).into(),
    );
    body.insert("title".into(), title(error.kind()).into());
    body.insert("status".into(), status(error.kind()).as_u16().into());
    body.extend(error.members().clone());
    body
}

/// The answer where no route is.
///
/// # Errors
/// Always that one.
pub async fn not_found() -> Result<HttpResponse> {
    Err(Error::new(Kind::NotFound, "not_found", "Not found."))
}

/// The answer where a route is, and the method is none of `allowed`.
pub fn method_not_allowed(request: &HttpRequest, allowed: &[Method]) -> HttpResponse {
    let method = request.method();
    let detail = format!("Method \"{method}\" not allowed.");
    let error = Error::new(Kind::MethodNotAllowed, "method_not_allowed", detail);
    let mut response = error.error_response();
    let allow: Vec<&str> = allowed.iter().map(Method::as_str).collect();
    if let Ok(value) = header::HeaderValue::from_str(&allow.join(", ")) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    response
}
