//! Secrets at rest under a master key that can be replaced: what is sealed says under which
//! version, and every version that is at hand opens it.

use zeroize::Zeroizing;

use super::root::{Derived, RootId, Roots};
use super::{Sealer, Unopenable};
use crate::clock::Time;

/// Why a sealed value stays closed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    /// Sealed under a version that is not at hand.
    #[error("the sealed value needs the master key {0}, which is not at hand")]
    NeedsKey(RootId),
    /// Altered, cut short, or moved from another place.
    #[error(transparent)]
    Damaged(#[from] Unopenable),
}

/// Seals under the version of the master key that is current, for one purpose, and opens what any
/// version at hand sealed. Form: version (8 bytes), nonce, ciphertext, tag.
pub struct Vault(Derived<Sealer>);

impl Vault {
    /// A vault for `purpose`.
    pub fn new(roots: &Roots, purpose: &'static str) -> Self {
        let sealer = move |root: &super::RootSecret| Sealer::new(&root.derive(purpose));
        Self(Derived::new(roots, sealer))
    }

    /// The version that seals at `now`.
    pub fn current(&self, now: Time) -> RootId {
        self.0.versions().at(now).id
    }

    /// Under which version a value was sealed, as it says itself.
    pub fn sealed_under(sealed: &[u8]) -> Option<RootId> {
        sealed.first_chunk().map(|id| RootId(*id))
    }

    /// Seals `plain` for `place` (table, row, column).
    pub fn seal(&self, now: Time, place: &str, plain: &[u8]) -> Vec<u8> {
        let versions = self.0.versions();
        let current = versions.at(now);
        [current.id.0.as_slice(), &current.value.seal(place, plain)].concat()
    }

    /// Opens what was sealed for `place`.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Closed> {
        let (id, rest) = sealed.split_first_chunk().ok_or(Unopenable)?;
        let id = RootId(*id);
        let versions = self.0.versions();
        let version = versions.find(id).ok_or(Closed::NeedsKey(id))?;
        Ok(version.value.open(place, rest)?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::root::{Version, Versions};
    use super::*;
    use crate::crypto::RootSecret;
    use chrono::DateTime;

    fn at(seconds: i64) -> Time {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn a_replaced_master_key_still_opens_and_a_missing_one_is_named() {
        let (old, new) = (RootSecret::new([1; 32]), RootSecret::new([2; 32]));
        let sealed = Vault::new(&Roots::single(old.clone()), "p").seal(at(5), "t|1", b"secret");
        let version = |value: &RootSecret, from| Version {
            id: value.id(),
            current_from: Some(at(from)),
            value: value.clone(),
        };
        let both = Roots::new(Versions {
            first: version(&old, 0),
            others: vec![version(&new, 10)],
        });
        let both = Vault::new(&both, "p");
        assert_eq!(
            (both.current(at(9)), both.current(at(10))),
            (old.id(), new.id())
        );
        assert_eq!(Vault::sealed_under(&sealed), Some(old.id()));
        assert_eq!(both.open("t|1", &sealed).unwrap().as_slice(), b"secret");
        let again = both.seal(at(10), "t|1", b"secret");
        let only = Vault::new(&Roots::single(new.clone()), "p");
        assert_eq!(only.open("t|1", &again).unwrap().as_slice(), b"secret");
        assert_eq!(
            only.open("t|1", &sealed).unwrap_err(),
            Closed::NeedsKey(old.id())
        );
        let damaged = Closed::Damaged(Unopenable);
        assert_eq!(both.open("t|2", &sealed).unwrap_err(), damaged);
        assert_eq!(both.open("t|1", &sealed[..4]).unwrap_err(), damaged);
        assert!(
            Vault::new(&Roots::single(old), "q")
                .open("t|1", &sealed)
                .is_err()
        );
    }
}
