//! What operators do to master keys.

use chrono::TimeDelta;
use diesel::QueryResult;

use super::{MasterKey, Registered, current, file, store};
use crate::clock::{Time, in_seconds};
use crate::crypto::{RootId, RootSecret};
use crate::error::{Error, Result};
use crate::event::{self, Event};
use crate::keys::operate::{by_name, refused};
use crate::keys::{Changed, Keys, Policy, State};
use crate::node::{self, Seen};
use crate::storage::{Conn, Db};

/// When another key becomes current.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// When every node knows of it.
    Known,
    /// At once, in an emergency.
    Now,
}

/// What came of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The key that is to be current.
    pub id: RootId,
    /// From then on.
    pub current_from: Time,
}

/// What came of an emergency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// The key that counts for nothing any more.
    pub id: RootId,
    /// Signing keys that were sealed under it, and what took their place.
    pub signing_keys: Vec<Changed>,
}

/// What a master key is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It is in the file, and was never used.
    Waiting,
    /// It will be current.
    Next,
    /// Secrets are sealed under it.
    Current,
    /// It opens what was sealed under it.
    Former,
    /// It is not used for anything.
    Retired,
}

impl Stage {
    /// For people and programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Next => "next",
            Self::Current => "current",
            Self::Former => "former",
            Self::Retired => "retired",
        }
    }
}

/// A master key, as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its name.
    pub id: RootId,
    /// What it is doing.
    pub stage: Stage,
    /// From then on it is, or was, current.
    pub current_from: Option<Time>,
    /// From then on it is not used any more.
    pub retired_at: Option<Time>,
    /// Whether it is in this machine's file.
    pub is_at_hand: bool,
    /// Until then refresh tokens that were signed with it may live.
    pub tokens_until: Option<Time>,
    /// Running nodes that do not have it.
    pub lacking: Vec<String>,
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
        let (at_hand, lead) = (self.master().at_hand(), self.lead(start));
        let skew = self.policy().clock_skew;
        let now = self.now();
        let rotate = move |conn: &mut Conn| {
            super::super::store::lock(conn)?;
            let (registered, nodes) = (store::list(conn)?, node::present(conn, now, skew)?);
            let waiting = waiting(&at_hand, &registered, now);
            let chosen = match choose(&waiting, wanted.as_deref()) {
                Ok(id) => id,
                Err(error) => return Ok(Err(error)),
            };
            if let Err(error) = all_have(&nodes, chosen) {
                return Ok(Err(error));
            }
            let rotated = Rotated {
                id: chosen,
                current_from: now + lead,
            };
            store::register(conn, chosen, rotated.current_from, now)?;
            let event = Event::new(event::Kind::MasterKeyRotated, now)
                .with("id", chosen.to_string())
                .with("current_from", in_seconds(rotated.current_from));
            event::record(conn, &event)?;
            Ok(Ok(rotated))
        };
        let rotated = self.0.db.write(rotate).await??;
        self.reload().await?;
        Ok(rotated)
    }

    fn lead(&self, start: Start) -> TimeDelta {
        match start {
            Start::Known => self.policy().reload_every + self.policy().clock_skew,
            Start::Now => TimeDelta::zero(),
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
        file::remove(&self.master().0.file, standing.id)?;
        Ok(standing.id)
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

    /// The emergency: somebody may know the key. Another one, which has to be at hand, becomes
    /// current at once; signing keys that were ever sealed under it are revoked and replaced; and
    /// nothing that it sealed or signed counts any more.
    ///
    /// # Errors
    /// There is no other key, or a running node lacks it.
    pub async fn revoke_master_key(
        &self,
        wanted: &str,
        mail: &crate::mail::Mailer,
    ) -> Result<Revoked> {
        let standings = self.master_keys().await?;
        let standing = find(&standings, wanted)?;
        let id = standing.id;
        match standing.stage {
            Stage::Current => {
                self.make_current(None, Start::Now).await?;
            }
            Stage::Next | Stage::Former => {}
            Stage::Waiting | Stage::Retired => return Err(unfit(standing)),
        }
        self.reseal(mail, self.now()).await?;
        let signing_keys = self.revoke_sealed_under(id).await?;
        let now = self.now();
        let retire = move |conn: &mut Conn| retire(conn, id, "revoked", now);
        self.0.db.write(retire).await?;
        self.reload().await?;
        Ok(Revoked { id, signing_keys })
    }

    /// Revokes the signing keys that were made before a key was followed by the next: they may
    /// have been sealed under it.
    async fn revoke_sealed_under(&self, id: RootId) -> Result<Vec<Changed>> {
        let registered = self.0.db.read(store::list).await?;
        let followed = followed_at(&registered, id);
        // As long as another node may not have heard of the next one.
        let until = followed.map_or(self.now(), |at| at + self.lead(Start::Known));
        let made = move |conn: &mut Conn| super::super::store::made_before(conn, until);
        let mut entries = self.0.db.read(made).await?;
        let now = self.now();
        // What waits for its turn goes first, so that it does not take over.
        entries.sort_by_key(|entry| entry.lifetime.state(now) == State::Active);
        let mut changed = Vec::new();
        for entry in entries {
            if entry.lifetime.gone_at(now).is_none() {
                changed.extend(self.revoke(&entry.kid).await?);
            }
        }
        Ok(changed)
    }

    /// All master keys, the oldest first.
    ///
    /// # Errors
    /// The database is away.
    pub async fn master_keys(&self) -> Result<Vec<Standing>> {
        let (policy, now) = (self.policy(), self.now());
        self.master().standings(&self.0.db, &policy, now).await
    }
}

impl MasterKey {
    /// The keys at hand, in the order of the file.
    pub(in crate::keys) fn at_hand(&self) -> Vec<RootId> {
        self.known().secrets.iter().map(RootSecret::id).collect()
    }

    pub(in crate::keys) async fn standings(
        &self,
        db: &Db,
        policy: &Policy,
        now: Time,
    ) -> Result<Vec<Standing>> {
        let skew = policy.clock_skew;
        let read = move |conn: &mut Conn| Ok((store::list(conn)?, node::present(conn, now, skew)?));
        let (registered, nodes) = db.read(read).await?;
        let at_hand = self.at_hand();
        let mut standings = Vec::new();
        for row in &registered {
            let followed_at = followed_at(&registered, row.id);
            let lived_out = |at| at + policy.refresh_life + policy.clock_skew;
            standings.push(Standing {
                id: row.id,
                stage: stage(row, &registered, now),
                current_from: Some(row.current_from),
                retired_at: row.retired_at,
                is_at_hand: at_hand.contains(&row.id),
                tokens_until: followed_at
                    .filter(|_| row.retired_at.is_none())
                    .map(lived_out),
                lacking: lacking(&nodes, row.id),
            });
        }
        let new = at_hand
            .iter()
            .filter(|id| registered.iter().all(|row| row.id != **id));
        standings.extend(new.map(|id| Standing {
            id: *id,
            stage: Stage::Waiting,
            current_from: None,
            retired_at: None,
            is_at_hand: true,
            tokens_until: None,
            lacking: lacking(&nodes, *id),
        }));
        Ok(standings)
    }
}

/// When a key was, or will be, followed by another one that was not retired before.
fn followed_at(registered: &[Registered], id: RootId) -> Option<Time> {
    let own = registered.iter().find(|row| row.id == id)?;
    let was_current = |row: &&Registered| {
        let is_later = row.current_from > own.current_from;
        is_later
            && row
                .retired_at
                .is_none_or(|retired| retired > row.current_from)
    };
    let later = registered.iter().filter(was_current);
    later.map(|row| row.current_from).min()
}

fn stage(row: &Registered, registered: &[Registered], now: Time) -> Stage {
    if row.retired_at.is_some() {
        Stage::Retired
    } else if current(registered, now) == Some(row.id) {
        Stage::Current
    } else if row.current_from > now {
        Stage::Next
    } else {
        Stage::Former
    }
}

/// Keys that could become current: those that never were.
fn waiting(at_hand: &[RootId], registered: &[Registered], now: Time) -> Vec<RootId> {
    let was = |row: &Registered| row.retired_at.is_some() || row.current_from <= now;
    let is_new = |id: &&RootId| !registered.iter().any(|row| row.id == **id && was(row));
    at_hand.iter().filter(is_new).copied().collect()
}

fn unfit(standing: &Standing) -> Error {
    let (id, stage) = (standing.id, standing.stage.name());
    refused(format!("the master key {id} is {stage}"))
}

fn choose(waiting: &[RootId], wanted: Option<&str>) -> Result<RootId> {
    let fits = |id: &&RootId| wanted.is_none_or(|wanted| id.to_string().starts_with(wanted));
    let found: Vec<&RootId> = waiting.iter().filter(fits).collect();
    match (found.as_slice(), wanted) {
        ([.., last], None) => Ok(**last),
        ([one], Some(_)) => Ok(**one),
        ([], None) => Err(refused(
            "no master key is waiting: `signet keys master add` makes one".to_owned(),
        )),
        (_, Some(wanted)) => Err(refused(format!("no master key {wanted} is waiting"))),
    }
}

fn find<'a>(standings: &'a [Standing], wanted: &str) -> Result<&'a Standing> {
    let named = standings.iter().map(|one| (one.id.to_string(), one));
    by_name("master key", named, wanted)
}

fn lacking(nodes: &[Seen], id: RootId) -> Vec<String> {
    let name = id.to_string();
    let lacks = nodes
        .iter()
        .filter(|node| !node.master_keys.contains(&name));
    lacks.map(|node| node.name.clone()).collect()
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
    super::super::store::lock(conn)?;
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
