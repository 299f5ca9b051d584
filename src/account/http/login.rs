//! `POST login/`, `POST logout/`.

use actix_web::{FromRequest, HttpRequest, HttpResponse, web};

use super::{about_logged_in, email, logged_in, password};
use crate::account::{Accounts, Credentials, Email};
use crate::config::{Config, LoginMethod};
use crate::error::{Error, Kind, Result};
use crate::password::Plaintext;
use crate::session::http::{Delivery, Visitor, credential, end_kept, stood_for};
use crate::session::{Sessions, TokenPair};
use crate::web::{self as answer, Answer, Area, Facts, Field, Fields, Input, Operation};

const USERNAME: Field = Field::optional("username").example("ann");
const EMAIL: Field = Field::optional("email").email();
const PASSWORD: Field = password("password");
const REFRESH: Field = Field::optional("refresh")
    .about("The refresh token of the session to end; without it, the access token says which")
    .example(TokenPair::EXAMPLE);
const LOGGED_OUT: &str = "Successfully logged out.";

pub(super) fn about_login(config: &Config) -> Operation {
    let by = |method| config.account.login_with.contains(&method);
    let meaning = "The tokens of a new session";
    Operation::new(Area::Session, "login", "Log in")
        .notes(match (by(LoginMethod::Email), by(LoginMethod::Username)) {
            (true, true) => "By `username` or by `email`, and `password`.",
            (true, false) => "By `email` and `password`.",
            _ => "By `username` and `password`.",
        })
        .limited()
        .reads([USERNAME, EMAIL, PASSWORD.trimmed_if(config.compat.strict)])
        .answers(about_logged_in(meaning, config))
}

pub(super) async fn login(
    accounts: web::Data<Accounts>,
    delivery: web::Data<Delivery>,
    request: HttpRequest,
    (input, _): (Input, Visitor),
) -> Result<HttpResponse> {
    let facts = Facts::of(&request)?;
    let mut fields = Fields::of(&input);
    let username = fields.text(USERNAME);
    let email = email(&mut fields, EMAIL, "email");
    let password = PASSWORD.trimmed_if(accounts.settings().is_strict);
    let password = Plaintext::new(&fields.text(password));
    fields.finish()?;
    let methods = &accounts.settings().account.login_with;
    let credentials = credentials(methods, email, username)?;
    let (user, tokens) = accounts.login(credentials, &password, &facts).await?;
    end_kept(accounts.sessions(), &delivery, &request, &facts).await?;
    Ok(logged_in(&delivery, &user, &tokens))
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

pub(super) fn about_logout(config: &Config) -> Operation {
    Operation::new(Area::Session, "logout", "Log out")
        .notes(if config.compat.strict {
            "Ends the session of the refresh token."
        } else {
            "Ends the session of the refresh token, else that of the access token."
        })
        .heeds_persons()
        .reads([REFRESH])
        .answers(Answer::detail(
            "The session has ended, or had before",
            LOGGED_OUT,
        ))
        .refuses([Kind::Unauthenticated])
}

/// Ends the session and takes the cookies away, whatever becomes of the rest.
pub(super) async fn logout(
    sessions: web::Data<Sessions>,
    delivery: web::Data<Delivery>,
    request: HttpRequest,
    input: Input,
) -> HttpResponse {
    let mut response = match end(&sessions, &delivery, &request, &input).await {
        Ok(()) => answer::detail(LOGGED_OUT),
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
    let sent = fields.text(REFRESH);
    fields.finish()?;
    let cookies = delivery.cookies();
    let kept = cookies.and_then(|cookies| cookies.refresh(request));
    if delivery.is_strict() {
        let token = strictly(delivery, sent, kept)?;
        let ended = sessions.end_by_token(&token, &facts).await;
        return ended.map_err(without_code);
    }
    let (ended, access) = if sent.is_empty() {
        (Ok(()), credential(request).ok().flatten())
    } else {
        let ended = sessions.end_by_token(&sent, &facts).await;
        (ended, cookies.and_then(|cookies| cookies.access(request)))
    };
    // Cookies are taken away in any case: so what they stand for ends, too.
    for (subject, session) in stood_for(sessions, kept, access) {
        sessions.end(&subject, &session, &facts).await?;
    }
    ended.map_err(without_code)
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
