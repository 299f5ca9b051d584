//! When signing keys may come and go: the rules no schedule may break. All of it is a pure function of
//! the keys and the time, so that any node decides alike.

use std::fmt;

use chrono::TimeDelta;

use super::{Lifetime, State};
use crate::clock::{Time, in_seconds};
use crate::config::Config;
use crate::crypto::Algorithm;
use crate::node::Word;

/// What every schedule has to keep to. All nodes have to agree on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Of which there is always a key that signs.
    pub algorithms: Vec<Algorithm>,
    /// A key signs for this long.
    pub rotate_every: TimeDelta,
    /// It is published this long before it signs; longer where the guard asks for it.
    pub announce: TimeDelta,
    /// It is published this much longer than its tokens live.
    pub keep: TimeDelta,
    /// Verifiers are told that they may use a JWKS for so long.
    pub jwks_max_age: TimeDelta,
    /// And some were told so: by a node with other settings, or before they were changed.
    pub told_max_age: TimeDelta,
    /// Each node learns within so long what another one wrote.
    pub reload_every: TimeDelta,
    /// And some take so long: nodes with other settings, or before they were changed.
    pub told_reload_every: TimeDelta,
    /// The clocks of two nodes differ by no more.
    pub clock_skew: TimeDelta,
    /// No access token lives longer.
    pub token_life: TimeDelta,
    /// No refresh token lives longer.
    pub refresh_life: TimeDelta,
}

/// A schedule that could leave a verifier with a good token and no key for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooSoon {
    act: &'static str,
    reason: &'static str,
    /// From then on it is safe.
    pub earliest: Time,
}

impl fmt::Display for TooSoon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Rounded up: what is told must be late enough.
        let earliest = self.earliest + TimeDelta::milliseconds(999);
        let earliest = in_seconds(earliest);
        write!(
            f,
            "the key cannot {} before {earliest}: {}",
            self.act, self.reason
        )
    }
}

impl std::error::Error for TooSoon {}

impl Policy {
    /// As it is configured.
    pub fn new(config: &Config) -> Self {
        let keys = &config.keys;
        Self {
            algorithms: keys.algorithms.clone(),
            rotate_every: keys.rotate_every.delta(),
            announce: keys.announce.delta(),
            keep: keys.keep.delta(),
            jwks_max_age: keys.jwks_max_age.delta(),
            told_max_age: keys.jwks_max_age.delta(),
            reload_every: keys.reload_every.delta(),
            told_reload_every: keys.reload_every.delta(),
            clock_skew: keys.clock_skew.delta(),
            token_life: config.tokens.access_ttl.delta(),
            refresh_life: config.tokens.refresh_idle.delta(),
        }
    }

    /// The same, and what others told verifiers, or this node did before, which has not run out.
    #[must_use]
    pub fn with(&self, told: Word) -> Self {
        Self {
            told_max_age: self.told_max_age.max(told.jwks_max_age),
            told_reload_every: self.told_reload_every.max(told.reload_every),
            token_life: self.token_life.max(told.access_ttl),
            ..self.clone()
        }
    }

    /// What verifiers are told, and for how long that counts after it was last said: a JWKS is
    /// used, and tokens are signed, until the keys are too old, and these tokens have to live out.
    pub fn word(&self) -> (Word, TimeDelta) {
        let word = Word {
            jwks_max_age: self.jwks_max_age,
            reload_every: self.reload_every,
            access_ttl: self.token_life,
        };
        let lasts = self.jwks_max_age + self.reload_every + self.token_life + self.clock_skew;
        (word, lasts)
    }

    /// A verifier may have fetched the JWKS, for as long as it may keep it, from a node that did
    /// not know the key yet, and the clock of the node that signs may be ahead.
    pub fn least_lead(&self) -> TimeDelta {
        self.told_max_age + self.told_reload_every + self.clock_skew
    }

    /// What a key signed at the last moment lives on, and the clock of the node that is asked for
    /// the JWKS may be ahead.
    pub fn least_rest(&self) -> TimeDelta {
        self.token_life + self.clock_skew
    }

    /// When a key of that life ends to sign, or will.
    pub fn replaced_at(&self, lifetime: &Lifetime) -> Time {
        let due = lifetime.activate_at + self.rotate_every;
        lifetime.retire_at.unwrap_or(due)
    }

    /// From publishing to signing, as it is planned.
    pub fn lead(&self) -> TimeDelta {
        self.announce.max(self.least_lead())
    }

    /// From the last signature to the removal, as it is planned.
    pub fn rest(&self) -> TimeDelta {
        self.least_rest() + self.keep
    }

    /// The guards.
    ///
    /// # Errors
    /// What comes too soon, and from when it would not.
    pub fn check(&self, lifetime: &Lifetime) -> Result<(), TooSoon> {
        let knows = lifetime.publish_at + self.least_lead();
        if lifetime.activate_at < knows {
            return Err(TooSoon {
                act: "sign",
                reason: "until then verifiers may hold a JWKS without it",
                earliest: knows,
            });
        }
        if let (Some(retire_at), Some(remove_at)) = (lifetime.retire_at, lifetime.remove_at) {
            let expired = retire_at + self.least_rest();
            if remove_at < expired {
                return Err(TooSoon {
                    act: "be removed",
                    reason: "until then tokens that it signed may live",
                    earliest: expired,
                });
            }
        }
        Ok(())
    }

    /// The life of a key that every node publishes and signs with as soon as it knows of it, also
    /// one whose clock is behind.
    pub fn at_once(&self, now: Time) -> Lifetime {
        Lifetime::first(now - self.clock_skew)
    }

    /// The life of a key that is published now and signs from `activate_at` on.
    pub fn successor(now: Time, activate_at: Time) -> Lifetime {
        Lifetime {
            activate_at,
            ..Lifetime::first(now)
        }
    }

    /// The same life with an end, as it is decided `now`: it signs until `retire_at`. A node that
    /// does not know of it yet may sign a little longer.
    pub fn ended(&self, lifetime: Lifetime, retire_at: Time, now: Time) -> Lifetime {
        let last_signature = retire_at.max(now + self.least_lead());
        Lifetime {
            retire_at: Some(retire_at),
            remove_at: Some(last_signature + self.rest()),
            ..lifetime
        }
    }

    /// Whether a key that is not active could sign all the same: every verifier knows it, and will
    /// for as long as what it signs lives.
    pub fn may_stand_in(&self, lifetime: &Lifetime, now: Time) -> bool {
        let is_known = lifetime.publish_at + self.least_lead() <= now;
        let stays = |remove_at| now + self.least_rest() <= remove_at;
        let is_published = lifetime.state(now).is_published();
        is_published && is_known && lifetime.remove_at.is_none_or(stays)
    }

    /// How long a JWKS may be used that is given out at `now` by a node that knows the keys as of
    /// `loaded_at`: not longer than until a key can sign that the node has not heard of.
    pub fn max_age(&self, loaded_at: Time, now: Time) -> TimeDelta {
        let until = self.trusted_until(loaded_at);
        self.jwks_max_age.min(until - now).max(TimeDelta::zero())
    }

    /// Until then a node may sign with the keys that it loaded at `loaded_at`: no other node can
    /// have ended the life of one of them, without its knowledge, any sooner.
    pub fn trusted_until(&self, loaded_at: Time) -> Time {
        loaded_at + self.jwks_max_age + self.reload_every
    }
}

/// What a key is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To sign access tokens, and to verify them.
    Sign,
    /// To verify tokens that were signed elsewhere; its private half is not here.
    Verify,
}

impl Purpose {
    /// For programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sign => "sign",
            Self::Verify => "verify",
        }
    }
}

/// What is known of a key when the schedule is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub kid: String,
    /// Which key it is, whatever it is called.
    pub thumbprint: String,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// What it is there for.
    pub purpose: Purpose,
    /// When it does what.
    pub lifetime: Lifetime,
}

impl Entry {
    /// Whether it signs.
    pub(super) fn signs(&self, now: Time) -> bool {
        self.purpose == Purpose::Sign && self.lifetime.state(now) == State::Active
    }

    /// Whether it signs, or will.
    pub(super) fn is_to_sign(&self, now: Time) -> bool {
        self.purpose == Purpose::Sign && self.lifetime.is_to_sign(now)
    }

    /// Whether it will sign, and does not yet.
    pub(super) fn is_next(&self, now: Time) -> bool {
        self.purpose == Purpose::Sign && self.lifetime.state(now) == State::Pending
    }
}
