//! The promise, tried on all the worlds that a generator can make: a verifier that caches the JWKS
//! as it was told to never meets a good token that it has no key for (T-20).
//!
//! A world has up to three nodes with clocks that differ by the skew at most, that load the keys,
//! serve the JWKS, sign, and decide the schedule, each when the history says so: also late, twice,
//! for the first time, or with other settings than before. Only the clocks and the loads are made
//! up here; what nodes do with them is the code that runs.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::State;
use super::plan::{Step, endings, follow, plan};
use super::schedule::{Entry, Policy, Purpose};
use crate::clock::Time;
use crate::crypto::Algorithm;
use crate::node::Word;

/// What a node knows.
#[derive(Clone)]
struct Node {
    /// Ahead of true time, in seconds.
    clock: i64,
    /// As it is configured.
    policy: Policy,
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
    /// A node begins again, with long or short times in its settings, and has to load first.
    Restart(usize, Times),
    /// Time passes.
    Wait(i64),
}

#[derive(Clone, Copy, Debug)]
enum Times {
    Short,
    Long,
}

/// What the world minds: everything, or not one of the guards.
struct Guards<'a> {
    /// Whether nodes mind how old their knowledge is.
    age: bool,
    /// Whether schedules mind what other nodes told verifiers.
    words: bool,
    /// What is taken away of the times that schedules are made with.
    without: &'a dyn Fn(&mut Policy),
}

const ALL: Guards<'static> = Guards {
    age: true,
    words: true,
    without: &|_| {},
};

struct World<'a> {
    guards: &'a Guards<'a>,
    now: i64,
    nodes: Vec<Node>,
    database: Vec<Entry>,
    /// What nodes told verifiers, and until when that counts.
    words: Vec<(Word, Time)>,
    made: usize,
    tokens: Vec<Token>,
    caches: Vec<Cached>,
}

fn at(seconds: i64) -> Time {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn policy(times: Times) -> Policy {
    let seconds = TimeDelta::seconds;
    let (max_age, reload_every, token_life) = match times {
        Times::Short => (5, 2, 8),
        Times::Long => (12, 6, 17),
    };
    Policy {
        algorithms: vec![Algorithm::Es256],
        rotate_every: seconds(40),
        announce: seconds(0),
        keep: seconds(0),
        jwks_max_age: seconds(max_age),
        told_max_age: seconds(max_age),
        reload_every: seconds(reload_every),
        told_reload_every: seconds(reload_every),
        clock_skew: seconds(3),
        token_life: seconds(token_life),
        refresh_life: seconds(60),
    }
}

impl<'a> World<'a> {
    fn new(guards: &'a Guards<'a>, clocks: &[i64]) -> Self {
        let node = |clock: &i64| Node {
            clock: *clock,
            policy: policy(Times::Short),
            known: None,
        };
        Self {
            guards,
            now: 0,
            nodes: clocks.iter().map(node).collect(),
            database: Vec::new(),
            words: Vec::new(),
            made: 0,
            tokens: Vec::new(),
            caches: Vec::new(),
        }
    }

    /// What a node makes schedules with.
    fn planned(&self, node: usize) -> Policy {
        let now = self.clock(node);
        let in_force = self.words.iter().filter(|(_, until)| *until > now);
        let own = self.nodes[node].policy.clone();
        let mut planned = if self.guards.words {
            in_force.fold(own, |policy, (word, _)| policy.with(*word))
        } else {
            own
        };
        (self.guards.without)(&mut planned);
        planned
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
                        thumbprint: self.made.to_string(),
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
                let (word, lasts) = self.nodes[node].policy.word();
                self.words.push((word, self.clock(node) + lasts));
                if self.nodes[node].known.is_none() {
                    let (planned, now) = (self.planned(node), self.clock(node));
                    self.apply(endings(&self.database, &planned, &[], now));
                }
                let known = (self.clock(node), self.database.clone());
                self.nodes[node].known = Some(known);
            }
            Act::Decide(node) => {
                let steps = plan(&self.database, &self.planned(node), self.clock(node));
                self.apply(steps);
            }
            Act::Rotate(node) => {
                let now = self.clock(node);
                let signs = |key: &&Entry| key.lifetime.state(now) == State::Active;
                if let Some(newest) = self.newest().filter(signs) {
                    let planned = self.planned(node);
                    let begins = now + planned.least_lead();
                    let steps = follow(newest, &planned, now, begins);
                    self.apply(steps);
                }
            }
            Act::Sign(node) => self.sign(node),
            Act::Fetch(node) => self.fetch(node),
            Act::Restart(node, times) => {
                self.nodes[node].policy = policy(times);
                self.nodes[node].known = None;
            }
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
        if !self.guards.age {
            return;
        }
        for node in 0..self.nodes.len() {
            let now = self.clock(node);
            let late = self.nodes[node].policy.reload_every * 4;
            let old = |known: &(Time, Vec<Entry>)| now - known.0 > late;
            if self.nodes[node].known.as_ref().is_some_and(old) {
                self.act(&Act::Load(node));
            }
        }
    }

    fn sign(&mut self, node: usize) {
        let now = self.clock(node);
        let Node { policy, known, .. } = &self.nodes[node];
        let Some((loaded_at, keys)) = known else {
            return;
        };
        if self.guards.age && now >= policy.trusted_until(*loaded_at) {
            return;
        }
        let active = keys
            .iter()
            .filter(|key| key.lifetime.state(now) == State::Active);
        if let Some(key) = active.max_by_key(|key| key.lifetime.activate_at) {
            self.tokens.push(Token {
                kid: key.kid.clone(),
                signed: self.now,
                expires: self.now + policy.token_life.num_seconds(),
            });
        }
    }

    fn fetch(&mut self, node: usize) {
        let now = self.clock(node);
        let Node { policy, known, .. } = &self.nodes[node];
        let Some((loaded_at, keys)) = known else {
            return;
        };
        let max_age = if self.guards.age {
            policy.max_age(*loaded_at, now)
        } else {
            policy.jwks_max_age
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
    let times = prop_oneof![Just(Times::Short), Just(Times::Long)];
    let act = prop_oneof![
        6 => node.clone().prop_map(Act::Load),
        3 => node.clone().prop_map(Act::Decide),
        6 => node.clone().prop_map(Act::Sign),
        6 => node.clone().prop_map(Act::Fetch),
        1 => node.clone().prop_map(Act::Rotate),
        1 => (node, times).prop_map(|(node, times)| Act::Restart(node, times)),
        8 => (1..6_i64).prop_map(Act::Wait),
    ];
    prop::collection::vec(act, 20..400)
}

fn histories() -> impl Strategy<Value = (Vec<i64>, Vec<Act>)> {
    let clocks = prop::collection::vec(0..=3_i64, 1..=3);
    clocks.prop_flat_map(|clocks| (Just(clocks.clone()), acts(clocks.len())))
}

fn run<'a>(guards: &'a Guards<'a>, clocks: &[i64], acts: &[Act]) -> World<'a> {
    let mut world = World::new(guards, clocks);
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
        prop_assert_eq!(run(&ALL, &clocks, &acts).broken(), None);
    }
}

/// A key is scheduled for verifiers that keep a JWKS for a short time; then a node starts that tells
/// them a longer one, and whose clock says that the key is not made yet.
#[test]
fn a_node_with_longer_times_and_a_clock_that_is_behind_publishes_what_is_scheduled() {
    let history = [
        Act::Restart(1, Times::Long),
        Act::Rotate(0),
        Act::Load(1),
        Act::Fetch(1),
        Act::Wait(11),
        Act::Load(0),
        Act::Sign(0),
    ];
    assert_eq!(run(&ALL, &[3, 2], &history).broken(), None);
}

/// The control: without the guard some history breaks the promise.
fn is_found_out(guards: &Guards) {
    let mut runner = TestRunner::deterministic();
    let histories = histories();
    let found = (0..20_000).any(|_| {
        let (clocks, acts) = histories.new_tree(&mut runner).unwrap().current();
        run(guards, &clocks, &acts).broken().is_some()
    });
    assert!(found, "no history noticed that the guard is gone");
}

#[test]
fn without_the_lead_it_breaks() {
    let short = |without: &dyn Fn(&mut Policy)| is_found_out(&Guards { without, ..ALL });
    short(&|planned| planned.told_max_age = TimeDelta::zero());
    short(&|planned| planned.told_reload_every = TimeDelta::zero());
    // That of the node that decides is not that of the slowest.
    short(&|planned| planned.told_reload_every = planned.reload_every);
    short(&|planned| planned.clock_skew = TimeDelta::zero());
}

#[test]
fn without_the_rest_it_breaks() {
    let without = &|planned: &mut Policy| planned.token_life = TimeDelta::zero();
    is_found_out(&Guards { without, ..ALL });
}

#[test]
fn without_minding_the_age_of_what_a_node_knows_it_breaks() {
    is_found_out(&Guards { age: false, ..ALL });
}

#[test]
fn without_minding_what_others_told_verifiers_it_breaks() {
    is_found_out(&Guards {
        words: false,
        ..ALL
    });
}
