//! `POST password/change/`, `POST password/reset/`, `POST password/reset/confirm/`.

use actix_web::{HttpResponse, web};

use super::{email, password};
use crate::account::{Accounts, NewPassword};
use crate::config::Config;
use crate::error::Result;
use crate::password::Plaintext;
use crate::session::http::{CurrentUser, Visitor};
use crate::web::{self as answer, Answer, Area, Facts, Field, Fields, Input, Operation};

const OLD: Field = password("old_password");
const FIRST: Field = password("new_password1");
const SECOND: Field = password("new_password2").about("The same again");
const EMAIL: Field = Field::required("email").email();
const UID: Field = Field::required("uid")
    .about("From the link in the mail")
    .example("AZqy…");
const TOKEN: Field = Field::required("token")
    .about("From the link in the mail")
    .example("d0zqk8-…");
const CHANGED: &str = "New password has been saved.";
const SENT: &str = "Password reset e-mail has been sent.";
const RESET: &str = "Password has been reset with the new password.";

pub(super) fn about_change(config: &Config) -> Operation {
    let account = &config.account;
    let old = account.old_password_required.then_some(OLD);
    let fields = old.into_iter().chain([FIRST, SECOND]);
    Operation::new(Area::Account, "changePassword", "Change the password")
        .notes(if account.logout_on_password_change {
            "Ends the person's other sessions."
        } else {
            ""
        })
        .for_persons()
        .limited()
        .reads(fields.map(|field| field.trimmed_if(config.compat.strict)))
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
    let is_strict = accounts.settings().is_strict;
    let mut password = |field: Field| Plaintext::new(&fields.text(field.trimmed_if(is_strict)));
    let old = asks_for_old.then(|| password(OLD));
    let (first, second) = (password(FIRST), password(SECOND));
    fields.finish()?;
    accounts
        .change_password(&claims, old.as_ref(), (&first, &second), &facts)
        .await?;
    Ok(answer::detail(CHANGED))
}

pub(super) fn about_reset() -> Operation {
    Operation::new(
        Area::Account,
        "resetPassword",
        "Ask for a mail with a link to a new password",
    )
    .notes("The answer is the same whether or not there is such an account.")
    .limited()
    .reads([EMAIL])
    .answers(Answer::detail(
        "A mail is on its way, if the address is known",
        SENT,
    ))
}

pub(super) async fn reset(
    accounts: web::Data<Accounts>,
    _: Visitor,
    input: Input,
    facts: Facts,
) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let email = email(&mut fields, EMAIL, "email");
    fields.finish()?;
    if let Some(email) = email {
        accounts.request_reset(&email, &facts).await?;
    }
    Ok(answer::detail(SENT))
}

pub(super) fn about_reset_confirm(config: &Config) -> Operation {
    let summary = "Set a new password, with the link's secret";
    let password = |field: Field| field.trimmed_if(config.compat.strict);
    Operation::new(Area::Account, "confirmPasswordReset", summary)
        .notes(if config.compat.strict {
            ""
        } else {
            "Ends all of the person's sessions."
        })
        .reads([UID, TOKEN, password(FIRST), password(SECOND)])
        .limited()
        .answers(Answer::detail("The new password holds", RESET))
}

pub(super) async fn reset_confirm(
    accounts: web::Data<Accounts>,
    _: Visitor,
    input: Input,
    facts: Facts,
) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let is_strict = accounts.settings().is_strict;
    let (uid, token) = (fields.text(UID), fields.text(TOKEN));
    let mut password = |field: Field| Plaintext::new(&fields.text(field.trimmed_if(is_strict)));
    let new = NewPassword {
        uid,
        token,
        first: password(FIRST),
        second: password(SECOND),
    };
    fields.finish()?;
    accounts.reset_password(new, &facts).await?;
    Ok(answer::detail(RESET))
}
