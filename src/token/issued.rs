//! How many access tokens each key signed on this node, and how many of them have not expired.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;

use crate::clock::Time;
use crate::crypto::Algorithm;

/// Expiries are told apart to this part of a token's life.
const PARTS: i64 = 120;

/// More than there are parts in a life: what is overwritten has expired.
const SLOTS: usize = 128;

/// Keys that are counted at once; of more, those that signed last.
const KEYS: usize = 64;

/// What one key signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// Its name.
    pub kid: String,
    /// Its algorithm.
    pub algorithm: Algorithm,
    /// Access tokens since this process began.
    pub total: u64,
    /// Of these, tokens that have not expired. A token counts for up to a hundredth of its life
    /// longer.
    pub alive: u64,
}

/// Counts access tokens as they are signed. One that is signed costs a look at a short list and two
/// atomic operations.
pub(super) struct Counts {
    /// Seconds in one part of a token's life.
    width: i64,
    /// The one that signed first comes last.
    keys: ArcSwap<Vec<Arc<Count>>>,
}

struct Count {
    kid: String,
    algorithm: Algorithm,
    total: AtomicU64,
    /// By expiry: above, the number of the part of time in which the tokens expire; below, in 32
    /// bits, how many do.
    slots: [AtomicU64; SLOTS],
}

impl Counts {
    /// Of tokens that live for so many seconds.
    pub(super) fn new(life: i64) -> Self {
        Self {
            width: ((life + PARTS - 1) / PARTS).max(1),
            keys: ArcSwap::default(),
        }
    }

    /// One more, which expires at `expires_at`.
    pub(super) fn count(&self, (kid, algorithm): (&str, Algorithm), expires_at: Time) {
        let part = self.part(expires_at);
        if let Some(known) = find(&self.keys.load(), kid) {
            return known.count(part);
        }
        let new = Arc::new(Count {
            kid: kid.to_owned(),
            algorithm,
            total: AtomicU64::new(0),
            slots: [const { AtomicU64::new(0) }; SLOTS],
        });
        // Another thread may be as far: whoever is later finds the other's.
        self.keys.rcu(|keys| match find(keys, kid) {
            Some(_) => Vec::clone(keys),
            None => std::iter::once(&new)
                .chain(keys.iter().take(KEYS - 1))
                .cloned()
                .collect(),
        });
        if let Some(known) = find(&self.keys.load(), kid) {
            known.count(part);
        }
    }

    /// What every key signed.
    pub(super) fn list(&self, now: Time) -> Vec<Issued> {
        let keys = self.keys.load();
        let told = keys.iter().map(|count| Issued {
            kid: count.kid.clone(),
            algorithm: count.algorithm,
            total: count.total.load(Ordering::Relaxed),
            alive: count.alive(now.timestamp().div_euclid(self.width)),
        });
        told.collect()
    }

    /// The part of time at whose beginning a token has expired.
    fn part(&self, expires_at: Time) -> u32 {
        let part = (expires_at.timestamp() + self.width - 1).div_euclid(self.width);
        u32::try_from(part).unwrap_or(0)
    }
}

fn find<'a>(keys: &'a [Arc<Count>], kid: &str) -> Option<&'a Count> {
    keys.iter()
        .find(|count| count.kid == kid)
        .map(AsRef::as_ref)
}

impl Count {
    fn count(&self, part: u32) {
        self.total.fetch_add(1, Ordering::Relaxed);
        let Some(slot) = self.slots.get(part as usize % SLOTS) else {
            return;
        };
        let add = |value: u64| {
            let (number, count) = split(value);
            let count = if number == part { count } else { 0 };
            Some(u64::from(part) << 32 | u64::from(count.saturating_add(1)))
        };
        // Only a closure that gives up fails, and it does not.
        let _ = slot.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// Those that expire in a later part of time than `now`.
    fn alive(&self, now: i64) -> u64 {
        let slots = self.slots.iter().map(|slot| slot.load(Ordering::Relaxed));
        let alive = slots.map(split).filter(|(part, _)| i64::from(*part) > now);
        alive.map(|(_, count)| u64::from(count)).sum()
    }
}

/// The number of a part, and how many tokens expire in it.
fn split(value: u64) -> (u32, u32) {
    let below = value & u64::from(u32::MAX);
    let half = |bits| u32::try_from(bits).unwrap_or(u32::MAX);
    (half(value >> 32), half(below))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn at(seconds: i64) -> Time {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn alive(counts: &Counts, seconds: i64) -> u64 {
        counts.list(at(seconds)).iter().map(|key| key.alive).sum()
    }

    #[test]
    fn a_token_is_alive_until_it_expires_and_little_longer() {
        for life in [5, 60, 600, 3600] {
            let counts = Counts::new(life);
            for _ in 0..3 {
                counts.count(("a", Algorithm::Es256), at(life));
            }
            assert_eq!(alive(&counts, 0), 3);
            assert_eq!(alive(&counts, life - 1), 3, "life {life}");
            assert_eq!(
                alive(&counts, life + life.div_euclid(100)),
                0,
                "life {life}"
            );
            assert_eq!(counts.list(at(life * 9))[0].total, 3);
        }
    }

    #[test]
    fn as_many_are_alive_as_were_signed_in_the_last_life() {
        let counts = Counts::new(60);
        for second in 0..1000 {
            counts.count(("a", Algorithm::Es256), at(second + 60));
            assert_eq!(alive(&counts, second), 60.min(second.unsigned_abs() + 1));
        }
        assert_eq!(alive(&counts, 1059), 0);
    }

    #[test]
    fn keys_are_counted_apart_and_only_the_last_of_many() {
        let counts = Counts::new(60);
        for number in 0..100 {
            for _ in 0..=number {
                counts.count((&number.to_string(), Algorithm::EdDsa), at(60));
            }
        }
        let told = counts.list(at(0));
        assert_eq!(told.len(), KEYS);
        assert_eq!((told[0].kid.as_str(), told[0].total), ("99", 100));
        assert_eq!((told[63].kid.as_str(), told[63].alive), ("36", 37));
    }

    #[test]
    fn threads_that_count_at_once_lose_nothing() {
        let counts = Counts::new(600);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let counts = &counts;
                scope.spawn(move || {
                    for number in 0..5_000 {
                        let kid = ["a", "b", "c"][(number + thread) % 3];
                        counts.count((kid, Algorithm::Es256), at(600));
                    }
                });
            }
        });
        let total: u64 = counts.list(at(0)).iter().map(|key| key.total).sum();
        assert_eq!((total, alive(&counts, 0)), (20_000, 20_000));
    }
}
