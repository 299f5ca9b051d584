//! `GET|PUT|PATCH|DELETE user/`.

use actix_web::{HttpResponse, web};

use super::{UserBody, password};
use crate::account::{Accounts, Profile, Username};
use crate::error::Result;
use crate::password::Plaintext;
use crate::session::http::{CurrentUser, Delivery};
use crate::web::{self as answer, Facts, Field, Fields, Input};

/// Names at most, in characters.
const NAME_LIMIT: usize = 150;

pub(super) async fn show(
    accounts: web::Data<Accounts>,
    CurrentUser(claims): CurrentUser,
) -> Result<HttpResponse> {
    let user = accounts.find(&claims.sub).await?;
    Ok(answer::ok(UserBody::from(&user)))
}

pub(super) async fn replace(
    accounts: web::Data<Accounts>,
    user: CurrentUser,
    input: Input,
    facts: Facts,
) -> Result<HttpResponse> {
    change(
        &accounts,
        user,
        (&input, &facts),
        Field::required("username"),
    )
    .await
}

pub(super) async fn update(
    accounts: web::Data<Accounts>,
    user: CurrentUser,
    input: Input,
    facts: Facts,
) -> Result<HttpResponse> {
    change(
        &accounts,
        user,
        (&input, &facts),
        Field::optional("username").not_blank(),
    )
    .await
}

async fn change(
    accounts: &Accounts,
    CurrentUser(claims): CurrentUser,
    (input, facts): (&Input, &Facts),
    username_field: Field,
) -> Result<HttpResponse> {
    let holder = accounts.find(&claims.sub).await?;
    let mut fields = Fields::of(input);
    let username = username(&mut fields, username_field.max(Username::MAX), |name| {
        accounts.settings().usernames.refusal(name, Some(&holder))
    });
    let profile = Profile {
        username,
        first_name: fields.maybe(Field::optional("first_name").max(NAME_LIMIT)),
        last_name: fields.maybe(Field::optional("last_name").max(NAME_LIMIT)),
    };
    fields.finish()?;
    let user = accounts.update_profile(&claims, profile, facts).await?;
    Ok(answer::ok(UserBody::from(&user)))
}

/// Asks for the password again: there is no way back.
pub(super) async fn delete(
    accounts: web::Data<Accounts>,
    CurrentUser(claims): CurrentUser,
    (input, delivery): (Input, web::Data<Delivery>),
    facts: Facts,
) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let password = Plaintext::new(&fields.text(password(accounts.settings(), "password")));
    fields.finish()?;
    accounts.leave(&claims, &password, &facts).await?;
    let mut response = HttpResponse::NoContent().finish();
    delivery.clear_cookies(&mut response);
    Ok(response)
}

/// A user name, in the words of the contract where it is none or `refusal` says why not.
pub(super) fn username(
    fields: &mut Fields<'_>,
    field: Field,
    refusal: impl FnOnce(&Username) -> Option<String>,
) -> Option<Username> {
    let text = fields.maybe(field)?;
    if text.is_empty() {
        return None;
    }
    let Some(username) = Username::parse(&text) else {
        fields.refuse(
            "username",
            "Enter a valid username. This value may contain only letters, numbers, and \
             @/./+/-/_ characters.",
        );
        return None;
    };
    if let Some(message) = refusal(&username) {
        fields.refuse("username", message);
        return None;
    }
    Some(username)
}
