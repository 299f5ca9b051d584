//! So many per time.

use chrono::TimeDelta;
use diesel::QueryResult;

use super::Key;
use super::store::{self, Row};
use crate::clock::Time;
use crate::storage::Conn;

/// So many in one period. All of them may come at once; what was used comes back evenly, one per
/// `period / burst`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    burst: u32,
    /// Between two, once the burst is used up.
    interval: TimeDelta,
}

impl Rule {
    /// `burst` (one at least) in `period`.
    pub fn new(burst: u32, period: TimeDelta) -> Self {
        let micros = period.num_microseconds().unwrap_or(i64::MAX).max(0);
        let burst = burst.max(1);
        Self {
            burst,
            interval: TimeDelta::microseconds(micros / i64::from(burst)),
        }
    }

    /// So many in a minute.
    pub fn per_minute(burst: u32) -> Self {
        Self::new(burst, TimeDelta::minutes(1))
    }

    /// So many in an hour.
    pub fn per_hour(burst: u32) -> Self {
        Self::new(burst, TimeDelta::hours(1))
    }

    /// `used` is the moment at which all that was taken will have come back: the moment at which
    /// it will be so when one more is taken, or how long to wait until one can be.
    fn after(self, used: Option<Time>, now: Time) -> Result<Time, TimeDelta> {
        let used = used.unwrap_or(now).max(now);
        let wait = used - now - self.interval * i32::try_from(self.burst - 1).unwrap_or(i32::MAX);
        if wait > TimeDelta::zero() {
            Err(wait)
        } else {
            Ok(used + self.interval)
        }
    }
}

/// Takes one, in the caller's transaction; or how long to wait for one, and then nothing is
/// written.
pub fn take(
    conn: &mut Conn,
    key: &Key,
    rule: Rule,
    now: Time,
) -> QueryResult<Result<(), TimeDelta>> {
    loop {
        let seen = store::find(conn, key)?;
        let until = match rule.after(seen.map(|row| row.until), now) {
            Ok(until) => until,
            Err(wait) => return Ok(Err(wait)),
        };
        let row = Row {
            count: 0,
            until,
            expires_at: until,
        };
        if store::replace(conn, key, seen, row, now)? {
            return Ok(Ok(()));
        }
    }
}

/// Whether [`take`] would give one; takes nothing.
pub fn look(
    conn: &mut Conn,
    key: &Key,
    rule: Rule,
    now: Time,
) -> QueryResult<Result<(), TimeDelta>> {
    let seen = store::find(conn, key)?;
    Ok(rule.after(seen.map(|row| row.until), now).map(|_| ()))
}

/// How long until all that was taken will have come back.
pub fn used(conn: &mut Conn, key: &Key, now: Time) -> QueryResult<TimeDelta> {
    let seen = store::find(conn, key)?;
    Ok(seen.map_or(TimeDelta::zero(), |row| {
        (row.until - now).max(TimeDelta::zero())
    }))
}

#[cfg(test)]
pub(super) mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;

    /// The rule as one would write it without knowing better: a bucket with every single token,
    /// each with the moment at which it is back.
    struct Bucket {
        rule: Rule,
        back_at: Vec<Time>,
    }

    impl Bucket {
        fn take(&mut self, now: Time) -> bool {
            self.back_at.retain(|back| *back > now);
            if self.back_at.len() >= self.rule.burst as usize {
                return false;
            }
            let last = self.back_at.last().copied().unwrap_or(now);
            self.back_at.push(last.max(now) + self.rule.interval);
            true
        }
    }

    proptest! {
        #[test]
        fn one_moment_tells_as_much_as_a_bucket_of_tokens(
            burst in 1u32..8,
            seconds in 0i64..200,
            waits in prop::collection::vec(0i64..40_000_000, 1..60),
        ) {
            let rule = Rule::new(burst, TimeDelta::seconds(seconds));
            let mut bucket = Bucket { rule, back_at: Vec::new() };
            let (mut now, mut used) = (DateTime::UNIX_EPOCH, None);
            for wait in waits {
                now += TimeDelta::microseconds(wait);
                let taken = rule.after(used, now);
                prop_assert_eq!(taken.is_ok(), bucket.take(now));
                match taken {
                    Ok(until) => used = Some(until),
                    Err(wait) => {
                        // To wait as long as told is enough, and a microsecond less is not.
                        let micro = TimeDelta::microseconds(1);
                        prop_assert!(rule.after(used, now + wait).is_ok());
                        prop_assert!(rule.after(used, now + wait - micro).is_err());
                    }
                }
            }
        }
    }

    #[test]
    fn a_burst_comes_at_once_and_comes_back_evenly() {
        let rule = Rule::per_hour(3);
        let mut now = DateTime::UNIX_EPOCH;
        let mut used = None;
        for _ in 0..3 {
            used = Some(rule.after(used, now).unwrap());
        }
        assert_eq!(rule.after(used, now), Err(TimeDelta::minutes(20)));
        now += TimeDelta::minutes(20);
        used = Some(rule.after(used, now).unwrap());
        assert_eq!(rule.after(used, now), Err(TimeDelta::minutes(20)));
    }
}
