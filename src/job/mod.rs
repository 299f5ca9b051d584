//! # job
//!
//! What runs without a request: which node does what one does for all, when each job last ran, when
//! it will run next, and which are late.
//!
//! Table: `jobs`. Routes, settings: none. It does not know what a job does.

mod board;
mod store;

use std::sync::Arc;

use chrono::TimeDelta;
use diesel::QueryResult;

use crate::clock::{Clock, Time, in_seconds};
use crate::crypto;
use crate::error::Result;
use crate::finding::Finding;
use crate::storage::{Conn, Db};

pub use board::{Board, Status};

/// Nobody else does a job for this long after somebody began with it.
const LEASE: TimeDelta = TimeDelta::minutes(1);

/// After a failure, a job is tried again this soon at the latest.
const RETRY: TimeDelta = TimeDelta::minutes(1);

/// A job that is so much later than planned is not being done.
const LATE: TimeDelta = TimeDelta::minutes(5);

/// What a row may say. Nobody writes that a job is due, or taken, for longer than its period and
/// [`LEASE`], but by a clock that was wrong or to keep it from being done: that counts for nothing.
#[derive(Clone, Copy)]
struct Bounds {
    now: Time,
    /// The last time at which a job may be due next.
    next: Time,
    /// The last time until which it may be taken.
    lease: Time,
}

/// A step: what is wrong with the jobs that one node does for all.
///
/// # Errors
/// What the database says.
pub fn diagnose(conn: &mut Conn, now: Time) -> QueryResult<Vec<Finding>> {
    const ABOUT: &str = "jobs";
    let mut findings = Vec::new();
    for (name, next, error) in store::all(conn)? {
        if let Some(error) = error {
            let found = format!("{name} failed: {error}");
            findings.push(Finding::bad(ABOUT, found, "see the log of the servers"));
        } else if next + LATE < now {
            let found = format!("{name} was due at {} and was not done", in_seconds(next));
            findings.push(Finding::warning(
                ABOUT,
                found,
                "see that a server is running",
            ));
        }
    }
    if findings.is_empty() {
        findings.push(Finding::good(ABOUT, "all were done when they were due"));
    }
    Ok(findings)
}

/// Jobs that one of all nodes does. Clones are of the same node.
#[derive(Clone)]
pub struct Shared(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    /// Names this process in a lease.
    owner: String,
}

impl Shared {
    /// Of a process.
    pub fn new(db: Db, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            db,
            clock,
            owner: crypto::random_base62(22),
        }))
    }

    /// Does the job if it is due and nobody else is at it. In any case: when it was last done, and
    /// when it is next due.
    ///
    /// # Errors
    /// What the job says, or the database.
    pub async fn run(
        &self,
        name: &'static str,
        period: TimeDelta,
        job: impl Future<Output = Result<()>>,
    ) -> Result<(Option<Time>, Time)> {
        let inner = &*self.0;
        let now = inner.clock.now();
        let bounds = Bounds {
            now,
            next: now + period + LATE,
            lease: now + LEASE + LATE,
        };
        let row = inner.db.read(move |conn| store::find(conn, name)).await?;
        if let Some(row) = row.filter(|row| !row.is_free(bounds)) {
            return Ok((row.last_run_at, row.next_run_at));
        }
        let owner = inner.owner.clone();
        let claim = inner
            .db
            .write(move |conn| store::claim(conn, name, &owner, bounds, now + LEASE));
        if !claim.await? {
            return Ok((None, now + RETRY));
        }
        let outcome = job.await;
        let now = inner.clock.now();
        let (owner, failure) = (
            inner.owner.clone(),
            outcome.as_ref().err().map(ToString::to_string),
        );
        let next = match &failure {
            None => now + period,
            Some(_) => now + period.min(RETRY),
        };
        let settle = inner.db.write(move |conn| {
            store::settle(conn, (name, &owner), (now, next), failure.as_deref())
        });
        let settled = settle.await;
        outcome?;
        settled.map(|()| (Some(now), next))
    }
}
