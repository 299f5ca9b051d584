//! The key ring: all keys with their parsed private parts, immutable once made.

use std::cmp::Reverse;

use super::{Jwks, Lifetime, State};
use crate::clock::Time;
use crate::config::Period;
use crate::crypto::{Algorithm, PublicJwk, SigningKey, VerifyingKey};
use crate::error::{Error, Result};

/// A signing key, ready for use.
pub struct Key {
    /// RFC 7638 thumbprint.
    pub kid: String,
    /// Its public part.
    pub public: PublicJwk,
    /// Signs while the state is active.
    pub signing: SigningKey,
    /// Verifies while it is published.
    pub verifying: VerifyingKey,
    /// When it does what.
    pub lifetime: Lifetime,
}

impl Key {
    /// A key from its parts.
    ///
    /// # Errors
    /// `kid` is not the thumbprint of the key: the row was mixed up.
    pub fn new(kid: String, signing: SigningKey, lifetime: Lifetime) -> Result<Self> {
        let public = signing
            .public_jwk()
            .filter(|public| public.thumbprint() == kid);
        let public = public
            .ok_or_else(|| Error::setup(format!("the signing key {kid} is not what it says")))?;
        let verifying = signing.verifying_key();
        Ok(Self {
            kid,
            public,
            signing,
            verifying,
            lifetime,
        })
    }

    /// Its one algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.signing.algorithm()
    }
}

/// All keys, and the JWKS made of them.
#[derive(Default)]
pub struct Ring {
    keys: Vec<Key>,
    jwks: Jwks,
}

impl Ring {
    /// A ring whose JWKS is that of `now`.
    ///
    /// # Errors
    /// A key that cannot be written as JSON (a defect).
    pub fn new(mut keys: Vec<Key>, now: Time, max_age: Period) -> Result<Self> {
        // The newest first, and always in the same order.
        keys.sort_by_key(|key| (Reverse(key.lifetime.activate_at), key.kid.clone()));
        let published = keys
            .iter()
            .filter(|key| key.lifetime.state(now).is_published());
        let jwks = Jwks::new(published, max_age)?;
        Ok(Self { keys, jwks })
    }

    /// The key that signs for `algorithm`: of several active ones the newest.
    pub fn active(&self, algorithm: Algorithm, now: Time) -> Option<&Key> {
        self.keys
            .iter()
            .find(|key| key.algorithm() == algorithm && key.lifetime.state(now) == State::Active)
    }

    /// The published key of that name.
    pub fn published(&self, kid: &str, now: Time) -> Option<&Key> {
        self.keys
            .iter()
            .find(|key| key.kid == kid && key.lifetime.state(now).is_published())
    }

    /// The document verifiers fetch.
    pub fn jwks(&self) -> &Jwks {
        &self.jwks
    }
}
