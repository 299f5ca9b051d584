//! The verifiers: each keeps a JWKS for as long as it may, by one of four policies, and verifies
//! every token that it is given again and again, until the last second of the token's life.

mod cache;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use crate::Outcome;
use crate::cluster::{Cluster, NODES};
use crate::token::{self, Refusal, Token};
use cache::Cache;
pub(crate) use cache::fetch;

/// What a verifier does beyond keeping the JWKS for its `max-age`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Policy {
    /// Nothing: an unknown key is no reason to fetch.
    Lazy,
    /// Fetches again when it meets an unknown key, but not twice within the cool-down.
    Refetching,
    /// Fetches from one node; of three such verifiers at least two ask another than the issuer.
    OtherNode,
    /// Keeps a copy that is too old while fetching fails, which it does at random.
    Stale,
}

impl Policy {
    pub(crate) const ALL: [Self; 4] = [Self::Lazy, Self::Refetching, Self::OtherNode, Self::Stale];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Lazy => "a: keeps it to the last millisecond",
            Self::Refetching => "b: fetches for an unknown key",
            Self::OtherNode => "c: fetches from another node",
            Self::Stale => "d: keeps a stale copy",
        }
    }
}

/// Verifiers of one policy: their copies are of different ages. (Of policy c: one for each node.)
const EACH: usize = NODES;

/// What the verifiers of one policy saw.
#[derive(Clone, Default)]
pub(crate) struct Pool {
    pub(crate) verifications: u64,
    pub(crate) unknown_key: u64,
    pub(crate) bad_signature: u64,
    /// Good only because the JWKS was fetched again for it.
    pub(crate) rescued: u64,
    /// Expired before they could be looked at: this machine was too slow.
    pub(crate) too_late: u64,
    pub(crate) fetches: u64,
    pub(crate) failed_fetches: u64,
}

impl Pool {
    pub(crate) fn failures(&self) -> u64 {
        self.unknown_key + self.bad_signature
    }
}

/// A key that was revoked, and what became of it at the verifiers.
pub(crate) struct Revoked {
    pub(crate) kid: String,
    /// When a verifier accepted it for the last time, by policy.
    pub(crate) last_accepted: HashMap<Policy, SystemTime>,
}

/// What all verifiers together know.
#[derive(Default)]
pub(crate) struct Board {
    pub(crate) pools: HashMap<Policy, Pool>,
    /// What `pools` was when the part of the run ended that must be without failures.
    frozen: Option<HashMap<Policy, Pool>>,
    /// When the first token of each key came, and when the last one expires.
    pub(crate) signers: HashMap<String, (Instant, SystemTime)>,
    pub(crate) revoked: Option<Revoked>,
    /// How many tokens there were: whose turn it is.
    turn: usize,
}

/// A token, and when to look at it.
struct Order {
    token: Arc<Token>,
    at: Vec<Instant>,
}

/// All verifiers, at work until the end.
pub(crate) struct Verifiers {
    orders: Vec<(Policy, UnboundedSender<Order>)>,
    tasks: Vec<JoinHandle<()>>,
    pub(crate) board: Arc<Mutex<Board>>,
}

impl Verifiers {
    pub(crate) fn start(cluster: &Arc<Cluster>) -> Arc<Self> {
        let board = Arc::new(Mutex::new(Board::default()));
        let (mut orders, mut tasks) = (Vec::new(), Vec::new());
        for policy in Policy::ALL {
            for number in 0..EACH {
                let (give, take) = unbounded_channel();
                let verifier = Verifier {
                    policy,
                    cache: Cache::new(policy, number, cluster),
                    due: BTreeMap::new(),
                    board: Arc::clone(&board),
                };
                orders.push((policy, give));
                tasks.push(tokio::spawn(verifier.work(take)));
            }
        }
        Arc::new(Self {
            orders,
            tasks,
            board,
        })
    }

    /// Has a new token verified at once, in the middle of its life and in its last second, by all
    /// verifiers of one policy, each policy in its turn.
    pub(crate) fn give(&self, token: Token) {
        let mut board = self.board.lock().expect("whole");
        let signer = board.signers.entry(token.kid.clone());
        let signer = signer.or_insert((Instant::now(), token.expires_at));
        signer.1 = signer.1.max(token.expires_at);
        board.turn += 1;
        let turn = board.turn;
        drop(board);
        let now = Instant::now();
        let life = token.remaining().unwrap_or_default();
        // Between 0.02 and 0.98 s before the end.
        let before_end = Duration::from_millis(20 + (turn as u64 * 37) % 960);
        let at = vec![now, now + life / 2, now + life.saturating_sub(before_end)];
        let policy = Policy::ALL[turn % Policy::ALL.len()];
        self.order(Arc::new(token), &at, |to| to == policy);
    }

    /// Has a token looked at by everybody, every 50 ms for so long.
    pub(crate) fn probe(&self, token: &Arc<Token>, length: Duration) {
        let now = Instant::now();
        let steps = (length.as_millis() / 50) as u32;
        let at: Vec<_> = (0..steps)
            .map(|step| now + Duration::from_millis(50) * step)
            .collect();
        self.order(Arc::clone(token), &at, |_| true);
    }

    fn order(&self, token: Arc<Token>, at: &[Instant], to: impl Fn(Policy) -> bool) {
        for (policy, give) in &self.orders {
            if to(*policy) {
                let (token, at) = (Arc::clone(&token), at.to_vec());
                // A verifier ends only after this.
                drop(give.send(Order { token, at }));
            }
        }
    }

    /// What happens from now on is no longer part of what must be without failures.
    pub(crate) fn freeze(&self) {
        let mut board = self.board.lock().expect("whole");
        board.frozen = Some(board.pools.clone());
    }

    /// Takes no more tokens, looks at all there are until they expire, and says what was seen up
    /// to the freezing, and in all.
    pub(crate) async fn end(self) -> Outcome<[HashMap<Policy, Pool>; 2]> {
        drop(self.orders);
        for task in self.tasks {
            task.await?;
        }
        let mut board = self.board.lock().expect("whole");
        let all = std::mem::take(&mut board.pools);
        Ok([board.frozen.take().unwrap_or_else(|| all.clone()), all])
    }
}

struct Verifier {
    policy: Policy,
    cache: Cache,
    /// What to look at next; the number tells apart what is due at the same time.
    due: BTreeMap<(Instant, u64), Arc<Token>>,
    board: Arc<Mutex<Board>>,
}

impl Verifier {
    async fn work(mut self, mut orders: UnboundedReceiver<Order>) {
        let mut number = 0;
        let mut is_open = true;
        while is_open || !self.due.is_empty() {
            let next = self.due.keys().next().map(|(at, _)| *at);
            let next = next.unwrap_or_else(|| Instant::now() + Duration::from_secs(1));
            tokio::select! {
                order = orders.recv(), if is_open => match order {
                    Some(order) => for at in order.at {
                        number += 1;
                        self.due.insert((at, number), Arc::clone(&order.token));
                    },
                    None => is_open = false,
                },
                () = tokio::time::sleep_until(next.into()) => {
                    let is_due = self.due.keys().next().is_some_and(|(at, _)| *at <= Instant::now());
                    if is_due && let Some((_, token)) = self.due.pop_first() {
                        self.look_at(&token).await;
                    }
                }
            }
        }
    }

    async fn look_at(&mut self, token: &Token) {
        let before = self.cache.fetches;
        self.cache.refresh().await;
        let mut verified = token.verify(&self.cache.keys);
        let mut is_rescued = false;
        if self.policy == Policy::Refetching && verified == Err(Refusal::UnknownKey) {
            self.cache.refetch().await;
            verified = token.verify(&self.cache.keys);
            is_rescued = verified.is_ok();
        }
        let is_good = token.remaining().is_some();
        let mut board = self.board.lock().expect("whole");
        if let Some(revoked) = &mut board.revoked
            && revoked.kid == token.kid
        {
            if verified.is_ok() && is_good {
                revoked.last_accepted.insert(self.policy, token::now());
            }
            return;
        }
        let pool = board.pools.entry(self.policy).or_default();
        pool.fetches += self.cache.fetches.0 - before.0;
        pool.failed_fetches += self.cache.fetches.1 - before.1;
        if !is_good {
            pool.too_late += 1;
            return;
        }
        pool.verifications += 1;
        pool.rescued += u64::from(is_rescued);
        match verified {
            Ok(()) => {}
            Err(Refusal::UnknownKey) => pool.unknown_key += 1,
            Err(Refusal::BadSignature) => pool.bad_signature += 1,
        }
    }
}
