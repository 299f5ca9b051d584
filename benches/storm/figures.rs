//! Latencies, counted from when a request was due: one that could not be sent in time waits, too.

use std::time::Duration;

#[derive(Default)]
pub(crate) struct Figures {
    /// In microseconds; ascending once [`Figures::sort`]ed.
    latencies: Vec<u32>,
    /// By how much the latest request was sent later than it was due.
    pub(crate) latest: Duration,
    pub(crate) wrong: u64,
    /// The first few that were wrong.
    pub(crate) examples: Vec<String>,
}

impl Figures {
    pub(crate) fn note(&mut self, latency: Duration, late: Duration) {
        let micros = latency.as_micros().try_into().unwrap_or(u32::MAX);
        self.latencies.push(micros);
        self.latest = self.latest.max(late);
    }

    pub(crate) fn complain(&mut self, complaint: String) {
        self.wrong += 1;
        if self.examples.len() < 3 {
            self.examples.push(complaint);
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.latest = self.latest.max(other.latest);
        self.wrong += other.wrong;
        self.examples.extend(other.examples);
        self.examples.truncate(3);
    }

    pub(crate) fn sort(&mut self) {
        self.latencies.sort_unstable();
    }

    pub(crate) fn count(&self) -> usize {
        self.latencies.len()
    }

    /// The latency in ms that this share of the answers did not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let latency = self.latencies.get(last * percent / 100);
        f64::from(latency.copied().unwrap_or_default()) / 1e3
    }
}
