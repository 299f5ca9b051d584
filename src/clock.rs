//! The one source of time. Everything that depends on "now" is given a [`Clock`]; tests freeze it
//! and advance it by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

/// A moment in UTC, cut to microseconds: what both databases can hold without loss.
pub type Time = DateTime<Utc>;

/// A moment for people to read: RFC 3339, in whole seconds.
pub fn in_seconds(time: Time) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Where the time comes from.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Frozen(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still at `at` until [`Clock::advance`] moves it. Clones share it.
    pub fn frozen(at: Time) -> Self {
        Self(Source::Frozen(Arc::new(AtomicI64::new(
            at.timestamp_micros(),
        ))))
    }

    /// The present moment, cut to microseconds.
    pub fn now(&self) -> Time {
        let micros = match &self.0 {
            Source::System => system_micros(),
            Source::Frozen(micros) => micros.load(Ordering::SeqCst),
        };
        DateTime::from_timestamp_micros(micros).unwrap_or_default()
    }

    /// Moves a frozen clock; the machine's clock takes no orders.
    pub fn advance(&self, by: TimeDelta) {
        if let Source::Frozen(micros) = &self.0 {
            micros.fetch_add(by.num_microseconds().unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the place the lint points to"
)]
fn system_micros() -> i64 {
    Utc::now().timestamp_micros()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_clock_moves_only_when_told_and_with_its_clones() {
        let clock = Clock::frozen(DateTime::from_timestamp(1_800_000_000, 123_456_789).unwrap());
        let twin = clock.clone();
        assert_eq!(clock.now().timestamp_subsec_nanos(), 123_456_000);
        twin.advance(TimeDelta::seconds(90));
        assert_eq!(clock.now().timestamp(), 1_800_000_090);
    }

    #[test]
    fn the_system_clock_ignores_orders() {
        let clock = Clock::system();
        clock.advance(TimeDelta::days(1000));
        assert!(clock.now().timestamp() - system_micros() / 1_000_000 < 60);
    }
}
