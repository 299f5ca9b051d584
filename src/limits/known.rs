//! What was seen here before.

use chrono::TimeDelta;
use diesel::QueryResult;

use super::Key;
use super::store::{self, Row};
use crate::clock::Time;
use crate::storage::Conn;

/// It is remembered this long.
const MEMORY: TimeDelta = TimeDelta::days(90);

/// What has been remembered for less than this is not written again.
const FRESH: TimeDelta = TimeDelta::days(7);

/// Remembers `key` for 90 days from now, give or take a week: what happens every day does not cost
/// a write every time.
pub fn remember(conn: &mut Conn, key: &Key, now: Time) -> QueryResult<()> {
    let expires_at = now + MEMORY;
    let row = Row {
        count: 0,
        until: expires_at,
        expires_at,
    };
    let seen = store::find(conn, key)?;
    if seen.is_none_or(|seen| seen.expires_at < expires_at - FRESH) {
        // Whoever was quicker remembered the same.
        store::replace(conn, key, seen, row, now)?;
    }
    Ok(())
}

/// Whether `key` is remembered.
pub fn is_known(conn: &mut Conn, key: &Key, now: Time) -> QueryResult<bool> {
    let seen = store::find(conn, key)?;
    Ok(seen.is_some_and(|seen| seen.expires_at > now))
}
