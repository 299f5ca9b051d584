//! The master keys. Everything sealed in the database is sealed under keys derived from the one
//! that is current, and so is the secret of refresh tokens; older ones open what they sealed.
//! Which one is current is a pure function of the rows of `master_keys` and the time; what they
//! are is in a file, on every node. A key that the rows name and the file lacks is an error that
//! names it, never a reason to make a new one.

mod emergency;
mod file;
mod found;
mod operate;
mod recover;
mod reseal;
mod standing;
pub(super) mod store;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::{Clock, Time};
use crate::crypto::{Derived, RootId, RootSecret, Roots, Vault, Version, Versions};
use crate::error::{Error, Result};
use crate::node::Node;
use crate::storage::{Conn, Db};

use found::{Found, first, register_first};

pub use emergency::Revoked;
pub use operate::Rotated;
pub use recover::{Recovered, recover};
pub use reseal::Resealed;
pub use standing::{Stage, Standing};

/// A key that is, was or will be current, as the database knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::keys) struct Registered {
    /// Its name.
    pub id: RootId,
    /// From then on it seals, until the next one does.
    pub current_from: Time,
    /// From then on it is not used for anything.
    pub retired_at: Option<Time>,
}

/// The master keys at hand. Clones share them.
#[derive(Clone)]
pub struct MasterKey(Arc<Inner>);

struct Inner {
    file: PathBuf,
    roots: Roots,
    known: Mutex<Known>,
}

/// What file and database say.
struct Known {
    secrets: Vec<RootSecret>,
    registered: Vec<Registered>,
    /// It could not be read when it was last looked into.
    is_file_bad: bool,
    /// Keys in use that have left the file, which was said.
    left: Vec<RootId>,
    /// The database took a retirement back, and that was said.
    is_contradicted: bool,
}

impl Known {
    /// The versions to use; none, if no key that was registered is at hand.
    fn versions(&self) -> Option<Versions<RootSecret>> {
        let row = |id| self.registered.iter().find(|row| row.id == id);
        let mut versions: Vec<Version<RootSecret>> = self
            .secrets
            .iter()
            .map(|secret| (secret, row(secret.id())))
            .filter(|(_, row)| row.is_none_or(|row| row.retired_at.is_none()))
            .map(|(secret, row)| Version {
                id: secret.id(),
                current_from: row.map(|row| row.current_from),
                value: secret.clone(),
            })
            .collect();
        let first = versions
            .iter()
            .filter(|version| version.current_from.is_some());
        let first = first.min_by_key(|version| version.current_from)?.id;
        let place = versions.iter().position(|version| version.id == first)?;
        let first = versions.swap_remove(place);
        Some(Versions {
            first,
            others: versions,
        })
    }

    /// The same rows, and keys that were retired before are retired: whoever knows one of these
    /// could write to the database, too. Whether they said otherwise.
    fn hold_to_retirements(&self, registered: &mut Vec<Registered>) -> bool {
        let before = registered.clone();
        for retired in self
            .registered
            .iter()
            .filter(|row| row.retired_at.is_some())
        {
            match registered.iter_mut().find(|row| row.id == retired.id) {
                Some(row) => row.retired_at = row.retired_at.or(retired.retired_at),
                None => registered.push(retired.clone()),
            }
        }
        registered.sort_by_key(|row| (row.current_from, row.id));
        *registered != before
    }

    /// Keys that are in use and not at hand.
    fn missing(&self) -> Vec<RootId> {
        let has = |id| self.secrets.iter().any(|secret| secret.id() == id);
        self.in_use().filter(|id| !has(*id)).collect()
    }

    /// Keys that are not retired.
    fn in_use(&self) -> impl Iterator<Item = RootId> {
        let in_use = self
            .registered
            .iter()
            .filter(|row| row.retired_at.is_none());
        in_use.map(|row| row.id)
    }
}

impl MasterKey {
    /// The keys in `file`. Where nothing was ever sealed, and there is no file, a key is made; it
    /// then is the installation's first.
    ///
    /// # Errors
    /// The file is missing, unusable, or lacks a key that is in use, which is named.
    pub async fn open(db: &Db, clock: &Clock, file: &Path) -> Result<Self> {
        let found = Found::read(db, clock, file).await?;
        if found.secrets.is_none() {
            file::create(file)?;
        }
        let secrets = found.secrets.map_or_else(|| file::read(file), Ok)?;
        let mut registered = found.registered;
        if let (true, Some(first)) = (registered.is_empty(), first(&secrets, &found.sealing)) {
            let now = clock.now();
            let register = move |conn: &mut Conn| register_first(conn, first, now);
            registered = db.write(register).await?;
        }
        Self::of(file, secrets, registered, &found.sealing)
    }

    /// As [`MasterKey::open`], and changes nothing.
    pub(super) async fn look(db: &Db, clock: &Clock, file: &Path) -> Result<Self> {
        let found = Found::read(db, clock, file).await?;
        let secrets = found.secrets.map_or_else(|| file::read(file), Ok)?;
        let mut registered = found.registered;
        if let (true, Some(id)) = (registered.is_empty(), first(&secrets, &found.sealing)) {
            registered.push(Registered {
                id,
                current_from: clock.now(),
                retired_at: None,
            });
        }
        Self::of(file, secrets, registered, &found.sealing)
    }

    fn of(
        file: &Path,
        secrets: Vec<RootSecret>,
        registered: Vec<Registered>,
        sealing: &[RootId],
    ) -> Result<Self> {
        let known = Known {
            secrets,
            registered,
            is_file_bad: false,
            left: Vec::new(),
            is_contradicted: false,
        };
        let missing = known.missing();
        let versions = known.versions().filter(|_| missing.is_empty());
        let needed = if missing.is_empty() {
            sealing
        } else {
            &missing
        };
        let versions = versions.ok_or_else(|| lacks(file, needed, &known.secrets))?;
        Ok(Self(Arc::new(Inner {
            file: file.to_owned(),
            roots: Roots::new(versions),
            known: Mutex::new(known),
        })))
    }

    /// Makes this process known to the others, and refuses to go on if they use a key that it
    /// lacks: either they see it before they change the key, or it sees the change.
    ///
    /// # Errors
    /// As for [`MasterKey::open`].
    pub async fn join(&self, db: &Db, node: &Node) -> Result<()> {
        self.report(db, node).await?;
        let missing = self.missing();
        if missing.is_empty() {
            return Ok(());
        }
        if let Err(error) = node.leave().await {
            log::warn!("{error}");
        }
        Err(lacks(&self.0.file, &missing, &self.known().secrets))
    }

    /// Looks into the file, and tells the others which keys are at hand if there is news.
    ///
    /// # Errors
    /// The database is away.
    pub async fn report(&self, db: &Db, node: &Node) -> Result<()> {
        self.look_into_file();
        let ids = self.at_hand().iter().map(ToString::to_string).collect();
        let Some(seen) = node.news(ids) else {
            return Ok(());
        };
        let (told, reporter) = (seen.clone(), node.clone());
        let report = move |conn: &mut Conn| {
            super::store::lock(conn)?;
            reporter.report(conn, &seen)?;
            store::list(conn)
        };
        self.adopt(db.write(report).await?);
        node.told(told);
        Ok(())
    }

    /// Takes over what the database says.
    pub(super) fn adopt(&self, mut registered: Vec<Registered>) {
        let mut known = self.known();
        let is_contradicted = known.hold_to_retirements(&mut registered);
        if is_contradicted && !std::mem::replace(&mut known.is_contradicted, true) {
            log::error!(
                "the table master_keys has taken back that a master key was retired; it stays \
                 retired here until the next start. If you did not restore a backup, somebody \
                 writes to your database: signet keys master remove takes the key out of the file"
            );
        }
        drop(known);
        if self.known().registered == registered {
            return;
        }
        self.known().registered = registered;
        if !self.missing().is_empty() {
            self.look_into_file();
        }
        self.apply();
        for id in self.missing() {
            log::error!(
                "the master key {id} is in use and not in {}: copy it there from another node",
                self.0.file.display()
            );
        }
    }

    /// Takes over keys that were added to the file. Those that it lost stay until the next start,
    /// and are told in the log while they are in use.
    fn look_into_file(&self) {
        let secrets = match file::read(&self.0.file) {
            Ok(secrets) => secrets,
            Err(error) => {
                if !std::mem::replace(&mut self.known().is_file_bad, true) {
                    log::warn!("{error}; going on with what was in it before");
                }
                return;
            }
        };
        let mut known = self.known();
        known.is_file_bad = false;
        let left = known
            .in_use()
            .filter(|id| secrets.iter().all(|one| one.id() != *id));
        let left: Vec<RootId> = left.collect();
        for id in left.iter().filter(|id| !known.left.contains(id)) {
            log::warn!(
                "the master key {id} is in use and not in {} any more: put it back, or the next \
                 start fails. This server still has it",
                self.0.file.display()
            );
        }
        known.left = left;
        let mut added = false;
        for secret in secrets {
            if known.secrets.iter().all(|known| known.id() != secret.id()) {
                known.secrets.push(secret);
                added = true;
            }
        }
        drop(known);
        if added {
            self.apply();
        }
    }

    fn apply(&self) {
        if let Some(versions) = self.known().versions() {
            self.0.roots.replace(versions);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keys that are in use and not at hand: what is sealed under them, and refresh tokens signed
    /// with them, cannot be read here.
    pub fn missing(&self) -> Vec<RootId> {
        self.known().missing()
    }

    /// Whether that key is, was or will be current.
    pub(super) fn is_known(&self, id: RootId) -> bool {
        self.known().registered.iter().any(|row| row.id == id)
    }

    /// The keys that are not used any more.
    pub(super) fn retired(&self) -> Vec<RootId> {
        let known = self.known();
        let retired = known
            .registered
            .iter()
            .filter(|row| row.retired_at.is_some());
        retired.map(|row| row.id).collect()
    }

    /// What seals for `purpose` under the current key and opens what any of them sealed.
    pub fn vault(&self, purpose: &'static str) -> Vault {
        Vault::new(&self.0.roots, purpose)
    }

    /// What `make` makes of each key.
    pub fn derived<T>(
        &self,
        make: impl Fn(&RootSecret) -> T + Send + Sync + 'static,
    ) -> Derived<T> {
        Derived::new(&self.0.roots, make)
    }
}

/// The key that seals at `now`.
fn current(registered: &[Registered], now: Time) -> Option<RootId> {
    let in_use = registered.iter().filter(|row| row.retired_at.is_none());
    let begun = in_use.clone().filter(|row| row.current_from <= now);
    let newest = begun.max_by_key(|row| row.current_from);
    newest
        .or(in_use.min_by_key(|row| row.current_from))
        .map(|row| row.id)
}

fn gone(file: &Path, needed: Option<RootId>) -> Error {
    let name = needed.map_or_else(String::new, |id| format!(" {id}"));
    Error::setup(format!(
        "the master key file {} is missing, and the database holds secrets sealed under the master \
         key{name}. Put the file back (on a further node: copy the first node's). If it is lost: \
         signet keys master recover",
        file.display()
    ))
}

fn lacks(file: &Path, missing: &[RootId], has: &[RootSecret]) -> Error {
    let list = |ids: Vec<String>| ids.join(", ");
    let missing = list(missing.iter().map(ToString::to_string).collect());
    let has = list(has.iter().map(|secret| secret.id().to_string()).collect());
    Error::setup(format!(
        "the database needs the master key {missing}, and {} has only {has}. Put that key into the \
         file (on a further node: copy the first node's file). If it is lost: signet keys master \
         recover",
        file.display()
    ))
}
