//! The master keys. Everything sealed in the database is sealed under keys derived from the one
//! that is current, and so is the secret of refresh tokens; older ones open what they sealed.
//! Which one is current is a pure function of the rows of `master_keys` and the time; what they
//! are is in a file, on every node. A key that the rows name and the file lacks is an error that
//! names it, never a reason to make a new one.

mod emergency;
mod file;
mod found;
mod known;
mod operate;
mod recover;
mod reseal;
mod standing;
pub(super) mod store;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;

use crate::clock::{Clock, Time};
use crate::crypto::{Derived, RootId, RootSecret, Roots, Vault};
use crate::error::{Error, Result};
use crate::node::Node;
use crate::storage::{Conn, Db};

use found::{Found, first, register_first};
use known::Known;

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
    /// Its revocation was begun, and is not done.
    pub is_being_revoked: bool,
    /// From then on it is not used for anything.
    pub retired_at: Option<Time>,
}

/// A next key that is being revoked is put off for so long: it does not become current before.
const NEVER: TimeDelta = TimeDelta::days(365);

/// So much later than its revocation began, a key is to be retired as the table has it while that is
/// not done.
const FOREVER: TimeDelta = TimeDelta::days(365_250);

impl Registered {
    /// Whether it still seals or opens something.
    pub(in crate::keys) fn is_in_use(&self) -> bool {
        self.retired_at.is_none()
    }

    /// Whether what it sealed is good: it is in use, and nobody began to revoke it.
    pub(in crate::keys) fn vouches(&self) -> bool {
        self.is_in_use() && !self.is_being_revoked
    }
}

/// The master keys at hand. Clones share them.
#[derive(Clone)]
pub struct MasterKey(Arc<Inner>);

struct Inner {
    file: PathBuf,
    roots: Roots,
    known: Mutex<Known>,
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
                is_being_revoked: false,
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
        let known = Known::new(secrets, registered);
        if !known.registered.is_empty() && known.in_use().next().is_none() {
            return Err(Error::setup(
                "every master key is retired, as the database has it. If you did not restore a \
                 backup, somebody writes to it; to go on with a new key: signet keys master recover",
            ));
        }
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

    /// Looks into the file, and tells the others which keys are at hand if there is news. A key that
    /// left the file is kept until that is written: another node may make it current until then.
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
        if self.known().let_go() {
            self.apply();
        }
        node.told(told);
        Ok(())
    }

    /// Takes over what the database says.
    pub(super) fn adopt(&self, mut registered: Vec<Registered>) {
        let mut known = self.known();
        let is_contradicted = known.hold_to_retirements(&mut registered);
        let was_said = std::mem::replace(&mut known.is_contradicted, is_contradicted);
        if is_contradicted && !was_said {
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

    /// Takes over what became of the file. Keys in use that it lost stay until the next start, and
    /// are told in the log.
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
        let (is_changed, left) = known.take_over(secrets);
        drop(known);
        for id in left {
            log::warn!(
                "the master key {id} is in use and not in {} any more: put it back, or the next \
                 start fails. This server still has it",
                self.0.file.display()
            );
        }
        if is_changed {
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
        self.those(|row| !row.is_in_use())
    }

    /// The keys whose word counts for nothing: retired, or being revoked.
    pub(super) fn void(&self) -> Vec<RootId> {
        self.those(|row| !row.vouches())
    }

    fn those(&self, are: impl Fn(&Registered) -> bool) -> Vec<RootId> {
        let known = self.known();
        let those = known.registered.iter().filter(|row| are(row));
        those.map(|row| row.id).collect()
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
    let in_use = registered.iter().filter(|row| row.vouches());
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
