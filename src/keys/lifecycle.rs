//! The life of a signing key, as a pure function of its times and now.

use crate::clock::Time;

/// When a key does what. `publish_at ≤ activate_at ≤ retire_at ≤ remove_at`.
///
/// Every node publishes a key as soon as it knows of it, for a key that is known too early harms
/// nobody. `publish_at` may still be to come for a node whose clock is behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// When it was made known; the lead until it signs counts from here.
    pub publish_at: Time,
    /// From here on it signs.
    pub activate_at: Time,
    /// From here on it no longer signs.
    pub retire_at: Option<Time>,
    /// From here on it is in no JWKS.
    pub remove_at: Option<Time>,
    /// It was compromised: nothing signed with it counts any more. Not only from then on: the clock of
    /// the machine that said so may be ahead.
    pub revoked_at: Option<Time>,
}

/// What a key may do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Published, not signing: verifiers are getting to know it.
    Pending,
    /// Published and signing.
    Active,
    /// Published, no longer signing: its tokens live out.
    Retired,
    /// Gone.
    Removed,
    /// Gone before its time.
    Revoked,
}

impl Lifetime {
    /// The life of an installation's first key: nobody can have cached a JWKS without it.
    pub fn first(now: Time) -> Self {
        Self {
            publish_at: now,
            activate_at: now,
            retire_at: None,
            remove_at: None,
            revoked_at: None,
        }
    }

    /// What the key may do at `now`.
    pub fn state(&self, now: Time) -> State {
        let past = |time: Option<Time>| time.is_some_and(|time| time <= now);
        if self.revoked_at.is_some() {
            State::Revoked
        } else if past(self.remove_at) {
            State::Removed
        } else if past(self.retire_at) {
            State::Retired
        } else if self.activate_at <= now {
            State::Active
        } else {
            State::Pending
        }
    }
}

impl Lifetime {
    /// Whether it signs, or will.
    pub fn is_to_sign(&self, now: Time) -> bool {
        matches!(self.state(now), State::Pending | State::Active)
    }

    /// Since when it is gone, if it is.
    pub fn gone_at(&self, now: Time) -> Option<Time> {
        match self.state(now) {
            State::Revoked => self.revoked_at,
            State::Removed => self.remove_at,
            _ => None,
        }
    }
}

impl State {
    /// For people and programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Retired => "retired",
            Self::Removed => "removed",
            Self::Revoked => "revoked",
        }
    }

    /// Whether verifiers see the key.
    pub fn is_published(self) -> bool {
        matches!(self, Self::Pending | Self::Active | Self::Retired)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn at(seconds: i64) -> Time {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn the_state_follows_the_times() {
        let life = Lifetime {
            publish_at: at(10),
            activate_at: at(20),
            retire_at: Some(at(30)),
            remove_at: Some(at(40)),
            revoked_at: None,
        };
        let table = [
            // By a clock that is behind the one of the node that made the key.
            (9, State::Pending),
            (10, State::Pending),
            (19, State::Pending),
            (20, State::Active),
            (30, State::Retired),
            (40, State::Removed),
        ];
        for (now, state) in table {
            assert_eq!(life.state(at(now)), state, "at {now}");
        }
        let revoked = Lifetime {
            revoked_at: Some(at(25)),
            ..life
        };
        assert_eq!(revoked.state(at(24)), State::Revoked, "by a clock behind");
        assert_eq!(revoked.state(at(25)), State::Revoked);
        assert!(!revoked.state(at(35)).is_published());
    }
}
