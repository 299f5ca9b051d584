//! No acknowledged write is lost, and nothing single-use works twice, however the process dies.
//!
//! Each cycle: the real binary under load, SIGKILL at a random moment, restart, check. What the
//! server acknowledged is kept in a ledger outside of it; an answer that was not read whole says
//! nothing, and either outcome is right, but never half of one.

mod check;
mod ledger;
mod load;

use std::time::Duration;

use crate::support::{Backend, Installation, on_both};
use ledger::Ledger;

on_both!(no_acknowledged_write_is_lost_and_nothing_works_twice);

/// How many kills per database.
fn cycles() -> usize {
    let cycles = std::env::var("SIGNET_KILL_CYCLES").ok();
    cycles.map_or(20, |cycles| {
        cycles.parse().expect("SIGNET_KILL_CYCLES is a number")
    })
}

/// A moment from 0.2 to 1.5 seconds after the start of the load.
fn random_moment() -> Duration {
    let [low, high] = signet::crypto::random::<2>();
    let share = u64::from(u16::from_be_bytes([high, low]));
    // A mail, and what is done with its link, takes a second or two.
    Duration::from_millis(200 + share * 2300 / u64::from(u16::MAX))
}

/// The leeway within which a refresh can be repeated. Both sides of it are checked in turn: with
/// it the newest token always works, without it a used one never does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leeway {
    Wide,
    None,
}

impl Leeway {
    fn setting(self) -> [(&'static str, &'static str, &'static str); 1] {
        let value = match self {
            Self::Wide => "\"5m\"",
            Self::None => "\"0s\"",
        };
        [("tokens", "refresh_leeway", value)]
    }
}

fn no_acknowledged_write_is_lost_and_nothing_works_twice(on: Backend) {
    let installation = Installation::new(on);
    let mut acknowledged = 0;
    let mut dead = Vec::new();
    for cycle in 0..cycles() {
        let process = installation.start(&Leeway::Wide.setting());
        let ledger = load::run_and_kill(process, &installation.mail, cycle, random_moment());
        acknowledged += ledger.acknowledged();
        let leeway = if cycle % 2 == 0 {
            Leeway::Wide
        } else {
            Leeway::None
        };
        let process = installation.start(&leeway.setting());
        let client = process.anonymous();
        let mut violations = check::dead_stay_dead(&client, &dead);
        violations.extend(check::run(&client, &ledger, leeway));
        violations.extend(check::mails(&installation, &ledger));
        assert!(violations.is_empty(), "cycle {cycle}: {violations:#?}");
        dead = ledger.newest_tokens();
        process.kill();
    }
    assert!(
        acknowledged > cycles(),
        "hardly anything was acknowledged: {acknowledged}"
    );
}

/// The control: a database that lost the last second of its writes must be found out.
#[test]
fn a_database_that_forgot_is_found_out() {
    let installation = Installation::new(Backend::Sqlite);
    installation.start(&[]).kill();
    let files = ["signet.db", "signet.db-wal"].map(|name| installation.directory.path().join(name));
    let before = files.each_ref().map(std::fs::read);
    let process = installation.start(&Leeway::Wide.setting());
    let ledger = load::run_and_kill(process, &installation.mail, 0, Duration::from_millis(1500));
    for (file, content) in files.iter().zip(before) {
        match content {
            Ok(content) => std::fs::write(file, content).expect("the older copy"),
            Err(_) => std::fs::remove_file(file).expect("there was none"),
        }
    }
    let process = installation.start(&Leeway::Wide.setting());
    let violations = check::run(&process.anonymous(), &ledger, Leeway::Wide);
    let has = |word: &str| violations.iter().any(|violation| violation.contains(word));
    assert!(has("password") && has("refresh"), "{violations:#?}");
}

#[test]
fn an_empty_ledger_has_nothing_acknowledged() {
    assert_eq!(Ledger::default().acknowledged(), 0);
}
