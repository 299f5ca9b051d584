//! Public keys in JSON, and their names.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{Algorithm, sha256};

/// The required members of a public JSON Web Key (RFC 7517), by `kty`. All values are base64url
/// without padding, except `crv`.
///
/// Reading one ignores members it does not know (`kid`, `use`, …) and refuses a repeated one. It
/// says nothing about the key being usable: that is [`super::VerifyingKey::from_jwk`]'s answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kty")]
pub enum PublicJwk {
    /// A point on an elliptic curve (RFC 7518 section 6.2).
    #[serde(rename = "EC")]
    Ec {
        /// The curve: `P-256` or `P-384`.
        crv: String,
        /// The x coordinate, as long as the curve's field.
        x: String,
        /// The y coordinate, likewise.
        y: String,
    },
    /// An octet key pair (RFC 8037 section 2).
    #[serde(rename = "OKP")]
    Okp {
        /// The curve: `Ed25519`.
        crv: String,
        /// The public key.
        x: String,
    },
    /// An RSA key (RFC 7518 section 6.3).
    #[serde(rename = "RSA")]
    Rsa {
        /// The modulus, big-endian, no leading zeros.
        n: String,
        /// The exponent, likewise.
        e: String,
    },
}

impl PublicJwk {
    /// A point on the curve, uncompressed (SEC 1 section 2.3.3): 4, x, y. None: it has another
    /// form.
    pub(super) fn ec(crv: &str, point: &[u8]) -> Option<Self> {
        let coordinates = point.strip_prefix(&[4])?;
        let (x, y) = coordinates.split_at(coordinates.len() / 2);
        Some(Self::Ec {
            crv: crv.to_owned(),
            x: encode(x),
            y: encode(y),
        })
    }

    /// What a key of this type and curve can be for, the usual first; none if nothing here.
    pub fn algorithms(&self) -> &'static [Algorithm] {
        match self {
            Self::Ec { crv, .. } if crv == "P-256" => &[Algorithm::Es256],
            Self::Ec { crv, .. } if crv == "P-384" => &[Algorithm::Es384],
            Self::Okp { crv, .. } if crv == "Ed25519" => &[Algorithm::EdDsa],
            Self::Rsa { .. } => &[Algorithm::Rs256, Algorithm::Ps256],
            Self::Ec { .. } | Self::Okp { .. } => &[],
        }
    }

    /// The key's name (RFC 7638): base64url of SHA-256 over its required members, sorted.
    pub fn thumbprint(&self) -> String {
        // `Value`'s Display quotes and escapes: a stranger's key cannot forge another member.
        let text = |member: &str| Value::from(member).to_string();
        let canonical = match self {
            Self::Ec { crv, x, y } => format!(
                r#"{{"crv":{},"kty":"EC","x":{},"y":{}}}"#,
                text(crv),
                text(x),
                text(y)
            ),
            Self::Okp { crv, x } => {
                format!(r#"{{"crv":{},"kty":"OKP","x":{}}}"#, text(crv), text(x))
            }
            Self::Rsa { n, e } => format!(r#"{{"e":{},"kty":"RSA","n":{}}}"#, text(e), text(n)),
        };
        encode(&sha256(canonical.as_bytes()))
    }
}

/// base64url without padding (RFC 7515 section 2).
pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes, if `text` is their one and only spelling: base64url alphabet, no padding, no
/// whitespace, unused bits zero.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
