//! Who is asking: the bearer token of a request, verified, of a live session and an active account.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};

use super::Sessions;
use crate::error::{Error, Kind, Result};
use crate::token::AccessClaims;

/// The authenticated person. As a handler's parameter it refuses everybody else.
#[derive(Clone, Debug)]
pub struct CurrentUser(pub AccessClaims);

impl FromRequest for CurrentUser {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let sessions = request.app_data::<web::Data<Sessions>>().cloned();
        let token = bearer(request);
        Box::pin(async move {
            let sessions = sessions.ok_or_else(|| Error::internal("no session service"))?;
            let token = token?.ok_or_else(anonymous)?;
            sessions.authenticate(&token).await.map(Self)
        })
    }
}

/// The bearer token of the `Authorization` header (RFC 6750, section 2.1). Another scheme is none.
///
/// # Errors
/// The header says `Bearer` and is not two words.
pub fn bearer(request: &HttpRequest) -> Result<Option<String>> {
    let Some(value) = request.headers().get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(value.as_bytes());
    let mut words = text.split_ascii_whitespace();
    if words.next() != Some("Bearer") {
        return Ok(None);
    }
    if let (Some(token), None) = (words.next(), words.next()) {
        Ok(Some(token.to_owned()))
    } else {
        let detail = "Authorization header must contain two space-delimited values";
        let kind = Kind::Unauthenticated;
        Err(Error::new(kind, "bad_authorization_header", detail).with_public_code())
    }
}

fn anonymous() -> Error {
    let detail = "Authentication credentials were not provided.";
    Error::new(Kind::Unauthenticated, "not_authenticated", detail)
}
