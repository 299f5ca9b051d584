//! `GET sessions/`, `DELETE sessions/{id}/`, `POST logout/all/`.

use actix_web::{HttpResponse, web};
use serde::Serialize;

use crate::error::{Error, Kind, Result};
use crate::ids::SessionId;
use crate::session::http::{CurrentUser, Delivery, iso};
use crate::session::{Device, Sessions};
use crate::web::{self as answer, Facts, Input};

/// A session, as its owner sees it.
#[derive(Serialize)]
struct SessionBody<'a> {
    id: &'a str,
    created_at: String,
    last_used_at: String,
    client: &'a str,
    user_agent: Option<&'a str>,
    address: Option<&'a str>,
    current: bool,
}

impl<'a> SessionBody<'a> {
    fn new(device: &'a Device, current: &SessionId) -> Self {
        Self {
            id: device.id.as_str(),
            created_at: iso(device.created_at),
            last_used_at: iso(device.last_used_at),
            client: &device.client,
            user_agent: device.user_agent.as_deref(),
            address: device.address.as_deref(),
            current: device.id == *current,
        }
    }
}

pub(super) async fn list(
    sessions: web::Data<Sessions>,
    CurrentUser(claims): CurrentUser,
) -> Result<HttpResponse> {
    let devices = sessions.devices(&claims.sub).await?;
    let body = devices
        .iter()
        .map(|device| SessionBody::new(device, &claims.sid));
    Ok(answer::ok(body.collect::<Vec<_>>()))
}

pub(super) async fn end(
    sessions: web::Data<Sessions>,
    CurrentUser(claims): CurrentUser,
    (id, delivery): (web::Path<String>, web::Data<Delivery>),
    facts: Facts,
) -> Result<HttpResponse> {
    // Nothing but an id of ours goes to the database, which takes no text with a NUL in it.
    let is_id = id
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let id = SessionId::from(id.into_inner());
    if is_id && sessions.end_device(&claims, &id, &facts).await? {
        let mut response = HttpResponse::NoContent().finish();
        if id == claims.sid {
            delivery.clear_cookies(&mut response);
        }
        Ok(response)
    } else {
        Err(Error::new(Kind::NotFound, "not_found", "Not found."))
    }
}

pub(super) async fn end_all(
    sessions: web::Data<Sessions>,
    CurrentUser(claims): CurrentUser,
    (_, delivery): (Input, web::Data<Delivery>),
    facts: Facts,
) -> Result<HttpResponse> {
    sessions.end_everywhere(&claims, &facts).await?;
    let mut response = answer::detail("Successfully logged out everywhere.");
    delivery.clear_cookies(&mut response);
    Ok(response)
}
