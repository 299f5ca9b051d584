//! # limits
//!
//! How often something may be tried or caused. Two mechanisms, each a step in the caller's
//! transaction: [`take`] allows so many per time, [`count_failure`] makes each failure in a row
//! cost more than the one before. And [`remember`]: what was seen here before.
//!
//! Standards: NIST SP 800-63B-4, section 3.2.2 (at most 100 failures in a row, growing delays).
//! The rate is the Generic Cell Rate Algorithm (ITU-T I.371): one moment per limit, no window whose
//! edge lets through twice as many.
//! Table: `limits`, whose keys are HMACs: it tells nobody's name, address or network. It is shared
//! by all nodes and outlives a restart; under a new master key all counting starts again.
//! Settings: `[limits]`. Routes, jobs: none; rows that expired are deleted by those that come.
//! It does not know what is limited, who asks, or what the answer looks like.
//!
//! On PostgreSQL transactions see each other's commits as they go. So every write names the row as
//! it was seen, and one that finds another row looks again: whoever is second is judged by what the
//! first has left.

mod failures;
mod key;
mod known;
mod rate;
mod store;

use std::sync::Arc;

use chrono::TimeDelta;
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::config;
use crate::crypto::Derived;
use crate::error::{Error, Kind};

pub use failures::{Failed, Failures, blocked, clear, count_failure, count_success, touch};
pub use key::{Key, network};
pub use known::{is_known, remember};
pub use rate::{Rule, look, take, used};

/// The limits in force, and the names that their counters have. Clones share them.
#[derive(Clone)]
pub struct Limits(Arc<Inner>);

struct Inner {
    settings: config::Limits,
    clock: Clock,
    secrets: Derived<Zeroizing<[u8; 32]>>,
}

impl Limits {
    /// The limits of `[limits]`. The current one of `secrets` hides what they are on; nodes that
    /// share a database share them.
    pub fn new(
        settings: &config::Limits,
        clock: Clock,
        secrets: Derived<Zeroizing<[u8; 32]>>,
    ) -> Self {
        Self(Arc::new(Inner {
            settings: settings.clone(),
            clock,
            secrets,
        }))
    }

    /// What is configured.
    pub fn settings(&self) -> &config::Limits {
        &self.0.settings
    }

    /// Whether anything is limited at all.
    pub fn are_enabled(&self) -> bool {
        self.0.settings.enabled
    }

    /// The rule for failures in a row.
    pub fn failures(&self) -> Failures {
        Failures::new(&self.0.settings)
    }

    /// The name of a limit of the kind `scope` on whatever `parts` say.
    pub fn key(&self, scope: &str, parts: &[&str]) -> Key {
        let now = self.0.clock.now();
        Key::new(&self.0.secrets.versions().at(now).value, scope, parts)
    }
}

/// The answer to who must wait: `429`, in the words of Django REST framework, whose clients read
/// them. `wait` is rounded up to whole seconds, one at least.
pub fn throttled(wait: TimeDelta) -> Error {
    let micros = wait.num_microseconds().unwrap_or(i64::MAX).max(1);
    let seconds = (micros - 1) / 1_000_000 + 1;
    let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
    let unit = if seconds == 1 { "second" } else { "seconds" };
    let detail = format!("Request was throttled. Expected available in {seconds} {unit}.");
    Error::new(Kind::TooManyRequests, "throttled", detail).with_retry_after(seconds)
}

#[cfg(test)]
mod tests;
