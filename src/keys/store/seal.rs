//! What of a key is sealed, for exactly its row, and what the seals say.

use chrono::DateTime;
use zeroize::Zeroizing;

use super::{ACCESS_TOKENS, NewKey, Row, VERIFY};
use crate::clock::Time;
use crate::crypto::{Closed, RootId, SigningKey, Unopenable, Vault};
use crate::error::{Error, Result};
use crate::keys::{Lifetime, Purpose};
use crate::storage::Moment;

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
        let made = format!("{}\n{}", now.timestamp_micros(), row.public_jwk);
        row.sealed_public = Some(vault.seal(now, &row.made_place(), made.as_bytes()));
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
        self.check_place()?;
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
        self.check_place()?;
        let sealed = self.sealed_public.as_deref().unwrap_or_default();
        match vault.open(&self.public_place(), sealed) {
            Err(Closed::Damaged(_)) => self.made_at(vault).map(|at| at.is_some()),
            opened => Ok(*opened? == *self.public_jwk.as_bytes()),
        }
    }

    /// The master key under which it was made, and when, if its seals vouch for it that it was never
    /// sealed under another one. They do not after it was sealed anew, nor if a former version made it.
    pub(in crate::keys) fn made_under(&self, vault: &Vault) -> Option<(RootId, Time)> {
        let at = self.made_at(vault).ok().flatten()?;
        let mut sealers = self.sealers();
        let first = sealers.next()?;
        sealers.all(|id| id == first).then_some((first, at))
    }

    /// When it was made, if its public seal says so, and of the part that stands in the row.
    fn made_at(&self, vault: &Vault) -> Result<Option<Time>, Closed> {
        self.check_place()?;
        let sealed = self.sealed_public.as_deref().unwrap_or_default();
        let opened = vault.open(&self.made_place(), sealed)?;
        let said = std::str::from_utf8(&opened).ok();
        Ok(said.and_then(|said| {
            let (micros, public) = said.split_once('\n')?;
            let at = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
            (public == self.public_jwk).then_some(at)
        }))
    }

    /// Whether it is a key from elsewhere that nobody vouches for: it is not published.
    pub(in crate::keys) fn is_stray(&self, vault: &Vault) -> bool {
        self.purpose() == Purpose::Verify && !matches!(self.is_public_sealed(vault), Ok(true))
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
        let is_sealed = match (&self.sealed_public, &private) {
            // An older row. Its public part is not authentic: what belongs to the private one is.
            (None, Some(private)) => self.is_public_of(private),
            _ => self.is_public_sealed(vault)?,
        };
        if !is_sealed {
            return Err(Closed::Damaged(Unopenable));
        }
        let seal = |private: Zeroizing<Vec<u8>>| vault.seal(as_of, &self.place(), &private);
        Ok(Self {
            sealed_private: private.map_or_else(Vec::new, seal),
            ..self.vouched_for(vault, as_of)
        })
    }

    /// Whether everything opens, and both parts are of one key.
    pub(in crate::keys) fn is_sound(&self, vault: &Vault) -> bool {
        match self.open(vault) {
            Ok(Some(private)) => self.is_public_of(&private),
            Ok(None) => matches!(self.is_public_sealed(vault), Ok(true)),
            Err(_) => false,
        }
    }

    fn is_public_of(&self, private: &[u8]) -> bool {
        let signing = |algorithm| SigningKey::from_pkcs8(algorithm, private).ok();
        let own = self.algorithm().and_then(signing);
        let own = own.and_then(|signing| signing.public_jwk());
        own.is_some_and(|own| self.public().is_ok_and(|public| public == own))
    }

    /// The same, with the public part sealed as it stands in the row.
    pub(in crate::keys) fn vouched_for(&self, vault: &Vault, as_of: Time) -> Self {
        let public = vault.seal(as_of, &self.public_place(), self.public_jwk.as_bytes());
        Self {
            sealed_public: Some(public),
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

    /// Of the public part alone.
    fn public_place(&self) -> String {
        format!("{}|public", self.place())
    }

    /// Of the public part, and when it was made. It is a place of its own, so that nothing that is
    /// sealed anew says so, whatever somebody wrote into the row.
    fn made_place(&self) -> String {
        format!("{}|made", self.place())
    }

    /// Only of an algorithm and a purpose that there are. Others could name the place of another
    /// seal: `a|ES256` with `access` and `public` is that of the public part of `a`.
    fn check_place(&self) -> Result<(), Unopenable> {
        let is_known = [ACCESS_TOKENS, VERIFY].contains(&self.purpose.as_str());
        match self.algorithm() {
            Some(_) if is_known => Ok(()),
            _ => Err(Unopenable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{Algorithm, RootSecret, Roots, SigningKey, Version, Versions};

    fn at(seconds: i64) -> Time {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn roots() -> (RootSecret, RootSecret) {
        (RootSecret::new([1; 32]), RootSecret::new([2; 32]))
    }

    /// The vault of an old master key, and of a new one from 10 on; a key that was made under the old
    /// one at 5.
    fn made() -> (Vault, Row) {
        let (old, new) = roots();
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
        (vault, made)
    }

    #[test]
    fn a_seal_says_when_a_key_was_made_until_it_is_sealed_anew() {
        let ((old, new), (vault, made)) = (roots(), made());
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
            ..made.clone()
        };
        assert_eq!(altered.is_public_sealed(&vault), Ok(false));
        assert!(altered.resealed(&vault, at(11)).is_err());

        // Somebody who knows the old key has the new one vouch for whatever he writes there.
        for said in [
            format!("{}\nmade 11000000", made.public_jwk),
            format!("11000000\n{}", made.public_jwk),
        ] {
            let mut forged = Row {
                public_jwk: said,
                ..made.clone()
            };
            forged = forged.vouched_for(&vault, at(6));
            forged = forged.resealed(&vault, at(11)).unwrap();
            forged.public_jwk.clone_from(&made.public_jwk);
            assert_eq!(forged.made_under(&vault), None);
            assert_ne!(forged.is_public_sealed(&vault), Ok(true));
        }
    }

    #[test]
    fn no_seal_of_one_row_is_another_ones() {
        let (vault, made) = made();
        let place = |purpose: &str, kid: &str, algorithm: &str| Row {
            kid: kid.into(),
            algorithm: algorithm.into(),
            purpose: purpose.into(),
            ..made.clone()
        };
        let odd = place("made", &format!("{}|ES256", made.kid), "access");
        assert_eq!(odd.place(), made.made_place());
        assert!(odd.open(&vault).is_err());
        assert!(odd.resealed(&vault, at(11)).is_err());
        let odd = place("public", &format!("{}|ES256", made.kid), "access");
        assert_eq!(odd.place(), made.public_place());
        assert!(odd.resealed(&vault, at(11)).is_err());
    }

    #[test]
    fn of_an_older_row_only_what_belongs_to_its_private_part_is_vouched_for() {
        let (vault, made) = made();
        let older = Row {
            sealed_public: None,
            ..made
        };
        assert!(older.resealed(&vault, at(11)).is_ok());
        let (another, _) = SigningKey::generate(Algorithm::Es256).unwrap();
        let another = another.public_jwk().unwrap();
        let altered = Row {
            public_jwk: serde_json::to_string(&another).unwrap(),
            ..older
        };
        assert!(altered.resealed(&vault, at(11)).is_err());
    }
}
