//! Keys that sign.

use std::fmt;
use std::sync::Arc;

use jsonwebtoken::{EncodingKey, Header};
use ring::hmac;
use serde::Serialize;
use zeroize::Zeroizing;

use super::private_key::PrivateKey;
use super::registry::Registration;
use super::{Algorithm, PublicJwk, VerifyingKey, install};
use crate::error::{Error, Result};

/// A handle on a private key that signs with one algorithm.
///
/// The key itself stays in this room, parsed once; clones share it, and with the last of them it
/// is forgotten. Making one copies the (short) list of keys: make them when keys change, not per
/// request.
#[derive(Clone)]
pub struct SigningKey(Arc<Inner>);

struct Inner {
    /// Holds the key's place in the registry; `encoding` carries its handle.
    _registration: Registration,
    encoding: EncodingKey,
    public: Option<PublicJwk>,
    verifying: VerifyingKey,
}

impl SigningKey {
    /// A new key and its PKCS#8 form (RFC 5958), to be sealed and kept. Not for
    /// HS256; for RSA (3072 bits) it takes seconds, and needs a thread of its own.
    pub fn generate(algorithm: Algorithm) -> Result<(Self, Zeroizing<Vec<u8>>)> {
        let pkcs8 = PrivateKey::generate(algorithm)?;
        Ok((Self::from_pkcs8(algorithm, &pkcs8)?, pkcs8))
    }

    /// The key in `der`: PKCS#8 (for EdDSA version 1 or 2), for RSA also PKCS#1.
    ///
    /// Refuses, as a setup error without a word of the key, what does not parse, is for another
    /// algorithm, is inconsistent, or is RSA below 2048 bits.
    pub fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Result<Self> {
        let key = PrivateKey::parse(algorithm, der)?;
        let public = key
            .public_jwk()
            .ok_or_else(|| Error::internal("no public half"))?;
        let verifying = VerifyingKey::from_jwk(algorithm, &public)?;
        Ok(Self::new(key, Some(public), verifying))
    }

    /// An HS256 key: 256 bits, as RFC 7518 section 3.2 demands.
    pub fn hmac(secret: &[u8; 32]) -> Self {
        Self::from_secret(secret)
    }

    pub(super) fn from_secret(secret: &[u8]) -> Self {
        let key = PrivateKey::Hs256(hmac::Key::new(hmac::HMAC_SHA256, secret));
        Self::new(key, None, VerifyingKey::from_secret(secret))
    }

    fn new(key: PrivateKey, public: Option<PublicJwk>, verifying: VerifyingKey) -> Self {
        install();
        let algorithm = key.algorithm();
        let registration = Registration::new(key);
        let handle = registration.handle();
        let encoding = match algorithm {
            Algorithm::Es256 | Algorithm::Es384 => EncodingKey::from_ec_der(handle),
            Algorithm::EdDsa => EncodingKey::from_ed_der(handle),
            Algorithm::Rs256 | Algorithm::Ps256 => EncodingKey::from_rsa_der(handle),
            Algorithm::Hs256 => EncodingKey::from_secret(handle),
        };
        Self(Arc::new(Inner {
            _registration: registration,
            encoding,
            public,
            verifying,
        }))
    }

    /// The algorithm this key signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.0.verifying.algorithm()
    }

    /// The public half; none for HS256.
    pub fn public_jwk(&self) -> Option<PublicJwk> {
        self.0.public.clone()
    }

    /// The key that verifies what this one signs.
    pub fn verifying_key(&self) -> VerifyingKey {
        self.0.verifying.clone()
    }

    /// A token in compact form (RFC 7515 section 7.1).
    ///
    /// `header.alg` must be this key's algorithm; anything else, and claims that are no JSON, are
    /// internal errors.
    pub fn encode<T: Serialize>(&self, header: &Header, claims: &T) -> Result<String> {
        jsonwebtoken::encode(header, claims, &self.0.encoding).map_err(Error::internal)
    }

    #[cfg(test)]
    pub(super) fn encoding(&self) -> &EncodingKey {
        &self.0.encoding
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.algorithm())
    }
}
