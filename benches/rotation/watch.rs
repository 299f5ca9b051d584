//! Looks at every node's JWKS, all the time: how long a key was in all of them before it signed,
//! and whether one was ever without the key of a token that was good.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use crate::cluster::Cluster;
use crate::token;
use crate::verifiers::{self, Board, Verifiers};

const EVERY: Duration = Duration::from_millis(200);

/// What was seen.
#[derive(Default)]
pub(crate) struct Watched {
    pub(crate) looks: u64,
    /// Looks at a JWKS that lacked the key of a token that was good.
    pub(crate) lacking: u64,
    /// For each key that came while it was watched, and has signed: for how long before that no
    /// node was without it.
    pub(crate) leads: Vec<Duration>,
    /// Keys that have signed.
    pub(crate) signers: usize,
    /// When each key was last found missing before it signed, or was found at all.
    known_since: HashMap<String, Instant>,
    /// Those that were there at the first look.
    first: Option<HashSet<String>>,
}

pub(crate) struct Watch {
    watched: Arc<Mutex<Watched>>,
    board: Arc<Mutex<Board>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Watch {
    pub(crate) fn start(cluster: &Arc<Cluster>, verifiers: &Verifiers) -> Self {
        let watched: Arc<Mutex<Watched>> = Arc::default();
        let board = Arc::clone(&verifiers.board);
        let mut tasks = Vec::new();
        for node in &cluster.nodes {
            let (watched, board) = (Arc::clone(&watched), Arc::clone(&board));
            let address = node.address;
            tasks.push(tokio::spawn(async move {
                loop {
                    let asked = Instant::now();
                    // A node that is being restarted does not answer.
                    if let Ok((keys, _)) = verifiers::fetch(address).await {
                        let kids = keys.into_keys().collect();
                        let board = board.lock().expect("whole");
                        watched.lock().expect("whole").look(kids, &board, asked);
                    }
                    tokio::time::sleep_until((asked + EVERY).into()).await;
                }
            }));
        }
        Self {
            watched,
            board,
            tasks,
        }
    }

    pub(crate) fn end(self) -> Watched {
        for task in &self.tasks {
            task.abort();
        }
        let mut watched = std::mem::take(&mut *self.watched.lock().expect("whole"));
        let signers = &self.board.lock().expect("whole").signers;
        watched.signers = signers.len();
        let first = watched.first.take().unwrap_or_default();
        let later = signers.iter().filter(|(kid, _)| !first.contains(*kid));
        watched.leads = later
            .map(|(kid, (signed, _))| {
                let since = watched.known_since.get(kid);
                since.map_or(Duration::ZERO, |since| signed.duration_since(*since))
            })
            .collect();
        watched
    }
}

impl Watched {
    /// One JWKS, asked for at `asked`.
    fn look(&mut self, kids: HashSet<String>, board: &Board, asked: Instant) {
        self.looks += 1;
        let now = token::now();
        for (kid, (signed, good_until)) in &board.signers {
            if *signed < asked && now < *good_until && !kids.contains(kid) {
                self.lacking += 1;
            }
        }
        for (kid, since) in &mut self.known_since {
            if !kids.contains(kid) && !board.signers.contains_key(kid) {
                *since = Instant::now();
            }
        }
        for kid in &kids {
            if !self.known_since.contains_key(kid) {
                self.known_since.insert(kid.clone(), Instant::now());
            }
        }
        self.first.get_or_insert(kids);
    }
}
