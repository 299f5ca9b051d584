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
mod mint;
mod refused;
#[cfg(test)]
mod tests;
mod verify;

use std::sync::Arc;

use crate::clock::Clock;
use crate::config;
use crate::crypto::{SigningKey, VerifyingKey};
use crate::keys::{Keys, MasterKey};

pub use claims::{AccessClaims, Grant, RefreshClaims, RefreshGrant};
pub use mint::Minted;
pub use refused::{Reason, Refused};

/// The client that our own login serves (`client_id` of RFC 9068).
pub const FIRST_PARTY: &str = "first-party";

/// Mints and verifies tokens.
#[derive(Clone)]
pub struct Tokens(Arc<Inner>);

struct Inner {
    keys: Keys,
    clock: Clock,
    issuer: String,
    settings: config::Tokens,
    /// One per readable version of the master key, the current one first.
    refresh_secrets: Vec<RefreshSecret>,
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
    pub fn new(
        keys: Keys,
        clock: Clock,
        master: &MasterKey,
        issuer: &str,
        settings: &config::Tokens,
    ) -> Self {
        let secrets = master.secrets("refresh-tokens").into_iter();
        let refresh_secrets = secrets.zip(master.secrets("refresh-token-ids"));
        let refresh_secrets = refresh_secrets.map(|((id, secret), (_, jti))| RefreshSecret {
            kid: id.to_string(),
            signing: SigningKey::hmac(&secret),
            verifying: VerifyingKey::hmac(&secret),
            jti,
        });
        Self(Arc::new(Inner {
            keys,
            clock,
            issuer: issuer.to_owned(),
            settings: settings.clone(),
            refresh_secrets: refresh_secrets.collect(),
        }))
    }

    /// The claim `iss`.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }
}
