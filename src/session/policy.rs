//! The rules sessions live by.

use chrono::TimeDelta;

use crate::config;

/// How long sessions live.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Without a refresh.
    pub idle: TimeDelta,
    /// In any case.
    pub absolute: TimeDelta,
    /// The predecessor still gets the same successor for this long; zero: never.
    pub leeway: TimeDelta,
    /// Tell the owner by mail when an old token is used.
    pub reuse_notice: bool,
}

impl Policy {
    /// By `[tokens]`; upstream's own behaviour is no leeway at all.
    pub fn new(settings: &config::Tokens, compat: &config::Compat) -> Self {
        let leeway = settings.refresh_leeway.delta();
        Self {
            idle: settings.refresh_idle.delta(),
            absolute: settings.refresh_absolute.delta(),
            leeway: if compat.strict {
                TimeDelta::zero()
            } else {
                leeway
            },
            reuse_notice: settings.reuse_notice,
        }
    }
}
