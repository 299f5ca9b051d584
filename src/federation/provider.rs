//! What all providers have in common: what an app brings from one, and what one vouches for.

use serde_json::Value;

use super::github::Github;
use super::id_token::Claims;
use super::oidc::Oidc;
use super::upstream::Silence;
use crate::account::Email;
use crate::error::{Error, Result};

/// Seconds after which a client should come back when a provider is away.
const RETRY_AFTER: u32 = 5;

/// First and last names at most, in characters.
const NAME_LIMIT: usize = 150;

/// What an app got from a provider to show whose it is.
pub enum Evidence {
    /// An authorization code.
    Code {
        /// It.
        code: String,
        /// Of its challenge (RFC 7636), if it had one.
        verifier: Option<String>,
        /// As in the app's request, if it had one.
        nonce: Option<String>,
    },
    /// An access token.
    AccessToken(String),
    /// An ID token, and the nonce that it must hold if the app gave one.
    IdToken(String, Option<String>),
}

/// One provider.
pub(super) struct Provider {
    /// In paths and lists.
    pub(super) name: String,
    /// Who says so: the first half of the key of an identity.
    pub(super) issuer: String,
    pub(super) kind: Kind,
}

pub(super) enum Kind {
    Oidc(Box<Oidc>),
    Github(Box<Github>),
}

/// Who we are to a provider.
pub(super) struct Client {
    pub(super) id: String,
    pub(super) secret: secrecy::SecretString,
    pub(super) callback_url: String,
}

/// Somebody whom a provider vouches for.
#[derive(Debug)]
pub(super) struct Vouched {
    /// The provider's own key for them: never an address or a name.
    pub(super) external_id: String,
    pub(super) email: Option<Email>,
    /// Only the boolean `true` says so.
    pub(super) is_email_verified: bool,
    pub(super) first_name: String,
    pub(super) last_name: String,
    /// What they are called there.
    pub(super) username: String,
}

impl Provider {
    /// Has the provider say whose the evidence is.
    pub(super) async fn recognise(&self, evidence: &Evidence) -> Result<Vouched, Failure> {
        match &self.kind {
            Kind::Oidc(oidc) => oidc.recognise(evidence).await,
            Kind::Github(github) => github.recognise(evidence).await,
        }
    }
}

/// Why a provider vouches for nobody.
#[derive(Debug)]
pub(super) enum Failure {
    /// It refused the evidence, or what it said of it is not to be believed.
    Evidence(String),
    /// It gave nothing for the code.
    Exchange(String),
    /// It could not be asked: nothing is known of the evidence.
    Away(String),
    /// Codes are not for us.
    NoCallback,
}

impl Failure {
    pub(super) fn evidence(reason: impl Into<String>) -> Self {
        Self::Evidence(reason.into())
    }

    pub(super) fn reason(&self) -> &str {
        match self {
            Self::Evidence(reason) | Self::Exchange(reason) | Self::Away(reason) => reason,
            Self::NoCallback => "callback_url is not configured",
        }
    }
}

/// About an answer to a question about evidence.
impl From<Silence> for Failure {
    fn from(silence: Silence) -> Self {
        match silence {
            Silence::Away(reason) => Self::Away(reason),
            Silence::Nonsense(reason) => Self::Evidence(reason),
        }
    }
}

/// In the words of the contract.
impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Evidence(_) => Self::non_field("Incorrect value"),
            Failure::Exchange(_) => Self::non_field("Failed to exchange code for access token"),
            Failure::Away(reason) => Self::unavailable(RETRY_AFTER, reason),
            Failure::NoCallback => Self::non_field("Define callback_url in view"),
        }
    }
}

impl Vouched {
    /// From the claims of OpenID Connect (Core 1.0, section 5.1).
    pub(super) fn from_claims(claims: &Claims) -> Option<Self> {
        let email = claims.email.as_str().and_then(Email::parse);
        let (first, last) = names(&claims.name);
        let or = |claim: &Value, other: String| match text(claim) {
            name if name.is_empty() => other,
            name => name,
        };
        let username = text(&claims.preferred_username);
        Some(Self {
            external_id: claims.subject()?.to_owned(),
            is_email_verified: email.is_some() && claims.email_verified == Value::Bool(true),
            email,
            first_name: or(&claims.given_name, first),
            last_name: or(&claims.family_name, last),
            username,
        })
    }
}

/// First and last name of a whole one, at its first space.
pub(super) fn names(whole: &Value) -> (String, String) {
    let whole = text(whole);
    match whole.trim().split_once(' ') {
        Some((first, last)) => (first.to_owned(), last.trim().to_owned()),
        None => (whole, String::new()),
    }
}

/// What can be shown and kept of a claim for people.
pub(super) fn text(claim: &Value) -> String {
    let text = claim.as_str().unwrap_or_default().trim();
    let letters = text.chars().filter(|letter| !letter.is_control());
    letters.take(NAME_LIMIT).collect()
}

/// Whether a token can stand in a header (RFC 6750, section 2.1). One that cannot is none.
pub(super) fn is_bearer(token: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    !token.is_empty() && token.bytes().all(is_part)
}
