//! Minting.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Header;

use super::claims::{self, Grant, NewAccess, NewRefresh, RefreshGrant};
use super::{RefreshSecret, Tokens};
use crate::clock::Time;
use crate::crypto::{self, Algorithm};
use crate::error::{Error, Result};

/// A token and the second at which it expires.
#[derive(Clone)]
pub struct Minted {
    /// Compact serialisation (RFC 7515, section 7.1).
    pub token: String,
    /// As in its claim `exp`.
    pub expires_at: Time,
}

impl Tokens {
    /// A fresh access token.
    ///
    /// # Errors
    /// Unavailable while no key is active (an emergency revocation, until the next reload).
    pub fn mint_access(&self, grant: &Grant<'_>) -> Result<Minted> {
        let inner = &*self.0;
        let now = inner.clock.now();
        let expires_at = whole_seconds(now + inner.settings.access_ttl.delta());
        let ring = inner.keys.ring();
        let audience = inner.settings.audience.as_str();
        let wanted = inner.keys.algorithm_for(grant.client, audience);
        let (key, signing) = ring
            .signer(wanted, now)
            .ok_or_else(|| Error::unavailable(2, "no signing key is active"))?;
        let claims = NewAccess {
            iss: &inner.issuer,
            sub: grant.subject.as_str(),
            aud: audience,
            exp: expires_at.timestamp(),
            iat: now.timestamp(),
            jti: &URL_SAFE_NO_PAD.encode(crypto::random::<16>()),
            client_id: grant.client,
            scope: grant.scope,
            sid: grant.session.as_str(),
            auth_time: grant.auth_time.timestamp(),
            amr: grant.amr.split_whitespace().collect(),
            acr: claims::ONE_FACTOR,
            token_type: claims::ACCESS,
            user_id: grant.subject.as_str(),
        };
        let header = header(key.algorithm, &inner.settings.access_typ, &key.kid);
        let token = signing.encode(&header, &claims)?;
        inner.issued.count((&key.kid, key.algorithm), expires_at);
        Ok(Minted { token, expires_at })
    }

    /// The refresh token of one generation of a session: the same bytes every time, as long as the
    /// master key of its time is in use.
    ///
    /// # Errors
    /// None that input can cause.
    pub fn mint_refresh(&self, grant: &RefreshGrant<'_>) -> Result<Minted> {
        let inner = &*self.0;
        // That of the moment at which the generation began, whenever it is minted again.
        let secrets = inner.refresh_secrets.versions();
        let secret = &secrets.at(grant.rotated_at).value;
        let expires_at = whole_seconds(grant.expires_at);
        let claims = NewRefresh {
            iss: &inner.issuer,
            aud: &inner.issuer,
            sub: grant.subject.as_str(),
            sid: grant.session.as_str(),
            r#gen: grant.generation,
            iat: grant.rotated_at.timestamp(),
            exp: expires_at.timestamp(),
            jti: &secret.jti(grant),
            token_type: claims::REFRESH,
        };
        let header = header(Algorithm::Hs256, claims::REFRESH_TYP, &secret.kid);
        Ok(Minted {
            token: secret.signing.encode(&header, &claims)?,
            expires_at,
        })
    }
}

impl RefreshSecret {
    fn jti(&self, grant: &RefreshGrant<'_>) -> String {
        let message = format!("{}|{}", grant.session, grant.generation);
        let id = crypto::hmac_sha256(&*self.jti, message.as_bytes());
        URL_SAFE_NO_PAD.encode(id.split_at(16).0)
    }
}

fn header(algorithm: Algorithm, typ: &str, kid: &str) -> Header {
    let mut header = Header::new(algorithm.into());
    header.typ = Some(typ.to_owned());
    header.kid = Some(kid.to_owned());
    header
}

/// `exp` has whole seconds: what we call the expiry is what the token says.
fn whole_seconds(time: Time) -> Time {
    Time::from_timestamp(time.timestamp(), 0).unwrap_or(time)
}
