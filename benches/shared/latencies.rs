//! How long answers took.

use std::time::Duration;

/// Of the answers within a time, in microseconds.
pub(crate) struct Latencies {
    /// Ascending.
    micros: Vec<u32>,
    within: Duration,
}

impl Latencies {
    pub(crate) fn new(mut micros: Vec<u32>, within: Duration) -> Self {
        micros.sort_unstable();
        Self { micros, within }
    }

    /// How many answers there were.
    pub(crate) fn count(&self) -> usize {
        self.micros.len()
    }

    /// Answers per second.
    pub(crate) fn rate(&self) -> f64 {
        self.micros.len() as f64 / self.within.as_secs_f64()
    }

    /// The latency in ms that this share of the answers did not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let last = self.micros.len().saturating_sub(1);
        let micros = self.micros.get(last * percent / 100);
        f64::from(micros.copied().unwrap_or_default()) / 1e3
    }
}
