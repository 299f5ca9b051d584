//! What the store counts.

use std::time::Instant;

use diesel::result::{DatabaseErrorKind, Error as QueryError};

use crate::error::{Error, Kind, Result};
use crate::measure::{
    self, Collectors, DURATIONS, Held, Histogram, IntCounter, IntCounterVec, IntGauge, collectors,
};

/// Writes in one commit: the bounds.
const GROUPS: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

const UNAVAILABLE: &str = "unavailable";
const INTERNAL: &str = "internal";

/// Of reads and writes on either database.
pub(super) struct Measures {
    reads: Histogram,
    writes: Histogram,
    writing: IntGauge,
    errors: IntCounterVec,
}

impl Measures {
    pub(super) fn new() -> Result<Self> {
        let errors = measure::counters(
            "signet_database_errors_total",
            "Reads and writes that failed: the database was away or busy, or something is broken",
            &["kind"],
        )?;
        // There from the start, so that the first error is a rise.
        for kind in [UNAVAILABLE, INTERNAL] {
            errors.with_label_values(&[kind]);
        }
        Ok(Self {
            reads: measure::histogram(
                "signet_database_read_seconds",
                "Time of one read, with the wait for a connection",
                &DURATIONS,
            )?,
            writes: measure::histogram(
                "signet_database_write_seconds",
                "Time from asking for a write to its commit",
                &DURATIONS,
            )?,
            writing: measure::gauge(
                "signet_database_writes_waiting",
                "Writes asked for and not committed yet",
            )?,
            errors,
        })
    }

    pub(super) fn collectors(&self) -> Collectors {
        collectors![self.reads, self.writes, self.writing, self.errors]
    }

    /// Of one read.
    pub(super) async fn read<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.timed(&self.reads, work).await
    }

    /// Of one write.
    pub(super) async fn write<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let _waiting = Held::new(&self.writing);
        self.timed(&self.writes, work).await
    }

    async fn timed<T>(
        &self,
        times: &Histogram,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let started = Instant::now();
        let outcome = work.await;
        measure::took(times, started);
        if let Some(kind) = outcome.as_ref().err().and_then(failure) {
            self.errors.with_label_values(&[kind]).inc();
        }
        outcome
    }
}

/// What went wrong; nothing where something was there already, which callers reckon with.
fn failure(error: &Error) -> Option<&'static str> {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref());
    let is_taken = matches!(
        source,
        Some(QueryError::DatabaseError(
            DatabaseErrorKind::UniqueViolation,
            _
        ))
    );
    match error.kind() {
        Kind::Unavailable => Some(UNAVAILABLE),
        _ if is_taken => None,
        _ => Some(INTERNAL),
    }
}

/// Of SQLite's writer.
pub(super) fn groups() -> Result<Histogram> {
    measure::histogram(
        "signet_database_group_writes",
        "Writes in one commit of SQLite's writer",
        &GROUPS,
    )
}

/// Of PostgreSQL's transactions.
pub(super) fn retries() -> Result<IntCounter> {
    measure::counter(
        "signet_database_retries_total",
        "Transactions of PostgreSQL run again: undone for another one, or met by a dead connection",
    )
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn failures_are_told_apart_from_answers() {
        let taken = QueryError::DatabaseError(
            DatabaseErrorKind::UniqueViolation,
            Box::new("users.email".to_owned()),
        );
        assert_eq!(failure(&taken.into()), None);
        assert_eq!(failure(&QueryError::NotFound.into()), Some(INTERNAL));
        let busy = Error::unavailable(1, "busy");
        assert_eq!(failure(&busy), Some(UNAVAILABLE));
    }

    #[test]
    fn a_write_that_its_caller_gives_up_no_longer_waits() {
        let measures = Measures::new().unwrap();
        let mut write = Box::pin(measures.write(std::future::pending::<Result<()>>()));
        assert!(write.as_mut().now_or_never().is_none());
        assert_eq!(measures.writing.get(), 1);
        drop(write);
        assert_eq!(measures.writing.get(), 0);
        assert_eq!(measures.writes.get_sample_count(), 0);
    }
}
