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

pub use token::Nothing;

use actix_web::HttpResponse;
use actix_web::http::Method;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::Ref;

use super::{Email, User};
use crate::clock::Clock;
use crate::config::Config;
use crate::session::TokenPair;
use crate::session::http::{Delivery, TokenBody};
use crate::web::route::{self, Routes};
use crate::web::{self as answer, Answer, Edge, Field, Fields};

/// Mounts them, and where simplejwt's own are asked for, those.
pub fn mount(routes: &mut Routes, config: &Config, edge: &Edge) {
    let prefix = &config.account.prefix;
    let at = |path: &str| route::at(&format!("{prefix}/{path}")).with_cookies(edge);
    if edge.cookies.is_some() {
        routes.service(at("csrf/").get(csrf::issue, csrf::about_issue()));
    }
    if !config.compat.simplejwt_prefix.is_empty() {
        simplejwt::mount(routes, config, edge);
    }
    routes
        .service(
            at("registration/").post(registration::register, registration::about_register(config)),
        )
        .service(at("registration/verify-email/").post(
            registration::verify_email,
            registration::about_verify_email(),
        ))
        .service(at("registration/resend-email/").post(
            registration::resend_email,
            registration::about_resend_email(),
        ))
        .service(at("login/").post(login::login, login::about_login(config)))
        .service(at("logout/").post(login::logout, login::about_logout(config)))
        .service(at("token/verify/").post(token::verify, token::about_verify()))
        .service(at("token/refresh/").post(token::refresh, token::about_refresh(config)))
        .service(
            at("user/")
                .get(profile::show, profile::about_show())
                .on(Method::PUT, profile::replace, profile::about_replace())
                .on(Method::PATCH, profile::update, profile::about_update())
                .on(
                    Method::DELETE,
                    profile::delete,
                    profile::about_delete(config),
                ),
        )
        .service(at("password/change/").post(password::change, password::about_change(config)))
        .service(at("password/reset/").post(password::reset, password::about_reset()))
        .service(at("password/reset/confirm/").post(
            password::reset_confirm,
            password::about_reset_confirm(config),
        ));
    mount_own(routes, config, at);
}

/// What dj-rest-auth has no route for.
fn mount_own(routes: &mut Routes, config: &Config, at: impl Fn(&str) -> route::Endpoint) {
    routes
        .service(at("sessions/").get(sessions::list, sessions::about_list()))
        .service(at("sessions/{id}/").on(Method::DELETE, sessions::end, sessions::about_end()))
        .service(at("logout/all/").post(sessions::end_all, sessions::about_end_all()))
        .service(at("email/change/").post(email::change, email::about_change(config)))
        .service(at("email/change/confirm/").post(email::confirm, email::about_confirm()))
        .service(at("reauthenticate/").post(
            reauthenticate::reauthenticate,
            reauthenticate::about_reauthenticate(config),
        ));
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
    const EXAMPLE: Self = Self {
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

/// The answer to a login, of whatever kind: the tokens, where they go, and whose they are.
pub fn logged_in(delivery: &Delivery, user: &User, tokens: &TokenPair) -> HttpResponse {
    let mut response = answer::ok(LoginBody {
        tokens: delivery.login(tokens),
        user: user.into(),
    });
    delivery.set_cookies(&mut response, tokens);
    response
}

/// How [`logged_in`] is described.
pub fn about_logged_in(meaning: &'static str, config: &Config) -> Answer {
    LoginBody::told((200, "Login"), meaning, config, Delivery::login)
}

/// The answer to a login and to an open registration.
#[derive(Serialize)]
struct LoginBody<'a> {
    #[serde(flatten)]
    tokens: TokenBody<'a>,
    user: UserBody<'a>,
}

impl LoginBody<'_> {
    /// How an answer is described that has such a body, with the members that `of` gives.
    fn told(
        (status, name): (u16, &str),
        meaning: &'static str,
        config: &Config,
        of: impl for<'b> Fn(&Delivery, &'b TokenPair) -> TokenBody<'b>,
    ) -> Answer {
        let tokens = TokenPair::example();
        let tokens = of(&Delivery::new(config, Clock::system()), &tokens);
        let user = Ref::from_schema_name(UserBody::name());
        let schema = tokens.schema().property("user", user).required("user");
        let example = LoginBody {
            tokens,
            user: UserBody::EXAMPLE,
        };
        Answer::shaped(status, meaning, (name, schema), &example).with::<UserBody<'_>>()
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

/// A password: taken exactly as sent. The policy, not this, says how long it may be. Upstream trims
/// it: where that is to be followed, `trimmed_if` says so.
const fn password(name: &'static str) -> Field {
    Field::required(name).password()
}
