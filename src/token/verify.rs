//! Verification. The key says which algorithm counts, never the token; `typ`, `iss`, `aud` and the
//! times are checked against our own clock.

use serde::de::DeserializeOwned;

use super::claims::{self, AccessClaims, RefreshClaims};
use super::{Reason, RefreshSecret, Refused, Tokens};
use crate::crypto::{Compact, TokenHeader, VerifyingKey, Version};

/// Nodes' clocks may differ by this much, in seconds, or by what the settings say if that is more.
const LEAST_SKEW: i64 = 60;

type Verified<T> = Result<T, Refused>;

impl Tokens {
    /// The claims of a good access token. Whether its session lives is not asked here.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn verify_access(&self, token: &str) -> Verified<AccessClaims> {
        let claims = self.recognise_access(token)?;
        self.in_time(claims.iat, claims.exp)?;
        Ok(claims)
    }

    /// The claims of an access token of ours, even if it has expired: it still says which session
    /// it was of, so that this one can be ended, and is good for nothing else.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn recognise_access(&self, token: &str) -> Verified<AccessClaims> {
        let compact = read(token)?;
        let header = &compact.header;
        if self.is_ours_for_refresh(header) {
            self.verify_refresh(token)?;
            return Err(Refused(Reason::WrongType));
        }
        let inner = &*self.0;
        let now = inner.clock.now();
        let kid = header.kid.as_deref().ok_or(Refused(Reason::Invalid))?;
        let ring = inner.keys.ring();
        let key = ring.published(kid, now).ok_or(Refused(Reason::Invalid))?;
        let claims: AccessClaims = decode(&key.verifying, &compact)?;
        let is_typed = header.typ.as_deref() == Some(&inner.settings.access_typ)
            && claims.token_type == claims::ACCESS;
        let is_for_us = claims.iss == inner.issuer && claims.aud == inner.settings.audience;
        // No database has such a text, and PostgreSQL fails if it is asked for one.
        let is_text = ![claims.sub.as_str(), claims.sid.as_str()]
            .iter()
            .any(|id| id.contains('\0'));
        if !is_typed || !is_for_us || !is_text {
            return Err(Refused(Reason::Invalid));
        }
        Ok(claims)
    }

    /// The claims of a good refresh token. Whether its session lives is not asked here.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn verify_refresh(&self, token: &str) -> Verified<RefreshClaims> {
        let compact = read(token)?;
        let header = &compact.header;
        let inner = &*self.0;
        let secrets = inner.refresh_secrets.versions();
        let mut secrets = secrets.iter();
        let is_named = |one: &&Version<RefreshSecret>| Some(&one.value.kid) == header.kid.as_ref();
        let Some(Version {
            current_from,
            value: secret,
            ..
        }) = secrets.find(is_named)
        else {
            self.refuse_if_unknowable(header)?;
            // A good access token is told that it is in the wrong place.
            self.verify_access(token)?;
            return Err(Refused(Reason::WrongType));
        };
        let claims: RefreshClaims = decode(&secret.verifying, &compact)?;
        let is_typed = header.typ.as_deref() == Some(claims::REFRESH_TYP)
            && claims.token_type == claims::REFRESH;
        let is_ours = claims.iss == inner.issuer && claims.aud == inner.issuer;
        if !is_typed || !is_ours || claims.r#gen < 0 {
            return Err(Refused(Reason::Invalid));
        }
        // Nobody signs with a key before it is current, nor once it is being revoked. Another node may
        // know better just now.
        let latest = inner.clock.now() + inner.keys.policy().clock_skew;
        if current_from.is_none_or(|from| from > latest) {
            return Err(Refused(Reason::Unknowable));
        }
        self.in_time(claims.iat, claims.exp)?;
        Ok(claims)
    }

    /// Another node's clock may be ahead when it says that it issued the token now. When it expires
    /// counts by ours alone.
    fn in_time(&self, iat: i64, exp: i64) -> Verified<()> {
        let inner = &*self.0;
        let now = inner.clock.now().timestamp();
        let skew = inner.keys.policy().clock_skew.num_seconds();
        if iat > now + skew.max(LEAST_SKEW) {
            return Err(Refused(Reason::Invalid));
        }
        if exp <= now {
            return Err(Refused(Reason::Expired));
        }
        Ok(())
    }

    fn is_ours_for_refresh(&self, header: &TokenHeader) -> bool {
        let secrets = self.0.refresh_secrets.versions();
        let mut secrets = secrets.iter().map(|version| &version.value);
        secrets.any(|secret| Some(&secret.kid) == header.kid.as_ref())
    }

    /// Another node signed it under a master key that is in use, and not at hand here.
    fn refuse_if_unknowable(&self, header: &TokenHeader) -> Verified<()> {
        let missing = self.0.keys.master().missing();
        let mut missing = missing.into_iter().map(|id| id.to_string());
        if missing.any(|id| Some(&id) == header.kid.as_ref()) {
            return Err(Refused(Reason::Unknowable));
        }
        Ok(())
    }
}

fn read(token: &str) -> Verified<Compact<'_>> {
    Compact::parse(token).map_err(|_| Refused(Reason::Invalid))
}

fn decode<T: DeserializeOwned>(key: &VerifyingKey, token: &Compact<'_>) -> Verified<T> {
    key.verify(token).map_err(|_| Refused(Reason::Invalid))
}
