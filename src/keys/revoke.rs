//! A key that somebody may know counts for nothing any more, under whatever names it is here. It is the
//! one change that is never refused for coming too soon.

use super::operate::{find, refused};
use super::plan::Step;
use super::schedule::{Entry, Policy, Purpose};
use super::store::{self, Row};
use super::{Changed, Keys, Lifetime, State};
use crate::clock::Time;
use crate::crypto::Algorithm;
use crate::error::Result;

impl Keys {
    /// The emergency: from now on the key counts for nothing, and tokens that it signed are
    /// refused; so do other rows with the same key. If nothing else signs, the next key, or a new
    /// one, does so at once, though verifiers may need until their JWKS is fresh to know it. A new
    /// RSA key takes seconds to make: the revocation does not wait for it, and other algorithms
    /// sign meanwhile. What nobody vouches for, and a row that is no key, which are not published,
    /// just leave the database.
    ///
    /// # Errors
    /// There is no such key, or it is gone already.
    pub async fn revoke(&self, kid: &str) -> Result<Vec<Changed>> {
        let strays = self.strays().await?;
        let odd = self.kids(|row| row.algorithm().is_none()).await?;
        self.end(|keys, policy, now| {
            // By its whole name only, which may be none.
            if odd.iter().any(|one| one == kid) {
                return Ok(vec![Step::Forget(kid.to_owned())]);
            }
            let key = find(keys, kid)?;
            if key.lifetime.gone_at(now).is_some() {
                let state = key.lifetime.state(now).name();
                return Err(refused(format!("the key {} is {state}", key.kid)));
            }
            if strays.contains(&key.kid) {
                return Ok(vec![Step::Forget(key.kid.clone())]);
            }
            // What one of them verifies, all do.
            let is_double = |other: &&Entry| {
                let is_there = other.lifetime.gone_at(now).is_none();
                other.thumbprint == key.thumbprint && is_there && !strays.contains(&other.kid)
            };
            let gone: Vec<Entry> = keys.iter().filter(is_double).cloned().collect();
            Ok(revocation(keys, policy, &gone, now))
        })
        .await
    }

    /// The same for all rows of these names, whatever became of them: keys that sign are revoked, and
    /// everything else leaves.
    pub(super) async fn revoke_all(&self, kids: &[String]) -> Result<Vec<Changed>> {
        self.end(|keys, policy, now| {
            let is_revoked = |key: &&Entry| key.purpose == Purpose::Sign && kids.contains(&key.kid);
            let gone: Vec<Entry> = keys.iter().filter(is_revoked).cloned().collect();
            let leaves = |kid: &&String| gone.iter().all(|key| key.kid != **kid);
            let leave = kids.iter().filter(leaves);
            let leave = leave.map(|kid| Step::Forget(kid.clone()));
            Ok(leave.chain(revocation(keys, policy, &gone, now)).collect())
        })
        .await
    }

    /// Does what `decide` says, and has others sign in the place of keys that are revoked by it.
    async fn end(
        &self,
        decide: impl Fn(&[Entry], &Policy, Time) -> Result<Vec<Step>>,
    ) -> Result<Vec<Changed>> {
        let mut changed = self.change(decide).await?;
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
        self.kids(|row| row.is_stray(&self.0.vault)).await
    }

    /// The names of the rows that are so.
    pub(super) async fn kids(&self, is_one: impl Fn(&Row) -> bool) -> Result<Vec<String>> {
        let rows = self.0.db.read(store::list).await?;
        let rows = rows.into_iter().filter(is_one);
        Ok(rows.map(|row| row.kid).collect())
    }
}

/// The end of keys, and who signs in their place but for RSA keys, which are made later.
fn revocation(keys: &[Entry], policy: &Policy, gone: &[Entry], now: Time) -> Vec<Step> {
    let revoked = |entry: &Entry| {
        let life = Lifetime {
            revoked_at: Some(now),
            ..entry.lifetime
        };
        Step::Reschedule(entry.kid.clone(), life)
    };
    let is_late = |step: &Step| matches!(step, Step::Create(algorithm, _) if algorithm.is_rsa());
    let mut successors = replace(keys, policy, gone, now);
    successors.retain(|step| !is_late(step));
    gone.iter().map(revoked).chain(successors).collect()
}

/// Who signs in the place of keys that are revoked: another that does already, else the next one,
/// else a new one.
fn replace(keys: &[Entry], policy: &Policy, gone: &[Entry], now: Time) -> Vec<Step> {
    let signed = |key: &Entry| {
        let unrevoked = Lifetime {
            revoked_at: None,
            ..key.lifetime
        };
        key.purpose == Purpose::Sign && unrevoked.state(now) == State::Active
    };
    let signed = |algorithm: &Algorithm| {
        let mut gone = gone.iter().filter(|key| key.algorithm == *algorithm);
        gone.any(signed)
    };
    let successor = |algorithm| {
        let is_left = |key: &&Entry| gone.iter().all(|gone| gone.kid != key.kid);
        let left = || {
            let left = keys.iter().filter(is_left);
            left.filter(|key| key.algorithm == algorithm)
        };
        if left().any(|key| key.signs(now)) {
            return None;
        }
        let next = left()
            .filter(|key| key.is_next(now))
            .min_by_key(|key| key.lifetime.activate_at);
        Some(match next {
            Some(next) => next.begin_at_once(policy, now),
            None => Step::Create(algorithm, policy.at_once(now)),
        })
    };
    let algorithms = Algorithm::ASYMMETRIC.into_iter().filter(signed);
    algorithms.filter_map(successor).collect()
}

/// From when on the tokens were signed that die with a key that is revoked at `now`; none if it
/// never signed.
pub fn dying(policy: &Policy, lifetime: &Lifetime, now: Time) -> Option<Time> {
    let since = lifetime.activate_at.max(now - policy.token_life);
    (lifetime.activate_at <= now).then_some(since)
}
