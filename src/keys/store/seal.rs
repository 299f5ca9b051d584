//! What of a key is sealed, for exactly its row, and what the seals say.

use chrono::DateTime;
use zeroize::Zeroizing;

use super::{ACCESS_TOKENS, NewKey, Row, VERIFY};
use crate::clock::Time;
use crate::crypto::{Closed, RootId, Unopenable, Vault};
use crate::error::{Error, Result};
use crate::keys::{Lifetime, Purpose};
use crate::storage::Moment;

/// Between the public part, as it stands in the row, and when it was made.
const MADE_AT: &str = "\nmade ";

impl Row {
    /// A new row. Both parts are sealed for exactly this key in this table: the private one, so
    /// that nobody reads it; the public one, so that nobody adds or alters a key who can only write
    /// to the database. It says when it was made, too, which no other seal does: see
    /// [`Row::made_under`].
    pub(in crate::keys) fn seal(
        vault: &Vault,
        key: &NewKey,
        lifetime: Lifetime,
        now: Time,
    ) -> Result<Self> {
        let purpose = match key.purpose() {
            Purpose::Sign => ACCESS_TOKENS,
            Purpose::Verify => VERIFY,
        };
        let mut row = Self {
            kid: key.kid.clone(),
            algorithm: key.algorithm.name().to_owned(),
            purpose: purpose.to_owned(),
            public_jwk: serde_json::to_string(&key.public).map_err(Error::internal)?,
            sealed_private: Vec::new(),
            master_key_id: vault.current(now).to_string(),
            created_at: now.into(),
            publish_at: lifetime.publish_at.into(),
            activate_at: lifetime.activate_at.into(),
            retire_at: lifetime.retire_at.map(Moment::from),
            remove_at: lifetime.remove_at.map(Moment::from),
            revoked_at: lifetime.revoked_at.map(Moment::from),
            sealed_public: None,
        };
        if let Some(private) = &key.private {
            row.sealed_private = vault.seal(now, &row.place(), private);
        }
        let made = format!("{MADE_AT}{}", now.timestamp_micros());
        row.sealed_public = Some(row.seal_public(vault, now, &made));
        Ok(row)
    }

    /// Its private part; none of a key that only verifies.
    ///
    /// # Errors
    /// Why it stays closed.
    pub(in crate::keys) fn open(
        &self,
        vault: &Vault,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, Closed> {
        match self.purpose() {
            Purpose::Sign => vault.open(&self.place(), &self.sealed_private).map(Some),
            Purpose::Verify => Ok(None),
        }
    }

    /// Whether the public part, as it stands in the row, is the one that was sealed.
    ///
    /// # Errors
    /// Why the seal stays closed.
    pub(in crate::keys) fn is_public_sealed(&self, vault: &Vault) -> Result<bool, Closed> {
        let said = self.said_of_public(vault)?;
        Ok(said.is_some_and(|said| said.is_empty() || made_at(&said).is_some()))
    }

    /// The master key under which it was made, and when, if its seals vouch for it that it was never
    /// sealed under another one. They do not after it was sealed anew, nor if a former version made it.
    pub(in crate::keys) fn made_under(&self, vault: &Vault) -> Option<(RootId, Time)> {
        let said = self.said_of_public(vault).ok().flatten()?;
        let mut sealers = self.sealers();
        let first = sealers.next()?;
        let at = made_at(&said)?;
        sealers.all(|id| id == first).then_some((first, at))
    }

    /// What the seal of the public part says beside it; none, if that is not the part that was sealed.
    fn said_of_public(&self, vault: &Vault) -> Result<Option<Vec<u8>>, Closed> {
        let sealed = self.sealed_public.as_deref().unwrap_or_default();
        let opened = vault.open(&self.public_place(), sealed)?;
        let said = opened.strip_prefix(self.public_jwk.as_bytes());
        Ok(said.map(<[u8]>::to_vec))
    }

    /// Whether it is a key from elsewhere that nobody vouches for: it is not published.
    pub(in crate::keys) fn is_stray(&self, vault: &Vault) -> bool {
        self.purpose() == Purpose::Verify && !matches!(self.is_public_sealed(vault), Ok(true))
    }

    fn seal_public(&self, vault: &Vault, as_of: Time, made: &str) -> Vec<u8> {
        let public = [self.public_jwk.as_str(), made].concat();
        vault.seal(as_of, &self.public_place(), public.as_bytes())
    }

    /// Under which master keys its parts are sealed.
    pub(in crate::keys) fn sealers(&self) -> impl Iterator<Item = RootId> {
        let public = self.sealed_public.as_deref();
        let parts = [Some(self.sealed_private.as_slice()), public];
        // Of a key that only verifies the private part is empty.
        parts.into_iter().flatten().filter_map(Vault::sealed_under)
    }

    /// Whether everything is sealed under that key.
    pub(in crate::keys) fn is_sealed_under(&self, id: RootId) -> bool {
        self.sealed_public.is_some() && self.sealers().all(|sealer| sealer == id)
    }

    /// The same, sealed under the key that is current at `as_of`, which does not vouch for when, and
    /// under which key, it was made: that was the word of a former one.
    ///
    /// # Errors
    /// One of the parts cannot be opened, or the public one is not the one that was sealed.
    pub(in crate::keys) fn resealed(&self, vault: &Vault, as_of: Time) -> Result<Self, Closed> {
        let private = self.open(vault)?;
        let is_older = self.sealed_public.is_none() && private.is_some();
        if !is_older && !self.is_public_sealed(vault)? {
            return Err(Closed::Damaged(Unopenable));
        }
        let seal = |private: Zeroizing<Vec<u8>>| vault.seal(as_of, &self.place(), &private);
        Ok(Self {
            sealed_private: private.map_or_else(Vec::new, seal),
            ..self.vouched_for(vault, as_of)
        })
    }

    /// The same, with the public part sealed as it stands in the row.
    pub(in crate::keys) fn vouched_for(&self, vault: &Vault, as_of: Time) -> Self {
        Self {
            sealed_public: Some(self.seal_public(vault, as_of, "")),
            master_key_id: vault.current(as_of).to_string(),
            ..self.clone()
        }
    }

    /// The associated data: a sealed key moved to another row, algorithm or purpose stays closed.
    fn place(&self) -> String {
        format!(
            "signing_keys|{}|{}|{}",
            self.kid, self.algorithm, self.purpose
        )
    }

    fn public_place(&self) -> String {
        format!("{}|public", self.place())
    }
}

fn made_at(said: &[u8]) -> Option<Time> {
    let micros = std::str::from_utf8(said).ok()?.strip_prefix(MADE_AT)?;
    DateTime::from_timestamp_micros(micros.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{Algorithm, RootSecret, Roots, SigningKey, Version, Versions};

    fn at(seconds: i64) -> Time {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn a_seal_says_when_a_key_was_made_until_it_is_sealed_anew() {
        let (old, new) = (RootSecret::new([1; 32]), RootSecret::new([2; 32]));
        let version = |value: &RootSecret, from| Version {
            id: value.id(),
            current_from: Some(at(from)),
            value: value.clone(),
        };
        let roots = Roots::new(Versions {
            first: version(&old, 0),
            others: vec![version(&new, 10)],
        });
        let vault = Vault::new(&roots, "p");
        let (signing, private) = SigningKey::generate(Algorithm::Es256).unwrap();
        let public = signing.public_jwk().unwrap();
        let key = NewKey {
            kid: public.thumbprint(),
            algorithm: Algorithm::Es256,
            public,
            private: Some(private),
            is_imported: false,
        };
        let made = Row::seal(&vault, &key, Lifetime::first(at(5)), at(5)).unwrap();
        assert_eq!(made.made_under(&vault), Some((old.id(), at(5))));
        assert_eq!(made.is_public_sealed(&vault), Ok(true));

        // As the former version sealed all of them.
        let former = made.vouched_for(&vault, at(6));
        assert_eq!(former.is_public_sealed(&vault), Ok(true));
        assert!(former.open(&vault).is_ok());
        assert_eq!(former.made_under(&vault), None);

        let resealed = made.resealed(&vault, at(11)).unwrap();
        assert!(resealed.is_sealed_under(new.id()));
        assert_eq!(resealed.is_public_sealed(&vault), Ok(true));
        assert_eq!(resealed.made_under(&vault), None);

        // Half of it under another one.
        let mixed = Row {
            sealed_private: resealed.sealed_private,
            ..made.clone()
        };
        assert_eq!(mixed.made_under(&vault), None);
        let altered = Row {
            public_jwk: format!("{}\nmade 7", made.public_jwk),
            ..made
        };
        assert_eq!(altered.is_public_sealed(&vault), Ok(false));
    }
}
