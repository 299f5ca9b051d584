//! The room on both databases: counters under many transactions at once, and their end.

use std::net::IpAddr;

use diesel::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::clock::Time;
use crate::crypto::{RootSecret, Roots};
use crate::storage::schema::limits as table;
use crate::storage::{Access, Conn, Db};

macro_rules! on_both_databases {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[test] fn $test() { super::$test(&super::House::on_sqlite()); })*
        }
        mod postgresql {
            $(#[test] fn $test() { super::$test(&super::House::on_postgresql()); })*
        }
    };
}

on_both_databases!(
    a_crowd_gets_no_more_than_the_burst,
    of_failures_at_once_no_more_than_the_free_ones_and_one_count,
    a_success_ends_the_row_and_is_not_told_while_blocked,
    a_group_is_cleared_whole_and_alone,
    what_expired_is_swept_by_what_comes,
    a_refusal_writes_nothing,
);

const CROWD: usize = 48;

struct House {
    db: Db,
    limits: Limits,
    _directory: TempDir,
}

fn limits(root: u8) -> Limits {
    let roots = Roots::single(RootSecret::new([root; 32]));
    let secrets = Derived::new(&roots, |root| root.derive("limits"));
    Limits::new(&config::Limits::default(), Clock::system(), secrets)
}

impl House {
    fn on_sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/signet.db", directory.path().display());
        Self::open(url, directory)
    }

    fn on_postgresql() -> Self {
        Self::open(crate::postgres::database(), tempfile::tempdir().unwrap())
    }

    fn open(url: String, directory: TempDir) -> Self {
        let settings = config::Database {
            url: url.into(),
            ..Default::default()
        };
        Self {
            db: Db::open(&settings, Access::Serve).unwrap(),
            limits: limits(7),
            _directory: directory,
        }
    }

    fn key(&self, name: &str) -> Key {
        self.limits.key("test", &[name])
    }

    fn do_it<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Conn) -> QueryResult<T> + Send + 'static,
    ) -> T {
        runtime().block_on(self.db.write(work)).unwrap()
    }

    /// The same step in many transactions at once.
    fn crowd<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Conn) -> QueryResult<T> + Clone + Send + 'static,
    ) -> Vec<T> {
        runtime().block_on(async {
            let all: Vec<_> = (0..CROWD)
                .map(|_| {
                    let (db, work) = (self.db.clone(), work.clone());
                    tokio::spawn(async move { db.write(work).await.unwrap() })
                })
                .collect();
            let mut answers = Vec::new();
            for one in all {
                answers.push(one.await.unwrap());
            }
            answers
        })
    }

    fn rows(&self) -> i64 {
        self.do_it(|conn| table::table.count().get_result(conn))
    }
}

fn runtime() -> tokio::runtime::Runtime {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap()
}

/// 2026-11-23T12:00:00Z and so many seconds.
fn at(seconds: i64) -> Time {
    chrono::DateTime::from_timestamp(1_795_435_200 + seconds, 0).unwrap()
}

fn a_crowd_gets_no_more_than_the_burst(house: &House) {
    for burst in [1, 8] {
        let rule = Rule::per_hour(burst);
        for (round, expected) in [(0, burst), (3600, burst), (3600 + 450, 1)] {
            let key = house.key(&burst.to_string());
            let taken = house.crowd(move |conn| take(conn, &key, rule, at(round)));
            let taken = taken.iter().filter(|taken| taken.is_ok()).count();
            let expected = if burst == 1 && round > 3600 {
                0
            } else {
                expected
            };
            assert_eq!(taken, expected as usize, "{burst} at {round}");
        }
    }
}

fn of_failures_at_once_no_more_than_the_free_ones_and_one_count(house: &House) {
    let (key, rule) = (house.key("ann"), house.limits.failures());
    let counted = {
        let key = key.clone();
        house.crowd(move |conn| count_failure(conn, &key, rule, at(0)))
    };
    let mut counts: Vec<i64> = counted
        .iter()
        .flatten()
        .map(|failed| failed.count)
        .collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 2, 3, 4, 5, 6]);
    let wait = house.do_it(move |conn| blocked(conn, &key, rule, at(0)));
    assert_eq!(wait, Some(TimeDelta::seconds(1)));
}

fn a_success_ends_the_row_and_is_not_told_while_blocked(house: &House) {
    let (key, rule) = (house.key("ann"), house.limits.failures());
    house.do_it(move |conn| {
        for _ in 0..5 {
            assert!(count_failure(conn, &key, rule, at(0))?.is_ok());
        }
        assert_eq!(count_success(conn, &key, rule, at(0))?, Ok(()));
        assert_eq!(count_success(conn, &key, rule, at(0))?, Ok(()), "no row");
        for _ in 0..6 {
            assert!(count_failure(conn, &key, rule, at(0))?.is_ok());
        }
        let second = Err(TimeDelta::seconds(1));
        assert_eq!(count_success(conn, &key, rule, at(0))?, second);
        let failed = count_failure(conn, &key, rule, at(1))?.unwrap();
        assert_eq!((failed.count, failed.wait.num_seconds()), (7, 2));
        // Thirty days after the last one all is forgotten.
        let later = at(1 + 30 * 86_400);
        let failed = count_failure(conn, &key, rule, later)?.unwrap();
        assert_eq!((failed.count, failed.wait.num_seconds()), (1, 0));
        Ok(())
    });
}

fn a_group_is_cleared_whole_and_alone(house: &House) {
    let rule = house.limits.failures();
    // Enough of them that their keys begin with every character.
    let groups: Vec<Key> = (0..100).map(|one| house.key(&one.to_string())).collect();
    let members: Vec<Key> = groups
        .iter()
        .flat_map(|group| {
            ["home", "work"].map(|network| house.limits.key("here", &[network]).within(group))
        })
        .collect();
    house.do_it(move |conn| {
        for key in groups.iter().chain(&members) {
            assert!(count_failure(conn, key, rule, at(0))?.is_ok());
        }
        for (group, left_over) in groups.iter().zip((0..100).rev()) {
            assert_eq!(clear(conn, group)?, 3, "{group:?}");
            let left: i64 = table::table.count().get_result(conn)?;
            assert_eq!(left, 3 * left_over);
        }
        Ok(())
    });
}

fn what_expired_is_swept_by_what_comes(house: &House) {
    let rule = Rule::per_minute(1);
    let come = |number: i64, now: Time| {
        let key = house.key(&number.to_string());
        house
            .do_it(move |conn| take(conn, &key, rule, now))
            .unwrap();
    };
    for number in 0..20 {
        come(number, at(0));
    }
    come(20, at(60 + 599));
    assert_eq!(house.rows(), 21, "they may be used again soon");
    for (number, rows) in [(21, 18), (22, 15), (23, 12), (24, 9), (25, 6)] {
        come(number, at(60 + 600));
        assert_eq!(house.rows(), rows);
    }
    // One that is used again is not in the way, and not swept.
    come(20, at(3600));
    assert_eq!(house.rows(), 6);
    come(30, at(3600));
    assert_eq!(house.rows(), 3);
    let kept = house.key("20");
    let kept = house.do_it(move |conn| look(conn, &kept, rule, at(3600)));
    assert_eq!(kept, Err(TimeDelta::seconds(60)));
}

fn a_refusal_writes_nothing(house: &House) {
    let (key, rule) = (house.key("ann"), Rule::per_hour(1));
    let all = |conn: &mut Conn| {
        table::table
            .select((table::key, table::count, table::until, table::expires_at))
            .load::<(String, i64, chrono::NaiveDateTime, chrono::NaiveDateTime)>(conn)
    };
    house.do_it(move |conn| {
        assert!(take(conn, &key, rule, at(0))?.is_ok());
        let before = all(conn)?;
        assert_eq!(
            take(conn, &key, rule, at(1))?,
            Err(TimeDelta::seconds(3599))
        );
        assert_eq!(
            look(conn, &key, rule, at(1))?,
            Err(TimeDelta::seconds(3599))
        );
        assert_eq!(all(conn)?, before);
        Ok(())
    });
}

#[test]
fn keys_tell_nothing_and_do_not_run_together() {
    let one = limits(1);
    let key = |scope, parts: &[&str]| one.key(scope, parts);
    assert_eq!(key("a", &["b"]), key("a", &["b"]));
    assert_ne!(key("a", &["b"]), limits(2).key("a", &["b"]));
    assert_ne!(key("a", &["b", "c"]), key("a", &["bc"]));
    assert_ne!(key("ab", &["c"]), key("a", &["bc"]));
    assert_ne!(key("a", &[""]), key("a", &[]));
    assert_eq!(key("email", &["ann@example.com"]).text().len(), 43);
}

#[test]
fn an_ipv6_customer_is_one_network() {
    let table = [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "20010db800000000/64"),
        ("2001:db8:0:0:ffff:ffff:ffff:ffff", "20010db800000000/64"),
        ("2001:db8:0:1::1", "20010db800000001/64"),
        ("::1", "0000000000000000/64"),
    ];
    for (address, expected) in table {
        let address: IpAddr = address.parse().unwrap();
        assert_eq!(network(Some(address)), expected);
    }
    assert_eq!(network(None), "-");
}

#[test]
fn a_wait_is_told_in_whole_seconds_rounded_up() {
    let table = [
        (0, 1, "1 second."),
        (1, 1, "1 second."),
        (1_000_000, 1, "1 second."),
        (1_000_001, 2, "2 seconds."),
        (1_001_000, 2, "2 seconds."),
        (3_600_000_000, 3600, "3600 seconds."),
        (i64::MAX, u32::MAX, "4294967295 seconds."),
    ];
    for (micros, seconds, told) in table {
        let error = throttled(TimeDelta::microseconds(micros));
        assert_eq!(error.retry_after(), Some(seconds));
        let detail = format!("Request was throttled. Expected available in {told}");
        assert_eq!(error.detail(), Some(&*detail));
    }
}
