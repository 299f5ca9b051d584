//! `POST token/verify/`, `POST token/refresh/`.

use actix_web::{HttpRequest, HttpResponse, web};

use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::session::http::Delivery;
use crate::session::{Sessions, TokenPair};
use crate::token::{Reason, Refused};
use crate::web::{self as answer, Answer, Area, Facts, Field, Fields, Input, Operation};

const TOKEN: Field = Field::required("token")
    .about("An access or a refresh token")
    .example(TokenPair::EXAMPLE);
const REFRESH: Field = Field::optional("refresh")
    .not_blank()
    .about("The refresh token")
    .example(TokenPair::EXAMPLE);

/// Nothing beside the status.
#[derive(Serialize, ToSchema)]
pub struct Nothing {}

pub(super) fn about_verify() -> Operation {
    Operation::new(Area::Token, "verifyToken", "Ask whether a token is good")
        .notes("Also tells whether its session has ended, which no signature can.")
        .reads([TOKEN])
        .answers(Answer::json(200, "It is good", &Nothing {}))
        .refuses([Kind::Unauthenticated])
}

pub(super) async fn verify(
    sessions: web::Data<Sessions>,
    delivery: web::Data<Delivery>,
    input: Input,
) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let token = fields.text(TOKEN);
    fields.finish()?;
    match sessions.verify(&token).await {
        // Upstream has this one refusal as a failed validation.
        Err(error) if delivery.is_strict() && is_ended(&error) => {
            Err(Error::non_field(Refused(Reason::Ended).message()))
        }
        outcome => outcome.map(|()| answer::ok(Nothing {})),
    }
}

fn is_ended(error: &Error) -> bool {
    error.detail() == Some(Refused(Reason::Ended).message())
}

pub(super) fn about_refresh(config: &Config) -> Operation {
    let tokens = TokenPair::example();
    let delivery = Delivery::new(config, Clock::system());
    let body = delivery.refresh(&tokens);
    let schema = ("Refreshed", body.schema());
    Operation::new(Area::Token, "refreshToken", "Get the next pair of tokens")
        .notes(
            "Repeated within the leeway, it gives the same pair again, so that two tabs or a retry \
             log nobody out. An older token that comes back ends the session.",
        )
        .heeds_refresher()
        .reads([REFRESH])
        .answers(Answer::shaped(200, "The next pair", schema, &body))
        .refuses([Kind::Unauthenticated])
}

/// The token of the body, else that of the cookie.
pub(super) async fn refresh(
    sessions: web::Data<Sessions>,
    delivery: web::Data<Delivery>,
    request: HttpRequest,
    input: Input,
) -> Result<HttpResponse> {
    let facts = Facts::of(&request)?;
    let mut fields = Fields::of(&input);
    let token = fields.maybe(REFRESH);
    fields.finish()?;
    let cookies = delivery.cookies();
    let token = token.or_else(|| cookies?.refresh(&request));
    let tokens = sessions
        .refresh(&token.ok_or_else(missing)?, &facts)
        .await?;
    let mut response = answer::ok(delivery.refresh(&tokens));
    delivery.set_cookies(&mut response, &tokens);
    Ok(response)
}

fn missing() -> Error {
    let detail = "No valid refresh token found.";
    Error::new(Kind::Unauthenticated, "token_not_valid", detail).with_public_code()
}
