//! The JWKS (RFC 7517, section 5) as bytes that are made once and sent as they are.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde::Serialize;
use utoipa::ToSchema;

use super::Key;
use crate::crypto::{self, PublicJwk};
use crate::error::{Error, Result};
use crate::web::Answer;

/// A JWKS document with what HTTP says about it.
#[derive(Clone, Debug, Default)]
pub struct Jwks {
    /// The JSON text.
    pub body: Bytes,
    /// A strong entity tag (RFC 9110, section 8.8.3).
    pub etag: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = JwkSet)]
struct Set<'a> {
    keys: Vec<Member<'a>>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Jwk)]
struct Member<'a> {
    kid: &'a str,
    #[serde(rename = "use")]
    usage: &'static str,
    alg: &'static str,
    #[serde(flatten)]
    public: &'a PublicJwk,
}

/// The document as it is described, with a key that is nobody's.
pub(super) fn answer() -> Answer {
    let point = || "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU".to_owned();
    let public = PublicJwk::Ec {
        crv: "P-256".into(),
        x: point(),
        y: point(),
    };
    let key = Member {
        kid: "Hn3T",
        usage: "sig",
        alg: "ES256",
        public: &public,
    };
    Answer::json(200, "The keys", &Set { keys: vec![key] })
}

impl Jwks {
    /// The document of `keys`, in the order given.
    ///
    /// # Errors
    /// A key that cannot be written as JSON (a defect).
    pub fn new(keys: &[&Key]) -> Result<Self> {
        let keys = keys.iter().map(|key| Member {
            kid: &key.kid,
            usage: "sig",
            alg: key.algorithm.name(),
            public: &key.public,
        });
        let body = serde_json::to_vec(&Set {
            keys: keys.collect(),
        })
        .map_err(Error::internal)?;
        let digest = crypto::sha256(&body);
        let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest));
        Ok(Self {
            body: body.into(),
            etag,
        })
    }
}
