//! `POST email/change/`, `POST email/change/confirm/`.

use actix_web::{HttpResponse, web};

use super::{email, password};
use crate::account::Accounts;
use crate::config::Config;
use crate::error::{Kind, Result};
use crate::password::Plaintext;
use crate::session::http::{CurrentUser, Visitor};
use crate::web::{self as answer, Answer, Area, Facts, Field, Fields, Input, Operation};

const EMAIL: Field = Field::required("email").email().about("The new address");
const PASSWORD: Field = password("password");
const KEY: Field = Field::required("key")
    .about("From the link in the mail")
    .example("MkN5…");
const SENT: &str = "Verification e-mail sent.";
const DONE: &str = "ok";

pub(super) fn about_change(config: &Config) -> Operation {
    Operation::new(Area::Account, "changeEmail", "Change one's address")
        .notes("A mail with a link goes to the new address, which counts once it is confirmed.")
        .for_persons()
        .limited()
        .reads([EMAIL, PASSWORD.trimmed_if(config.compat.strict)])
        .answers(Answer::detail("A mail is on its way", SENT))
}

pub(super) async fn change(
    accounts: web::Data<Accounts>,
    CurrentUser(claims): CurrentUser,
    input: Input,
    facts: Facts,
) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let email = email(&mut fields, EMAIL, "email");
    let password = PASSWORD.trimmed_if(accounts.settings().is_strict);
    let password = Plaintext::new(&fields.text(password));
    fields.finish()?;
    if let Some(email) = email {
        accounts
            .request_email_change(&claims, &email, &password, &facts)
            .await?;
    }
    Ok(answer::detail(SENT))
}

pub(super) fn about_confirm() -> Operation {
    let summary = "Confirm a new address, with the link's secret";
    Operation::new(Area::Account, "confirmEmailChange", summary)
        .reads([KEY])
        .answers(Answer::detail("The new address counts", DONE))
        .refuses([Kind::NotFound])
}

/// Needs no access token: the key is the credential, and its reader may be logged in nowhere.
pub(super) async fn confirm(
    accounts: web::Data<Accounts>,
    _: Visitor,
    input: Input,
    facts: Facts,
) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let key = fields.text(KEY);
    fields.finish()?;
    accounts.confirm_email_change(&key, &facts).await?;
    Ok(answer::detail(DONE))
}
