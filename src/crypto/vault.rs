//! Secrets at rest under a master key that can be replaced: what is sealed says under which
//! version, and every version that is still readable opens it.

use std::fmt;

use zeroize::Zeroizing;

use super::{RootSecret, Sealer, Unopenable};

/// Names a version of the master key. It is derived from the key, so a file needs no label.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RootId([u8; Self::LENGTH]);

impl RootId {
    const LENGTH: usize = 8;
}

impl fmt::Display for RootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for RootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl RootSecret {
    /// The version's name; it tells nothing about the secret.
    pub fn id(&self) -> RootId {
        let mut id = [0; RootId::LENGTH];
        id.iter_mut()
            .zip(self.derive("id").iter())
            .for_each(|(to, from)| *to = *from);
        RootId(id)
    }
}

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

/// Seals under the current version of the master key, for one purpose, and opens what any
/// readable version sealed. Form: version (8 bytes), nonce, ciphertext, tag.
pub struct Vault {
    current: (RootId, Sealer),
    older: Vec<(RootId, Sealer)>,
}

impl Vault {
    /// A vault for `purpose` under `current`; `older` versions only open.
    pub fn new(current: &RootSecret, older: &[RootSecret], purpose: &str) -> Self {
        let sealer = |root: &RootSecret| (root.id(), Sealer::new(&root.derive(purpose)));
        Self {
            current: sealer(current),
            older: older.iter().map(sealer).collect(),
        }
    }

    /// The version that seals.
    pub fn current(&self) -> RootId {
        self.current.0
    }

    /// Seals `plain` for `place` (table, row, column).
    pub fn seal(&self, place: &str, plain: &[u8]) -> Vec<u8> {
        let (id, sealer) = &self.current;
        [id.0.as_slice(), &sealer.seal(place, plain)].concat()
    }

    /// Opens what was sealed for `place`.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Closed> {
        let (id, rest) = sealed.split_first_chunk().ok_or(Unopenable)?;
        let id = RootId(*id);
        let mut versions = std::iter::once(&self.current).chain(&self.older);
        let (_, sealer) = versions
            .find(|(known, _)| *known == id)
            .ok_or(Closed::NeedsKey(id))?;
        Ok(sealer.open(place, rest)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_master_key_still_opens_and_a_missing_one_is_named() {
        let (old, new) = (RootSecret::new([1; 32]), RootSecret::new([2; 32]));
        let sealed = Vault::new(&old, &[], "p").seal("t|1", b"secret");
        let both = Vault::new(&new, std::slice::from_ref(&old), "p");
        assert_eq!(both.open("t|1", &sealed).unwrap().as_slice(), b"secret");
        assert_eq!(
            Vault::new(&new, &[], "p").open("t|1", &sealed).unwrap_err(),
            Closed::NeedsKey(old.id())
        );
        assert_eq!(
            both.open("t|2", &sealed).unwrap_err(),
            Closed::Damaged(Unopenable)
        );
        assert_eq!(
            both.open("t|1", &sealed[..4]).unwrap_err(),
            Closed::Damaged(Unopenable)
        );
        assert!(Vault::new(&old, &[], "q").open("t|1", &sealed).is_err());
    }
}
