//! `POST reauthenticate/`.

use actix_web::{HttpResponse, web};
use serde::Serialize;

use super::password;
use super::token::iso;
use crate::account::Accounts;
use crate::error::Result;
use crate::password::Plaintext;
use crate::session::http::CurrentUser;
use crate::token::Minted;
use crate::web::{self as answer, Facts, Fields, Input};

#[derive(Serialize)]
struct AccessBody<'a> {
    access: &'a str,
    access_expiration: String,
}

pub(super) async fn reauthenticate(
    accounts: web::Data<Accounts>,
    CurrentUser(claims): CurrentUser,
    input: Input,
    facts: Facts,
) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let password = Plaintext::new(&fields.text(password("password")));
    fields.finish()?;
    let access = accounts.reauthenticate(&claims, &password, &facts).await?;
    Ok(present(&access))
}

fn present(access: &Minted) -> HttpResponse {
    answer::ok(AccessBody {
        access: &access.token,
        access_expiration: iso(access.expires_at),
    })
}
