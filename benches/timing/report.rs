//! The tables, in Markdown.

use crate::Options;
use crate::measure::Race;
use crate::question::Pair;
use crate::shared::machine;
use crate::statistics::{Comparison, proportion};
use crate::verdict::Verdict;

/// What came of one pair.
pub(crate) struct Finding {
    pub(crate) pair: Pair,
    pub(crate) pairs: usize,
    pub(crate) comparison: Comparison,
    pub(crate) race: Option<Race>,
    /// The shares of the machine that the server took meanwhile, and that strangers did.
    pub(crate) shares: Shares,
}

#[derive(Clone, Copy)]
pub(crate) struct Shares {
    pub(crate) server: f64,
    pub(crate) others: f64,
}

impl Finding {
    pub(crate) fn verdict(&self) -> Verdict {
        Verdict::on_pair(self.pair.role, &self.comparison)
    }
}

pub(crate) fn print(database: &str, options: &Options, seed: u64, findings: &[Finding]) {
    print_conditions(database, options, seed);
    println!(
        "| A / B | pairs | median A ms | median B ms | Δ ms | Δ % | AUC | 95 % | p | detectable \
         AUC | detectable ms | server | others | verdict |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|---|--:|--:|--:|--:|--:|---|");
    for finding in findings {
        let found = &finding.comparison;
        println!(
            "| {} | {} | {:.3} | {:.3} | {:+.3} | {:+.2} | {:.3} | {:.3} – {:.3} | {} | ±{:.3} | \
             {:.3} | {:.0} % | {:.0} % | {} |",
            finding.pair.name,
            finding.pairs,
            found.median_a,
            found.median_b,
            found.delta(),
            found.relative_delta() * 100.0,
            found.auc,
            found.interval.low,
            found.interval.high,
            probability(found.p),
            found.detectable_auc,
            found.detectable,
            finding.shares.server * 100.0,
            finding.shares.others * 100.0,
            finding.verdict(),
        );
    }
    if findings.iter().any(|finding| finding.race.is_some()) {
        print_races(findings);
    }
}

fn print_races(findings: &[Finding]) {
    println!("\nBoth at the same moment:\n");
    println!("| A / B | runs | A answered first | 95 % | first written answered first | verdict |");
    println!("|---|--:|--:|---|--:|---|");
    for finding in findings {
        let Some(race) = finding.race else { continue };
        let interval = proportion(race.first_class_won, race.runs);
        let percent = |count: usize| 100.0 * count as f64 / race.runs as f64;
        println!(
            "| {} | {} | {:.1} % | {:.1} – {:.1} % | {:.1} % | {} |",
            finding.pair.name,
            race.runs,
            percent(race.first_class_won),
            interval.low * 100.0,
            interval.high * 100.0,
            percent(race.first_written_won),
            Verdict::on_race(&race),
        );
    }
}

fn probability(p: f64) -> String {
    if p < 1e-4 {
        "< 0.0001".to_owned()
    } else {
        format!("{p:.4}")
    }
}

fn print_conditions(database: &str, options: &Options, seed: u64) {
    println!("\n- machine: {}", machine::describe());
    println!("- commit {}, seed {seed}, {database}", machine::commit());
    println!(
        "- Argon2id with {} KiB, limits {}, {}\n",
        options.memory_kib(),
        if options.limits { "on" } else { "off" },
        if options.load {
            "under load"
        } else {
            "no other load"
        },
    );
}
