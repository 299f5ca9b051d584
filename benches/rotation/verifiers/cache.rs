//! One verifier's copy of the JWKS.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{EACH, Policy};
use crate::Outcome;
use crate::cluster::{self, Cluster, MAX_AGE};
use crate::connection::Connection;
use crate::token::{self, Keys};

/// Policy b does not fetch more often than this for unknown keys: 30 s, compressed as the
/// `max-age` is.
const COOL_DOWN: Duration = Duration::from_millis(500);
/// A verifier whose fetch failed does not try again before this.
const PAUSE: Duration = Duration::from_millis(200);
/// Out of ten fetches of policy d, so many fail.
const FAILING: u64 = 3;

pub(super) struct Cache {
    policy: Policy,
    /// Whom it asks, the first that answers.
    sources: Vec<SocketAddr>,
    pub(super) keys: Keys,
    expires_at: Instant,
    fetched_at: Instant,
    tried_at: Option<Instant>,
    /// All, and those that failed.
    pub(super) fetches: (u64, u64),
    /// Of policy d's misfortune; never 0.
    dice: u64,
    /// The first copy is given up this much too early, so that verifiers do not all fetch at the
    /// same time for ever.
    early: Duration,
}

impl Cache {
    pub(super) fn new(policy: Policy, number: usize, cluster: &Arc<Cluster>) -> Self {
        let sources = if policy == Policy::OtherNode {
            let mut nodes: Vec<_> = cluster.nodes.iter().map(|node| node.address).collect();
            nodes.rotate_left(number);
            nodes
        } else {
            vec![cluster.public]
        };
        Self {
            policy,
            sources,
            keys: Keys::new(),
            expires_at: Instant::now(),
            fetched_at: Instant::now(),
            tried_at: None,
            fetches: (0, 0),
            dice: 0x9E37_79B9_7F4A_7C15 ^ number as u64,
            early: MAX_AGE * (number * 4 + policy as usize) as u32 / (EACH * 4) as u32,
        }
    }

    /// Fetches the JWKS if the copy may not be used any longer. While that fails, policy d goes on
    /// with the copy; the others have no keys until it succeeds.
    pub(super) async fn refresh(&mut self) {
        while Instant::now() >= self.expires_at {
            let has_copy = self.policy == Policy::Stale && !self.keys.is_empty();
            let paused = self.tried_at.is_some_and(|at| at.elapsed() < PAUSE);
            if has_copy && paused {
                return;
            }
            if paused {
                tokio::time::sleep(PAUSE).await;
            }
            if self.fetch().await.is_ok() {
                // Even if it says 0 s: what is fetched for a token may be used for it.
                return;
            }
        }
    }

    /// Fetches because of an unknown key, unless that was done just now.
    pub(super) async fn refetch(&mut self) {
        if self.fetched_at.elapsed() >= COOL_DOWN {
            // A failure is counted; the token is refused then.
            drop(self.fetch().await);
        }
    }

    async fn fetch(&mut self) -> Outcome<()> {
        self.fetches.0 += 1;
        self.tried_at = Some(Instant::now());
        let fetched = self.fetch_from_any().await;
        self.fetches.1 += u64::from(fetched.is_err());
        let (keys, max_age) = fetched?;
        self.keys = keys;
        // From when it came: a verifier can hardly be later than that.
        self.fetched_at = Instant::now();
        self.expires_at = self.fetched_at + max_age.saturating_sub(std::mem::take(&mut self.early));
        self.tried_at = None;
        Ok(())
    }

    async fn fetch_from_any(&mut self) -> Outcome<(Keys, Duration)> {
        if self.policy == Policy::Stale && self.throw() % 10 < FAILING {
            return Err("the network is away".into());
        }
        let mut found = Err("nobody was asked".into());
        for source in &self.sources {
            found = fetch(*source).await;
            if found.is_ok() {
                break;
            }
        }
        found
    }

    /// Xorshift (Marsaglia, 2003): the same misfortune in every run.
    fn throw(&mut self) -> u64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        self.dice
    }
}

/// The JWKS, and how long it may be kept.
pub(crate) async fn fetch(source: SocketAddr) -> Outcome<(Keys, Duration)> {
    let mut connection = Connection::open(source, 1).await?;
    let request = "GET /.well-known/jwks.json HTTP/1.1\r\nhost: verifier\r\n\r\n";
    let answer = cluster::ask(&mut connection, request).await?;
    if answer.status != 200 {
        return Err(format!("the JWKS was answered with {}", answer.status).into());
    }
    let cached = answer.header("cache-control").unwrap_or_default();
    let max_age = cached.split("max-age=").nth(1).ok_or("no max-age")?;
    let max_age = Duration::from_secs(max_age.parse()?);
    Ok((token::keys(answer.body)?, max_age))
}
