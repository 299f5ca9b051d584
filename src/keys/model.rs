//! The promise, tried on all the worlds that a generator can make: a verifier that caches the JWKS
//! as it was told to never meets a good token that it has no key for (T-20).
//!
//! A world has up to three nodes with clocks that differ by the skew at most, that load the keys,
//! serve the JWKS, sign, and decide the schedule, each when the history says so: also late, twice,
//! or for the first time. Only the clocks and the loads are made up here; what nodes do with them
//! is the code that runs.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::State;
use super::schedule::{Entry, Policy, Purpose, Step, follow, plan};
use crate::clock::Time;
use crate::crypto::Algorithm;

/// What a node knows.
#[derive(Clone)]
struct Node {
    /// Ahead of true time, in seconds.
    clock: i64,
    known: Option<(Time, Vec<Entry>)>,
}

/// A token, in true seconds.
struct Token {
    kid: String,
    signed: i64,
    expires: i64,
}

/// A JWKS in a verifier's cache, in true seconds.
struct Cached {
    kids: BTreeSet<String>,
    from: i64,
    until: i64,
}

/// What happens at one second.
#[derive(Clone, Debug)]
enum Act {
    /// A node reads the keys.
    Load(usize),
    /// A node's job decides what is to be done.
    Decide(usize),
    /// A node signs.
    Sign(usize),
    /// A verifier fetches the JWKS from a node.
    Fetch(usize),
    /// An operator has the keys rotated as soon as it is allowed.
    Rotate(usize),
    /// A node begins again, and has to load first.
    Restart(usize),
    /// Time passes.
    Wait(i64),
}

struct World {
    /// What nodes go by.
    policy: Policy,
    /// What schedules are made with: the same, or with a guard taken away.
    planned: Policy,
    /// Whether nodes mind how old their knowledge is.
    minds_age: bool,
    now: i64,
    nodes: Vec<Node>,
    database: Vec<Entry>,
    made: usize,
    tokens: Vec<Token>,
    caches: Vec<Cached>,
}

fn at(seconds: i64) -> Time {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn policy() -> Policy {
    let seconds = TimeDelta::seconds;
    Policy {
        algorithms: vec![Algorithm::Es256],
        rotate_every: seconds(40),
        announce: seconds(0),
        keep: seconds(0),
        jwks_max_age: seconds(5),
        reload_every: seconds(2),
        clock_skew: seconds(3),
        token_life: seconds(8),
        refresh_life: seconds(60),
    }
}

impl World {
    fn new(planned: Policy, minds_age: bool, clocks: &[i64]) -> Self {
        let node = |clock: &i64| Node {
            clock: *clock,
            known: None,
        };
        Self {
            policy: policy(),
            planned,
            minds_age,
            now: 0,
            nodes: clocks.iter().map(node).collect(),
            database: Vec::new(),
            made: 0,
            tokens: Vec::new(),
            caches: Vec::new(),
        }
    }

    fn clock(&self, node: usize) -> Time {
        at(self.now + self.nodes[node].clock)
    }

    fn apply(&mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Create(algorithm, lifetime) => {
                    self.made += 1;
                    self.database.push(Entry {
                        kid: self.made.to_string(),
                        algorithm,
                        purpose: Purpose::Sign,
                        lifetime,
                    });
                }
                Step::Reschedule(kid, lifetime) => {
                    let key = self.database.iter_mut().find(|key| key.kid == kid).unwrap();
                    key.lifetime = lifetime;
                }
                Step::Forget(kid) => self.database.retain(|key| key.kid != kid),
            }
        }
    }

    fn newest(&self) -> Option<&Entry> {
        let to_sign = self.database.iter();
        let to_sign = to_sign.filter(|key| key.lifetime.retire_at.is_none());
        to_sign.max_by_key(|key| key.lifetime.activate_at)
    }

    fn act(&mut self, act: &Act) {
        match *act {
            Act::Load(node) => {
                let known = (self.clock(node), self.database.clone());
                self.nodes[node].known = Some(known);
            }
            Act::Decide(node) => {
                let steps = plan(&self.database, &self.planned, self.clock(node));
                self.apply(steps);
            }
            Act::Rotate(node) => {
                let now = self.clock(node);
                let signs = |key: &&Entry| key.lifetime.state(now) == State::Active;
                if let Some(newest) = self.newest().filter(signs) {
                    let begins = now + self.planned.least_lead();
                    let steps = follow(newest, &self.planned, now, begins);
                    self.apply(steps);
                }
            }
            Act::Sign(node) => self.sign(node),
            Act::Fetch(node) => self.fetch(node),
            Act::Restart(node) => self.nodes[node].known = None,
            Act::Wait(seconds) => {
                for _ in 0..seconds {
                    self.now += 1;
                    self.keep_up();
                }
            }
        }
    }

    /// A node that has been up and let its knowledge grow too old loads before it answers.
    fn keep_up(&mut self) {
        if !self.minds_age {
            return;
        }
        for node in 0..self.nodes.len() {
            let now = self.clock(node);
            let old = |known: &(Time, Vec<Entry>)| now - known.0 > self.policy.reload_every * 4;
            if self.nodes[node].known.as_ref().is_some_and(old) {
                self.act(&Act::Load(node));
            }
        }
    }

    fn sign(&mut self, node: usize) {
        let now = self.clock(node);
        let Some((loaded_at, keys)) = &self.nodes[node].known else {
            return;
        };
        if self.minds_age && now >= self.policy.trusted_until(*loaded_at) {
            return;
        }
        let active = keys
            .iter()
            .filter(|key| key.lifetime.state(now) == State::Active);
        if let Some(key) = active.max_by_key(|key| key.lifetime.activate_at) {
            self.tokens.push(Token {
                kid: key.kid.clone(),
                signed: self.now,
                expires: self.now + self.policy.token_life.num_seconds(),
            });
        }
    }

    fn fetch(&mut self, node: usize) {
        let now = self.clock(node);
        let Some((loaded_at, keys)) = &self.nodes[node].known else {
            return;
        };
        let max_age = if self.minds_age {
            self.policy.max_age(*loaded_at, now)
        } else {
            self.policy.jwks_max_age
        };
        let published = keys
            .iter()
            .filter(|key| key.lifetime.state(now).is_published());
        self.caches.push(Cached {
            kids: published.map(|key| key.kid.clone()).collect(),
            from: self.now,
            until: self.now + max_age.num_seconds(),
        });
    }

    /// Tokens that were good while a verifier relied on a JWKS without their key.
    fn broken(&self) -> Option<String> {
        for token in &self.tokens {
            for cache in &self.caches {
                let from = token.signed.max(cache.from);
                let until = token.expires.min(cache.until);
                // At the very second of its end neither a token nor a cache counts.
                if from < until && !cache.kids.contains(&token.kid) {
                    return Some(format!(
                        "a token signed at {} with key {} meets at {from} a JWKS of {} that has {:?}",
                        token.signed, token.kid, cache.from, cache.kids
                    ));
                }
            }
        }
        None
    }
}

fn acts(nodes: usize) -> impl Strategy<Value = Vec<Act>> {
    let node = 0..nodes;
    let act = prop_oneof![
        6 => node.clone().prop_map(Act::Load),
        3 => node.clone().prop_map(Act::Decide),
        6 => node.clone().prop_map(Act::Sign),
        6 => node.clone().prop_map(Act::Fetch),
        1 => node.clone().prop_map(Act::Rotate),
        1 => node.prop_map(Act::Restart),
        8 => (1..6_i64).prop_map(Act::Wait),
    ];
    prop::collection::vec(act, 20..400)
}

fn histories() -> impl Strategy<Value = (Vec<i64>, Vec<Act>)> {
    let clocks = prop::collection::vec(0..=3_i64, 1..=3);
    clocks.prop_flat_map(|clocks| (Just(clocks.clone()), acts(clocks.len())))
}

fn run(planned: &Policy, minds_age: bool, clocks: &[i64], acts: &[Act]) -> World {
    let mut world = World::new(planned.clone(), minds_age, clocks);
    world.act(&Act::Decide(0));
    for act in acts {
        world.act(act);
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_verifier_that_caches_as_told_misses_a_key((clocks, acts) in histories()) {
        let world = run(&policy(), true, &clocks, &acts);
        prop_assert_eq!(world.broken(), None);
    }
}

/// The control: without the guard some history breaks the promise.
fn is_found_out(planned: &Policy, minds_age: bool) {
    let mut runner = TestRunner::deterministic();
    let histories = histories();
    let found = (0..20_000).any(|_| {
        let (clocks, acts) = histories.new_tree(&mut runner).unwrap().current();
        run(planned, minds_age, &clocks, &acts).broken().is_some()
    });
    assert!(found, "no history noticed that the guard is gone");
}

#[test]
fn without_the_lead_it_breaks() {
    let short = |change: &dyn Fn(&mut Policy)| {
        let mut planned = policy();
        change(&mut planned);
        is_found_out(&planned, true);
    };
    short(&|planned| planned.jwks_max_age = TimeDelta::zero());
    short(&|planned| planned.reload_every = TimeDelta::zero());
    short(&|planned| planned.clock_skew = TimeDelta::zero());
}

#[test]
fn without_the_rest_it_breaks() {
    let mut planned = policy();
    planned.token_life = TimeDelta::zero();
    is_found_out(&planned, true);
}

#[test]
fn without_minding_the_age_of_what_a_node_knows_it_breaks() {
    is_found_out(&policy(), false);
}
