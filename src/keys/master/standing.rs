//! What each master key is doing, for operators and for what they do.

use super::{MasterKey, Registered, current, store};
use crate::clock::Time;
use crate::crypto::RootId;
use crate::error::Result;
use crate::keys::operate::by_name;
use crate::keys::{Keys, Policy};
use crate::node::{self, Seen};
use crate::storage::{Conn, Db};

/// What a master key is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It is in the file, and was never used.
    Waiting,
    /// It will be current.
    Next,
    /// Secrets are sealed under it.
    Current,
    /// Its revocation has begun and is not done.
    Revoking,
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
            Self::Revoking => "being revoked",
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
    /// The keys at hand, those in the file first and in its order.
    pub(in crate::keys) fn at_hand(&self) -> Vec<RootId> {
        self.known().at_hand()
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
                tokens_until: followed_at.filter(|_| row.is_in_use()).map(lived_out),
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
pub(super) fn followed_at(registered: &[Registered], id: RootId) -> Option<Time> {
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
    } else if row.is_being_revoked {
        Stage::Revoking
    } else if current(registered, now) == Some(row.id) {
        Stage::Current
    } else if row.current_from > now {
        Stage::Next
    } else {
        Stage::Former
    }
}

pub(super) fn find<'a>(standings: &'a [Standing], wanted: &str) -> Result<&'a Standing> {
    let named = standings.iter().map(|one| (one.id.to_string(), one));
    by_name("master key", named, wanted)
}

pub(super) fn lacking(nodes: &[Seen], id: RootId) -> Vec<String> {
    let name = id.to_string();
    let lacks = nodes
        .iter()
        .filter(|node| !node.master_keys.contains(&name));
    lacks.map(|node| node.name.clone()).collect()
}
