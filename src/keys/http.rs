//! `GET /.well-known/jwks.json`.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use serde::Deserialize;

use super::Keys;
use crate::crypto::Algorithm;
use crate::error::{Error, Result};
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
    .query(
        "alg",
        "Only the keys of this algorithm: ES256, EdDSA, ES384, RS256 or PS256",
        "ES256",
    )
    .answers(found.header(CACHED.0, CACHED.1).header(TAG.0, TAG.1))
    .answers(kept.header(CACHED.0, CACHED.1).header(TAG.0, TAG.1))
}

/// Which part of the JWKS.
#[derive(Deserialize)]
pub struct View {
    alg: Option<String>,
}

/// The JWKS: bytes made at the last reload, or 304 to who has them already.
pub async fn jwks(
    request: HttpRequest,
    keys: web::Data<Keys>,
    view: web::Query<View>,
) -> Result<HttpResponse> {
    let algorithm = match &view.alg {
        Some(name) => Some(name.parse().map_err(|_| unknown())?),
        None => None,
    };
    let ring = keys.fresh_ring().await;
    // There is a view for each algorithm that a published key can have.
    let jwks = ring.jwks(algorithm).ok_or_else(unknown)?;
    let known = request.headers().get(header::IF_NONE_MATCH);
    let known = known.is_some_and(|tag| tag.as_bytes() == jwks.etag.as_bytes());
    let mut response = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    let max_age = ring.max_age(keys.now());
    response
        .insert_header((header::ETAG, jwks.etag.as_str()))
        .insert_header((header::CACHE_CONTROL, format!("public, max-age={max_age}")));
    if known {
        return Ok(response.finish());
    }
    Ok(response
        .content_type("application/json")
        .body(jwks.body.clone()))
}

fn unknown() -> Error {
    let known = Algorithm::names(&Algorithm::ASYMMETRIC);
    Error::field("alg", format!("Use one of: {known}."))
}
