//! The routes that simplejwt itself has, for apps that use those beside or instead of
//! dj-rest-auth's: mounted at `[compat] simplejwt_prefix`, tokens in the body.

use actix_web::{HttpResponse, web};
use serde_json::json;

use super::password;
use crate::account::{Accounts, Credentials};
use crate::error::{Error, Kind, Result};
use crate::password::Plaintext;
use crate::session::Sessions;
use crate::web::{self as answer, Edge, Facts, Field, Fields, Input, route};

/// Mounts them.
pub(super) fn mount(routes: &mut web::ServiceConfig, prefix: &str, edge: &Edge) {
    let at = |path: &str| route::at(&format!("{prefix}/{path}")).cross_origin(edge);
    routes
        .service(at("").post(obtain).done())
        .service(at("refresh/").post(refresh).done())
        .service(at("verify/").post(verify).done())
        .service(at("blacklist/").post(blacklist).done());
}

/// `TokenObtainPairView`.
async fn obtain(accounts: web::Data<Accounts>, input: Input, facts: Facts) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let username = fields.text(Field::required("username"));
    let password = Plaintext::new(&fields.text(password(accounts.settings(), "password")));
    fields.finish()?;
    let credentials = Credentials::Username(username);
    let login = accounts.login(credentials, &password, &facts).await;
    let (_, tokens) = login.map_err(in_simplejwts_words)?;
    let (access, refresh) = (&tokens.access.token, &tokens.refresh.token);
    Ok(answer::ok(json!({ "access": access, "refresh": refresh })))
}

/// Refused is refused: why is not told here.
fn in_simplejwts_words(error: Error) -> Error {
    if error.kind() != Kind::Invalid {
        return error;
    }
    let detail = "No active account found with the given credentials";
    Error::new(Kind::Unauthenticated, "no_active_account", detail).with_public_code()
}

/// `TokenRefreshView`, rotating.
async fn refresh(
    sessions: web::Data<Sessions>,
    input: Input,
    facts: Facts,
) -> Result<HttpResponse> {
    let token = token(&input, "refresh")?;
    let tokens = sessions.refresh(&token, &facts).await?;
    let (access, refresh) = (&tokens.access.token, &tokens.refresh.token);
    Ok(answer::ok(json!({ "access": access, "refresh": refresh })))
}

/// `TokenVerifyView`.
async fn verify(sessions: web::Data<Sessions>, input: Input) -> Result<HttpResponse> {
    sessions.verify(&token(&input, "token")?).await?;
    Ok(answer::ok(json!({})))
}

/// `TokenBlacklistView`: ends the session.
async fn blacklist(
    sessions: web::Data<Sessions>,
    input: Input,
    facts: Facts,
) -> Result<HttpResponse> {
    sessions
        .end_by_token(&token(&input, "refresh")?, &facts)
        .await?;
    Ok(answer::ok(json!({})))
}

fn token(input: &Input, name: &'static str) -> Result<String> {
    let mut fields = Fields::of(input);
    let token = fields.text(Field::required(name));
    fields.finish()?;
    Ok(token)
}
