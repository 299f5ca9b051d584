//! `POST login/`, `POST logout/`.

use actix_web::{HttpRequest, HttpResponse, web};

use super::{LoginBody, TOKEN, email, password};
use crate::account::{Accounts, Credentials, Email};
use crate::config::{self, LoginMethod};
use crate::error::{Error, Kind, Result};
use crate::password::Plaintext;
use crate::session::{Sessions, http::bearer};
use crate::web::{self as answer, Answer, Area, Facts, Field, Fields, Input, Operation};

const USERNAME: Field = Field::optional("username").example("ann");
const EMAIL: Field = Field::optional("email").email();
const PASSWORD: Field = password("password");
const REFRESH: Field = Field::optional("refresh")
    .about("The session's refresh token; without it, the access token says which session ends")
    .example(TOKEN);
const LOGGED_OUT: &str = "Successfully logged out.";

pub(super) fn login_told(account: &config::Account) -> Operation {
    let by = |method| account.login_with.contains(&method);
    Operation::new(Area::Session, "login", "Log in")
        .notes(match (by(LoginMethod::Email), by(LoginMethod::Username)) {
            (true, true) => {
                "By `username` or by `email`, and `password`. A wrong password and an unknown \
                 person get the same 400."
            }
            (true, false) => "By `email` and `password`.",
            _ => "By `username` and `password`.",
        })
        .reads([USERNAME, EMAIL, PASSWORD])
        .answers(Answer::json(
            200,
            "The tokens of a new session",
            &LoginBody::SAMPLE,
        ))
}

pub(super) async fn login(
    accounts: web::Data<Accounts>,
    input: Input,
    facts: Facts,
) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let username = fields.text(USERNAME);
    let email = email(&mut fields, EMAIL, "email");
    let password = Plaintext::new(&fields.text(PASSWORD));
    fields.finish()?;
    let methods = &accounts.settings().account.login_with;
    let credentials = credentials(methods, email, username)?;
    let (user, tokens) = accounts.login(credentials, &password, &facts).await?;
    Ok(answer::ok(LoginBody::new(&user, &tokens)))
}

/// Which identifier counts, by what people may log in with; an address before a name.
fn credentials(
    methods: &[LoginMethod],
    email: Option<Email>,
    username: String,
) -> Result<Credentials> {
    let by_email = methods.contains(&LoginMethod::Email);
    let by_username = methods.contains(&LoginMethod::Username);
    match email {
        Some(email) if by_email => Ok(Credentials::Email(email)),
        _ if by_username && !username.is_empty() => Ok(Credentials::Username(username)),
        _ => Err(Error::non_field(match (by_email, by_username) {
            (true, true) => "Must include either \"username\" or \"email\" and \"password\".",
            (true, false) => "Must include \"email\" and \"password\".",
            _ => "Must include \"username\" and \"password\".",
        })),
    }
}

pub(super) fn logout_told() -> Operation {
    Operation::new(Area::Session, "logout", "Log out")
        .notes(
            "Ends one session. Its access tokens are good until they expire, for who does not ask.",
        )
        .heeds_persons()
        .reads([REFRESH])
        .answers(Answer::detail(
            "The session has ended, or had already",
            LOGGED_OUT,
        ))
        .refuses([Kind::Unauthenticated])
}

/// Ends the session of the refresh token in the body, else that of the bearer token. With neither,
/// or with a bearer token that is dead already, there is nothing left to end.
pub(super) async fn logout(
    sessions: web::Data<Sessions>,
    request: HttpRequest,
    input: Input,
    facts: Facts,
) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let refresh = fields.text(REFRESH);
    fields.finish()?;
    if refresh.is_empty() {
        if let Some(access) = bearer(&request).ok().flatten()
            && let Ok(claims) = sessions.tokens().verify_access(&access)
        {
            sessions.end(&claims.sub, &claims.sid, &facts).await?;
        }
    } else {
        sessions
            .end_by_token(&refresh, &facts)
            .await
            .map_err(without_code)?;
    }
    Ok(answer::detail(LOGGED_OUT))
}

/// The contract's logout says why in `detail` alone.
fn without_code(error: Error) -> Error {
    match error.detail() {
        Some(detail) if error.kind() == Kind::Unauthenticated => {
            Error::new(error.kind(), error.code(), detail.to_owned())
        }
        _ => error,
    }
}
