//! How refreshes ended.

use super::refresh::Outcome;
use crate::error::Result;
use crate::measure::{self, Collectors, IntCounter, IntCounterVec, collectors};

pub(super) struct Refreshes {
    all: IntCounterVec,
    rotated: IntCounter,
    repeated: IntCounter,
    reused: IntCounter,
    refused: IntCounter,
}

impl Refreshes {
    pub(super) fn new() -> Result<Self> {
        let all = measure::counters(
            "signet_token_refreshes_total",
            "Refresh tokens presented, by what came of it",
            &["outcome"],
        )?;
        let of = |outcome| all.with_label_values(&[outcome]);
        Ok(Self {
            rotated: of("rotated"),
            repeated: of("repeated"),
            reused: of("reused"),
            refused: of("refused"),
            all,
        })
    }

    /// One more; none: the token itself was no good.
    pub(super) fn count(&self, outcome: Option<&Outcome>) {
        match outcome {
            Some(Outcome::Rotated(_)) => self.rotated.inc(),
            Some(Outcome::Replayed(_)) => self.repeated.inc(),
            Some(Outcome::Reused) => self.reused.inc(),
            Some(Outcome::FromTheFuture | Outcome::Ended | Outcome::NoAccount) | None => {
                self.refused.inc();
            }
        }
    }

    pub(super) fn collectors(&self) -> Collectors {
        collectors![self.all]
    }
}
