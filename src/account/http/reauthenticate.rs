//! `POST reauthenticate/`.

use actix_web::{HttpResponse, web};

use super::password;
use crate::account::Accounts;
use crate::error::Result;
use crate::password::Plaintext;
use crate::session::http::{CurrentUser, Delivery};
use crate::web::{self as answer, Facts, Fields, Input};

pub(super) async fn reauthenticate(
    accounts: web::Data<Accounts>,
    CurrentUser(claims): CurrentUser,
    (input, delivery): (Input, web::Data<Delivery>),
    facts: Facts,
) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let password = Plaintext::new(&fields.text(password(accounts.settings(), "password")));
    fields.finish()?;
    let access = accounts.reauthenticate(&claims, &password, &facts).await?;
    let mut response = answer::ok(delivery.access(&access));
    delivery.set_access(&mut response, &access);
    Ok(response)
}
