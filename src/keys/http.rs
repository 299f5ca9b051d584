//! `GET /.well-known/jwks.json`.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::Keys;

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
