//! Confirming the new address of an account: one button, as for the first one.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;

use super::notice::Notice;
use super::page::{Base, STYLE, answer, failure, see_other};
use crate::account::Accounts;
use crate::error::{Error, Kind, Result};
use crate::web::Facts;

/// The page with the button.
#[derive(Template)]
#[template(path = "change_email.html", config = "src/pages/askama.toml")]
pub(super) struct Question<'a> {
    pub(super) service: &'a str,
    pub(super) address: &'a str,
}

pub(super) async fn ask(accounts: Data<Accounts>, key: Path<String>) -> HttpResponse {
    let service = &accounts.settings().service_name;
    match accounts.address_to_change_to(&key).await {
        Ok(address) => answer(
            StatusCode::OK,
            &Question {
                service,
                address: &address,
            },
        ),
        Err(error) => refuse(service, error),
    }
}

pub(super) async fn confirm(
    accounts: Data<Accounts>,
    base: Data<Base>,
    key: Path<String>,
    facts: Result<Facts>,
) -> HttpResponse {
    match set(&accounts, &key, facts).await {
        Ok(()) => see_other(&base, super::EMAIL_CHANGED),
        Err(error) => refuse(&accounts.settings().service_name, error),
    }
}

pub(super) async fn done(accounts: Data<Accounts>) -> HttpResponse {
    let service = &accounts.settings().service_name;
    answer(StatusCode::OK, &Notice::email_changed(service))
}

async fn set(accounts: &Accounts, key: &str, facts: Result<Facts>) -> Result<()> {
    accounts.confirm_email_change(key, &facts?).await
}

fn refuse(service: &str, error: Error) -> HttpResponse {
    if error.kind() == Kind::NotFound {
        return answer(StatusCode::NOT_FOUND, &Notice::dead_change(service));
    }
    failure(service, error)
}
