//! # password
//!
//! Owns everything that happens to a password: its form in memory ([`Plaintext`]), whether it is
//! good enough ([`Policy`]), hashing and verifying ([`Passwords`]) and the threads that do it.
//!
//! Standards: Argon2id (RFC 9106) in PHC strings; NIST SP 800-63B-4, section 3.1.1.2 (length,
//! NFC, blocklist, no composition rules); OWASP Password Storage (19 MiB, two passes, one lane).
//! Messages are those of Django's validators.
//!
//! Left out on purpose: Django's "This password is entirely numeric." It asks for a kind of
//! character, so it is a composition rule, which NIST forbids; the numbers people choose
//! (`12345678`, `11111111`, dates) are refused by the blocklist, and a long random one is as good
//! as any other password.
//!
//! Settings: `[password]`. Tables, routes, jobs: none.
//! It does not know whose password it is, where the hash is stored, or how often one may guess.

mod common;
mod decoys;
mod hash;
mod measures;
mod plaintext;
mod policy;
mod pool;
mod queue;
mod room;

use std::net::IpAddr;
use std::sync::Arc;

pub use plaintext::Plaintext;
pub use policy::{PersonalData, Policy};
pub use room::check_room;

use crate::config;
use crate::error::Result;
use crate::measure::Collectors;
use decoys::Decoys;
use hash::{Cost, Memory, Stored};
use pool::Pool;

/// Jobs that wait per thread at the default cost: a hash takes 15 to 20 ms, so 50 are about one
/// second of work.
const QUEUED_AT_DEFAULT_COST: u64 = 50;

/// What verifying a password found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The password is right.
    Match,
    /// The password is right, and its hash was made with other parameters than today's: hash it
    /// again and store that.
    MatchOutdated,
    /// The password is wrong, or there is none to compare with.
    Mismatch,
}

/// How many threads hash.
fn threads(settings: &config::Password) -> usize {
    match settings.pool_threads {
        // Honours the limits of a control group, as containers set them.
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    }
}

/// Hashes and verifies passwords on its own threads. Clones share them; they end with the last.
#[derive(Clone)]
pub struct Passwords(Arc<Inner>);

struct Inner {
    pool: Pool,
    cost: Cost,
    decoys: Decoys,
}

impl Passwords {
    /// Starts the threads. The memory they hash in is taken at the first job of each.
    ///
    /// An error names the setting that asks for the impossible.
    pub fn new(settings: &config::Password) -> Result<Self> {
        let threads = threads(settings);
        let cost = Cost::from_settings(settings)?;
        Self::start(cost, threads, threads.saturating_mul(queued(cost)))
    }

    fn start(cost: Cost, threads: usize, capacity: usize) -> Result<Self> {
        let blocks = cost.params()?.block_count();
        Ok(Self(Arc::new(Inner {
            pool: Pool::start(threads, capacity, move || Memory::new(blocks))?,
            cost,
            decoys: Decoys::new(cost),
        })))
    }

    /// The PHC string (argon2id, 16 bytes of salt, 32 of output) to store for `password`.
    ///
    /// `from` is the address that asks; none: we ourselves. Unavailable, before anything is
    /// hashed, when too many wait already.
    pub async fn hash(&self, password: &Plaintext, from: Option<IpAddr>) -> Result<String> {
        let (password, cost) = (password.clone(), self.0.cost);
        let job = move |memory: &mut Memory| hash::make(&password, cost, memory);
        self.0.pool.run(from, job).await
    }

    /// Compares `password` with the PHC string in `stored`.
    ///
    /// Without one (nobody of that name), with a value that starts with `!` (no usable password)
    /// and with a malformed one, decoys are compared: the same work, and never a match.
    /// `from` and the errors are those of [`Passwords::hash`].
    pub async fn verify(
        &self,
        password: &Plaintext,
        stored: Option<&str>,
        from: Option<IpAddr>,
    ) -> Result<Verdict> {
        let (password, stored) = (password.clone(), stored.map(str::to_owned));
        let (cost, decoys) = (self.0.cost, self.0.decoys.clone());
        let job = move |memory: &mut Memory| {
            let known = stored.as_deref().and_then(usable);
            let equal = decoys.compare(known.as_ref(), &password, memory)?;
            Ok(match known {
                Some(known) if equal && known.is_made_with(cost) => Verdict::Match,
                Some(_) if equal => Verdict::MatchOutdated,
                _ => Verdict::Mismatch,
            })
        };
        self.0.pool.run(from, job).await
    }

    /// Whether one more hash for that address would be taken now. Asked before anything is looked
    /// up for one, it makes a refusal cheap, and of what it would be about nothing is told.
    ///
    /// # Errors
    /// Unavailable: too many wait.
    pub fn admit(&self, from: Option<IpAddr>) -> Result<()> {
        self.0.pool.admit(from)
    }

    /// What the threads count.
    ///
    /// # Errors
    /// None but a defect's.
    pub fn collectors(&self) -> Result<Collectors> {
        self.0.pool.collectors()
    }
}

/// The stored hash, unless it stands for "no password" or cannot be read.
fn usable(stored: &str) -> Option<Stored> {
    if stored.starts_with('!') {
        return None;
    }
    let parsed = Stored::parse(stored);
    if parsed.is_none() {
        log::error!("a stored password hash cannot be read; only a reset helps its owner");
    }
    parsed
}

/// How many jobs may wait for one thread: fewer the more each costs, so that the last of them
/// waits for about a second. At least 4, lest a costly setting refuse ordinary traffic; at most
/// 1000, lest a cheap one hold much memory.
fn queued(cost: Cost) -> usize {
    let jobs = QUEUED_AT_DEFAULT_COST * Cost::DEFAULT.work() / cost.work().max(1);
    usize::try_from(jobs).unwrap_or(usize::MAX).clamp(4, 1000)
}

#[cfg(test)]
mod tests;
