//! `POST token/verify/`, `POST token/refresh/`.

use actix_web::{HttpResponse, web};
use chrono::SecondsFormat;
use serde::Serialize;

use crate::clock::Time;
use crate::error::{Error, Kind, Result};
use crate::session::Sessions;
use crate::web::{self as answer, Facts, Field, Fields, Input};

pub(super) async fn verify(sessions: web::Data<Sessions>, input: Input) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let token = fields.text(Field::required("token"));
    fields.finish()?;
    sessions.verify(&token).await?;
    Ok(answer::ok(serde_json::json!({})))
}

#[derive(Serialize)]
struct RefreshBody<'a> {
    access: &'a str,
    access_expiration: String,
    refresh: &'a str,
    refresh_expiration: String,
}

pub(super) async fn refresh(
    sessions: web::Data<Sessions>,
    input: Input,
    facts: Facts,
) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let token = fields.maybe(Field::optional("refresh").not_blank());
    fields.finish()?;
    let token = token.ok_or_else(missing)?;
    let tokens = sessions.refresh(&token, &facts).await?;
    Ok(answer::ok(RefreshBody {
        access: &tokens.access.token,
        access_expiration: iso(tokens.access.expires_at),
        refresh: &tokens.refresh.token,
        refresh_expiration: iso(tokens.refresh.expires_at),
    }))
}

/// ISO 8601 in UTC with microseconds, as existing clients parse it.
pub(super) fn iso(time: Time) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn missing() -> Error {
    let detail = "No valid refresh token found.";
    Error::new(Kind::Unauthenticated, "token_not_valid", detail).with_public_code()
}
