//! Reading the trail: its newest part, and what comes.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde_json::{Map, Value};

use super::{Kind, store};
use crate::clock::Time;
use crate::error::Result;
use crate::ids::{EventId, SessionId, Subject};
use crate::storage::Db;

/// Events that one question gives at most.
const LIMIT: u32 = 10_000;

/// Events that are fetched at once while following.
const PAGE: i64 = 1_000;

/// An event can be committed this long after its id was made, or its node's clock be late, and a
/// follower still meets it.
const OVERLAP: TimeDelta = TimeDelta::seconds(10);

/// Which events.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// From then on.
    pub since: Option<Time>,
    /// Of these kinds; none: of all.
    pub kinds: Vec<Kind>,
    /// About this person.
    pub subject: Option<Subject>,
    /// So many at most, the newest; never more than 10,000.
    pub limit: u32,
}

/// One event, as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Time-ordered.
    pub id: EventId,
    /// When.
    pub at: Time,
    /// What; a newer version may have recorded a [`Kind`] that this one does not know.
    pub kind: String,
    /// To whom.
    pub subject: Option<Subject>,
    /// In which session.
    pub session: Option<SessionId>,
    /// From which network address.
    pub address: Option<String>,
    /// What else belongs to it.
    pub details: Map<String, Value>,
}

/// The newest events that fit, oldest of them first.
///
/// # Errors
/// Only those of the database.
pub async fn recent(db: &Db, query: &Query) -> Result<Vec<Recorded>> {
    let query = Query {
        limit: query.limit.min(LIMIT),
        ..query.clone()
    };
    db.read(move |conn| store::list_newest(conn, &query)).await
}

/// Meets each event once, as it comes.
///
/// Ids are ordered by the time at which they were made, and transactions commit in another order:
/// so the last ten seconds are looked through again each time, for what was not met yet.
pub struct Follower {
    newest: Time,
    met: BTreeSet<EventId>,
}

impl Follower {
    /// Follows from `now` on; what is there already is met.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn start(db: &Db, now: Time) -> Result<Self> {
        let mut follower = Self {
            newest: now,
            met: BTreeSet::new(),
        };
        follower.next(db, now).await?;
        Ok(follower)
    }

    /// These were met in another way.
    pub fn has_met(&mut self, events: &[Recorded]) {
        self.met.extend(events.iter().map(|event| event.id.clone()));
    }

    /// What has come since.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn next(&mut self, db: &Db, now: Time) -> Result<Vec<Recorded>> {
        // A node whose clock is ahead must not hide what the others record.
        let from = EventId::floor(self.newest.min(now) - OVERLAP);
        let mut came = Vec::new();
        let mut after = from.clone();
        loop {
            let start = after.clone();
            let page = db.read(move |conn| store::list_after(conn, &start, PAGE));
            let page = page.await?;
            let Some(last) = page.last() else { break };
            after = last.id.clone();
            self.newest = self.newest.max(last.at);
            came.extend(
                page.into_iter()
                    .filter(|event| self.met.insert(event.id.clone())),
            );
        }
        self.met = self.met.split_off(&from);
        Ok(came)
    }
}
