//! # token
//!
//! Claims, minting and verification of access and refresh tokens.
//!
//! Standards: JWT (RFC 7519), JWS (RFC 7515), JWT profile for access tokens (RFC 9068), JWT best
//! practice (RFC 8725). Settings: `[tokens]`. No table, no route, no job.
//!
//! Access tokens are signed with the active key of the ring and can be verified by anybody. A
//! refresh token is signed (HS256) with a secret derived from the master key and can be verified
//! by nobody but us: it can never pass for an access token, and a forged one is refused before
//! the database is touched. The room does not know whether a session still lives.

mod claims;
mod issued;
mod mint;
mod refused;
#[cfg(test)]
mod tests;
mod verify;

use std::sync::Arc;

use crate::clock::Clock;
use crate::config;
use crate::crypto::{Derived, SigningKey, VerifyingKey};
use crate::keys::Keys;

pub use crate::config::FIRST_PARTY;
pub use claims::{AccessClaims, Grant, RefreshClaims, RefreshGrant};
pub use issued::Issued;
pub use mint::Minted;
pub use refused::{Reason, Refused};

/// Mints and verifies tokens.
#[derive(Clone)]
pub struct Tokens(Arc<Inner>);

struct Inner {
    keys: Keys,
    clock: Clock,
    issuer: String,
    settings: config::Tokens,
    /// One for each master key.
    refresh_secrets: Derived<RefreshSecret>,
    issued: issued::Counts,
}

struct RefreshSecret {
    kid: String,
    signing: SigningKey,
    verifying: VerifyingKey,
    /// For `jti`, so that it can be made again.
    jti: zeroize::Zeroizing<[u8; 32]>,
}

impl Tokens {
    /// The tokens of `issuer`, an absolute URL without a trailing slash.
    pub fn new(keys: Keys, clock: Clock, issuer: &str, settings: &config::Tokens) -> Self {
        let refresh_secrets = keys.master().derived(|root| {
            let secret = root.derive("refresh-tokens");
            RefreshSecret {
                kid: root.id().to_string(),
                signing: SigningKey::hmac(&secret),
                verifying: VerifyingKey::hmac(&secret),
                jti: root.derive("refresh-token-ids"),
            }
        });
        Self(Arc::new(Inner {
            keys,
            clock,
            issuer: issuer.to_owned(),
            settings: settings.clone(),
            refresh_secrets,
            issued: issued::Counts::new(settings.access_ttl.as_secs().into()),
        }))
    }

    /// The access tokens that this node signed, by key.
    pub fn issued(&self) -> Vec<Issued> {
        self.0.issued.list(self.0.clock.now())
    }

    /// The claim `iss`.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }
}
