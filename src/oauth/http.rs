//! `GET /.well-known/openid-configuration`, `GET /.well-known/oauth-authorization-server`.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use bytes::Bytes;

use super::Discovery;
use super::discovery::{Common, MAX_AGE, OpenId};
use crate::web::{Answer, Area, Operation};

const CACHED: (&str, &str) = ("Cache-Control", "How long it may be kept");

/// What is told about the OpenID Connect document of `issuer`.
pub fn about_openid_configuration(issuer: &str) -> Operation {
    let found = Answer::json(200, "The metadata", &OpenId::of(issuer));
    Operation::new(
        Area::Discovery,
        "getOpenIdConfiguration",
        "Metadata after OpenID Connect Discovery",
    )
    .answers(found.header(CACHED.0, CACHED.1))
}

/// What is told about the OAuth 2 document of `issuer`.
pub fn about_oauth_authorization_server(issuer: &str) -> Operation {
    let found = Answer::json(200, "The metadata", &Common::of(issuer));
    Operation::new(
        Area::Discovery,
        "getAuthorizationServer",
        "Metadata after RFC 8414",
    )
    .answers(found.header(CACHED.0, CACHED.1))
}

/// OpenID Connect Discovery 1.0, section 4.
pub async fn openid_configuration(discovery: web::Data<Discovery>) -> HttpResponse {
    document(discovery.openid.clone())
}

/// RFC 8414, section 3.
pub async fn oauth_authorization_server(discovery: web::Data<Discovery>) -> HttpResponse {
    document(discovery.oauth.clone())
}

fn document(body: Bytes) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, format!("public, max-age={MAX_AGE}")))
        .content_type("application/json")
        .body(body)
}
