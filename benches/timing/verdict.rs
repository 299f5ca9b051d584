//! Where the line is between alike and not.

use std::fmt;

use crate::measure::Race;
use crate::question::Role;
use crate::statistics::{Comparison, Interval, proportion};

/// How often A may be the slower one, with all of its 95 % interval; and may come second.
const ALIKE: Interval = Interval {
    low: 0.48,
    high: 0.52,
};

/// The part of an operation by which the medians may differ.
const RELATIVE: f64 = 0.01;

/// What they may differ by in any case, in ms.
const ABSOLUTE: f64 = 0.3;

/// The AUC above which a control counts as found out.
const FOUND: f64 = 0.99;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    /// Told apart, or a control that was not.
    Failed,
    /// No difference was found, but a forbidden one could be there: more pairs are needed.
    Open,
}

impl Verdict {
    pub(crate) fn on_pair(role: Role, found: &Comparison) -> Self {
        if role == Role::Control {
            return if found.auc > FOUND {
                Self::Passed
            } else {
                Self::Failed
            };
        }
        let median_is_alike =
            found.relative_delta().abs() < RELATIVE || found.delta().abs() < ABSOLUTE;
        if median_is_alike {
            Self::on_interval(found.interval)
        } else if found.interval.holds(0.5) {
            // Medians of few answers differ by chance.
            Self::Open
        } else {
            Self::Failed
        }
    }

    pub(crate) fn on_race(race: &Race) -> Self {
        Self::on_interval(proportion(race.first_class_won, race.runs))
    }

    /// What is wholly inside of the lines passes; what is not, and cannot be chance, fails.
    fn on_interval(interval: Interval) -> Self {
        if interval.is_inside(ALIKE) {
            Self::Passed
        } else if interval.holds(0.5) {
            Self::Open
        } else {
            Self::Failed
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed => "pass",
            Self::Failed => "**FAIL**",
            Self::Open => "open",
        })
    }
}
