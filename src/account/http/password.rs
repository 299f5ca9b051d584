//! `POST password/change/`, `POST password/reset/`, `POST password/reset/confirm/`.

use actix_web::{HttpResponse, web};

use super::{email, password};
use crate::account::{Accounts, NewPassword};
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
    let asks_for_old = accounts.settings().account.old_password_required;
    let old = asks_for_old
        .then(|| Plaintext::new(&fields.text(password(accounts.settings(), "old_password"))));
    let first = Plaintext::new(&fields.text(password(accounts.settings(), "new_password1")));
    let second = Plaintext::new(&fields.text(password(accounts.settings(), "new_password2")));
    fields.finish()?;
    accounts
        .change_password(&claims, old.as_ref(), (&first, &second), &facts)
        .await?;
    Ok(answer::detail("New password has been saved."))
}

pub(super) async fn reset(
    accounts: web::Data<Accounts>,
    _: Visitor,
    input: Input,
    facts: Facts,
) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let email = email(&mut fields, Field::required("email"), "email");
    fields.finish()?;
    if let Some(email) = email {
        accounts.request_reset(&email, &facts).await?;
    }
    Ok(answer::detail("Password reset e-mail has been sent."))
}

pub(super) async fn reset_confirm(
    accounts: web::Data<Accounts>,
    _: Visitor,
    input: Input,
    facts: Facts,
) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let new = NewPassword {
        uid: fields.text(Field::required("uid")),
        token: fields.text(Field::required("token")),
        first: Plaintext::new(&fields.text(password(accounts.settings(), "new_password1"))),
        second: Plaintext::new(&fields.text(password(accounts.settings(), "new_password2"))),
    };
    fields.finish()?;
    accounts.reset_password(new, &facts).await?;
    Ok(answer::detail(
        "Password has been reset with the new password.",
    ))
}
