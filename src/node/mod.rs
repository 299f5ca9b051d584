//! # node
//!
//! The processes that serve from one database: who is there, which master keys each has at hand, so
//! that nothing is sealed under one that somebody lacks, and what each told verifiers, so that
//! nobody breaks it.
//!
//! Table: `nodes`. Job: `report_node`, on every node. Routes, settings: none.
//! It does not know what a master key is.

mod store;

use std::sync::{Arc, Mutex, PoisonError};

use chrono::TimeDelta;
use diesel::QueryResult;

use crate::clock::{Clock, Time, in_seconds};
use crate::crypto;
use crate::error::Result;
use crate::finding::Finding;
use crate::storage::{Conn, Db};

/// A node says this often that it is there, and at once when it has other master keys.
const REPORT_EVERY: TimeDelta = TimeDelta::seconds(10);

/// One that has not said so for this long, and as much more as clocks differ, is gone.
const GONE_AFTER: TimeDelta = TimeDelta::seconds(35);

/// The word of no node counts for longer after it was last heard of: a JWKS is kept for a day at
/// most, and a token lives for an hour.
const MOST_BOUND: TimeDelta = TimeDelta::hours(26);

/// A process, as it was last heard of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Different for each start.
    pub id: String,
    /// For people: machine and address.
    pub name: String,
    /// When it was started.
    pub started_at: Time,
    /// When it last said that it is there.
    pub seen_at: Time,
    /// The names of the master keys it has at hand.
    pub master_keys: Vec<String>,
}

/// What a node tells verifiers, and how late it may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// They may use a JWKS for so long.
    pub jwks_max_age: TimeDelta,
    /// It takes so long to learn of a change of the keys.
    pub reload_every: TimeDelta,
    /// Its access tokens live for so long.
    pub access_ttl: TimeDelta,
}

/// This process. Clones are the same one.
#[derive(Clone)]
pub struct Node(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    id: String,
    name: String,
    word: Word,
    /// Its word counts for so long after it last served.
    word_lasts: TimeDelta,
    started_at: Time,
    /// What it last said of itself.
    last: Mutex<Option<Seen>>,
}

impl Node {
    /// A process that listens at `address`, and tells verifiers what counts for so long as
    /// `word_lasts` after it last did.
    pub fn new(db: Db, clock: Clock, address: &str, (word, word_lasts): (Word, TimeDelta)) -> Self {
        let machine = hostname::get().unwrap_or_default();
        Self(Arc::new(Inner {
            db,
            id: crypto::random_base62(22),
            name: format!("{} {address}", machine.to_string_lossy()),
            word,
            word_lasts,
            started_at: clock.now(),
            clock,
            last: Mutex::default(),
        }))
    }

    /// What it has to say of itself now, for [`Node::report`]; none, if it said so a moment ago.
    pub fn news(&self, master_keys: Vec<String>) -> Option<Seen> {
        let inner = &*self.0;
        let seen_at = inner.clock.now();
        let last = inner.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = last.as_ref().is_some_and(|last| {
            seen_at < last.seen_at + REPORT_EVERY && last.master_keys == master_keys
        });
        (!is_known).then(|| Seen {
            id: inner.id.clone(),
            name: inner.name.clone(),
            started_at: inner.started_at,
            seen_at,
            master_keys,
        })
    }

    /// A step: says that this process is there, as `seen`, and stands to its word.
    ///
    /// # Errors
    /// What the database says.
    pub fn report(&self, conn: &mut Conn, seen: &Seen) -> QueryResult<()> {
        let Inner {
            word, word_lasts, ..
        } = &*self.0;
        // It serves until it next says so.
        let bound_until = seen.seen_at + GONE_AFTER + *word_lasts;
        store::put(conn, seen, *word, bound_until)?;
        store::forget(conn, seen.seen_at - MOST_BOUND)
    }

    /// It was said.
    pub fn told(&self, seen: Seen) {
        let mut last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(seen);
    }

    /// Says that it goes. Its word stands.
    ///
    /// # Errors
    /// The database is away: the others will notice by themselves.
    pub async fn leave(&self) -> Result<()> {
        let (id, now) = (self.0.id.clone(), self.0.clock.now());
        let leave = self.0.db.write(move |conn| store::leave(conn, &id, now));
        leave.await
    }
}

/// A step: the longest that verifiers were told, by nodes that are there or were, and that counts
/// at `now`.
///
/// # Errors
/// What the database says.
pub fn told(conn: &mut Conn, now: Time) -> QueryResult<Word> {
    let words = store::words(conn, now)?;
    Ok(words
        .into_iter()
        .fold(Word::default(), |longest, word| Word {
            jwks_max_age: longest.jwks_max_age.max(word.jwks_max_age),
            reload_every: longest.reload_every.max(word.reload_every),
            access_ttl: longest.access_ttl.max(word.access_ttl),
        }))
}

/// A step: who is there at `now`, the oldest first; their clocks may differ by `skew`.
///
/// # Errors
/// What the database says.
pub fn present(conn: &mut Conn, now: Time, skew: TimeDelta) -> QueryResult<Vec<Seen>> {
    // One whose clock is further ahead than that says nothing of use.
    store::between(conn, now - GONE_AFTER - skew, now + GONE_AFTER + skew)
}

/// A step: as [`present`], for whoever waits for all of them. Who says that he was seen when nobody's
/// clock is so far is forgotten: else rows could be written ahead that are there one after the other,
/// and a node that is there writes its own again.
///
/// # Errors
/// What the database says.
pub fn settle(conn: &mut Conn, now: Time, skew: TimeDelta) -> QueryResult<Vec<Seen>> {
    store::forget_later(conn, now + GONE_AFTER + skew)?;
    present(conn, now, skew)
}

/// A step: what is wrong with the nodes, as a machine whose clock says `now` sees it.
///
/// # Errors
/// What the database says.
pub fn diagnose(conn: &mut Conn, now: Time, skew: TimeDelta) -> QueryResult<Vec<Finding>> {
    const ABOUT: &str = "servers";
    let nodes = present(conn, now, skew)?;
    if nodes.is_empty() {
        let remedy = "signet serve; a server that was just started is seen within a second";
        return Ok(vec![Finding::warning(ABOUT, "none is running", remedy)]);
    }
    let found = nodes.into_iter().map(|node| {
        let since = in_seconds(node.started_at);
        if node.seen_at > now + skew {
            let found = format!("the clock of {} is ahead of this machine's", node.name);
            return Finding::warning(ABOUT, found, "synchronise the clocks (NTP)");
        }
        if node.seen_at + GONE_AFTER < now {
            let last = in_seconds(node.seen_at);
            let found = format!("{} was last heard of at {last}", node.name);
            let remedy = "it was killed, or its clock is behind: see which, and synchronise (NTP)";
            return Finding::warning(ABOUT, found, remedy);
        }
        Finding::good(ABOUT, format!("{} runs since {since}", node.name))
    });
    Ok(found.collect())
}
