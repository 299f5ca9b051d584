//! A key that somebody may know counts for nothing any more, under whatever names it is here. It is the
//! one change that is never refused for coming too soon.

use super::operate::{find, refused};
use super::plan::Step;
use super::schedule::{Entry, Policy, Purpose};
use super::{Changed, Keys, Lifetime, State, store};
use crate::clock::Time;
use crate::error::Result;

impl Keys {
    /// The emergency: from now on the key counts for nothing, and tokens that it signed are
    /// refused; so do other rows with the same key. If nothing else signs, the next key, or a new
    /// one, does so at once, though verifiers may need until their JWKS is fresh to know it. A new
    /// RSA key takes seconds to make: the revocation does not wait for it, and other algorithms
    /// sign meanwhile. What nobody vouches for, which is not published, just leaves the database.
    ///
    /// # Errors
    /// There is no such key, or it is gone already.
    pub async fn revoke(&self, kid: &str) -> Result<Vec<Changed>> {
        let strays = self.strays().await?;
        let revoke = |keys: &[Entry], policy: &Policy, now| {
            let key = find(keys, kid)?;
            if key.lifetime.gone_at(now).is_some() {
                let state = key.lifetime.state(now).name();
                return Err(refused(format!("the key {} is {state}", key.kid)));
            }
            if strays.contains(&key.kid) {
                return Ok(vec![Step::Forget(key.kid.clone())]);
            }
            Ok(revocation(keys, policy, (key, &strays), now))
        };
        let mut changed = self.change(revoke).await?;
        let revoked = changed.iter().filter_map(|one| match one {
            Changed::Revoked(entry) => Some(entry.clone()),
            _ => None,
        });
        let gone: Vec<Entry> = revoked.collect();
        if !gone.is_empty() {
            let late = |keys: &[Entry], policy: &Policy, now| Ok(replace(keys, policy, &gone, now));
            changed.extend(self.change(late).await?);
        }
        Ok(changed)
    }

    /// The keys from elsewhere that nobody vouches for.
    pub(super) async fn strays(&self) -> Result<Vec<String>> {
        let rows = self.0.db.read(store::list).await?;
        let strays = rows.into_iter().filter(|row| row.is_stray(&self.0.vault));
        Ok(strays.map(|row| row.kid).collect())
    }
}

/// The end of a key, and of its doubles: what one of them verifies, all do.
fn revocation(
    keys: &[Entry],
    policy: &Policy,
    (key, strays): (&Entry, &[String]),
    now: Time,
) -> Vec<Step> {
    let doubles = keys
        .iter()
        .filter(|other| other.thumbprint == key.thumbprint)
        .filter(|other| other.lifetime.gone_at(now).is_none() && !strays.contains(&other.kid));
    let gone: Vec<Entry> = doubles.cloned().collect();
    let revoked = |entry: &Entry| {
        let life = Lifetime {
            revoked_at: Some(now),
            ..entry.lifetime
        };
        Step::Reschedule(entry.kid.clone(), life)
    };
    let is_late = |step: &Step| matches!(step, Step::Create(algorithm, _) if algorithm.is_rsa());
    let mut successor = replace(keys, policy, &gone, now);
    successor.retain(|step| !is_late(step));
    gone.iter().map(revoked).chain(successor).collect()
}

/// Who signs in the place of keys that are revoked: another that does already, else the next one,
/// else a new one.
fn replace(keys: &[Entry], policy: &Policy, gone: &[Entry], now: Time) -> Vec<Step> {
    let signed = gone.iter().filter(|key| {
        let unrevoked = Lifetime {
            revoked_at: None,
            ..key.lifetime
        };
        key.purpose == Purpose::Sign && unrevoked.state(now) == State::Active
    });
    let successor = |gone: &Entry| {
        let others = || {
            let others = keys.iter().filter(|key| key.kid != gone.kid);
            others.filter(|key| key.algorithm == gone.algorithm)
        };
        if others().any(|key| key.signs(now)) {
            return None;
        }
        let next = others()
            .filter(|key| key.is_next(now))
            .min_by_key(|key| key.lifetime.activate_at);
        Some(match next {
            Some(next) => next.begin_at_once(policy, now),
            None => Step::Create(gone.algorithm, policy.at_once(now)),
        })
    };
    signed.filter_map(successor).collect()
}

/// From when on the tokens were signed that die with a key that is revoked at `now`; none if it
/// never signed.
pub fn dying(policy: &Policy, lifetime: &Lifetime, now: Time) -> Option<Time> {
    let since = lifetime.activate_at.max(now - policy.token_life);
    (lifetime.activate_at <= now).then_some(since)
}
