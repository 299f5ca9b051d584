//! The routes that simplejwt itself has, for apps that use those beside or instead of
//! dj-rest-auth's: mounted at `[compat] simplejwt_prefix`, tokens in the body.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::password;
use super::token::Nothing;
use crate::account::{Accounts, Credentials};
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::password::Plaintext;
use crate::session::{Sessions, TokenPair};
use crate::web::route::{self, Routes};
use crate::web::{self as answer, Answer, Area, Edge, Facts, Field, Fields, Input, Operation};

const USERNAME: Field = Field::required("username").example("ann");
const PASSWORD: Field = password("password");
const TOKEN: Field = Field::required("token").example(TokenPair::EXAMPLE);
const REFRESH: Field = Field::required("refresh").example(TokenPair::EXAMPLE);

/// Mounts them.
pub(super) fn mount(routes: &mut Routes, config: &Config, edge: &Edge) {
    let prefix = &config.compat.simplejwt_prefix;
    let is_strict = config.compat.strict;
    let at = |path: &str| route::at(&format!("{prefix}/{path}")).cross_origin(edge);
    routes
        .service(
            at("").post(
                obtain,
                about("obtainPair", "Log in, for two tokens")
                    .limited()
                    .reads([USERNAME, PASSWORD.trimmed_if(is_strict)])
                    .answers(Answer::json(
                        200,
                        "The tokens of a new session",
                        &Pair::EXAMPLE,
                    )),
            ),
        )
        .service(
            at("refresh/").post(
                refresh,
                about("refreshPair", "Get the next pair of tokens")
                    .reads([REFRESH])
                    .answers(Answer::json(200, "The next pair", &Pair::EXAMPLE)),
            ),
        )
        .service(
            at("verify/").post(
                verify,
                about("verifyPairToken", "Ask whether a token is good")
                    .reads([TOKEN])
                    .answers(Answer::json(200, "It is good", &Nothing {})),
            ),
        )
        .service(
            at("blacklist/").post(
                blacklist,
                about("blacklistToken", "End a session")
                    .reads([REFRESH])
                    .answers(Answer::json(200, "It has ended", &Nothing {})),
            ),
        );
}

fn about(id: &'static str, summary: &'static str) -> Operation {
    Operation::new(Area::Simplejwt, id, summary).refuses([Kind::Unauthenticated])
}

/// Two tokens and nothing else.
#[derive(Serialize, ToSchema)]
#[schema(as = TokenPair)]
struct Pair<'a> {
    access: &'a str,
    refresh: &'a str,
}

impl Pair<'static> {
    const EXAMPLE: Self = Self {
        access: TokenPair::EXAMPLE,
        refresh: TokenPair::EXAMPLE,
    };
}

impl<'a> From<&'a TokenPair> for Pair<'a> {
    fn from(tokens: &'a TokenPair) -> Self {
        Self {
            access: &tokens.access.token,
            refresh: &tokens.refresh.token,
        }
    }
}

/// `TokenObtainPairView`.
async fn obtain(accounts: web::Data<Accounts>, input: Input, facts: Facts) -> Result<HttpResponse> {
    let mut fields = Fields::of(&input);
    let username = fields.text(USERNAME);
    let password = PASSWORD.trimmed_if(accounts.settings().is_strict);
    let password = Plaintext::new(&fields.text(password));
    fields.finish()?;
    let credentials = Credentials::Username(username);
    let login = accounts.login(credentials, &password, &facts).await;
    let (_, tokens) = login.map_err(in_simplejwts_words)?;
    Ok(answer::ok(Pair::from(&tokens)))
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
    let token = token(&input, REFRESH)?;
    let tokens = sessions.refresh(&token, &facts).await?;
    Ok(answer::ok(Pair::from(&tokens)))
}

/// `TokenVerifyView`.
async fn verify(sessions: web::Data<Sessions>, input: Input) -> Result<HttpResponse> {
    sessions.verify(&token(&input, TOKEN)?).await?;
    Ok(answer::ok(Nothing {}))
}

/// `TokenBlacklistView`: ends the session.
async fn blacklist(
    sessions: web::Data<Sessions>,
    input: Input,
    facts: Facts,
) -> Result<HttpResponse> {
    sessions
        .end_by_token(&token(&input, REFRESH)?, &facts)
        .await?;
    Ok(answer::ok(Nothing {}))
}

fn token(input: &Input, field: Field) -> Result<String> {
    let mut fields = Fields::of(input);
    let token = fields.text(field);
    fields.finish()?;
    Ok(token)
}
