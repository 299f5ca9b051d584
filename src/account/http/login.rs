//! `POST login/`, `POST logout/`.

use actix_web::{FromRequest, HttpRequest, HttpResponse, web};

use super::{LoginBody, email, password};
use crate::account::{Accounts, Credentials, Email};
use crate::config::LoginMethod;
use crate::error::{Error, Kind, Result};
use crate::password::Plaintext;
use crate::session::Sessions;
use crate::session::http::{Delivery, Visitor, credential};
use crate::web::{self as answer, Facts, Field, Fields, Input};

pub(super) async fn login(
    accounts: web::Data<Accounts>,
    delivery: web::Data<Delivery>,
    (input, _): (Input, Visitor),
    facts: Facts,
) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let username = fields.text(Field::optional("username"));
    let email = email(&mut fields, Field::optional("email"), "email");
    let password = Plaintext::new(&fields.text(password(accounts.settings(), "password")));
    fields.finish()?;
    let methods = &accounts.settings().account.login_with;
    let credentials = credentials(methods, email, username)?;
    let (user, tokens) = accounts.login(credentials, &password, &facts).await?;
    let mut response = answer::ok(LoginBody {
        tokens: delivery.login(&tokens),
        user: (&user).into(),
    });
    delivery.set_cookies(&mut response, &tokens);
    Ok(response)
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

/// Ends the session and takes the cookies away, whatever becomes of the rest.
pub(super) async fn logout(
    sessions: web::Data<Sessions>,
    delivery: web::Data<Delivery>,
    request: HttpRequest,
    input: Input,
) -> HttpResponse {
    let mut response = match end(&sessions, &delivery, &request, &input).await {
        Ok(()) => answer::detail("Successfully logged out."),
        Err(error) => HttpResponse::from_error(error),
    };
    delivery.clear_cookies(&mut response);
    response
}

/// Ends the session of the refresh token in the body, which must be good; else those of the
/// cookies and of the bearer token. With none, or with such as are dead already, there is nothing
/// left to end.
async fn end(
    sessions: &Sessions,
    delivery: &Delivery,
    request: &HttpRequest,
    input: &Input,
) -> Result<()> {
    Visitor::extract(request).await?;
    let facts = Facts::of(request)?;
    let mut fields = Fields::of(input);
    let sent = fields.text(Field::optional("refresh"));
    fields.finish()?;
    let kept = delivery.cookies();
    let kept = kept.and_then(|cookies| cookies.refresh(request));
    if delivery.is_strict() {
        let token = strictly(delivery, sent, kept)?;
        return sessions
            .end_by_token(&token, &facts)
            .await
            .map_err(without_code);
    }
    if !sent.is_empty() {
        return sessions
            .end_by_token(&sent, &facts)
            .await
            .map_err(without_code);
    }
    if let Some(token) = kept
        && let Ok(claims) = sessions.tokens().verify_refresh(&token)
    {
        sessions.end(&claims.sub, &claims.sid, &facts).await?;
    }
    if let Some(access) = credential(request).ok().flatten()
        && let Ok(claims) = sessions.tokens().verify_access(&access)
    {
        sessions.end(&claims.sub, &claims.sid, &facts).await?;
    }
    Ok(())
}

/// Upstream takes the token from one place alone, and refuses to go without.
fn strictly(delivery: &Delivery, sent: String, kept: Option<String>) -> Result<String> {
    let (token, place) = if delivery.is_http_only() {
        (kept.unwrap_or_default(), "cookie")
    } else {
        (sent, "request")
    };
    if token.is_empty() {
        let detail = format!("Refresh token was not included in {place} data.");
        return Err(Error::new(
            Kind::Unauthenticated,
            "no_refresh_token",
            detail,
        ));
    }
    Ok(token)
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
