//! The key ring: all keys with their parsed private parts, immutable once made.

use std::cmp::Reverse;
use std::sync::Arc;

use super::schedule::Policy;
use super::{Jwks, Lifetime, Purpose, State};
use crate::clock::Time;
use crate::crypto::{Algorithm, PublicJwk, SigningKey, VerifyingKey};
use crate::error::{Error, Result};

/// A signing key, ready for use.
pub struct Key {
    /// RFC 7638 thumbprint; that of a key from elsewhere is what old tokens say.
    pub kid: String,
    /// Its one algorithm.
    pub algorithm: Algorithm,
    /// Its public part.
    pub public: PublicJwk,
    /// Verifies while it is published.
    pub verifying: VerifyingKey,
    /// Signs while the state is active. None: the private part could not be opened.
    pub signing: Option<SigningKey>,
    /// What it is there for.
    pub purpose: Purpose,
    /// When it does what.
    pub lifetime: Lifetime,
}

impl Key {
    /// A key from its public part and, if it could be opened, the private one that it belongs to.
    ///
    /// # Errors
    /// It is not what it says: the row was mixed up.
    pub fn new(
        (kid, purpose, lifetime): (String, Purpose, Lifetime),
        (algorithm, public): (Algorithm, PublicJwk),
        signing: Option<SigningKey>,
    ) -> Result<Self> {
        // What others made is called what they called it.
        let is_named = purpose == Purpose::Verify || public.thumbprint() == kid;
        if !is_named {
            return Err(Error::setup(format!(
                "the signing key {kid} is not what it says: its row was altered"
            )));
        }
        Ok(Self {
            kid,
            algorithm,
            verifying: VerifyingKey::from_jwk(algorithm, &public)?.remembering(),
            public,
            signing,
            purpose,
            lifetime,
        })
    }
}

/// All keys as they were at one moment, and the JWKS made of them.
pub struct Ring {
    keys: Vec<Arc<Key>>,
    /// The whole JWKS, and the part of each algorithm.
    jwks: Vec<(Option<Algorithm>, Jwks)>,
    loaded_at: Time,
    policy: Arc<Policy>,
}

impl Ring {
    /// A ring of the keys as they were in the database at `loaded_at`.
    ///
    /// # Errors
    /// A key that cannot be written as JSON (a defect).
    pub fn new(mut keys: Vec<Arc<Key>>, loaded_at: Time, policy: Policy) -> Result<Self> {
        // The newest first, and always in the same order.
        keys.sort_by_key(|key| (Reverse(key.lifetime.activate_at), key.kid.clone()));
        let mut ring = Self {
            keys,
            jwks: Vec::new(),
            loaded_at,
            policy: Arc::new(policy),
        };
        let published = ring.all_published(loaded_at);
        let mut jwks = vec![(None, Jwks::new(&published)?)];
        for algorithm in Algorithm::ASYMMETRIC {
            let part = published.iter().filter(|key| key.algorithm == algorithm);
            let part: Vec<&Key> = part.copied().collect();
            jwks.push((Some(algorithm), Jwks::new(&part)?));
        }
        ring.jwks = jwks;
        Ok(ring)
    }

    /// The key that signs at `now`, if possible with `wanted`. None while the keys were last heard
    /// of too long ago: one of them may have ended since.
    pub fn signer(&self, wanted: Algorithm, now: Time) -> Option<(&Key, &SigningKey)> {
        if now >= self.policy.trusted_until(self.loaded_at) {
            return None;
        }
        let others = self.policy.algorithms.iter().copied();
        // Last, a key that is on its way out, with its algorithm.
        let algorithms = std::iter::once(wanted)
            .chain(others)
            .chain(Algorithm::ASYMMETRIC);
        let mut due = algorithms
            .clone()
            .filter(|algorithm| self.active(*algorithm, now).next().is_some());
        due.find_map(|algorithm| self.signer_with(algorithm, now))
            // No key that should sign is any good: one that every verifier knows does all the same.
            .or_else(|| {
                algorithms
                    .clone()
                    .find_map(|algorithm| self.signer_with(algorithm, now))
            })
    }

    fn signer_with(&self, algorithm: Algorithm, now: Time) -> Option<(&Key, &SigningKey)> {
        let stand_ins = self
            .signing(algorithm)
            .filter(|key| self.policy.may_stand_in(&key.lifetime, now));
        // Damaged, the key that should sign is stood in for by one that every verifier knows.
        let mut ready = self.active(algorithm, now).chain(stand_ins);
        ready.find_map(|key| Some((key, key.signing.as_ref()?)))
    }

    fn active(&self, algorithm: Algorithm, now: Time) -> impl Iterator<Item = &Key> {
        self.signing(algorithm)
            .filter(move |key| key.lifetime.state(now) == State::Active)
    }

    fn signing(&self, algorithm: Algorithm) -> impl Iterator<Item = &Key> {
        let is_for_it =
            move |key: &&Key| key.algorithm == algorithm && key.purpose == Purpose::Sign;
        self.keys.iter().map(AsRef::as_ref).filter(is_for_it)
    }

    /// The published keys, the newest first.
    pub fn all_published(&self, now: Time) -> Vec<&Key> {
        let keys = self.keys.iter().map(AsRef::as_ref);
        keys.filter(|key| key.lifetime.state(now).is_published())
            .collect()
    }

    /// The published key of that name.
    pub fn published(&self, kid: &str, now: Time) -> Option<&Key> {
        self.keys
            .iter()
            .find(|key| key.kid == kid && key.lifetime.state(now).is_published())
            .map(AsRef::as_ref)
    }

    /// All of them, the newest first.
    pub fn keys(&self) -> &[Arc<Key>] {
        &self.keys
    }

    /// The document verifiers fetch, or its part of one algorithm.
    pub fn jwks(&self, algorithm: Option<Algorithm>) -> Option<&Jwks> {
        let mut views = self.jwks.iter();
        views.find(|(of, _)| *of == algorithm).map(|(_, jwks)| jwks)
    }

    /// Seconds for which verifiers may keep it from `now` on.
    pub fn max_age(&self, now: Time) -> i64 {
        self.policy.max_age(self.loaded_at, now).num_seconds()
    }

    /// What schedules had to keep to at that moment.
    pub fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.policy)
    }

    /// When the keys were read that are in it.
    pub fn loaded_at(&self) -> Time {
        self.loaded_at
    }
}
