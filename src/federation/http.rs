//! `POST <provider>/`, `POST <provider>/connect/`, `GET social-accounts/`,
//! `POST social-accounts/<pk>/disconnect/`, under `[account] prefix`.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::Ref;
use utoipa::openapi::schema::ArrayBuilder;

use super::{Evidence, Federation, Identity, names, not_found};
use crate::account::http::{Nothing, about_logged_in, logged_in};
use crate::clock::Time;
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::ids::IdentityId;
use crate::session::http::{CurrentUser, Delivery, Visitor, end_kept, iso};
use crate::web::route::{self, Routes, hidden};
use crate::web::{self as answer, Answer, Area, Edge, Facts, Field, Fields, Input, Operation};

const ACCESS_TOKEN: Field = Field::optional("access_token")
    .about("Of the provider; of one that cannot say for whom it was made, beside its ID token");
const CODE: Field = Field::optional("code").about("Of the provider's authorization endpoint");
const ID_TOKEN: Field = Field::optional("id_token").about("Of the provider");
const NONCE: Field = Field::optional("nonce").about("The one that the ID token must carry");
const CODE_VERIFIER: Field = Field::optional("code_verifier").about("Of the code (PKCE)");

/// Mounts them: of the providers, those that are on.
pub fn mount(routes: &mut Routes, config: &Config, edge: &Edge) {
    let prefix = &config.account.prefix;
    let at = |path: &str| route::at(&format!("{prefix}/{path}")).with_cookies(edge);
    for name in names(&config.federation) {
        let provider = Provider(name.to_owned());
        let login = at(&format!("{name}/")).post(
            move |federation,
                  delivery,
                  (request, input, _): (HttpRequest, Input, Visitor),
                  facts| {
                login(
                    provider.clone(),
                    federation,
                    delivery,
                    (request, input),
                    facts,
                )
            },
            about_login(name, config),
        );
        let provider = Provider(name.to_owned());
        let connect = at(&format!("{name}/connect/")).post(
            move |federation, delivery, sent: (HttpRequest, Input, CurrentUser), facts| {
                connect(provider.clone(), federation, delivery, sent, facts)
            },
            about_connect(name, config),
        );
        routes.service(login).service(connect);
    }
    routes
        .service(at("social-accounts/").get(list, about_list()))
        .service(at("social-accounts/{pk}/disconnect/").post(disconnect, about_disconnect()));
    // Projects mount upstream's views under either name.
    let alias = || hidden("another name for social-accounts/");
    routes
        .service(at("socialaccounts/").get(list, alias()))
        .service(at("socialaccounts/{pk}/disconnect/").post(disconnect, alias()));
}

fn about_login(name: &str, config: &Config) -> Operation {
    let (id, summary) = match name {
        "google" => ("loginWithGoogle", "Log in with what Google vouches for"),
        "github" => ("loginWithGithub", "Log in with what GitHub vouches for"),
        _ => (
            "loginWithProvider",
            "Log in with what the provider vouches for",
        ),
    };
    evidenced(id, summary)
        .refuses([Kind::Forbidden])
        .answers(about_logged_in("The tokens of a new session", config))
}

fn about_connect(name: &str, config: &Config) -> Operation {
    let (id, summary) = match name {
        "google" => ("connectGoogle", "Make Google a way to log in"),
        "github" => ("connectGithub", "Make GitHub a way to log in"),
        _ => ("connectProvider", "Make the provider a way to log in"),
    };
    evidenced(id, summary)
        .for_persons()
        .refuses([Kind::Forbidden])
        .answers(about_logged_in("It is one from now on", config))
}

fn evidenced(id: &'static str, summary: &'static str) -> Operation {
    Operation::new(Area::Federation, id, summary)
        .notes("By `code`, by `id_token`, or by `access_token`.")
        .limited()
        .reads([ACCESS_TOKEN, CODE, ID_TOKEN, NONCE, CODE_VERIFIER])
}

fn about_list() -> Operation {
    let time = || iso(Time::default());
    let example = IdentityBody {
        id: "019ab2c0-7c1e-7a3b-9f52-6d1c2b3a4e61",
        provider: "google",
        uid: "110169484474386276334",
        last_login: Some(time()),
        date_joined: time(),
    };
    let schema = ArrayBuilder::new().items(Ref::from_schema_name(IdentityBody::name()));
    let identities = Answer::shaped(200, "All of them", ("Identities", schema), &[example]);
    Operation::new(
        Area::Federation,
        "listIdentities",
        "Through whom one can log in",
    )
    .for_persons()
    .answers(identities.with::<IdentityBody<'_>>())
}

fn about_disconnect() -> Operation {
    Operation::new(
        Area::Federation,
        "disconnectIdentity",
        "Log in through one of them no longer",
    )
    .for_persons()
    .parameter("pk", "Of the list", "019ab2c0-7c1e-7a3b-9f52-6d1c2b3a4e61")
    .answers(Answer::json(200, "It is gone", &Nothing {}))
}

/// The provider that a route is for.
#[derive(Clone)]
struct Provider(String);

async fn login(
    Provider(name): Provider,
    federation: web::Data<Federation>,
    delivery: web::Data<Delivery>,
    (request, input): (HttpRequest, Input),
    facts: Facts,
) -> Result<HttpResponse> {
    let evidence = evidence(&input, delivery.is_strict())?;
    let (user, tokens) = federation.login(&name, &evidence, &facts).await?;
    end_kept(federation.sessions(), &delivery, &request, &facts).await?;
    Ok(logged_in(&delivery, &user, &tokens))
}

async fn connect(
    Provider(name): Provider,
    federation: web::Data<Federation>,
    delivery: web::Data<Delivery>,
    (request, input, CurrentUser(claims)): (HttpRequest, Input, CurrentUser),
    facts: Facts,
) -> Result<HttpResponse> {
    let evidence = evidence(&input, delivery.is_strict())?;
    let connected = federation.connect(&name, &evidence, &claims, &facts);
    let (user, tokens) = connected.await?;
    end_kept(federation.sessions(), &delivery, &request, &facts).await?;
    Ok(logged_in(&delivery, &user, &tokens))
}

/// What counts of all that may be given: an access token before a code, as upstream has it, and an
/// ID token before the access token that it came with.
fn evidence(input: &Input, is_strict: bool) -> Result<Evidence> {
    let mut fields = Fields::of(input);
    let mut given = |field| Some(fields.text(field)).filter(|it| !it.is_empty());
    let (access_token, code) = (given(ACCESS_TOKEN), given(CODE));
    let (id_token, nonce) = (given(ID_TOKEN), given(NONCE));
    let verifier = given(CODE_VERIFIER);
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
#[derive(Serialize, ToSchema)]
#[schema(as = Identity)]
struct IdentityBody<'a> {
    id: &'a str,
    provider: &'a str,
    /// What the provider calls the person.
    uid: &'a str,
    #[schema(format = DateTime)]
    last_login: Option<String>,
    #[schema(format = DateTime)]
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
    Ok(answer::ok(Nothing {}))
}
