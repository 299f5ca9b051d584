//! The first-party routes, under `[account] prefix`: dj-rest-auth's in JWT mode.

mod login;
mod password;
mod profile;
mod registration;
mod token;

use actix_web::http::Method;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Email, User};
use crate::config::Config;
use crate::session::TokenPair;
use crate::web::route::{self, Routes};
use crate::web::{Field, Fields};

/// Mounts them.
pub fn mount(routes: &mut Routes, config: &Config) {
    let account = &config.account;
    let at = |path: &str| route::at(&format!("{}/{path}", account.prefix));
    routes
        .service(
            at("registration/").post(registration::register, registration::register_told(account)),
        )
        .service(at("registration/verify-email/").post(
            registration::verify_email,
            registration::verify_email_told(),
        ))
        .service(at("registration/resend-email/").post(
            registration::resend_email,
            registration::resend_email_told(),
        ))
        .service(at("login/").post(login::login, login::login_told(account)))
        .service(at("logout/").post(login::logout, login::logout_told()))
        .service(at("token/verify/").post(token::verify, token::verify_told()))
        .service(at("token/refresh/").post(token::refresh, token::refresh_told()))
        .service(
            at("user/")
                .get(profile::show, profile::show_told())
                .on(Method::PUT, profile::replace, profile::replace_told())
                .on(Method::PATCH, profile::update, profile::update_told()),
        )
        .service(at("password/change/").post(password::change, password::change_told(account)))
        .service(at("password/reset/").post(password::reset, password::reset_told()))
        .service(
            at("password/reset/confirm/")
                .post(password::reset_confirm, password::reset_confirm_told()),
        );
}

/// A person, as their own app sees them.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
struct UserBody<'a> {
    /// The person's id, never reused: `sub` and `user_id` in tokens.
    pk: &'a str,
    /// May be empty where people log in by address.
    username: &'a str,
    /// May be empty where people log in by user name.
    email: &'a str,
    first_name: &'a str,
    last_name: &'a str,
}

impl UserBody<'static> {
    const SAMPLE: Self = Self {
        pk: "019ab2c0-7c1e-7a3b-9f52-6d1c2b3a4e5f",
        username: "ann",
        email: "ann@example.com",
        first_name: "",
        last_name: "",
    };
}

impl<'a> From<&'a User> for UserBody<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            pk: user.subject.as_str(),
            username: user.username.as_deref().unwrap_or_default(),
            email: user.email.as_deref().unwrap_or_default(),
            first_name: &user.first_name,
            last_name: &user.last_name,
        }
    }
}

/// The answer to a login and to an open registration.
#[derive(Serialize, ToSchema)]
#[schema(as = Login)]
struct LoginBody<'a> {
    /// The access token, for `Authorization: Bearer`.
    access: &'a str,
    /// The refresh token.
    refresh: &'a str,
    user: UserBody<'a>,
}

impl LoginBody<'static> {
    const SAMPLE: Self = Self {
        access: TOKEN,
        refresh: TOKEN,
        user: UserBody::SAMPLE,
    };
}

/// In the place of a token, in examples.
const TOKEN: &str = "eyJhbGciOi…";

impl<'a> LoginBody<'a> {
    fn new(user: &'a User, tokens: &'a TokenPair) -> Self {
        Self {
            access: &tokens.access.token,
            refresh: &tokens.refresh.token,
            user: user.into(),
        }
    }
}

/// An address, in the words of the contract where it is none.
fn email(fields: &mut Fields<'_>, field: Field, name: &str) -> Option<Email> {
    let text = fields.maybe(field)?;
    if text.is_empty() {
        return None;
    }
    let email = Email::parse(&text);
    if email.is_none() {
        fields.refuse(name, "Enter a valid email address.");
    }
    email
}

/// A password: taken exactly as sent. The policy, not this, says how long it may be.
const fn password(name: &'static str) -> Field {
    Field::required(name).password()
}
