//! `POST password/change/`, `POST password/reset/`, `POST password/reset/confirm/`.

use actix_web::{HttpResponse, web};

use super::{email, password};
use crate::account::{Accounts, NewPassword};
use crate::config;
use crate::error::Result;
use crate::password::Plaintext;
use crate::session::http::CurrentUser;
use crate::web::{self as answer, Answer, Area, Facts, Field, Fields, Input, Operation};

const OLD: Field = password("old_password");
const FIRST: Field = password("new_password1");
const SECOND: Field = password("new_password2").about("The same again");
const EMAIL: Field = Field::required("email").email();
const UID: Field = Field::required("uid").about("From the link in the mail");
const TOKEN: Field = Field::required("token").about("From the link in the mail");
const CHANGED: &str = "New password has been saved.";
const SENT: &str = "Password reset e-mail has been sent.";
const RESET: &str = "Password has been reset with the new password.";

pub(super) fn change_told(account: &config::Account) -> Operation {
    let old = account.old_password_required.then_some(OLD);
    Operation::new(Area::Account, "changePassword", "Change the password")
        .notes(if account.logout_on_password_change {
            "Ends the person's other sessions."
        } else {
            ""
        })
        .for_persons()
        .reads(old)
        .reads([FIRST, SECOND])
        .answers(Answer::detail("The new password holds", CHANGED))
}

pub(super) async fn change(
    accounts: web::Data<Accounts>,
    CurrentUser(claims): CurrentUser,
    input: Input,
    facts: Facts,
) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let asks_for_old = accounts.settings().account.old_password_required;
    let old = asks_for_old.then(|| Plaintext::new(&fields.text(OLD)));
    let first = Plaintext::new(&fields.text(FIRST));
    let second = Plaintext::new(&fields.text(SECOND));
    fields.finish()?;
    accounts
        .change_password(&claims, old.as_ref(), (&first, &second), &facts)
        .await?;
    Ok(answer::detail(CHANGED))
}

pub(super) fn reset_told() -> Operation {
    Operation::new(
        Area::Account,
        "resetPassword",
        "Ask for a mail with a link to a new password",
    )
    .notes("The answer is the same whether or not there is such an account.")
    .reads([EMAIL])
    .answers(Answer::detail(
        "A mail is on its way, if the address is known",
        SENT,
    ))
}

pub(super) async fn reset(accounts: web::Data<Accounts>, input: Input) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let email = email(&mut fields, EMAIL, "email");
    fields.finish()?;
    if let Some(email) = email {
        accounts.request_reset(&email).await?;
    }
    Ok(answer::detail(SENT))
}

pub(super) fn reset_confirm_told() -> Operation {
    Operation::new(
        Area::Account,
        "confirmPasswordReset",
        "Set a new password, with the link's secret",
    )
    .notes("Ends all of the person's sessions.")
    .reads([UID, TOKEN, FIRST, SECOND])
    .answers(Answer::detail("The new password holds", RESET))
}

pub(super) async fn reset_confirm(
    accounts: web::Data<Accounts>,
    input: Input,
    facts: Facts,
) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let new = NewPassword {
        uid: fields.text(UID),
        token: fields.text(TOKEN),
        first: Plaintext::new(&fields.text(FIRST)),
        second: Plaintext::new(&fields.text(SECOND)),
    };
    fields.finish()?;
    accounts.reset_password(new, &facts).await?;
    Ok(answer::detail(RESET))
}
