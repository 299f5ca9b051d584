use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

use super::Key;
use crate::clock::Time;
use crate::storage::schema::limits;
use crate::storage::{Conn, Keyed, each, free, loaded, stored};

/// A counter as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Failures in a row.
    pub(super) count: i64,
    /// Blocked, or used up, until then.
    pub(super) until: Time,
    /// Means nothing from then on.
    pub(super) expires_at: Time,
}

/// The newest committed state of a counter, expired or not.
pub(super) fn find(conn: &mut Conn, key: &Key) -> QueryResult<Option<Row>> {
    let row: Option<(i64, NaiveDateTime, NaiveDateTime)> = limits::table
        .find(key.text())
        .select((limits::count, limits::until, limits::expires_at))
        .get_result(conn)
        .optional()?;
    Ok(row.map(|(count, until, expires_at)| Row {
        count,
        until: loaded(until),
        expires_at: loaded(expires_at),
    }))
}

/// Puts `row` where `seen` is; whether it still was. A new row makes room first.
pub(super) fn replace(
    conn: &mut Conn,
    key: &Key,
    seen: Option<Row>,
    row: Row,
    now: Time,
) -> QueryResult<bool> {
    let Some(seen) = seen else {
        sweep(conn, now)?;
        return insert(conn, key, row);
    };
    let set = (
        limits::count.eq(row.count),
        limits::until.eq(stored(row.until)),
        limits::expires_at.eq(stored(row.expires_at)),
    );
    let unchanged = limits::table
        .find(key.text())
        .filter(limits::count.eq(seen.count))
        .filter(limits::until.eq(stored(seen.until)))
        .filter(limits::expires_at.eq(stored(seen.expires_at)));
    Ok(diesel::update(unchanged).set(set).execute(conn)? == 1)
}

/// Waits for a transaction that inserts the same key at the moment, and then says `false`.
fn insert(conn: &mut Conn, key: &Key, row: Row) -> QueryResult<bool> {
    let values = (
        limits::key.eq(key.text()),
        limits::count.eq(row.count),
        limits::until.eq(stored(row.until)),
        limits::expires_at.eq(stored(row.expires_at)),
    );
    let inserted = each!(conn, |one| diesel::insert_into(limits::table)
        .values(values)
        .on_conflict_do_nothing()
        .execute(one))?;
    Ok(inserted == 1)
}

/// Deletes the counter if it is still as it was seen; whether it was.
pub(super) fn delete(conn: &mut Conn, key: &Key, seen: Row) -> QueryResult<bool> {
    let unchanged = limits::table
        .find(key.text())
        .filter(limits::count.eq(seen.count))
        .filter(limits::until.eq(stored(seen.until)));
    Ok(diesel::delete(unchanged).execute(conn)? == 1)
}

/// Deletes a counter and those inside its group; how many there were.
pub(super) fn delete_group(conn: &mut Conn, key: &Key) -> QueryResult<usize> {
    let (first, end) = key.members();
    let own = diesel::delete(limits::table.find(key.text())).execute(conn)?;
    let members = limits::table
        .filter(limits::key.gt(first))
        .filter(limits::key.lt(end));
    Ok(own + diesel::delete(members).execute(conn)?)
}

const TABLE: Keyed = Keyed {
    table: "limits",
    key: "key",
};

/// Expired counters deleted by each new one at most: more than are made, so the table stays
/// bounded.
const SLICE: i64 = 4;

/// They are left alone for so long, because a caller who comes every few seconds uses the same one
/// again: to delete it would cost two writes each time, and, on PostgreSQL, waiting for each other.
const GRACE: TimeDelta = TimeDelta::minutes(10);

fn sweep(conn: &mut Conn, now: Time) -> QueryResult<()> {
    let expired: Vec<String> = limits::table
        .filter(limits::expires_at.le(stored(now - GRACE)))
        .order(limits::expires_at)
        .limit(SLICE)
        .select(limits::key)
        .load(conn)?;
    for key in free(conn, TABLE, expired)? {
        // Looked at again: it may be in use since.
        let still = limits::table
            .find(key)
            .filter(limits::expires_at.le(stored(now - GRACE)));
        diesel::delete(still).execute(conn)?;
    }
    Ok(())
}
