//! Choosing a new password.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use askama::Template;

use super::notice::Notice;
use super::page::{Base, STYLE, answer, failure, see_other};
use crate::account::{Accounts, NewPassword, Settings, User};
use crate::error::{Error, Kind, Result};
use crate::password::{Plaintext, Policy};
use crate::web::{Facts, Field, Fields, Input};

const FIRST: &str = "new_password1";
const SECOND: &str = "new_password2";

/// The page with the two fields.
#[derive(Template)]
#[template(path = "reset.html", config = "src/pages/askama.toml")]
pub(super) struct Form<'a> {
    pub(super) service: &'a str,
    /// Whose password it is; password managers file the new one under it.
    pub(super) account: &'a str,
    pub(super) fields: [Entry; 2],
}

/// A field of the form: what is said beside it, and what is wrong with what was typed.
pub(super) struct Entry {
    name: &'static str,
    label: &'static str,
    hint: Option<String>,
    errors: Vec<String>,
    has_focus: bool,
}

pub(super) async fn form(accounts: Data<Accounts>, link: Path<(String, String)>) -> HttpResponse {
    let (uid, token) = link.into_inner();
    match accounts.check_reset(&uid, &token).await {
        Ok(user) => show(accounts.settings(), &user, None),
        Err(error) => refuse(accounts.settings(), error),
    }
}

pub(super) async fn reset(
    accounts: Data<Accounts>,
    base: Data<Base>,
    link: Path<(String, String)>,
    input: Result<Input>,
    facts: Result<Facts>,
) -> HttpResponse {
    let (uid, token) = link.into_inner();
    match set(&accounts, (&uid, &token), input, facts).await {
        Ok(()) => see_other(&base, super::PASSWORD_SET),
        Err(error) if is_about_fields(&error) => match accounts.check_reset(&uid, &token).await {
            Ok(user) => show(accounts.settings(), &user, Some(&error)),
            Err(error) => refuse(accounts.settings(), error),
        },
        Err(error) => refuse(accounts.settings(), error),
    }
}

pub(super) async fn done(accounts: Data<Accounts>) -> HttpResponse {
    let service = &accounts.settings().service_name;
    answer(StatusCode::OK, &Notice::password_set(service))
}

async fn set(
    accounts: &Accounts,
    (uid, token): (&str, &str),
    input: Result<Input>,
    facts: Result<Facts>,
) -> Result<()> {
    let (input, facts) = (input?, facts?);
    let mut fields = Fields::of(&input);
    let mut password = |name| Plaintext::new(&fields.text(Field::required(name).untrimmed()));
    let new = NewPassword {
        uid: uid.to_owned(),
        token: token.to_owned(),
        first: password(FIRST),
        second: password(SECOND),
    };
    fields.finish()?;
    accounts.reset_password(new, &facts).await
}

fn show(settings: &Settings, user: &User, refused: Option<&Error>) -> HttpResponse {
    let account = user.username.as_deref().or(user.email.as_deref());
    let form = Form {
        service: &settings.service_name,
        account: account.unwrap_or_default(),
        fields: entries(demand(&settings.policy), refused),
    };
    let status = if refused.is_some() {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    answer(status, &form)
}

fn refuse(settings: &Settings, error: Error) -> HttpResponse {
    let service = &settings.service_name;
    let is_about_link = ["uid", "token"]
        .iter()
        .any(|name| error.members().contains_key(*name));
    if error.kind() == Kind::Invalid && is_about_link {
        return answer(StatusCode::NOT_FOUND, &Notice::dead_reset(service));
    }
    failure(service, error)
}

fn is_about_fields(error: &Error) -> bool {
    error.kind() == Kind::Invalid
        && [FIRST, SECOND]
            .iter()
            .any(|name| error.members().contains_key(*name))
}

/// What the policy asks of every password.
pub(super) fn demand(policy: &Policy) -> String {
    format!("At least {} characters.", policy.min_length())
}

/// The two fields, with what was refused beside the field it is about, and the focus on the first
/// such.
pub(super) fn entries(demand: String, refused: Option<&Error>) -> [Entry; 2] {
    let said = |name| refused.map_or_else(Vec::new, |error| messages(error, name));
    let (mut first, mut second) = (said(FIRST), said(SECOND));
    // The API tells everything at the second field, also what is wrong with the password itself.
    if refused.is_some_and(|error| error.code() == "password_refused") {
        first.append(&mut second);
        first.dedup();
    }
    [
        Entry {
            name: FIRST,
            label: "New password",
            hint: Some(demand),
            has_focus: !first.is_empty(),
            errors: first.clone(),
        },
        Entry {
            name: SECOND,
            label: "The same password again",
            hint: None,
            has_focus: first.is_empty() && !second.is_empty(),
            errors: second,
        },
    ]
}

fn messages(error: &Error, name: &str) -> Vec<String> {
    let listed = error.members().get(name).and_then(|list| list.as_array());
    let texts = listed
        .into_iter()
        .flatten()
        .filter_map(|text| text.as_str());
    texts.map(str::to_owned).collect()
}

impl Entry {
    /// The ids of what is said beside the field (`aria-describedby`).
    fn described_by(&self) -> String {
        let hint = self.hint.as_ref().map(|_| format!("{}-hint", self.name));
        let error = (!self.errors.is_empty()).then(|| format!("{}-error", self.name));
        let ids: Vec<String> = error.into_iter().chain(hint).collect();
        ids.join(" ")
    }
}

impl Form<'_> {
    fn is_refused(&self) -> bool {
        self.fields.iter().any(|entry| !entry.errors.is_empty())
    }
}
