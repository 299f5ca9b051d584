//! `POST login/`, `POST logout/`.

use actix_web::{HttpRequest, HttpResponse, web};

use super::{LoginBody, email, password};
use crate::account::{Accounts, Credentials, Email};
use crate::config::LoginMethod;
use crate::error::{Error, Result};
use crate::password::Plaintext;
use crate::session::{Sessions, http::bearer};
use crate::web::{self as answer, Facts, Field, Fields, Input};

pub(super) async fn login(
    accounts: web::Data<Accounts>,
    input: Input,
    facts: Facts,
) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let username = fields.text(Field::optional("username"));
    let email = email(&mut fields, Field::optional("email"), "email");
    let password = Plaintext::new(&fields.text(password("password")));
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

/// Ends the session of the refresh token in the body, else that of the bearer token. With neither,
/// or with a bearer token that is dead already, there is nothing left to end.
pub(super) async fn logout(
    sessions: web::Data<Sessions>,
    request: HttpRequest,
    input: Input,
    facts: Facts,
) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let refresh = fields.text(Field::optional("refresh"));
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
    Ok(answer::detail("Successfully logged out."))
}

/// The contract's logout says why in `detail` alone.
fn without_code(error: Error) -> Error {
    match error.detail() {
        Some(detail) if error.kind() == crate::error::Kind::Unauthenticated => {
            Error::new(error.kind(), error.code(), detail.to_owned())
        }
        _ => error,
    }
}
