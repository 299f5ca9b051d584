//! `POST token/verify/`, `POST token/refresh/`.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::error::{Error, Kind, Result};
use crate::session::Sessions;
use crate::session::http::Delivery;
use crate::token::{Reason, Refused};
use crate::web::{self as answer, Facts, Field, Fields, Input};

pub(super) async fn verify(
    sessions: web::Data<Sessions>,
    delivery: web::Data<Delivery>,
    input: Input,
) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let token = fields.text(Field::required("token"));
    fields.finish()?;
    match sessions.verify(&token).await {
        // Upstream has this one refusal as a failed validation.
        Err(error) if delivery.is_strict() && is_ended(&error) => {
            Err(Error::non_field(Refused(Reason::Ended).message()))
        }
        outcome => outcome.map(|()| answer::ok(serde_json::json!({}))),
    }
}

fn is_ended(error: &Error) -> bool {
    error.detail() == Some(Refused(Reason::Ended).message())
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
    let token = fields.maybe(Field::optional("refresh").not_blank());
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
