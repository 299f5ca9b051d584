//! `GET sessions/`, `DELETE sessions/{id}/`, `POST logout/all/`.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::Ref;
use utoipa::openapi::schema::ArrayBuilder;

use crate::clock::Time;
use crate::error::{Error, Kind, Result};
use crate::ids::SessionId;
use crate::session::http::{CurrentUser, Delivery, iso};
use crate::session::{Device, Sessions};
use crate::web::{self as answer, Answer, Area, Facts, Input, Operation};

/// A session, as its owner sees it.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
struct SessionBody<'a> {
    id: &'a str,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    last_used_at: String,
    /// What it was opened for.
    client: &'a str,
    user_agent: Option<&'a str>,
    address: Option<&'a str>,
    /// Whether it is the one that asks.
    current: bool,
}

const ENDED: &str = "Successfully logged out everywhere.";

pub(super) fn about_list() -> Operation {
    let time = || iso(Time::default());
    let example = SessionBody {
        id: "019ab2c0-7c1e-7a3b-9f52-6d1c2b3a4e60",
        created_at: time(),
        last_used_at: time(),
        client: "first-party",
        user_agent: Some("curl/8.14.1"),
        address: Some("203.0.113.7"),
        current: true,
    };
    let schema = ArrayBuilder::new().items(Ref::from_schema_name(SessionBody::name()));
    let sessions = Answer::shaped(200, "All of them", ("Sessions", schema), &[example]);
    Operation::new(Area::Session, "listSessions", "Where one is logged in")
        .for_persons()
        .answers(sessions.with::<SessionBody<'_>>())
}

pub(super) fn about_end() -> Operation {
    Operation::new(Area::Session, "endSession", "End one of one's sessions")
        .for_persons()
        .parameter(
            "id",
            "Of the session",
            "019ab2c0-7c1e-7a3b-9f52-6d1c2b3a4e60",
        )
        .answers(Answer::empty(204, "It has ended"))
}

pub(super) fn about_end_all() -> Operation {
    Operation::new(
        Area::Session,
        "logoutEverywhere",
        "End all of one's sessions",
    )
    .for_persons()
    .reads([])
    .answers(Answer::detail("All have ended, this one too", ENDED))
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
    let mut response = answer::detail(ENDED);
    delivery.clear_cookies(&mut response);
    Ok(response)
}
