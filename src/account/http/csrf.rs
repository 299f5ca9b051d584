//! `GET csrf/`: the token that requests have to repeat where `[cookies] csrf_token` asks for it.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use crate::session::http::Delivery;
use crate::web::{self as answer, csrf};

/// The token of the cookie, also for apps of other origins, which cannot read our cookies. The one
/// that the browser has already stays, since other tabs use it.
pub(super) async fn issue(delivery: web::Data<Delivery>, request: HttpRequest) -> HttpResponse {
    let known = delivery
        .cookies()
        .and_then(|cookies| cookies.csrf(&request));
    let token = known.filter(|token| csrf::is_token(token));
    let token = token.unwrap_or_else(csrf::token);
    let mut response = answer::ok(json!({ "csrfToken": token }));
    if let Some(cookies) = delivery.cookies() {
        cookies.set_csrf(&mut response, &token);
    }
    response
}
