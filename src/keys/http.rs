//! `GET /.well-known/jwks.json`.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::Keys;
use crate::web::{Answer, Area, Operation};

/// What is told about the JWKS.
pub fn about_jwks() -> Operation {
    const CACHED: (&str, &str) = ("Cache-Control", "How long it may be kept");
    const TAG: (&str, &str) = ("ETag", "For `If-None-Match`");
    let found = super::jwks::answer();
    let kept = Answer::empty(304, "The caller has it already, says `If-None-Match`");
    Operation::new(
        Area::Discovery,
        "getJwks",
        "The public keys that tokens verify with",
    )
    .answers(found.header(CACHED.0, CACHED.1).header(TAG.0, TAG.1))
    .answers(kept.header(CACHED.0, CACHED.1).header(TAG.0, TAG.1))
}

/// The JWKS: bytes made at the last reload, or 304 to who has them already.
pub async fn jwks(request: HttpRequest, keys: web::Data<Keys>) -> HttpResponse {
    let ring = keys.ring();
    let jwks = ring.jwks();
    let known = request.headers().get(header::IF_NONE_MATCH);
    let known = known.is_some_and(|tag| tag.as_bytes() == jwks.etag.as_bytes());
    let mut response = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header((header::ETAG, jwks.etag.as_str()))
        .insert_header((
            header::CACHE_CONTROL,
            format!("public, max-age={}", jwks.max_age),
        ));
    if known {
        return response.finish();
    }
    response
        .content_type("application/json")
        .body(jwks.body.clone())
}
