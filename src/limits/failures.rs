//! Failures in a row.

use chrono::TimeDelta;
use diesel::QueryResult;

use super::Key;
use super::store::{self, Row};
use crate::clock::Time;
use crate::config;
use crate::storage::Conn;

/// A row is forgotten this long after its last failure.
const MEMORY: TimeDelta = TimeDelta::days(30);

/// What failures in a row cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    free: i64,
    max: i64,
    max_delay: TimeDelta,
}

/// One failure, counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed {
    /// So many in a row by now.
    pub count: i64,
    /// Nothing is tried again for this long; zero while failures are free.
    pub wait: TimeDelta,
}

impl Failures {
    pub(super) fn new(settings: &config::Limits) -> Self {
        Self {
            free: settings.free_failures.into(),
            max: settings.max_failures.into(),
            max_delay: settings.max_delay.delta(),
        }
    }

    /// After so many: none while they are free, then 1, 2, 4 … s.
    fn delay(self, count: i64) -> TimeDelta {
        match u32::try_from(count - self.free) {
            Err(_) | Ok(0) => TimeDelta::zero(),
            // 2^30 s are 34 years: past every longest delay.
            Ok(beyond) => TimeDelta::seconds(1 << (beyond - 1).min(30)).min(self.max_delay),
        }
    }

    /// How long until the next try. Past the last one it is the longest delay, again and again:
    /// only a reset ends that.
    fn wait(self, row: Option<Row>, now: Time) -> Option<TimeDelta> {
        let row = row.filter(|row| row.expires_at > now)?;
        if row.count >= self.max {
            return Some(self.max_delay);
        }
        (row.until > now).then(|| row.until - now)
    }

    /// The row after one more failure.
    fn after(self, row: Option<Row>, now: Time) -> Row {
        let row = row.filter(|row| row.expires_at > now);
        let count = row.map_or(0, |row| row.count) + 1;
        Row {
            count,
            until: now + self.delay(count),
            expires_at: now + MEMORY,
        }
    }
}

/// How long nothing may be tried; `None`: it may be now.
pub fn blocked(
    conn: &mut Conn,
    key: &Key,
    rule: Failures,
    now: Time,
) -> QueryResult<Option<TimeDelta>> {
    Ok(rule.wait(store::find(conn, key)?, now))
}

/// Counts a failure, in the caller's transaction; or, if nothing may be tried just now, tells how
/// long not, and then nothing is written. Of several that fail at the same time each is counted
/// after the other, so the last ones find themselves blocked.
pub fn count_failure(
    conn: &mut Conn,
    key: &Key,
    rule: Failures,
    now: Time,
) -> QueryResult<Result<Failed, TimeDelta>> {
    loop {
        let seen = store::find(conn, key)?;
        if let Some(wait) = rule.wait(seen, now) {
            return Ok(Err(wait));
        }
        let row = rule.after(seen, now);
        if store::replace(conn, key, seen, row, now)? {
            let Row { count, .. } = row;
            let wait = rule.wait(Some(row), now).unwrap_or_default();
            return Ok(Ok(Failed { count, wait }));
        }
    }
}

/// Writes a counter as it is: as much work as [`count_failure`], and no failure.
pub fn touch(conn: &mut Conn, key: &Key, now: Time) -> QueryResult<()> {
    if let Some(seen) = store::find(conn, key)? {
        store::replace(conn, key, Some(seen), seen, now)?;
    }
    Ok(())
}

/// Ends the row of failures, in the caller's transaction; or, if nothing may be tried just now,
/// tells how long not: then the success must not be told.
pub fn count_success(
    conn: &mut Conn,
    key: &Key,
    rule: Failures,
    now: Time,
) -> QueryResult<Result<(), TimeDelta>> {
    loop {
        let Some(seen) = store::find(conn, key)? else {
            return Ok(Ok(()));
        };
        if let Some(wait) = rule.wait(Some(seen), now) {
            return Ok(Err(wait));
        }
        if store::delete(conn, key, seen)? {
            return Ok(Ok(()));
        }
    }
}

/// Forgets the failures under `key` and under every key in its group; how many rows there were.
pub fn clear(conn: &mut Conn, key: &Key) -> QueryResult<usize> {
    store::delete_group(conn, key)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn delays_double_up_to_the_longest_and_then_there_is_an_end() {
        let rule = Failures::new(&config::Limits::default());
        let now = DateTime::UNIX_EPOCH;
        let seconds = |count| {
            let row = Row {
                count,
                until: now + rule.delay(count),
                expires_at: now + MEMORY,
            };
            rule.wait(Some(row), now).map(|wait| wait.num_seconds())
        };
        let table = [
            (0, None),
            (1, None),
            (5, None),
            (6, Some(1)),
            (7, Some(2)),
            (8, Some(4)),
            (17, Some(2048)),
            (18, Some(3600)),
            (99, Some(3600)),
            (100, Some(3600)),
        ];
        for (count, expected) in table {
            assert_eq!(seconds(count), expected, "{count}");
        }
        let row = |count| Row {
            count,
            until: now,
            expires_at: now + TimeDelta::seconds(1),
        };
        assert_eq!(rule.wait(Some(row(99)), now), None);
        assert_eq!(rule.wait(Some(row(100)), now), Some(rule.max_delay));
        let later = now + TimeDelta::seconds(1);
        assert_eq!(rule.wait(Some(row(100)), later), None, "forgotten");
        assert_eq!(rule.after(Some(row(100)), later).count, 1);
    }
}
