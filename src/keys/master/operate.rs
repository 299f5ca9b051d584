//! What operators do to master keys.

use std::path::PathBuf;

use chrono::TimeDelta;
use diesel::QueryResult;

use super::standing::{Stage, Standing, find, lacking};
use super::{Registered, file, store};
use crate::clock::{Time, in_seconds};
use crate::crypto::{RootId, RootSecret};
use crate::error::{Error, Result};
use crate::event::{self, Event};
use crate::keys::Keys;
use crate::keys::operate::refused;
use crate::keys::store as keys;
use crate::node::{self, Seen};
use crate::storage::Conn;

/// When another key becomes current.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// When every node knows of it.
    Known,
    /// At once, in the emergency that is about this one.
    InsteadOf(RootId),
}

/// What came of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The key that is to be current.
    pub id: RootId,
    /// From then on.
    pub current_from: Time,
}

impl Keys {
    /// Adds a new master key to the file of this machine. It is used for nothing yet.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn add_master_key(&self) -> Result<RootId> {
        let master = self.master();
        let added = file::append(&master.0.file)?;
        Ok(added.id())
    }

    /// Makes a key current, once every node knows of it: the one whose name begins with `wanted`,
    /// or the one that was added last.
    ///
    /// # Errors
    /// There is no other key, or a running node lacks it.
    pub async fn rotate_master_key(&self, wanted: Option<String>) -> Result<Rotated> {
        self.make_current(wanted, Start::Known).await
    }

    async fn make_current(&self, wanted: Option<String>, start: Start) -> Result<Rotated> {
        let (succession, now) = (self.succession(wanted, start), self.now());
        let rotate = move |conn: &mut Conn| {
            keys::lock(conn)?;
            succession.write(conn, now)
        };
        let rotated = self.0.db.write(rotate).await??;
        self.reload().await?;
        rotated.ok_or_else(nothing_waits)
    }

    pub(super) fn succession(&self, wanted: Option<String>, start: Start) -> Succession {
        let policy = self.policy();
        Succession {
            file: self.master().0.file.clone(),
            wanted,
            start,
            lead: policy.told_reload_every + policy.clock_skew,
            skew: policy.clock_skew,
        }
    }

    /// Takes a key that is not used out of the file of this machine: a retired one, for then nobody
    /// who writes to the database makes it count again, or one that never was used.
    ///
    /// # Errors
    /// It is in use, or not there; the file cannot be written.
    pub async fn remove_master_key(&self, wanted: &str) -> Result<RootId> {
        let standings = self.master_keys().await?;
        let standing = find(&standings, wanted)?;
        if !matches!(standing.stage, Stage::Retired | Stage::Waiting) {
            return Err(unfit(standing));
        }
        let (id, path) = (standing.id, self.master().0.file.clone());
        let remove = move |conn: &mut Conn| {
            // The file first, as whoever adds to it, and then nobody makes the key current.
            let locked = match file::lock(&path) {
                Ok(locked) => locked,
                Err(error) => return Ok(Err(error)),
            };
            keys::lock(conn)?;
            let registered = store::list(conn)?;
            let mut rows = registered.iter();
            if rows.any(|row| row.id == id && row.is_in_use()) {
                return Ok(Err(refused(format!(
                    "the master key {id} is in use by now"
                ))));
            }
            Ok(file::remove(&locked, id))
        };
        self.0.db.write(remove).await??;
        Ok(id)
    }

    /// Uses a key no longer, when nothing needs it any more.
    ///
    /// # Errors
    /// It is current, something is still sealed under it, or refresh tokens of it may live.
    pub async fn retire_master_key(&self, wanted: &str) -> Result<RootId> {
        let now = self.now();
        let standings = self.master_keys().await?;
        let standing = find(&standings, wanted)?;
        let id = standing.id;
        if standing.stage != Stage::Former {
            return Err(unfit(standing));
        }
        if let Some(until) = standing.tokens_until.filter(|until| *until > now) {
            return Err(refused(format!(
                "refresh tokens signed with the master key {id} may live until {}",
                in_seconds(until)
            )));
        }
        let retire = move |conn: &mut Conn| retire_unless_used(conn, id, now);
        self.0.db.write(retire).await??;
        self.reload().await?;
        Ok(id)
    }
}

/// How one key follows another.
pub(super) struct Succession {
    file: PathBuf,
    wanted: Option<String>,
    start: Start,
    lead: TimeDelta,
    skew: TimeDelta,
}

impl Succession {
    /// Decides who follows, and writes it, in a transaction that holds the lock. None, if nothing waits.
    pub(super) fn write(&self, conn: &mut Conn, now: Time) -> QueryResult<Result<Option<Rotated>>> {
        // Now that nobody takes one out.
        let at_hand: Vec<RootId> = match file::read(&self.file) {
            Ok(secrets) => secrets.iter().map(RootSecret::id).collect(),
            Err(error) => return Ok(Err(error)),
        };
        let (registered, nodes) = (store::list(conn)?, node::settle(conn, now, self.skew)?);
        if let (Start::Known, Some(next)) = (self.start, next(&registered, now)) {
            return Ok(Err(refused(format!(
                "the master key {} is current from {} on as it is: wait until then",
                next.id,
                in_seconds(next.current_from)
            ))));
        }
        let mut waiting = waiting(&at_hand, &registered, now);
        if let Start::InsteadOf(revoked) = self.start {
            // What was added last is new. Others may only look so, to who has their rows deleted.
            waiting.retain(|id| *id != revoked && at_hand.last() == Some(id));
        }
        let chosen = match choose(&waiting, self.wanted.as_deref()) {
            Ok(Some(id)) => id,
            Ok(None) => return Ok(Ok(None)),
            Err(error) => return Ok(Err(error)),
        };
        if let Err(error) = all_have(&nodes, chosen) {
            return Ok(Err(error));
        }
        let current_from = match self.start {
            Start::Known => now + self.lead,
            Start::InsteadOf(_) => now,
        };
        store::register(conn, chosen, current_from, now)?;
        let event = Event::new(event::Kind::MasterKeyRotated, now)
            .with("id", chosen.to_string())
            .with("current_from", in_seconds(current_from));
        event::record(conn, &event)?;
        Ok(Ok(Some(Rotated {
            id: chosen,
            current_from,
        })))
    }
}

/// The key that is about to be current.
fn next(registered: &[Registered], now: Time) -> Option<&Registered> {
    let mut in_use = registered.iter().filter(|row| row.vouches());
    in_use.find(|row| row.current_from > now)
}

/// Keys that could become current: those that never were, and are not being revoked.
fn waiting(at_hand: &[RootId], registered: &[Registered], now: Time) -> Vec<RootId> {
    let was = |row: &Registered| !row.vouches() || row.current_from <= now;
    let is_new = |id: &&RootId| !registered.iter().any(|row| row.id == **id && was(row));
    at_hand.iter().filter(is_new).copied().collect()
}

pub(super) fn unfit(standing: &Standing) -> Error {
    let (id, stage) = (standing.id, standing.stage.name());
    refused(format!("the master key {id} is {stage}"))
}

pub(super) fn nothing_waits() -> Error {
    refused("no master key is waiting: `signet keys master add` makes one".to_owned())
}

/// The one that was added last, if there is one, or the one that is wanted.
fn choose(waiting: &[RootId], wanted: Option<&str>) -> Result<Option<RootId>> {
    let fits = |id: &&RootId| wanted.is_none_or(|wanted| id.to_string().starts_with(wanted));
    let found: Vec<&RootId> = waiting.iter().filter(fits).collect();
    match (found.as_slice(), wanted) {
        (found, None) => Ok(found.last().map(|id| **id)),
        ([one], Some(_)) => Ok(Some(**one)),
        (_, Some(wanted)) => Err(refused(format!("no master key {wanted} is waiting"))),
    }
}

fn all_have(nodes: &[Seen], id: RootId) -> Result<()> {
    let lacking = lacking(nodes, id);
    if lacking.is_empty() {
        return Ok(());
    }
    Err(refused(format!(
        "{} cannot read the master key {id} yet: copy the file there. A node looks into it every \
         second; one that ended without a word is forgotten after half a minute and keys.clock_skew",
        lacking.join(", ")
    )))
}

fn retire_unless_used(conn: &mut Conn, id: RootId, now: Time) -> QueryResult<Result<()>> {
    keys::lock(conn)?;
    let sealed = super::reseal::sealed_under(conn, id)?;
    if sealed > 0 {
        return Ok(Err(refused(format!(
            "{sealed} secrets are still sealed under the master key {id}: a running server seals \
             them anew within a minute"
        ))));
    }
    retire(conn, id, "replaced", now).map(Ok)
}

pub(super) fn retire(
    conn: &mut Conn,
    id: RootId,
    reason: &'static str,
    now: Time,
) -> QueryResult<()> {
    store::retire(conn, id, now)?;
    let event = Event::new(event::Kind::MasterKeyRetired, now)
        .with("id", id.to_string())
        .with("reason", reason);
    event::record(conn, &event)
}
