//! When each job last ran, as this process knows it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;

use crate::clock::Time;

/// The state of one job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// It is to run this often.
    pub period: TimeDelta,
    /// Last time it succeeded, on whatever node; at first, when this process began.
    pub last_run_at: Time,
    /// When it will run again.
    pub next_run_at: Time,
    /// How often it failed since this process began.
    pub failures: u64,
}

impl Status {
    /// It has not run for two of its periods, and a little.
    pub fn is_late(&self, now: Time) -> bool {
        now > self.last_run_at + self.period * 2 + TimeDelta::seconds(5)
    }
}

/// All jobs of this process. Clones share it.
#[derive(Clone, Default)]
pub struct Board(Arc<Mutex<BTreeMap<&'static str, Status>>>);

impl Board {
    fn statuses(&self) -> MutexGuard<'_, BTreeMap<&'static str, Status>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Watches a job from now on.
    pub fn watch(&self, name: &'static str, period: TimeDelta, now: Time) {
        let status = Status {
            period,
            last_run_at: now,
            next_run_at: now,
            failures: 0,
        };
        self.statuses().insert(name, status);
    }

    /// It succeeded at `last`, if it ever did, and runs again at `next`.
    pub fn ran(&self, name: &str, last: Option<Time>, next: Time) {
        if let Some(status) = self.statuses().get_mut(name) {
            status.last_run_at = last.unwrap_or(status.last_run_at);
            status.next_run_at = next;
        }
    }

    /// It failed.
    pub fn failed(&self, name: &str) {
        if let Some(status) = self.statuses().get_mut(name) {
            status.failures += 1;
        }
    }

    /// All jobs, by name.
    pub fn list(&self) -> Vec<(&'static str, Status)> {
        self.statuses()
            .iter()
            .map(|(name, status)| (*name, *status))
            .collect()
    }

    /// Those that have not run for two periods.
    pub fn late(&self, now: Time) -> Vec<&'static str> {
        let late = self
            .list()
            .into_iter()
            .filter(|(_, status)| status.is_late(now));
        late.map(|(name, _)| name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    #[test]
    fn a_job_is_late_after_two_periods_without_a_success() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let board = Board::default();
        board.watch("sweep", TimeDelta::seconds(60), at(0));
        assert!(board.late(at(125)).is_empty());
        assert_eq!(board.late(at(126)), ["sweep"]);
        board.ran("sweep", Some(at(100)), at(160));
        assert!(board.late(at(225)).is_empty());
        board.failed("sweep");
        board.ran("sweep", None, at(220));
        assert_eq!(board.late(at(226)), ["sweep"]);
        let (_, status) = board.list()[0];
        assert_eq!((status.failures, status.next_run_at), (1, at(220)));
    }
}
