//! `POST <provider>/`, `POST <provider>/connect/`, `GET social-accounts/`,
//! `POST social-accounts/<pk>/disconnect/`, under `[account] prefix`.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::Ref;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder};

use super::{Evidence, Federation, Identity, Section, names, not_found};
use crate::account::http::{about_logged_in, logged_in};
use crate::clock::Time;
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::ids::IdentityId;
use crate::session::http::{CurrentUser, Delivery, Visitor, iso};
use crate::web::route::{self, Routes};
use crate::web::{self as answer, Answer, Area, Edge, Facts, Field, Fields, Input, Operation};

const ACCESS_TOKEN: Field = Field::optional("access_token")
    .about("Of the provider, issued to this app; where the provider can say so");
const CODE: Field = Field::optional("code").about("Of the provider, for the configured callback");
const ID_TOKEN: Field = Field::optional("id_token").about("Of the provider, with this app in aud");
const NONCE: Field = Field::optional("nonce").about("Must be in the ID token, if it is given");
const VERIFIER: Field = Field::optional("code_verifier").about("Of the code's challenge, if any");
const PK: &str = "019ab2c0-7c1e-7a3b-9f52-6d1c2b3a4e61";

/// Mounts them: of the providers, those that are on.
pub fn mount(routes: &mut Routes, config: &Config, edge: &Edge) {
    let prefix = &config.account.prefix;
    let at = |path: &str| route::at(&format!("{prefix}/{path}")).with_cookies(edge);
    for (section, name) in names(&config.federation) {
        let provider = Provider(name.to_owned());
        let login = at(&format!("{name}/")).post(
            move |federation, delivery, (input, _): (Input, Visitor), facts| {
                login(provider.clone(), federation, delivery, input, facts)
            },
            about_login(section, config),
        );
        let provider = Provider(name.to_owned());
        let connect = at(&format!("{name}/connect/")).post(
            move |federation, delivery, (input, user): (Input, CurrentUser), facts| {
                connect(provider.clone(), federation, delivery, (input, user), facts)
            },
            about_connect(section, config),
        );
        routes.service(login).service(connect);
    }
    for (path, [list_id, disconnect_id]) in [
        ("social-accounts/", ["listIdentities", "disconnectIdentity"]),
        (
            "socialaccounts/",
            ["listIdentitiesToo", "disconnectIdentityToo"],
        ),
    ] {
        routes.service(at(path).get(list, about_list(list_id)));
        let path = format!("{path}{{pk}}/disconnect/");
        routes.service(at(&path).post(disconnect, about_disconnect(disconnect_id)));
    }
}

fn about_login(section: Section, config: &Config) -> Operation {
    let (id, summary) = match section {
        Section::Google => ("loginWithGoogle", "Log in with Google"),
        Section::Github => ("loginWithGithub", "Log in with GitHub"),
        Section::Oidc => (
            "loginWithOidc",
            "Log in with the provider of OpenID Connect",
        ),
    };
    Operation::new(Area::Session, id, summary)
        .notes(
            "With one of `access_token`, `code` and `id_token`. Who is not known yet gets an \
             account; an address never leads to one that exists.",
        )
        .limited()
        .reads([ACCESS_TOKEN, CODE, ID_TOKEN, NONCE, VERIFIER])
        .answers(about_logged_in("The tokens of a new session", config))
        .refuses([Kind::Forbidden, Kind::Unavailable])
}

fn about_connect(section: Section, config: &Config) -> Operation {
    let (id, summary) = match section {
        Section::Google => ("connectGoogle", "Log in with Google, too"),
        Section::Github => ("connectGithub", "Log in with GitHub, too"),
        Section::Oidc => (
            "connectOidc",
            "Log in with the provider of OpenID Connect, too",
        ),
    };
    Operation::new(Area::Account, id, summary)
        .notes("Connects whom the provider vouches for to the account of who asks.")
        .for_persons()
        .limited()
        .reads([ACCESS_TOKEN, CODE, ID_TOKEN, NONCE, VERIFIER])
        .answers(about_logged_in("The tokens of a further session", config))
}

fn about_list(id: &'static str) -> Operation {
    let example = IdentityBody {
        id: PK,
        provider: "google",
        uid: "110169484474386276334",
        last_login: Some(iso(Time::default())),
        date_joined: iso(Time::default()),
    };
    let schema = ArrayBuilder::new().items(Ref::from_schema_name(IdentityBody::name()));
    let all = Answer::shaped(200, "All of them", ("Identities", schema), &[example]);
    Operation::new(Area::Account, id, "Through which providers one can log in")
        .for_persons()
        .answers(all.with::<IdentityBody<'_>>())
}

fn about_disconnect(id: &'static str) -> Operation {
    let (name, schema) = ("Disconnected", ObjectBuilder::new());
    let done = Answer::shaped(200, "It is", (name, schema), &serde_json::json!({}));
    Operation::new(Area::Account, id, "Log in through a provider no longer")
        .notes("The last way to log in cannot be given up.")
        .for_persons()
        .parameter("pk", "`id` in the list", PK)
        .reads([])
        .answers(done)
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
    let mut given = |field| Some(fields.text(field)).filter(|text| !text.is_empty());
    let (access_token, code) = (given(ACCESS_TOKEN), given(CODE));
    let (id_token, nonce) = (given(ID_TOKEN), given(NONCE));
    let verifier = given(VERIFIER);
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
    /// As in its path.
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
    Ok(answer::ok(serde_json::json!({})))
}
