//! What is to be done about the signing keys now: a pure function of the keys and the time, so that any
//! node decides alike.

use chrono::TimeDelta;

use super::Lifetime;
use super::schedule::{Entry, Policy, Purpose};
use crate::clock::Time;
use crate::crypto::Algorithm;

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

impl Entry {
    /// Has it sign from now on, known to verifiers or not.
    pub(super) fn begin_at_once(&self, policy: &Policy, now: Time) -> Step {
        let at_once = policy.at_once(now);
        let life = Lifetime {
            publish_at: self.lifetime.publish_at.min(at_once.publish_at),
            activate_at: at_once.activate_at,
            ..self.lifetime
        };
        Step::Reschedule(self.kid.clone(), life)
    }
}

/// A key that is gone is remembered for this long, for whoever looks into an old log.
const REMEMBERED: TimeDelta = TimeDelta::days(90);

/// What is to be done about the keys at `now`; nothing, most of the time. Once it is done, the same
/// question has the answer "nothing".
pub fn plan(keys: &[Entry], policy: &Policy, now: Time) -> Vec<Step> {
    let mut steps = Vec::new();
    let nothing_signs = !keys.iter().any(|key| key.signs(now));
    for algorithm in &policy.algorithms {
        if let Some(step) = hasten(keys, *algorithm, policy, now) {
            steps.push(step);
            continue;
        }
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
    keys.iter()
        .filter(|key| !is_moved(key, steps))
        .filter_map(|key| see_out(key, keys, policy, (now, replaced_at)))
        .collect()
}

/// The last of those that sign with `algorithm`, or will.
fn newest(keys: &[Entry], algorithm: Algorithm, now: Time) -> Option<&Entry> {
    keys.iter()
        .filter(|key| key.algorithm == algorithm && key.is_to_sign(now))
        .max_by_key(|key| (key.lifetime.activate_at, &key.kid))
}

/// The first key of an algorithm with which none signs, if it begins later than it has to: a clock that
/// was ahead made it, or its row was damaged.
fn hasten(keys: &[Entry], algorithm: Algorithm, policy: &Policy, now: Time) -> Option<Step> {
    let own = || keys.iter().filter(|key| key.algorithm == algorithm);
    if own().any(|key| key.signs(now)) {
        return None;
    }
    let waiting = own().filter(|key| key.is_next(now));
    let next = waiting.min_by_key(|key| (key.lifetime.activate_at, &key.kid))?;
    if !keys.iter().any(|key| key.signs(now)) {
        return Some(next.begin_at_once(policy, now));
    }
    // Others sign until verifiers know it. A clock that is behind is no reason to change it again.
    let latest = now + policy.lead() + policy.clock_skew;
    let life = Lifetime {
        publish_at: next.lifetime.publish_at.min(now),
        activate_at: now + policy.least_lead(),
        ..next.lifetime
    };
    (next.lifetime.activate_at > latest).then(|| Step::Reschedule(next.kid.clone(), life))
}

/// When the first of the keys that are wanted signs.
fn first_signature(keys: &[Entry], policy: &Policy, steps: &[Step], now: Time) -> Option<Time> {
    let is_wanted = |key: &&Entry| policy.algorithms.contains(&key.algorithm);
    let there = keys
        .iter()
        .filter(is_wanted)
        .filter(|key| key.is_to_sign(now) && !is_moved(key, steps));
    let there = there.map(|key| key.lifetime.activate_at);
    let planned = steps.iter().filter_map(|step| match step {
        Step::Create(_, lifetime) | Step::Reschedule(_, lifetime) => Some(lifetime.activate_at),
        Step::Forget(_) => None,
    });
    there.chain(planned).min()
}

fn is_moved(key: &Entry, steps: &[Step]) -> bool {
    let mut steps = steps.iter();
    steps.any(|step| matches!(step, Step::Reschedule(kid, _) if *kid == key.kid))
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
