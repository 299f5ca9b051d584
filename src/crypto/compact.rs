//! The compact form of a signed token, read strictly and before any cryptography.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use super::Algorithm;
use super::jwk::decode;

/// The longest token that is looked at, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8192;

/// Header members that would choose the key, the payload's form or the rules of reading. A token
/// that has one is not for us (RFC 7515 section 4.1.11, RFC 8725 sections 3.1 and 3.10).
const REFUSED_MEMBERS: [&str; 8] = ["crit", "jwk", "jku", "x5u", "x5c", "b64", "zip", "enc"];

/// Why a token is not accepted. It holds nothing of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// Longer than [`MAX_TOKEN_BYTES`].
    #[error("the token is too long")]
    TooLong,
    /// Not three base64url parts joined by dots (RFC 7515 section 7.1).
    #[error("the token is not in compact form")]
    Malformed,
    /// A header that is no JSON object, repeats a member, or has one we refuse.
    #[error("the token's header is not acceptable")]
    Header,
    /// An unknown algorithm, or another than the key is for.
    #[error("the token's algorithm is not acceptable")]
    Algorithm,
    /// The signature does not fit the token and the key.
    #[error("the token's signature does not fit")]
    Signature,
    /// Well signed, but the claims do not have the form asked for.
    #[error("the token's claims do not have the expected form")]
    Claims,
}

/// What a token says about itself. Nothing here is trustworthy before the signature is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenHeader {
    /// The algorithm (RFC 7515 section 4.1.1).
    pub alg: Algorithm,
    /// The kind of token (section 4.1.9), as written.
    pub typ: Option<String>,
    /// The name of the key (section 4.1.4).
    pub kid: Option<String>,
}

/// A token in compact form, taken apart. Nothing in it is trustworthy before the signature is
/// verified.
pub struct Compact<'a> {
    /// What it says about itself.
    pub header: TokenHeader,
    /// All of it, as it is written.
    pub(super) whole: &'a str,
    /// What is signed (RFC 7515 section 5.1): header and payload as they are written.
    pub(super) message: &'a str,
    /// The claims, as JSON.
    pub(super) payload: Vec<u8>,
    /// As it is written.
    pub(super) signature: &'a str,
}

/// The header of a token in compact form: see [`Compact::parse`].
///
/// # Errors
/// It is not acceptable.
pub fn parse_header(token: &str) -> Result<TokenHeader, Rejected> {
    Ok(Compact::parse(token)?.header)
}

impl<'a> Compact<'a> {
    /// Takes a token apart.
    ///
    /// Accepts at most [`MAX_TOKEN_BYTES`]; exactly three non-empty parts, each the only spelling of
    /// its bytes (strict alphabet, no padding, no whitespace, unused bits zero); a header that is one
    /// JSON object with unique names, `alg` one of ours, `typ` and `kid` strings where present; and
    /// none of `crit`, `jwk`, `jku`, `x5u`, `x5c`, `b64`, `zip`, `enc`.
    ///
    /// # Errors
    /// It is anything else.
    pub fn parse(token: &'a str) -> Result<Self, Rejected> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Rejected::TooLong);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(Rejected::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(Rejected::Malformed)?;
        // A further dot is in no alphabet.
        let (header, payload) = (part(header)?, part(payload)?);
        part(signature)?;
        let header = String::from_utf8(header).map_err(|_| Rejected::Header)?;
        let header: Members = serde_json::from_str(&header).map_err(|_| Rejected::Header)?;
        let header = TokenHeader {
            alg: header
                .alg
                .and_then(|name| name.parse().ok())
                .ok_or(Rejected::Algorithm)?,
            typ: header.typ,
            kid: header.kid,
        };
        Ok(Self {
            header,
            whole: token,
            message,
            payload,
            signature,
        })
    }
}

fn part(text: &str) -> Result<Vec<u8>, Rejected> {
    decode(text)
        .filter(|bytes| !bytes.is_empty())
        .ok_or(Rejected::Malformed)
}

/// The members of a header that mean something to us; to see repeated unknown ones too it is read
/// by hand.
#[derive(Default)]
struct Members {
    alg: Option<String>,
    typ: Option<String>,
    kid: Option<String>,
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JOSE header")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Members::default();
        let mut seen = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if REFUSED_MEMBERS.contains(&name.as_str()) {
                return Err(A::Error::custom("refused member"));
            }
            match name.as_str() {
                "alg" => members.alg = Some(map.next_value()?),
                "typ" => members.typ = Some(map.next_value()?),
                "kid" => members.kid = Some(map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            if !seen.insert(name) {
                return Err(A::Error::custom("repeated member"));
            }
        }
        Ok(members)
    }
}
