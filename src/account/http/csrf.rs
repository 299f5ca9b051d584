//! `GET csrf/`: the token that requests have to repeat where `[cookies] csrf_token` asks for it.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::session::http::Delivery;
use crate::web::{self as answer, Answer, Area, Operation, csrf};

/// The token, under the name that Django's front ends know.
#[derive(Serialize, ToSchema)]
#[schema(as = CsrfToken)]
struct TokenBody<'a> {
    /// For the header `X-CSRFToken`.
    #[serde(rename = "csrfToken")]
    token: &'a str,
}

pub(super) fn about_issue() -> Operation {
    let example = TokenBody { token: "mW9Y…" };
    Operation::new(
        Area::Session,
        "getCsrfToken",
        "Get the token that guards against other sites",
    )
    .notes("Also sets it as a cookie, which requests must repeat where the settings say so.")
    .answers(Answer::json(200, "The token", &example))
}

/// The token of the cookie, also for apps of other origins, which cannot read our cookies. The one
/// that the browser has already stays, since other tabs use it.
pub(super) async fn issue(delivery: web::Data<Delivery>, request: HttpRequest) -> HttpResponse {
    let known = delivery
        .cookies()
        .and_then(|cookies| cookies.csrf(&request));
    let token = known.filter(|token| csrf::is_token(token));
    let token = token.unwrap_or_else(csrf::token);
    let mut response = answer::ok(TokenBody { token: &token });
    if let Some(cookies) = delivery.cookies() {
        cookies.set_csrf(&mut response, &token);
    }
    response
}
