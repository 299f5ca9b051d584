//! Somebody who has nothing to do with the storm, and wants to log in.

use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::client::{Client, Done, Scenario};
use crate::figures::Figures;
use crate::{Failure, Outcome};

/// From one login to the next.
const EACH: Duration = Duration::from_secs(1);
/// An answer that takes longer is not waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// The scout looks so long at most, and takes a breath after a refusal.
const LONGEST: Duration = Duration::from_secs(15);
const BREATH: Duration = Duration::from_millis(50);

/// Logins while it stormed.
#[derive(Default)]
pub(crate) struct Logins {
    /// Those that were let in or went wrong.
    pub(crate) figures: Figures,
    pub(crate) refused: u64,
}

/// Whether it was let in; if not, it was told to come again later.
pub(crate) async fn log_in(client: &mut Client) -> Outcome<bool> {
    let answer = timeout(PATIENCE, client.step(Scenario::Login)).await;
    let answer = answer.unwrap_or_else(|_| Err(Failure::from("no answer to a login")));
    if answer.is_err() {
        // What is left of the answer is not that to the next request.
        drop(client.prepare(Scenario::Login).await);
    }
    Ok(answer? == Done::Served)
}

/// Logs in once a second.
pub(crate) async fn go_on(client: &mut Client, begun: Instant, end: Instant) -> Logins {
    drop(client.prepare(Scenario::Login).await);
    let mut logins = Logins::default();
    let mut due = begun + EACH / 2;
    while due < end {
        sleep_until(due).await;
        let late = due.elapsed();
        match log_in(client).await {
            Ok(true) => logins.figures.note(due.elapsed(), late),
            Ok(false) => logins.refused += 1,
            Err(failure) => logins.figures.complain(format!("honest: {failure}")),
        }
        // An answer that took longer is no reason to call the next one late.
        due = (due + EACH).max(Instant::now());
    }
    logins.figures.sort();
    logins
}

/// What came of looking for the end of the storm.
#[derive(Default)]
pub(crate) struct Recovery {
    /// How long after the storm it was over; none if that was not seen.
    pub(crate) after: Option<Duration>,
    pub(crate) hashed: u64,
    pub(crate) refused: u64,
}

/// Looks until somebody is let in within `usual`.
pub(crate) async fn recovery(scout: &mut Client, end: Instant, usual: Duration) -> Recovery {
    drop(scout.prepare(Scenario::Login).await);
    let mut recovery = Recovery::default();
    while end.elapsed() < LONGEST {
        let asked = Instant::now();
        let answer = log_in(scout).await;
        recovery.hashed += u64::from(matches!(answer, Ok(true)));
        recovery.refused += u64::from(matches!(answer, Ok(false)));
        if matches!(answer, Ok(true)) && asked.elapsed() < usual {
            recovery.after = Some(end.elapsed());
            break;
        }
        sleep(BREATH).await;
    }
    recovery
}
