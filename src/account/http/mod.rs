//! The first-party routes, under `[account] prefix`: dj-rest-auth's in JWT mode, and ours beside
//! them.

mod csrf;
mod email;
mod login;
mod password;
mod profile;
mod reauthenticate;
mod registration;
mod sessions;
mod simplejwt;
mod token;

use actix_web::http::Method;
use actix_web::web::ServiceConfig;
use serde::Serialize;

use super::{Email, Settings, User};
use crate::config::Config;
use crate::session::http::TokenBody;
use crate::web::{Edge, Field, Fields, route};

/// Mounts them, and where simplejwt's own are asked for, those.
pub fn mount(routes: &mut ServiceConfig, config: &Config, edge: &Edge) {
    let prefix = &config.account.prefix;
    let at = |path: &str| route::at(&format!("{prefix}/{path}")).with_cookies(edge);
    if edge.cookies.is_some() {
        routes.service(at("csrf/").get(csrf::issue).done());
    }
    if !config.compat.simplejwt_prefix.is_empty() {
        simplejwt::mount(routes, &config.compat.simplejwt_prefix, edge);
    }
    routes
        .service(at("registration/").post(registration::register).done())
        .service(
            at("registration/verify-email/")
                .post(registration::verify_email)
                .done(),
        )
        .service(
            at("registration/resend-email/")
                .post(registration::resend_email)
                .done(),
        )
        .service(at("login/").post(login::login).done())
        .service(at("logout/").post(login::logout).done())
        .service(at("token/verify/").post(token::verify).done())
        .service(at("token/refresh/").post(token::refresh).done())
        .service(
            at("user/")
                .get(profile::show)
                .on(Method::PUT, profile::replace)
                .on(Method::PATCH, profile::update)
                .on(Method::DELETE, profile::delete)
                .done(),
        )
        .service(at("password/change/").post(password::change).done())
        .service(at("password/reset/").post(password::reset).done())
        .service(
            at("password/reset/confirm/")
                .post(password::reset_confirm)
                .done(),
        );
    mount_own(routes, at);
}

/// What dj-rest-auth has no route for.
fn mount_own(routes: &mut ServiceConfig, at: impl Fn(&str) -> route::Endpoint) {
    routes
        .service(at("sessions/").get(sessions::list).done())
        .service(
            at("sessions/{id}/")
                .on(Method::DELETE, sessions::end)
                .done(),
        )
        .service(at("logout/all/").post(sessions::end_all).done())
        .service(at("email/change/").post(email::change).done())
        .service(at("email/change/confirm/").post(email::confirm).done())
        .service(
            at("reauthenticate/")
                .post(reauthenticate::reauthenticate)
                .done(),
        );
}

/// A person, as their own app sees them.
#[derive(Serialize)]
struct UserBody<'a> {
    pk: &'a str,
    username: &'a str,
    email: &'a str,
    first_name: &'a str,
    last_name: &'a str,
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
#[derive(Serialize)]
struct LoginBody<'a> {
    #[serde(flatten)]
    tokens: TokenBody<'a>,
    user: UserBody<'a>,
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

/// A password: taken exactly as sent (upstream trims it). The policy, not this, says how long it
/// may be.
fn password(settings: &Settings, name: &'static str) -> Field {
    let field = Field::required(name);
    if settings.is_strict {
        field
    } else {
        field.untrimmed()
    }
}
