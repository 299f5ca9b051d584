//! `GET|PUT|PATCH user/`.

use actix_web::{HttpResponse, web};

use super::UserBody;
use crate::account::{Accounts, Profile, Username};
use crate::error::Result;
use crate::session::http::CurrentUser;
use crate::web::{self as answer, Answer, Area, Field, Fields, Input, Operation};

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

pub(super) fn about_show() -> Operation {
    about("getUser", "Read one's profile")
}

pub(super) fn about_replace() -> Operation {
    about("replaceUser", "Change one's profile")
        .notes("`username` must be there; what is missing else stays as it is.")
        .reads([USERNAME, FIRST_NAME, LAST_NAME])
}

pub(super) fn about_update() -> Operation {
    about("updateUser", "Change parts of one's profile").reads([
        NEW_USERNAME,
        FIRST_NAME,
        LAST_NAME,
    ])
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
) -> Result<HttpResponse> {
    change(&accounts, user, &input, USERNAME).await
}

pub(super) async fn update(
    accounts: web::Data<Accounts>,
    user: CurrentUser,
    input: Input,
) -> Result<HttpResponse> {
    change(&accounts, user, &input, NEW_USERNAME).await
}

async fn change(
    accounts: &Accounts,
    CurrentUser(claims): CurrentUser,
    input: &Input,
    username_field: Field,
) -> Result<HttpResponse> {
    let mut fields = Fields::of(input);
    let profile = Profile {
        username: username(&mut fields, username_field),
        first_name: fields.maybe(FIRST_NAME),
        last_name: fields.maybe(LAST_NAME),
    };
    fields.finish()?;
    let user = accounts.update_profile(&claims.sub, profile).await?;
    Ok(answer::ok(UserBody::from(&user)))
}

/// A user name, in the words of the contract where it is none.
pub(super) fn username(fields: &mut Fields<'_>, field: Field) -> Option<Username> {
    let text = fields.maybe(field)?;
    if text.is_empty() {
        return None;
    }
    let username = Username::parse(&text);
    if username.is_none() {
        fields.refuse(
            "username",
            "Enter a valid username. This value may contain only letters, numbers, and \
             @/./+/-/_ characters.",
        );
    }
    username
}
