//! Keys that verify.

use std::fmt;
use std::sync::Arc;

use jsonwebtoken::DecodingKey;
use jsonwebtoken::crypto::verify;
use serde::de::DeserializeOwned;

use super::jwk::decode;
use super::seen::Seen;
use super::{Algorithm, Compact, PublicJwk, Rejected, TokenHeader, install};
use crate::error::{Error, Kind, Result};

/// A key that verifies tokens of one algorithm, and no other. Clones are cheap.
#[derive(Clone)]
pub struct VerifyingKey(Arc<Inner>);

struct Inner {
    algorithm: Algorithm,
    key: DecodingKey,
    seen: Option<Seen>,
}

impl VerifyingKey {
    /// The public key `jwk`, for `algorithm`.
    ///
    /// Refuses, as invalid input, a key of another type or curve, members that are not canonical
    /// base64url, coordinates of the wrong length, and RSA outside 2048 to 8192 bits. A point that
    /// is not on its curve is taken, and verifies nothing.
    pub fn from_jwk(algorithm: Algorithm, jwk: &PublicJwk) -> Result<Self> {
        let key = match (algorithm, jwk) {
            (Algorithm::Es256, PublicJwk::Ec { crv, x, y }) if crv == "P-256" => {
                DecodingKey::from_ec_der(&point(x, y, 32)?)
            }
            (Algorithm::Es384, PublicJwk::Ec { crv, x, y }) if crv == "P-384" => {
                DecodingKey::from_ec_der(&point(x, y, 48)?)
            }
            (Algorithm::EdDsa, PublicJwk::Okp { crv, x }) if crv == "Ed25519" => {
                DecodingKey::from_ed_der(&fixed(x, 32)?)
            }
            (Algorithm::Rs256 | Algorithm::Ps256, PublicJwk::Rsa { n, e }) => {
                DecodingKey::from_rsa_raw_components(&integer(n, 256..=1024)?, &integer(e, 1..=5)?)
            }
            _ => return Err(unusable(&format!("The key is not one for {algorithm}."))),
        };
        Ok(Self::new(algorithm, key))
    }

    /// An HS256 key.
    pub fn hmac(secret: &[u8; 32]) -> Self {
        Self::from_secret(secret)
    }

    pub(super) fn from_secret(secret: &[u8]) -> Self {
        Self::new(Algorithm::Hs256, DecodingKey::from_secret(secret))
    }

    fn new(algorithm: Algorithm, key: DecodingKey) -> Self {
        install();
        Self(Arc::new(Inner {
            algorithm,
            key,
            seen: None,
        }))
    }

    /// The same key, which remembers the newest 4,096 tokens that it found well signed: one that comes
    /// again is verified without arithmetic. It takes 140 KiB.
    #[must_use]
    pub fn remembering(self) -> Self {
        let Inner { algorithm, key, .. } = &*self.0;
        Self(Arc::new(Inner {
            algorithm: *algorithm,
            key: key.clone(),
            seen: Some(Seen::new()),
        }))
    }

    /// The only algorithm this key accepts.
    pub fn algorithm(&self) -> Algorithm {
        self.0.algorithm
    }

    /// Header and claims of `token`, if it is strictly formed (see [`Compact::parse`]) and signed
    /// for this key. **No claim is judged**: not `exp`, not `aud`, nor the header's `typ`.
    ///
    /// `T` decides how strictly claims are read: a derived struct refuses repeated and wrongly
    /// typed members it knows; a map, a `Value` or a flattened field lets the last of several win.
    pub fn decode<T: DeserializeOwned>(&self, token: &str) -> Result<(TokenHeader, T), Rejected> {
        let token = Compact::parse(token)?;
        let claims = self.verify(&token)?;
        Ok((token.header, claims))
    }

    /// The claims of a token that was taken apart already: as [`VerifyingKey::decode`].
    pub fn verify<T: DeserializeOwned>(&self, token: &Compact<'_>) -> Result<T, Rejected> {
        let Inner {
            algorithm,
            key,
            seen,
        } = &*self.0;
        if token.header.alg != *algorithm {
            return Err(Rejected::Algorithm);
        }
        // Not `jsonwebtoken::decode`: it reads the header twice more, and the claims twice.
        let check = || {
            let message = token.message.as_bytes();
            verify(token.signature, message, key, (*algorithm).into()).unwrap_or_default()
        };
        let is_signed = match seen {
            Some(seen) => seen.or_check(token.whole, check),
            None => check(),
        };
        if !is_signed {
            return Err(Rejected::Signature);
        }
        serde_json::from_slice(&token.payload).map_err(|_| Rejected::Claims)
    }

    #[cfg(test)]
    pub(super) fn decoding(&self) -> &DecodingKey {
        &self.0.key
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({})", self.0.algorithm)
    }
}

/// An uncompressed point (SEC 1 section 2.3.3).
pub(super) fn point(x: &str, y: &str, length: usize) -> Result<Vec<u8>> {
    Ok([&[4], &*fixed(x, length)?, &*fixed(y, length)?].concat())
}

fn fixed(text: &str, length: usize) -> Result<Vec<u8>> {
    decode(text)
        .filter(|bytes| bytes.len() == length)
        .ok_or_else(|| unusable("A member of the key has the wrong length or encoding."))
}

/// A big-endian integer without leading zeros (RFC 7518 section 2).
fn integer(text: &str, lengths: std::ops::RangeInclusive<usize>) -> Result<Vec<u8>> {
    decode(text)
        .filter(|bytes| lengths.contains(&bytes.len()) && bytes.first() != Some(&0))
        .ok_or_else(|| unusable("A number in the key has the wrong size or encoding."))
}

fn unusable(detail: &str) -> Error {
    Error::new(Kind::Invalid, "invalid_key", detail.to_owned())
}
