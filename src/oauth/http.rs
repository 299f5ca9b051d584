//! `GET /.well-known/openid-configuration`, `GET /.well-known/oauth-authorization-server`.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use bytes::Bytes;

use super::Discovery;
use super::discovery::MAX_AGE;

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
