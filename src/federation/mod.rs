//! # federation
//!
//! Login through other providers: Google, GitHub, and any one provider of OpenID Connect. An app
//! brings what it got there (a code, an ID token, an access token); the provider vouches for whom
//! it belongs to; that somebody has an account here, or gets one.
//!
//! Standards: OpenID Connect Core 1.0 and Discovery 1.0, OAuth 2 (RFC 6749), PKCE (RFC 7636),
//! JWK sets (RFC 7517), security best practice (RFC 9700).
//! Table: `identities`. Routes: under `[account] prefix`, see [`http`]. Settings: `[federation]`.
//! No job.
//!
//! People are known by (issuer, subject), and by nothing that changes hands: an address never
//! leads to an account that is there already. Who wants to log in to that connects the provider
//! while being logged in. An access token counts only where its provider says that it was issued
//! to us: else any other app could log in with those of its users.
//!
//! It does not know tokens or cookies of ours, how accounts are made, or what passwords are.

mod connect;
mod discovery;
mod github;
pub mod http;
mod id_token;
mod login;
mod manage;
mod oidc;
mod provider;
mod store;
mod upstream;

use std::sync::Arc;

use crate::account::Accounts;
use crate::clock::{Clock, Time};
use crate::config::{self, Config};
use crate::error::{Error, Kind, Result};
use crate::ids::{IdentityId, Subject};
use crate::session::Sessions;
use crate::storage::Db;
use crate::web::Facts;

use discovery::Discovery;
use github::Github;
use oidc::Oidc;
pub use provider::Evidence;
use provider::{Client, Provider, Vouched};
use upstream::Upstream;

/// How people log in here (RFC 8176 has no word for it).
const AMR: &str = "fed";

/// A provider's word for a person, as its row says.
#[derive(Clone, Debug)]
pub struct Identity {
    /// `pk` in paths.
    pub id: IdentityId,
    /// Whose account it leads to.
    pub subject: Subject,
    /// The provider's name.
    pub provider: String,
    /// Who says so.
    issuer: String,
    /// Whom the issuer means: `uid`.
    pub external_id: String,
    /// When it was last used, or connected.
    pub last_login_at: Option<Time>,
    /// When it became known.
    pub created_at: Time,
}

/// The use cases of logins through other providers.
#[derive(Clone)]
pub struct Federation(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    accounts: Accounts,
    sessions: Sessions,
    providers: Vec<Provider>,
    is_strict: bool,
}

impl Federation {
    /// The sessions that logins open.
    pub(super) fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    /// With the providers of `[federation]`.
    ///
    /// # Errors
    /// The CA file cannot be read.
    pub fn new(config: &Config, db: Db, clock: Clock, accounts: Accounts) -> Result<Self> {
        let providers = providers(&config.federation, &clock)?;
        let sessions = accounts.sessions().clone();
        Ok(Self(Arc::new(Inner {
            db,
            clock,
            accounts,
            sessions,
            providers,
            is_strict: config.compat.strict,
        })))
    }

    /// Whose the evidence is, as the provider of that name says. Each question takes one of the
    /// logins that the caller's network may try: nobody has us flood a provider.
    async fn recognise(
        &self,
        name: &str,
        evidence: &Evidence,
        facts: &Facts,
    ) -> Result<(&Provider, Vouched)> {
        self.0.accounts.take_login_turn(facts).await?;
        let mut providers = self.0.providers.iter();
        let provider = providers.find(|provider| provider.name == name);
        let provider = provider.ok_or_else(not_found)?;
        match provider.recognise(evidence).await {
            Ok(vouched) => Ok((provider, vouched)),
            Err(failure) => {
                log::info!(provider = name, reason = failure.reason(); "nobody was vouched for");
                Err(failure.into())
            }
        }
    }
}

impl Identity {
    fn new(provider: &Provider, vouched: &Vouched, subject: &Subject, now: Time) -> Self {
        Self {
            id: IdentityId::generate(now),
            subject: subject.clone(),
            provider: provider.name.clone(),
            issuer: provider.issuer.clone(),
            external_id: vouched.external_id.clone(),
            last_login_at: Some(now),
            created_at: now,
        }
    }
}

/// The names of the providers that are on.
fn names(settings: &config::Federation) -> Vec<&str> {
    let all = [
        ("google", &settings.google.client_id),
        ("github", &settings.github.client_id),
        (settings.oidc.name.as_str(), &settings.oidc.client_id),
    ];
    let on = all
        .into_iter()
        .filter(|(_, client_id)| !client_id.is_empty());
    on.map(|(name, _)| name).collect()
}

fn providers(settings: &config::Federation, clock: &Clock) -> Result<Vec<Provider>> {
    if names(settings).is_empty() {
        return Ok(Vec::new());
    }
    let (agent, timeout) = upstream::agent(settings)?;
    let (google, github, oidc) = (&settings.google, &settings.github, &settings.oidc);
    let openid = |name: &str, issuer: &str, client: Client, tokeninfo_url: Option<&String>| {
        let upstream = Upstream::new(agent.clone(), timeout);
        Provider {
            name: name.to_owned(),
            issuer: issuer.to_owned(),
            kind: provider::Kind::Oidc(Box::new(Oidc {
                issuer: issuer.to_owned(),
                client,
                tokeninfo_url: tokeninfo_url.cloned(),
                discovery: Discovery::new(issuer, upstream.clone(), clock.clone()),
                upstream,
                clock: clock.clone(),
            })),
        }
    };
    let mut all = Vec::new();
    if !google.client_id.is_empty() {
        let client = Client {
            id: google.client_id.clone(),
            secret: google.client_secret.clone(),
            callback_url: google.callback_url.clone(),
        };
        let tokeninfo = Some(&google.tokeninfo_url);
        all.push(openid("google", &google.issuer, client, tokeninfo));
    }
    if !github.client_id.is_empty() {
        all.push(Provider {
            name: "github".into(),
            issuer: github.api_url.clone(),
            kind: provider::Kind::Github(Box::new(Github {
                client: Client {
                    id: github.client_id.clone(),
                    secret: github.client_secret.clone(),
                    callback_url: github.callback_url.clone(),
                },
                api_url: github.api_url.clone(),
                token_url: github.token_url.clone(),
                upstream: Upstream::new(agent.clone(), timeout),
            })),
        });
    }
    if !oidc.client_id.is_empty() {
        let client = Client {
            id: oidc.client_id.clone(),
            secret: oidc.client_secret.clone(),
            callback_url: oidc.callback_url.clone(),
        };
        all.push(openid(&oidc.name, &oidc.issuer, client, None));
    }
    Ok(all)
}

fn not_found() -> Error {
    Error::new(Kind::NotFound, "not_found", "Not found.")
}
