//! What is written down at one scrape.

use prometheus::Registry;
use prometheus::proto::MetricFamily;

use crate::clock::Time;
use crate::error::{Error, Result};
use crate::measure::{self, GaugeVec, IntCounterVec};

/// Metrics whose values are those of the moment.
#[derive(Default)]
pub(super) struct Sheet(Registry);

impl Sheet {
    /// A value for each combination of labels, to be filled in.
    pub(super) fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<GaugeVec> {
        let gauges = measure::gauges(name, help, labels)?;
        let added = self.0.register(Box::new(gauges.clone()));
        added.map(|()| gauges).map_err(Error::internal)
    }

    /// The same of what only grows.
    pub(super) fn counters(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntCounterVec> {
        let counters = measure::counters(name, help, labels)?;
        let added = self.0.register(Box::new(counters.clone()));
        added.map(|()| counters).map_err(Error::internal)
    }

    /// One value.
    pub(super) fn gauge(&self, name: &str, help: &str, value: f64) -> Result<()> {
        self.gauges(name, help, &[])?
            .with_label_values::<&str>(&[])
            .set(value);
        Ok(())
    }

    /// One value that only grows, also by parts.
    pub(super) fn counter(&self, name: &str, help: &str, value: f64) -> Result<()> {
        let counter = prometheus::Counter::new(name, help).map_err(Error::internal)?;
        counter.inc_by(value);
        self.0.register(Box::new(counter)).map_err(Error::internal)
    }

    pub(super) fn gather(&self) -> Vec<MetricFamily> {
        self.0.gather()
    }
}

/// A time as Prometheus has it: seconds since 1970.
pub(super) fn timestamp(time: Time) -> f64 {
    (time - Time::UNIX_EPOCH).as_seconds_f64()
}

/// A condition as Prometheus has it.
pub(super) fn flag(is: bool) -> f64 {
    f64::from(u8::from(is))
}
