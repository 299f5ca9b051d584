//! Who is asking: the access token of a request, verified, of a live session and an active account;
//! and how the tokens of a session go out.

mod delivery;

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};

use super::Sessions;
use crate::error::{Error, Kind, Result};
use crate::ids::{SessionId, Subject};
use crate::token::AccessClaims;
use crate::web::{DeadCookie, Edge, Facts};

pub use delivery::{Delivery, TokenBody, iso};

/// The authenticated person. As a handler's parameter it refuses everybody else.
#[derive(Clone, Debug)]
pub struct CurrentUser(pub AccessClaims);

impl FromRequest for CurrentUser {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let sessions = service::<Sessions>(request);
        let token = credential(request);
        Box::pin(async move {
            let sessions = sessions?;
            let token = token?.ok_or_else(anonymous)?;
            sessions.authenticate(&token).await.map(Self)
        })
    }
}

/// Anybody, on an endpoint that needs nobody in particular. A dead token is no hindrance there, and
/// a dead cookie is taken away; with `compat.strict` a bad credential is refused here, too.
#[derive(Clone, Copy, Debug)]
pub struct Visitor;

impl FromRequest for Visitor {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let sessions = service::<Sessions>(&request)?;
            let delivery = service::<Delivery>(&request)?;
            if delivery.is_strict() {
                if let Some(token) = credential(&request)? {
                    sessions.authenticate(&token).await?;
                }
            } else if let Some(token) = cookie(&request)
                && sessions.tokens().verify_access(&token).is_err()
            {
                request.extensions_mut().insert(DeadCookie);
            }
            Ok(Self)
        })
    }
}

fn service<T: 'static>(request: &HttpRequest) -> Result<web::Data<T>> {
    let service = request.app_data::<web::Data<T>>().cloned();
    service.ok_or_else(|| Error::internal("a service is not in the application's data"))
}

/// The access token of a request: of its `Authorization` header, whatever the scheme, and only
/// without one, of its cookie.
///
/// # Errors
/// The header says `Bearer` and is not two words.
pub fn credential(request: &HttpRequest) -> Result<Option<String>> {
    if request.headers().contains_key(header::AUTHORIZATION) {
        return bearer(request);
    }
    Ok(cookie(request))
}

fn cookie(request: &HttpRequest) -> Option<String> {
    let edge = request.app_data::<web::Data<Edge>>()?;
    edge.cookies.as_ref()?.access(request)
}

/// The bearer token of the `Authorization` header (RFC 6750, section 2.1). Another scheme is none.
///
/// # Errors
/// The header says `Bearer` and is not two words.
fn bearer(request: &HttpRequest) -> Result<Option<String>> {
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

/// Ends the session that this browser had, of whomever: with a new one it is nobody's.
///
/// # Errors
/// Only those of the database.
pub async fn end_kept(
    sessions: &Sessions,
    delivery: &Delivery,
    request: &HttpRequest,
    facts: &Facts,
) -> Result<()> {
    let kept = delivery.cookies();
    let kept = kept.and_then(|cookies| cookies.refresh(request));
    for (subject, session) in stood_for(sessions, kept, None) {
        sessions.end(&subject, &session, facts).await?;
    }
    Ok(())
}

/// The sessions that these tokens stand for. An access token that has expired does so still.
pub fn stood_for(
    sessions: &Sessions,
    refresh: Option<String>,
    access: Option<String>,
) -> Vec<(Subject, SessionId)> {
    let tokens = sessions.tokens();
    let refresh = refresh.and_then(|token| tokens.verify_refresh(&token).ok());
    let access = access.and_then(|token| tokens.recognise_access(&token).ok());
    let refresh = refresh.map(|claims| (claims.sub, claims.sid));
    let access = access.map(|claims| (claims.sub, claims.sid));
    refresh.into_iter().chain(access).collect()
}
