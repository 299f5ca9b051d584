//! The tables, in Markdown, and what must hold of them.

use std::collections::HashMap;
use std::time::Duration;

use crate::Options;
use crate::cluster::{MAX_AGE, NODES};
use crate::emergency::{AT_NODES, AT_VERIFIERS, Emergency};
use crate::load::Requests;
use crate::restarts::Restarts;
use crate::shared::machine;
use crate::verifiers::{Policy, Pool};
use crate::watch::Watched;

/// One request in so many may fail.
const REQUESTS_TO_AN_ERROR: u64 = 100_000;
/// In a long run, fewer verifications per second would show little; a short one only has to be one,
/// on whatever machine.
const LONG: u64 = 300;
const IN_A_LONG_RUN: u64 = 1000;
const IN_A_SHORT_RUN: u64 = 100;

pub(crate) struct Report<'a> {
    pub(crate) options: &'a Options,
    pub(crate) length: Duration,
    /// The part of the machine that was busy, with this or anything else.
    pub(crate) busy: f64,
    pub(crate) requests: Requests,
    /// Up to the emergency, if there is one; and in all.
    pub(crate) pools: [HashMap<Policy, Pool>; 2],
    pub(crate) restarts: Restarts,
    pub(crate) watched: Watched,
    pub(crate) emergency: Option<Emergency>,
}

impl Report<'_> {
    pub(crate) fn print(&self) {
        self.print_conditions();
        println!(
            "| verifiers | verifications | failed | good after a fetch | fetches | failed fetches |"
        );
        println!("|---|--:|--:|--:|--:|--:|");
        for policy in Policy::ALL {
            let pool = self.pool(policy);
            println!(
                "| {} | {} | {} | {} | {} | {} |",
                policy.name(),
                pool.verifications,
                pool.failures(),
                pool.rescued,
                pool.fetches,
                pool.failed_fetches
            );
        }
        println!(
            "| together | {} | {} | {} | {} | {} |\n",
            self.sum(|pool| pool.verifications),
            self.sum(Pool::failures),
            self.sum(|pool| pool.rescued),
            self.sum(|pool| pool.fetches),
            self.sum(|pool| pool.failed_fetches)
        );
        self.print_cluster();
        if let Some(emergency) = &self.emergency {
            self.print_emergency(emergency);
        }
    }

    fn print_conditions(&self) {
        println!("- machine: {}", machine::describe());
        println!("- commit: {}", machine::commit());
        println!(
            "- {NODES} nodes, {} people, {:.0} s; a rotation every {} s, a restart every {} s",
            self.options.people,
            self.length.as_secs_f64(),
            self.options.rotate_every,
            self.options.restart_every
        );
        println!("- the machine was busy at {:.0} %\n", self.busy * 100.0);
    }

    fn print_cluster(&self) {
        let Requests {
            latencies, errors, ..
        } = &self.requests;
        println!("| requests of people | errors | per second | p50 ms | p99 ms | max ms |");
        println!("|--:|--:|--:|--:|--:|--:|");
        println!(
            "| {} | {errors} | {:.0} | {:.1} | {:.1} | {:.0} |\n",
            latencies.len(),
            latencies.len() as f64 / self.requests.length.as_secs_f64(),
            self.requests.percentile(50),
            self.requests.percentile(99),
            self.requests.percentile(100)
        );
        for example in &self.requests.examples {
            println!("- error: {example}");
        }
        let restarts = &self.restarts;
        println!(
            "| restarts | not ended with 0 | slowest stop s | slowest start s | keys that signed | \
             rotations | shortest lead s | looks at a JWKS | of these lacking a key |"
        );
        println!("|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
        println!(
            "| {} | {} | {:.1} | {:.1} | {} | {} | {:.1} | {} | {} |",
            restarts.count,
            restarts.bad_ends.len(),
            restarts.slowest_stop.as_secs_f64(),
            restarts.slowest_start.as_secs_f64(),
            self.watched.signers,
            self.rotations(),
            self.shortest_lead().as_secs_f64(),
            self.watched.looks,
            self.watched.lacking
        );
        println!(
            "\n{} tokens had expired before they could be looked at.",
            self.sum(|pool| pool.too_late)
        );
    }

    fn print_emergency(&self, emergency: &Emergency) {
        println!("\n| after the revocation | last in the JWKS, s | last token accepted, s |");
        println!("|---|--:|--:|");
        for (number, gone) in emergency.nodes.iter().enumerate() {
            println!(
                "| node {number} | {:.2} | {:.2} |",
                gone.published.as_secs_f64(),
                gone.accepted.as_secs_f64()
            );
        }
        for (policy, accepted) in &emergency.verifiers {
            println!(
                "| verifiers {} | | {:.2} |",
                policy.name(),
                accepted.as_secs_f64()
            );
        }
        let [before, all] = &self.pools;
        let sum = |pools: &HashMap<Policy, Pool>| pools.values().map(Pool::failures).sum::<u64>();
        println!(
            "\nThe command took {:.2} s. {} of {} people went on with tokens of another key; {} \
             verifications of those failed until the verifier knew it.",
            emergency.command.as_secs_f64(),
            emergency.going_on,
            emergency.people,
            sum(all) - sum(before)
        );
    }

    /// What is not as it must be; nothing, if all is well.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        let mut must = |holds: bool, otherwise: String| {
            if !holds {
                complaints.push(otherwise);
            }
        };
        let seconds = self.length.as_secs();
        if self.options.without_lead {
            let failures = self.pool(Policy::Lazy).failures();
            must(
                failures > 0,
                "keys signed as soon as they were published, and no verifier noticed: the other \
                 figures mean nothing"
                    .into(),
            );
        } else {
            let failures = self.sum(Pool::failures);
            must(failures == 0, format!("{failures} verifications failed"));
            let rescued = self.sum(|pool| pool.rescued);
            must(
                rescued == 0,
                format!("{rescued} tokens had a key that was not in a JWKS that may be used"),
            );
            let lead = self.shortest_lead();
            must(
                lead >= MAX_AGE,
                format!("a key signed that had been everywhere for {lead:?} only"),
            );
            let lacking = self.watched.lacking;
            must(
                lacking == 0,
                format!("a node's JWKS lacked the key of a good token, {lacking} times"),
            );
        }
        // The first key begins with the nodes, a while before the first rotation is waited for.
        let due = (seconds / self.options.rotate_every)
            .saturating_sub(1)
            .max(1);
        let rotations = self.rotations() as u64;
        must(
            rotations >= due,
            format!("{rotations} rotations, where {due} were due"),
        );
        let least = if seconds >= LONG {
            seconds * IN_A_LONG_RUN
        } else {
            seconds * IN_A_SHORT_RUN
        };
        for policy in Policy::ALL {
            let verifications = self.pool(policy).verifications;
            must(
                // Each has a fourth, but for what came too late.
                verifications >= least / 5,
                format!("{}: {verifications} verifications are few", policy.name()),
            );
        }
        let verifications = self.sum(|pool| pool.verifications);
        must(
            verifications >= least,
            format!("{verifications} verifications are few: {least} had to be"),
        );
        let balanced = [Policy::Lazy, Policy::Refetching].map(|policy| self.pool(policy));
        let errors =
            self.requests.errors + balanced.iter().map(|pool| pool.failed_fetches).sum::<u64>();
        let requests = self.requests.latencies.len() as u64
            + balanced.iter().map(|pool| pool.fetches).sum::<u64>();
        must(
            errors * REQUESTS_TO_AN_ERROR <= requests,
            format!("{errors} of {requests} requests failed"),
        );
        for end in &self.restarts.bad_ends {
            must(false, format!("a node ended with {end}"));
        }
        must(self.restarts.count > 0, "no node was restarted".into());
        if let Some(emergency) = &self.emergency {
            complaints.extend(emergency.complaints());
        }
        complaints
    }

    fn pool(&self, policy: Policy) -> Pool {
        self.pools[0].get(&policy).cloned().unwrap_or_default()
    }

    fn sum(&self, field: impl Fn(&Pool) -> u64) -> u64 {
        self.pools[0].values().map(field).sum()
    }

    fn rotations(&self) -> usize {
        self.watched.signers.saturating_sub(1)
    }

    fn shortest_lead(&self) -> Duration {
        self.watched.leads.iter().min().copied().unwrap_or_default()
    }
}

impl Emergency {
    fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        for (number, gone) in self.nodes.iter().enumerate() {
            if gone.published > AT_NODES || gone.absences == 0 {
                complaints.push(format!(
                    "node {number} published the revoked key for too long"
                ));
            }
            if gone.accepted > AT_NODES || gone.refusals == 0 {
                complaints.push(format!(
                    "node {number} accepted the revoked key for too long"
                ));
            }
        }
        for (policy, accepted) in &self.verifiers {
            if *accepted > AT_VERIFIERS {
                complaints.push(format!(
                    "a verifier ({}) did so for too long",
                    policy.name()
                ));
            }
        }
        if self.going_on < self.people {
            complaints.push("somebody's session did not go on with another key".into());
        }
        complaints
    }
}
