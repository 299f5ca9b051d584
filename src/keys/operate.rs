//! What operators do to signing keys. Everything is decided on the keys as they are, kept to the
//! guards, and refused with the moment from which it would be safe.

use super::plan::{Step, follow};
use super::schedule::{Entry, Policy};
use super::{Changed, Keys, Lifetime, Purpose};
use crate::clock::{Time, in_seconds};
use crate::crypto::Algorithm;
use crate::error::{Error, Kind, Result};

/// When the next key begins to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// After the usual announcement.
    Announced,
    /// As soon as no verifier can be left without it.
    Earliest,
    /// When the present one has signed for its usual time.
    Due,
}

impl Keys {
    /// The next key of `algorithm`, published at once; a next key that is published already is
    /// only told when to begin.
    ///
    /// # Errors
    /// It begins no later as it is; else only those of the database.
    pub async fn rotate(&self, algorithm: Algorithm, start: Start) -> Result<Vec<Changed>> {
        self.change(|keys, policy, now| rotation(keys, policy, (algorithm, start), now))
            .await
    }

    /// Lets a published key sign from now on.
    ///
    /// # Errors
    /// There is no such key, or it is not about to sign; some verifier may not know it yet.
    pub async fn activate(&self, kid: &str) -> Result<Vec<Changed>> {
        self.change(|keys, policy, now| {
            let key = find(keys, kid)?;
            if !key.is_next(now) {
                return Err(refused(key.standing(now)));
            }
            begin(keys, policy, (key, now), now)
        })
        .await
    }

    /// Has a key sign no longer, from now on; it is published while its tokens live.
    ///
    /// # Errors
    /// There is no such key, it does not sign, or no other would sign in its place.
    pub async fn retire(&self, kid: &str) -> Result<Vec<Changed>> {
        self.change(|keys, policy, now| {
            let key = find(keys, kid)?;
            if !key.signs(now) {
                return Err(refused(key.standing(now)));
            }
            let mut others = keys.iter().filter(|other| other.kid != key.kid);
            if !others.any(|other| other.algorithm == key.algorithm && other.signs(now)) {
                return Err(refused(format!(
                    "no other key signs {}: `signet keys rotate` makes one, and ends this one \
                     when it begins",
                    key.algorithm
                )));
            }
            let ended = policy.ended(key.lifetime, now, now);
            Ok(vec![Step::Reschedule(key.kid.clone(), ended)])
        })
        .await
    }
}

pub(super) fn rotation(
    keys: &[Entry],
    policy: &Policy,
    (algorithm, start): (Algorithm, Start),
    now: Time,
) -> Result<Vec<Step>> {
    let of_algorithm = || keys.iter().filter(|key| key.algorithm == algorithm);
    let next = of_algorithm().find(|key| key.is_next(now));
    let lead = match start {
        Start::Earliest => policy.least_lead(),
        Start::Announced | Start::Due => policy.lead(),
    };
    let signing = of_algorithm().filter(|key| key.signs(now));
    let active = signing.max_by_key(|key| key.lifetime.activate_at);
    let due = active.map_or(now, |active| {
        active.lifetime.activate_at + policy.rotate_every
    });
    let not_before = if start == Start::Due { due } else { now };
    if let Some(next) = next {
        let begins = not_before.max(next.lifetime.publish_at + lead);
        if begins >= next.lifetime.activate_at {
            return Err(refused(format!(
                "the next {algorithm} key, {}, signs from {} on as it is",
                next.kid,
                in_seconds(next.lifetime.activate_at)
            )));
        }
        return begin(keys, policy, (next, begins), now);
    }
    let begins = not_before.max(now + lead);
    Ok(match active {
        Some(active) => follow(active, policy, now, begins),
        None => vec![Step::Create(algorithm, Policy::successor(now, begins))],
    })
}

/// `key` signs from `begins` on, and whatever signs until then no longer.
fn begin(
    keys: &[Entry],
    policy: &Policy,
    (key, begins): (&Entry, Time),
    now: Time,
) -> Result<Vec<Step>> {
    let lifetime = Lifetime {
        activate_at: begins,
        ..key.lifetime
    };
    policy
        .check(&lifetime)
        .map_err(|soon| refused(soon.to_string()))?;
    let mut steps = vec![Step::Reschedule(key.kid.clone(), lifetime)];
    let active = keys
        .iter()
        .filter(|other| other.algorithm == key.algorithm && other.signs(now));
    steps.extend(active.map(|other| {
        Step::Reschedule(other.kid.clone(), policy.ended(other.lifetime, begins, now))
    }));
    Ok(steps)
}

impl Entry {
    /// Why something else is asked of it in vain.
    fn standing(&self, now: Time) -> String {
        match self.purpose {
            Purpose::Sign => format!(
                "the key {} is {}",
                self.kid,
                self.lifetime.state(now).name()
            ),
            Purpose::Verify => format!("the key {} only verifies", self.kid),
        }
    }
}

pub(super) fn find<'a>(keys: &'a [Entry], kid: &str) -> Result<&'a Entry> {
    by_name(
        "signing key",
        keys.iter().map(|key| (key.kid.as_str(), key)),
        kid,
    )
}

/// The one of that name; its first letters are enough, as long as they mean one. `kind` says what
/// it is the name of.
pub(super) fn by_name<Name: AsRef<str>, T>(
    kind: &str,
    named: impl Iterator<Item = (Name, T)> + Clone,
    name: &str,
) -> Result<T> {
    if name.is_empty() {
        return Err(refused(format!("name a {kind}")));
    }
    if let Some((_, exact)) = named.clone().find(|(one, _)| one.as_ref() == name) {
        return Ok(exact);
    }
    let mut found = named.filter(|(one, _)| one.as_ref().starts_with(name));
    match (found.next(), found.next()) {
        (Some((_, one)), None) => Ok(one),
        (Some(_), Some(_)) => Err(refused(format!("several {kind}s begin with {name}"))),
        (None, _) => Err(refused(format!("there is no {kind} {name}"))),
    }
}

pub(super) fn refused(message: String) -> Error {
    Error::new(Kind::Invalid, "refused", message)
}
