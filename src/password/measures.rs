//! What the hashing threads count.

use std::time::Instant;

use crate::error::Result;
use crate::measure::{
    self, Collectors, DURATIONS, Held, Histogram, IntCounter, IntGauge, collectors,
};

pub(super) struct Measures {
    running: IntGauge,
    durations: Histogram,
    threads: IntGauge,
    capacity: IntGauge,
    /// Jobs refused for want of room.
    pub(super) rejected: IntCounter,
}

/// What one job is measured with.
pub(super) struct Timed {
    running: IntGauge,
    durations: Histogram,
}

impl Measures {
    pub(super) fn new(threads: usize, capacity: usize) -> Result<Self> {
        let fixed = |name, help, value| -> Result<IntGauge> {
            let gauge = measure::gauge(name, help)?;
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
            Ok(gauge)
        };
        Ok(Self {
            running: measure::gauge(
                "signet_password_running",
                "Passwords that are being hashed or compared now",
            )?,
            durations: measure::histogram(
                "signet_password_seconds",
                "Time of one hash or comparison, without the wait for a thread",
                &DURATIONS,
            )?,
            threads: fixed("signet_password_threads", "Threads that hash", threads)?,
            capacity: fixed(
                "signet_password_capacity",
                "Hashes that may wait for a thread",
                capacity,
            )?,
            rejected: measure::counter(
                "signet_password_rejected_total",
                "Hashes refused with 503 because too many waited, in all or from one address",
            )?,
        })
    }

    pub(super) fn timed(&self) -> Timed {
        Timed {
            running: self.running.clone(),
            durations: self.durations.clone(),
        }
    }

    /// With how many wait.
    pub(super) fn collectors(
        &self,
        depth: impl Fn() -> usize + Send + Sync + 'static,
    ) -> Result<Collectors> {
        let mut all = collectors![
            self.running,
            self.durations,
            self.threads,
            self.capacity,
            self.rejected,
        ];
        let depth = move || f64::from(u32::try_from(depth()).unwrap_or(u32::MAX));
        all.push(measure::asked(
            "signet_password_queued",
            "Hashes that wait for a thread",
            depth,
        )?);
        Ok(all)
    }
}

impl Timed {
    pub(super) fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        let _running = Held::new(&self.running);
        let started = Instant::now();
        let done = work();
        measure::took(&self.durations, started);
        done
    }
}
