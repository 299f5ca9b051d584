//! `POST <provider>/`, `POST <provider>/connect/`, `GET social-accounts/`,
//! `POST social-accounts/<pk>/disconnect/`, under `[account] prefix`.

use actix_web::web::ServiceConfig;
use actix_web::{HttpResponse, web};
use serde::Serialize;

use super::{Evidence, Federation, Identity, names, not_found};
use crate::account::http::logged_in;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::ids::IdentityId;
use crate::session::http::{CurrentUser, Delivery, Visitor, iso};
use crate::web::{self as answer, Edge, Facts, Field, Fields, Input, route};

/// Mounts them: of the providers, those that are on.
pub fn mount(routes: &mut ServiceConfig, config: &Config, edge: &Edge) {
    let prefix = &config.account.prefix;
    let at = |path: &str| route::at(&format!("{prefix}/{path}")).with_cookies(edge);
    for name in names(&config.federation) {
        let provider = Provider(name.to_owned());
        let login = at(&format!("{name}/")).post(
            move |federation, delivery, (input, _): (Input, Visitor), facts| {
                login(provider.clone(), federation, delivery, input, facts)
            },
        );
        let provider = Provider(name.to_owned());
        let connect = at(&format!("{name}/connect/")).post(
            move |federation, delivery, (input, user): (Input, CurrentUser), facts| {
                connect(provider.clone(), federation, delivery, (input, user), facts)
            },
        );
        routes.service(login.done()).service(connect.done());
    }
    for path in ["social-accounts/", "socialaccounts/"] {
        routes.service(at(path).get(list).done());
        let path = format!("{path}{{pk}}/disconnect/");
        routes.service(at(&path).post(disconnect).done());
    }
}

/// The provider that a route is for.
#[derive(Clone)]
struct Provider(String);

async fn login(
    Provider(name): Provider,
    federation: web::Data<Federation>,
    delivery: web::Data<Delivery>,
    input: Input,
    facts: Facts,
) -> Result<HttpResponse> {
    let evidence = evidence(&input, delivery.is_strict())?;
    let (user, tokens) = federation.login(&name, &evidence, &facts).await?;
    Ok(logged_in(&delivery, &user, &tokens))
}

async fn connect(
    Provider(name): Provider,
    federation: web::Data<Federation>,
    delivery: web::Data<Delivery>,
    (input, CurrentUser(claims)): (Input, CurrentUser),
    facts: Facts,
) -> Result<HttpResponse> {
    let evidence = evidence(&input, delivery.is_strict())?;
    let connected = federation.connect(&name, &evidence, &claims.sub, &facts);
    let (user, tokens) = connected.await?;
    Ok(logged_in(&delivery, &user, &tokens))
}

/// What counts of all that may be given: an access token before a code, as upstream has it, and an
/// ID token before the access token that it came with.
fn evidence(input: &Input, is_strict: bool) -> Result<Evidence> {
    let mut fields = Fields::of(input);
    let mut given = |name| Some(fields.text(Field::optional(name))).filter(|it| !it.is_empty());
    let (access_token, code) = (given("access_token"), given("code"));
    let (id_token, nonce) = (given("id_token"), given("nonce"));
    let verifier = given("code_verifier");
    fields.finish()?;
    match (access_token, code, id_token) {
        (Some(_), _, Some(id_token)) => Ok(Evidence::IdToken(id_token, nonce)),
        (Some(access_token), _, None) => Ok(Evidence::AccessToken(access_token)),
        (None, Some(code), _) => Ok(Evidence::Code {
            code,
            verifier,
            nonce,
        }),
        (None, None, Some(id_token)) if !is_strict => Ok(Evidence::IdToken(id_token, nonce)),
        _ => Err(Error::non_field(
            "Incorrect input. access_token or code is required.",
        )),
    }
}

/// An identity, as its owner's app sees it.
#[derive(Serialize)]
struct IdentityBody<'a> {
    id: &'a str,
    provider: &'a str,
    uid: &'a str,
    last_login: Option<String>,
    date_joined: String,
}

impl<'a> From<&'a Identity> for IdentityBody<'a> {
    fn from(identity: &'a Identity) -> Self {
        Self {
            id: identity.id.as_str(),
            provider: &identity.provider,
            uid: &identity.external_id,
            last_login: identity.last_login_at.map(iso),
            date_joined: iso(identity.created_at),
        }
    }
}

async fn list(
    federation: web::Data<Federation>,
    CurrentUser(claims): CurrentUser,
) -> Result<HttpResponse> {
    let identities = federation.list(&claims.sub).await?;
    let bodies: Vec<IdentityBody<'_>> = identities.iter().map(IdentityBody::from).collect();
    Ok(answer::ok(bodies))
}

async fn disconnect(
    federation: web::Data<Federation>,
    CurrentUser(claims): CurrentUser,
    pk: web::Path<String>,
    facts: Facts,
) -> Result<HttpResponse> {
    // PostgreSQL has no text with a NUL, and no id has any control character.
    if pk.contains(char::is_control) {
        return Err(not_found());
    }
    let id = IdentityId::from(pk.into_inner());
    federation.disconnect(&claims, &id, &facts).await?;
    Ok(answer::ok(serde_json::json!({})))
}
