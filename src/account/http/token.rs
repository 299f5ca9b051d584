//! `POST token/verify/`, `POST token/refresh/`.

use actix_web::{HttpResponse, web};
use chrono::SecondsFormat;
use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::Time;
use crate::error::{Error, Kind, Result};
use crate::session::Sessions;
use crate::web::{self as answer, Answer, Area, Facts, Field, Fields, Input, Operation};

const TOKEN: Field = Field::required("token").about("An access or a refresh token");
const REFRESH: Field = Field::optional("refresh")
    .not_blank()
    .about("The refresh token")
    .example(super::TOKEN);

/// Nothing beside the status.
#[derive(Serialize, ToSchema)]
struct Verified {}

pub(super) fn verify_told() -> Operation {
    Operation::new(Area::Token, "verifyToken", "Ask whether a token is good")
        .notes("Also tells whether its session has ended, which no signature can.")
        .reads([TOKEN])
        .answers(Answer::json(200, "It is good", &Verified {}))
        .refuses([Kind::Unauthenticated])
}

pub(super) async fn verify(sessions: web::Data<Sessions>, input: Input) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let token = fields.text(TOKEN);
    fields.finish()?;
    sessions.verify(&token).await?;
    Ok(answer::ok(Verified {}))
}

/// The answer to a refresh.
#[derive(Serialize, ToSchema)]
#[schema(as = Refreshed)]
struct RefreshBody<'a> {
    /// The new access token.
    access: &'a str,
    #[schema(format = DateTime)]
    access_expiration: String,
    /// The new refresh token.
    refresh: &'a str,
    #[schema(format = DateTime)]
    refresh_expiration: String,
}

pub(super) fn refresh_told() -> Operation {
    let time = || iso(Time::default());
    let sample = RefreshBody {
        access: super::TOKEN,
        access_expiration: time(),
        refresh: super::TOKEN,
        refresh_expiration: time(),
    };
    Operation::new(Area::Token, "refreshToken", "Get the next pair of tokens")
        .notes(
            "Repeated within the leeway, it gives the same pair again: two tabs or a retry log \
             nobody out. An older token ends the session.",
        )
        .reads([REFRESH])
        .answers(Answer::json(200, "The next pair", &sample))
        .refuses([Kind::Unauthenticated])
}

pub(super) async fn refresh(
    sessions: web::Data<Sessions>,
    input: Input,
    facts: Facts,
) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let token = fields.maybe(REFRESH);
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
fn iso(time: Time) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn missing() -> Error {
    let detail = "No valid refresh token found.";
    Error::new(Kind::Unauthenticated, "token_not_valid", detail).with_public_code()
}
