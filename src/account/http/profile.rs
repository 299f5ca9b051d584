//! `GET|PUT|PATCH|DELETE user/`.

use actix_web::{HttpResponse, web};

use super::{UserBody, password};
use crate::account::{Accounts, Profile, Username};
use crate::config::Config;
use crate::error::Result;
use crate::password::Plaintext;
use crate::session::http::{CurrentUser, Delivery};
use crate::web::{self as answer, Answer, Area, Facts, Field, Fields, Input, Operation};

/// Names at most, in characters.
const NAME_LIMIT: usize = 150;

/// What a user name must match, beside the rules of this installation.
pub(super) const USERNAME: Field = Field::required("username")
    .max(Username::MAX)
    .example("ann");
const NEW_USERNAME: Field = Field::optional("username")
    .not_blank()
    .max(Username::MAX)
    .example("ann");
const FIRST_NAME: Field = Field::optional("first_name").max(NAME_LIMIT).example("Ann");
const LAST_NAME: Field = Field::optional("last_name")
    .max(NAME_LIMIT)
    .example("Droid");

const PASSWORD: Field = password("password");

pub(super) fn about_show() -> Operation {
    about("getUser", "Read one's profile")
}

pub(super) fn about_replace() -> Operation {
    about("replaceUser", "Change one's profile")
        .notes("`username` must be there; what is missing else stays as it is.")
        .limited()
        .reads([USERNAME, FIRST_NAME, LAST_NAME])
}

pub(super) fn about_update() -> Operation {
    about("updateUser", "Change parts of one's profile")
        .limited()
        .reads([NEW_USERNAME, FIRST_NAME, LAST_NAME])
}

fn about(id: &'static str, summary: &'static str) -> Operation {
    Operation::new(Area::Account, id, summary)
        .for_persons()
        .answers(Answer::json(200, "The profile", &UserBody::EXAMPLE))
}

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
    change(&accounts, user, (&input, &facts), USERNAME).await
}

pub(super) async fn update(
    accounts: web::Data<Accounts>,
    user: CurrentUser,
    input: Input,
    facts: Facts,
) -> Result<HttpResponse> {
    change(&accounts, user, (&input, &facts), NEW_USERNAME).await
}

async fn change(
    accounts: &Accounts,
    CurrentUser(claims): CurrentUser,
    (input, facts): (&Input, &Facts),
    username_field: Field,
) -> Result<HttpResponse> {
    let holder = accounts.find(&claims.sub).await?;
    let mut fields = Fields::of(input);
    let username = username(&mut fields, username_field, |name| {
        accounts.settings().usernames.refusal(name, Some(&holder))
    });
    let profile = Profile {
        username,
        first_name: fields.maybe(FIRST_NAME),
        last_name: fields.maybe(LAST_NAME),
    };
    fields.finish()?;
    let user = accounts.update_profile(&claims, profile, facts).await?;
    Ok(answer::ok(UserBody::from(&user)))
}

pub(super) fn about_delete(config: &Config) -> Operation {
    Operation::new(Area::Account, "deleteUser", "Delete one's account")
        .notes("Asks for the password again: there is no way back. Ends every session.")
        .for_persons()
        .limited()
        .reads([PASSWORD.trimmed_if(config.compat.strict)])
        .answers(Answer::empty(204, "It is gone"))
}

/// Asks for the password again: there is no way back.
pub(super) async fn delete(
    accounts: web::Data<Accounts>,
    CurrentUser(claims): CurrentUser,
    (input, delivery): (Input, web::Data<Delivery>),
    facts: Facts,
) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let password = PASSWORD.trimmed_if(accounts.settings().is_strict);
    let password = Plaintext::new(&fields.text(password));
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
