use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::Bounds;
use crate::clock::Time;
use crate::storage::schema::jobs;
use crate::storage::{Conn, each, loaded, stored};

/// A job as all nodes see it.
#[derive(Clone, Copy)]
pub(super) struct Row {
    lease_until: Option<Time>,
    pub(super) last_run_at: Option<Time>,
    pub(super) next_run_at: Time,
}

impl Row {
    /// The job is due, and nobody is at it.
    pub(super) fn is_free(&self, within: Bounds) -> bool {
        let waits = |until, most| within.now < until && until <= most;
        let is_leased = |until| waits(until, within.lease);
        !waits(self.next_run_at, within.next) && !self.lease_until.is_some_and(is_leased)
    }
}

pub(super) fn find(conn: &mut Conn, name: &str) -> QueryResult<Option<Row>> {
    let row: Option<(Option<NaiveDateTime>, Option<NaiveDateTime>, NaiveDateTime)> = jobs::table
        .find(name)
        .select((jobs::lease_until, jobs::last_run_at, jobs::next_run_at))
        .get_result(conn)
        .optional()?;
    Ok(row.map(|(lease_until, last_run_at, next_run_at)| Row {
        lease_until: lease_until.map(loaded),
        last_run_at: last_run_at.map(loaded),
        next_run_at: loaded(next_run_at),
    }))
}

/// Takes the lease, if the job is due and nobody has it. Whether it was taken.
pub(super) fn claim(
    conn: &mut Conn,
    name: &str,
    owner: &str,
    within: Bounds,
    until: Time,
) -> QueryResult<bool> {
    let now = stored(within.now);
    let first = (jobs::name.eq(name), jobs::next_run_at.eq(now));
    each!(conn, |one| diesel::insert_into(jobs::table)
        .values(first)
        .on_conflict_do_nothing()
        .execute(one))?;
    let is_due = jobs::next_run_at
        .le(now)
        .or(jobs::next_run_at.gt(stored(within.next)));
    let is_left = jobs::lease_until
        .is_null()
        .or(jobs::lease_until.le(now))
        .or(jobs::lease_until.gt(stored(within.lease)));
    let free = jobs::table.find(name).filter(is_due).filter(is_left);
    let taken = diesel::update(free)
        .set((
            jobs::lease_owner.eq(owner),
            jobs::lease_until.eq(stored(until)),
        ))
        .execute(conn)?;
    Ok(taken == 1)
}

/// Gives the lease back, with what came of it; unless somebody else has it by now.
pub(super) fn settle(
    conn: &mut Conn,
    (name, owner): (&str, &str),
    (now, next): (Time, Time),
    failure: Option<&str>,
) -> QueryResult<()> {
    let own = jobs::table.find(name).filter(jobs::lease_owner.eq(owner));
    diesel::update(own)
        .set((
            jobs::lease_owner.eq(None::<String>),
            jobs::lease_until.eq(None::<NaiveDateTime>),
            jobs::next_run_at.eq(stored(next)),
            jobs::last_error.eq(failure),
        ))
        .execute(conn)?;
    if failure.is_none() {
        diesel::update(jobs::table.find(name))
            .set(jobs::last_run_at.eq(stored(now)))
            .execute(conn)?;
    }
    Ok(())
}

/// When each job is next due, and what its last try said if it failed.
pub(super) fn all(conn: &mut Conn) -> QueryResult<Vec<(String, Time, Option<String>)>> {
    let rows: Vec<(String, NaiveDateTime, Option<String>)> = jobs::table
        .order(jobs::name)
        .select((jobs::name, jobs::next_run_at, jobs::last_error))
        .load(conn)?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|(name, next, error)| (name, loaded(next), error))
        .collect())
}
