//! A root secret in several versions, of which one is current at any moment, and what is derived
//! from each.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::RootSecret;
use crate::clock::Time;

/// Names a version of the root secret. It is derived from the secret, so a file needs no label.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RootId(pub(super) [u8; Self::LENGTH]);

impl RootId {
    const LENGTH: usize = 8;

    /// How many bytes of a sealed value name the version that sealed it.
    pub const BYTES: i32 = 8;

    /// As a sealed value begins.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
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

/// A text that names no version: 16 hexadecimal digits do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name of a master key has 16 hexadecimal digits")]
pub struct NoRootId;

impl FromStr for RootId {
    type Err = NoRootId;

    fn from_str(text: &str) -> Result<Self, NoRootId> {
        let number = u64::from_str_radix(text, 16).map_err(|_| NoRootId)?;
        let id = Self(number.to_be_bytes());
        // One spelling only: no sign, no capitals, no missing zeros.
        (id.to_string() == text).then_some(id).ok_or(NoRootId)
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

/// A version, as far as its time and name go, and what was made of it.
#[derive(Clone)]
pub struct Version<T> {
    /// Which one.
    pub id: RootId,
    /// From then on it is the current one, until the next is; none: not yet.
    pub current_from: Option<Time>,
    /// The secret, or something derived from it.
    pub value: T,
}

/// All versions at hand: one at least.
#[derive(Clone)]
pub struct Versions<T> {
    /// Current before any other was.
    pub first: Version<T>,
    /// The others, in any order.
    pub others: Vec<Version<T>>,
}

impl<T> Versions<T> {
    /// The version that is current at `time`. Whoever knows the versions gives the same answer,
    /// now or later.
    pub fn at(&self, time: Time) -> &Version<T> {
        let begun = self.others.iter().filter(|version| {
            let is_later = version.current_from > self.first.current_from;
            is_later && version.current_from.is_some_and(|from| from <= time)
        });
        begun
            .max_by_key(|version| (version.current_from, version.id))
            .unwrap_or(&self.first)
    }

    /// The version of that name.
    pub fn find(&self, id: RootId) -> Option<&Version<T>> {
        self.iter().find(|version| version.id == id)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Version<T>> {
        std::iter::once(&self.first).chain(&self.others)
    }

    fn map<U>(&self, make: impl Fn(&T) -> U) -> Versions<U> {
        let map = |version: &Version<T>| Version {
            id: version.id,
            current_from: version.current_from,
            value: make(&version.value),
        };
        Versions {
            first: map(&self.first),
            others: self.others.iter().map(map).collect(),
        }
    }
}

/// The root secret's versions. Clones share them: one that comes or goes does so for all at once.
#[derive(Clone)]
pub struct Roots(Arc<ArcSwap<Versions<RootSecret>>>);

impl Roots {
    /// The versions of the moment.
    pub fn new(versions: Versions<RootSecret>) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(versions)))
    }

    /// A secret that has no other version, current since ever.
    pub fn single(secret: RootSecret) -> Self {
        Self::new(Versions {
            first: Version {
                id: secret.id(),
                current_from: None,
                value: secret,
            },
            others: Vec::new(),
        })
    }

    /// From now on these.
    pub fn replace(&self, versions: Versions<RootSecret>) {
        self.0.store(Arc::new(versions));
    }

    /// The versions of the moment.
    pub fn load(&self) -> Arc<Versions<RootSecret>> {
        self.0.load_full()
    }
}

type Make<T> = Box<dyn Fn(&RootSecret) -> T + Send + Sync>;

/// Something derived from each version, made once for each change of the versions.
pub struct Derived<T> {
    roots: Roots,
    make: Make<T>,
    made: ArcSwap<Made<T>>,
}

/// What was derived from the versions of one moment.
pub struct Made<T> {
    of: Arc<Versions<RootSecret>>,
    versions: Versions<T>,
}

impl<T> Deref for Made<T> {
    type Target = Versions<T>;

    fn deref(&self) -> &Versions<T> {
        &self.versions
    }
}

impl<T> Derived<T> {
    /// What `make` makes of each version.
    pub fn new(roots: &Roots, make: impl Fn(&RootSecret) -> T + Send + Sync + 'static) -> Self {
        let of = roots.load();
        let versions = of.map(&make);
        Self {
            roots: roots.clone(),
            make: Box::new(make),
            made: ArcSwap::from_pointee(Made { of, versions }),
        }
    }

    /// Of the versions of the moment.
    pub fn versions(&self) -> Arc<Made<T>> {
        let of = self.roots.0.load();
        let made = self.made.load_full();
        if Arc::ptr_eq(&made.of, &of) {
            return made;
        }
        let versions = of.map(&self.make);
        let of = Arc::clone(&of);
        let made = Arc::new(Made { of, versions });
        self.made.store(Arc::clone(&made));
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn version(byte: u8, from: Option<i64>) -> Version<RootSecret> {
        let value = RootSecret::new([byte; 32]);
        Version {
            id: value.id(),
            current_from: from.map(|seconds| DateTime::from_timestamp(seconds, 0).unwrap()),
            value,
        }
    }

    fn at(seconds: i64) -> Time {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn one_version_is_current_at_any_time() {
        let first = version(1, Some(100));
        let (second, waiting) = (version(2, Some(200)), version(3, None));
        let ids = [first.id, second.id, waiting.id];
        let versions = Versions {
            first,
            others: vec![waiting, second],
        };
        let current = [0, 100, 199, 200, 9_999].map(|time| versions.at(at(time)).id);
        assert_eq!(current, [ids[0], ids[0], ids[0], ids[1], ids[1]]);
        assert_eq!(versions.find(ids[2]).unwrap().id, ids[2]);
    }

    #[test]
    fn what_is_derived_follows_the_versions() {
        let roots = Roots::single(RootSecret::new([1; 32]));
        let derived = Derived::new(&roots, |root| root.derive("p"));
        let before = derived.versions();
        assert!(Arc::ptr_eq(&before, &derived.versions()));
        roots.replace(Versions {
            first: version(1, Some(1)),
            others: vec![version(2, Some(2))],
        });
        let after = derived.versions();
        assert_eq!(after.at(at(1)).value, before.at(at(1)).value);
        assert_ne!(after.at(at(2)).value, before.at(at(2)).value);
    }

    #[test]
    fn a_name_has_one_spelling() {
        let id = RootSecret::new([1; 32]).id();
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in ["", "1", "+000000000000001", "00000000000000AB", "zz"] {
            assert_eq!(wrong.parse::<RootId>(), Err(NoRootId), "{wrong}");
        }
    }
}
