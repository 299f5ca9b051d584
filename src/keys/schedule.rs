//! When signing keys come and go: the rules no schedule may break, and what is to be done now. All
//! of it is a pure function of the keys and the time, so that any node decides alike.

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
            token_life: self.token_life.max(told.access_ttl),
            ..self.clone()
        }
    }

    /// What verifiers are told, and for how long that counts after it was last said: a JWKS is
    /// used, and tokens are signed, until the keys are too old, and these tokens have to live out.
    pub fn word(&self) -> (Word, TimeDelta) {
        let word = Word {
            jwks_max_age: self.jwks_max_age,
            access_ttl: self.token_life,
        };
        let lasts = self.jwks_max_age + self.reload_every + self.token_life + self.clock_skew;
        (word, lasts)
    }

    /// A verifier may have fetched the JWKS, for as long as it may keep it, from a node that did
    /// not know the key yet, and the clock of the node that signs may be ahead.
    pub fn least_lead(&self) -> TimeDelta {
        self.told_max_age + self.reload_every + self.clock_skew
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
}

/// One change to the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A new key.
    Create(Algorithm, Lifetime),
    /// Other times for a key.
    Reschedule(String, Lifetime),
    /// A key that was removed or revoked long ago leaves the database.
    Forget(String),
}

/// A key that is gone is remembered for this long, for whoever looks into an old log.
const REMEMBERED: TimeDelta = TimeDelta::days(90);

/// What is to be done about the keys at `now`; nothing, most of the time. Once it is done, the same
/// question has the answer "nothing".
pub fn plan(keys: &[Entry], policy: &Policy, now: Time) -> Vec<Step> {
    let mut steps = Vec::new();
    let nothing_signs = !keys.iter().any(|key| key.signs(now));
    for algorithm in &policy.algorithms {
        steps.extend(match newest(keys, *algorithm, now) {
            Some(newest) => succeed(newest, policy, now),
            // Nobody can have cached a JWKS without it, or, in an emergency, it cannot be helped.
            None if nothing_signs => vec![Step::Create(*algorithm, policy.at_once(now))],
            // Others sign until verifiers know it.
            None => vec![Step::Create(
                *algorithm,
                Policy::successor(now, now + policy.least_lead()),
            )],
        });
    }
    steps.extend(endings(keys, policy, &steps, now));
    steps
}

/// What becomes of the keys that nothing follows, when `steps` are done.
pub(super) fn endings(keys: &[Entry], policy: &Policy, steps: &[Step], now: Time) -> Vec<Step> {
    let replaced_at = first_signature(keys, policy, steps, now);
    let is_moved = |key: &&Entry| {
        let mut steps = steps.iter();
        steps.any(|step| matches!(step, Step::Reschedule(kid, _) if *kid == key.kid))
    };
    keys.iter()
        .filter(|key| !is_moved(key))
        .filter_map(|key| see_out(key, keys, policy, (now, replaced_at)))
        .collect()
}

/// The last of those that sign with `algorithm`, or will.
fn newest(keys: &[Entry], algorithm: Algorithm, now: Time) -> Option<&Entry> {
    keys.iter()
        .filter(|key| key.algorithm == algorithm && key.is_to_sign(now))
        .max_by_key(|key| (key.lifetime.activate_at, &key.kid))
}

/// When the first of the keys that are wanted signs.
fn first_signature(keys: &[Entry], policy: &Policy, steps: &[Step], now: Time) -> Option<Time> {
    let is_wanted = |key: &&Entry| policy.algorithms.contains(&key.algorithm);
    let there = keys
        .iter()
        .filter(is_wanted)
        .filter(|key| key.is_to_sign(now));
    let there = there.map(|key| key.lifetime.activate_at);
    let made = steps.iter().filter_map(|step| match step {
        Step::Create(_, lifetime) => Some(lifetime.activate_at),
        _ => None,
    });
    there.chain(made).min()
}

/// The next key, if it is time for it.
fn succeed(newest: &Entry, policy: &Policy, now: Time) -> Vec<Step> {
    if newest.lifetime.retire_at.is_some() {
        // It was told to end, and nothing follows it yet.
        return follow(newest, policy, now, now + policy.lead());
    }
    let due = policy.replaced_at(&newest.lifetime);
    if now < due - policy.lead() {
        return Vec::new();
    }
    follow(newest, policy, now, due.max(now + policy.lead()))
}

/// A key that begins at `activate_at`, when `newest` ends.
pub(super) fn follow(newest: &Entry, policy: &Policy, now: Time, activate_at: Time) -> Vec<Step> {
    let ended = policy.ended(newest.lifetime, activate_at, now);
    vec![
        Step::Create(newest.algorithm, Policy::successor(now, activate_at)),
        Step::Reschedule(newest.kid.clone(), ended),
    ]
}

/// What becomes of a key that nothing follows: of an algorithm that is not wanted any more, or left
/// behind by one that signs in its place, or on its way out while tokens live longer than when that
/// was planned, or long gone.
fn see_out(
    key: &Entry,
    keys: &[Entry],
    policy: &Policy,
    (now, replaced_at): (Time, Option<Time>),
) -> Option<Step> {
    let life = key.lifetime;
    if life
        .gone_at(now)
        .is_some_and(|gone| gone + REMEMBERED <= now)
    {
        return Some(Step::Forget(key.kid.clone()));
    }
    let retire_at = match life.retire_at {
        Some(retire_at) => retire_at,
        None if policy.algorithms.contains(&key.algorithm) && !is_followed(key, keys, now) => {
            return None;
        }
        // Not before another one signs.
        None => life
            .activate_at
            .max(now + policy.least_lead())
            .max(replaced_at?),
    };
    let least = retire_at + policy.least_rest();
    let is_short = match life.remove_at {
        Some(remove_at) => remove_at < least,
        // Until when a key from elsewhere is needed, only whoever imported it can say.
        None => key.purpose == Purpose::Sign,
    };
    let is_gone = life.gone_at(now).is_some();
    (is_short && !is_gone)
        .then(|| Step::Reschedule(key.kid.clone(), policy.ended(life, retire_at, now)))
}

/// Whether a newer key signs in its place.
fn is_followed(key: &Entry, keys: &[Entry], now: Time) -> bool {
    keys.iter().any(|other| {
        let is_newer = other.lifetime.activate_at > key.lifetime.activate_at;
        other.algorithm == key.algorithm && is_newer && other.signs(now)
    })
}

/// When the next key of each algorithm is made, if none is waiting.
pub fn next_rotations(keys: &[Entry], policy: &Policy, now: Time) -> Vec<(Time, Algorithm)> {
    let rotation = |algorithm: &Algorithm| {
        let newest = newest(keys, *algorithm, now).map(|key| key.lifetime);
        let newest = newest.filter(|life| life.retire_at.is_none());
        let at = newest.map_or(now, |life| policy.replaced_at(&life) - policy.lead());
        (at.max(now), *algorithm)
    };
    policy.algorithms.iter().map(rotation).collect()
}
