//! Confirming an address: one button, since opening a link must change nothing.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;

use super::notice::Notice;
use super::page::{Base, STYLE, answer, failure, see_other};
use crate::account::Accounts;
use crate::error::{Error, Kind};

/// The page with the button.
#[derive(Template)]
#[template(path = "confirm.html", config = "src/pages/askama.toml")]
pub(super) struct Question<'a> {
    pub(super) service: &'a str,
    pub(super) address: &'a str,
    /// The user name of the account that claims the address; may be empty. Who reads it and does
    /// not know it did not make that account.
    pub(super) account: &'a str,
}

pub(super) async fn ask(accounts: Data<Accounts>, key: Path<String>) -> HttpResponse {
    let service = &accounts.settings().service_name;
    match accounts.claimant(&key).await {
        Ok(user) => answer(
            StatusCode::OK,
            &Question {
                service,
                address: user.email.as_deref().unwrap_or_default(),
                account: user.username.as_deref().unwrap_or_default(),
            },
        ),
        Err(error) => refuse(service, error),
    }
}

pub(super) async fn confirm(
    accounts: Data<Accounts>,
    base: Data<Base>,
    key: Path<String>,
) -> HttpResponse {
    match accounts.confirm_email(&key).await {
        Ok(()) => see_other(&base, super::EMAIL_CONFIRMED),
        Err(error) => refuse(&accounts.settings().service_name, error),
    }
}

pub(super) async fn mail_sent(accounts: Data<Accounts>) -> HttpResponse {
    let service = &accounts.settings().service_name;
    answer(StatusCode::OK, &Notice::mail_sent(service))
}

pub(super) async fn confirmed(accounts: Data<Accounts>) -> HttpResponse {
    let service = &accounts.settings().service_name;
    answer(StatusCode::OK, &Notice::email_confirmed(service))
}

fn refuse(service: &str, error: Error) -> HttpResponse {
    if error.kind() == Kind::NotFound {
        return answer(StatusCode::NOT_FOUND, &Notice::dead_confirmation(service));
    }
    failure(service, error)
}
