//! `POST reauthenticate/`.

use actix_web::{HttpResponse, web};

use super::password;
use crate::account::Accounts;
use crate::clock::Clock;
use crate::config::Config;
use crate::error::Result;
use crate::password::Plaintext;
use crate::session::TokenPair;
use crate::session::http::{CurrentUser, Delivery};
use crate::web::{self as answer, Answer, Area, Facts, Field, Fields, Input, Operation};

const PASSWORD: Field = password("password");

pub(super) fn about_reauthenticate(config: &Config) -> Operation {
    let tokens = TokenPair::example();
    let delivery = Delivery::new(config, Clock::system());
    let body = delivery.access(&tokens.access);
    let schema = ("Reauthenticated", body.schema());
    let summary = "Prove again who is asking";
    Operation::new(Area::Session, "reauthenticate", summary)
        .notes("For services that want a fresh `auth_time` before something important.")
        .for_persons()
        .limited()
        .reads([PASSWORD.trimmed_if(config.compat.strict)])
        .answers(Answer::shaped(
            200,
            "A token with a fresh `auth_time`",
            schema,
            &body,
        ))
}

pub(super) async fn reauthenticate(
    accounts: web::Data<Accounts>,
    CurrentUser(claims): CurrentUser,
    (input, delivery): (Input, web::Data<Delivery>),
    facts: Facts,
) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let password = PASSWORD.trimmed_if(accounts.settings().is_strict);
    let password = Plaintext::new(&fields.text(password));
    fields.finish()?;
    let access = accounts.reauthenticate(&claims, &password, &facts).await?;
    let mut response = answer::ok(delivery.access(&access));
    delivery.set_access(&mut response, &access);
    Ok(response)
}
