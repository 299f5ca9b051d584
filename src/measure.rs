//! How rooms count what they do: handles whose use costs a few atomic operations. A room keeps its
//! own and hands out clones ([`Collectors`]); who reads them, and how, it does not know.
//!
//! The names follow Prometheus' practice: `signet_`, what it is, its base unit, `_total` for what
//! only grows.

use std::time::Instant;

use prometheus::core::Collector;
use prometheus::{HistogramOpts, Opts};

use crate::error::{Error, Result};

pub use prometheus::{GaugeVec, Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge};

/// What a room counts, for whoever collects it.
pub type Collectors = Vec<Box<dyn Collector>>;

/// From 0.1 ms to 5 s: what an answer, a transaction or a password takes.
pub const DURATIONS: [f64; 15] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0,
];

/// Something that only grows.
///
/// # Errors
/// The name is not a valid one (a defect), as with all of these.
pub fn counter(name: &str, help: &str) -> Result<IntCounter> {
    IntCounter::new(name, help).map_err(Error::internal)
}

/// The same, apart by labels.
///
/// # Errors
/// As [`counter`].
pub fn counters(name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec> {
    IntCounterVec::new(Opts::new(name, help), labels).map_err(Error::internal)
}

/// How much there is of something now.
///
/// # Errors
/// As [`counter`].
pub fn gauge(name: &str, help: &str) -> Result<IntGauge> {
    IntGauge::new(name, help).map_err(Error::internal)
}

/// The same, apart by labels, and not only whole numbers.
///
/// # Errors
/// As [`counter`].
pub fn gauges(name: &str, help: &str, labels: &[&str]) -> Result<GaugeVec> {
    GaugeVec::new(Opts::new(name, help), labels).map_err(Error::internal)
}

/// How much there is of something when somebody asks.
///
/// # Errors
/// As [`counter`].
pub fn asked(
    name: &str,
    help: &str,
    ask: impl Fn() -> f64 + Send + Sync + 'static,
) -> Result<Box<dyn Collector>> {
    let gauge = prometheus::PullingGauge::new(name, help, Box::new(ask));
    Ok(Box::new(gauge.map_err(Error::internal)?))
}

/// How sizes are spread, or durations in seconds; `bounds` rise.
///
/// # Errors
/// As [`counter`].
pub fn histogram(name: &str, help: &str, bounds: &[f64]) -> Result<Histogram> {
    let options = HistogramOpts::new(name, help).buckets(bounds.to_vec());
    Histogram::with_opts(options).map_err(Error::internal)
}

/// The same, apart by labels.
///
/// # Errors
/// As [`counter`].
pub fn histograms(name: &str, help: &str, bounds: &[f64], labels: &[&str]) -> Result<HistogramVec> {
    let options = HistogramOpts::new(name, help).buckets(bounds.to_vec());
    HistogramVec::new(options, labels).map_err(Error::internal)
}

/// Puts down how long it has taken since `started`.
pub fn took(histogram: &Histogram, started: Instant) {
    histogram.observe(started.elapsed().as_secs_f64());
}

/// One more of a gauge until it is dropped, however that comes about.
pub struct Held(IntGauge);

impl Held {
    /// From now on.
    pub fn new(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Clones of handles, as [`Collectors`].
macro_rules! collectors {
    ($($handle:expr),+ $(,)?) => {{
        let all: $crate::measure::Collectors = vec![$(Box::new($handle.clone())),+];
        all
    }};
}
pub(crate) use collectors;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_counts_until_it_is_dropped() {
        let running = gauge("signet_test", "A test").unwrap();
        let one = Held::new(&running);
        let two = Held::new(&running);
        assert_eq!(running.get(), 2);
        drop(one);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _held = two;
            panic!("on purpose");
        }));
        assert!(panicked.is_err());
        assert_eq!(running.get(), 0);
    }

    #[test]
    fn a_name_that_is_none_is_an_error() {
        assert!(counter("signet test", "A test").is_err());
        assert!(histogram("signet_test", "A test", &[2.0, 1.0]).is_err());
    }
}
