//! `POST email/change/`, `POST email/change/confirm/`.

use actix_web::{HttpResponse, web};

use super::{email, password};
use crate::account::Accounts;
use crate::error::Result;
use crate::password::Plaintext;
use crate::session::http::{CurrentUser, Visitor};
use crate::web::{self as answer, Facts, Field, Fields, Input};

pub(super) async fn change(
    accounts: web::Data<Accounts>,
    CurrentUser(claims): CurrentUser,
    input: Input,
    facts: Facts,
) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let email = email(&mut fields, Field::required("email"), "email");
    let password = Plaintext::new(&fields.text(password(accounts.settings(), "password")));
    fields.finish()?;
    if let Some(email) = email {
        accounts
            .request_email_change(&claims, &email, &password, &facts)
            .await?;
    }
    Ok(answer::detail("Verification e-mail sent."))
}

/// Needs no access token: the key is the credential, and its reader may be logged in nowhere.
pub(super) async fn confirm(
    accounts: web::Data<Accounts>,
    _: Visitor,
    input: Input,
    facts: Facts,
) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let key = fields.text(Field::required("key"));
    fields.finish()?;
    accounts.confirm_email_change(&key, &facts).await?;
    Ok(answer::detail("ok"))
}
