//! The metadata documents, as bytes that are made once.

use bytes::Bytes;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{Error, Result};

/// How long clients may keep the documents, in seconds.
pub(super) const MAX_AGE: u32 = 300;

/// Both documents.
#[derive(Clone, Debug)]
pub struct Discovery {
    pub(super) openid: Bytes,
    pub(super) oauth: Bytes,
}

/// What both specifications ask for. The lists are empty where we offer nothing yet: a required
/// member that is missing would make clients refuse the whole document.
#[derive(Serialize, ToSchema)]
#[schema(as = AuthorizationServer)]
pub(super) struct Common<'a> {
    issuer: &'a str,
    jwks_uri: String,
    response_types_supported: [&'a str; 0],
    grant_types_supported: [&'a str; 0],
}

#[derive(Serialize, ToSchema)]
#[schema(as = OpenIdConfiguration)]
pub(super) struct OpenId<'a> {
    #[serde(flatten)]
    common: Common<'a>,
    subject_types_supported: [&'a str; 1],
    id_token_signing_alg_values_supported: [&'a str; 0],
}

impl Discovery {
    /// The documents of `issuer`, an absolute URL without a trailing slash.
    ///
    /// # Errors
    /// None that input can cause.
    pub fn new(issuer: &str) -> Result<Self> {
        let openid = serde_json::to_vec(&OpenId::of(issuer));
        let oauth = serde_json::to_vec(&Common::of(issuer));
        Ok(Self {
            openid: openid.map_err(Error::internal)?.into(),
            oauth: oauth.map_err(Error::internal)?.into(),
        })
    }
}

impl<'a> Common<'a> {
    pub(super) fn of(issuer: &'a str) -> Self {
        Self {
            issuer,
            jwks_uri: format!("{issuer}/.well-known/jwks.json"),
            response_types_supported: [],
            grant_types_supported: [],
        }
    }
}

impl<'a> OpenId<'a> {
    pub(super) fn of(issuer: &'a str) -> Self {
        Self {
            common: Common::of(issuer),
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: [],
        }
    }
}
