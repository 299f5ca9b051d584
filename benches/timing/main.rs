//! `cargo bench --bench timing`: whether the time an answer takes tells who has an account. It
//! asks the release server about people of two classes in turns, and says with which certainty
//! the two can be told apart. See `docs/timing.md` for what is measured and why.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a program for people at a terminal: it prints, and ends where something is wrong"
)]

mod installation;
mod load;
mod measure;
mod people;
mod question;
mod report;
#[path = "../shared/mod.rs"]
#[expect(dead_code, reason = "the benchmarks beside this one need more")]
mod shared;
mod statistics;
mod verdict;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;

use database::Database;
use installation::Installation;
use load::Load;
use people::People;
use process::Process;
use question::{PAIRS, Pair};
use report::{Finding, Shares};
use shared::asked::POSTGRES_URL;
use shared::{Failure, Outcome, connection, database, process};
use statistics::Random;
use verdict::Verdict;

/// Measures whether answers about one kind of account take longer than those about another.
#[derive(Parser)]
#[command(name = "timing")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
struct Options {
    /// A few pairs, no verdict: shows that it works
    #[arg(long)]
    quick: bool,
    /// How often both classes of a pair are asked about
    #[arg(long, default_value_t = 2000)]
    pairs: usize,
    /// Only pairs whose name has one of these in it
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Memory for one hash; with less, more pairs can be afforded, and what is left shows better
    #[arg(long, default_value_t = 19_456)]
    argon2_memory_kib: u32,
    /// With the limits in force: failures are counted, none is delayed
    #[arg(long)]
    limits: bool,
    /// While others log in and keep the server half busy
    #[arg(long)]
    load: bool,
    /// After a request that may cause a mail, so that the mail is gone before the next one
    #[arg(long, default_value_t = 10)]
    pause_ms: u64,
    /// Measures PostgreSQL instead, in a database of its own beside the one named here
    #[arg(long, env = POSTGRES_URL, hide_env_values = true)]
    postgres: Option<String>,
    /// Asks in the order of an earlier run
    #[arg(long)]
    seed: Option<u64>,
    /// What cargo says to every benchmark; without it, it is `cargo test` that runs us
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    /// Whether it is only to be seen that everything works.
    fn is_trial(&self) -> bool {
        self.quick || !self.bench
    }

    fn pairs(&self) -> usize {
        if self.is_trial() {
            5
        } else {
            self.pairs.max(2)
        }
    }

    fn memory_kib(&self) -> u32 {
        if self.is_trial() {
            64
        } else {
            self.argon2_memory_kib.max(16)
        }
    }

    fn wants(&self, pair: &Pair) -> bool {
        let is_named = |part: &String| pair.name.contains(part.as_str());
        self.only.is_empty() || self.only.iter().any(is_named)
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    let measured = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::from)
        .and_then(|runtime| runtime.block_on(run(&options)));
    match measured {
        // So few say nothing, and a machine that runs tests is no place to measure.
        Ok(_) if options.is_trial() => ExitCode::SUCCESS,
        Ok(verdicts) if verdicts.contains(&Verdict::Failed) => {
            eprintln!("something can be told apart, or a control could not");
            ExitCode::FAILURE
        }
        Ok(verdicts) if verdicts.contains(&Verdict::Open) => {
            eprintln!("no difference was found, but for some more pairs are needed to say so");
            ExitCode::from(2)
        }
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the measurement failed: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures every pair, prints the report, and gives all verdicts.
async fn run(options: &Options) -> Outcome<Vec<Verdict>> {
    statistics::check()?;
    let database = match &options.postgres {
        Some(url) => Database::postgresql(url)?,
        None => Database::sqlite()?,
    };
    let seed = options.seed.unwrap_or(u64::from(std::process::id()));
    let mut random = Random::new(seed);
    let installation = Installation::start(&database, options).await?;
    let load = options
        .load
        .then(|| Load::start(&installation, &mut random));
    let load = load.transpose()?;
    let mut findings = Vec::new();
    for pair in PAIRS.iter().filter(|pair| options.wants(pair)) {
        eprint!("{}: ", pair.name);
        let finding = measure(pair, options, &installation, &mut random).await?;
        eprintln!("AUC {:.3}", finding.comparison.auc);
        findings.push(finding);
    }
    drop(load);
    if options.is_trial() {
        println!("{} pairs can be measured", findings.len());
        return Ok(Vec::new());
    }
    report::print(database.name, options, seed, &findings);
    let races = findings.iter().filter_map(|finding| finding.race.as_ref());
    let races = races.map(Verdict::on_race);
    Ok(findings.iter().map(Finding::verdict).chain(races).collect())
}

/// Measures one pair with people of its own.
async fn measure(
    pair: &Pair,
    options: &Options,
    installation: &Installation<'_>,
    random: &mut Random,
) -> Outcome<Finding> {
    let pairs = options.pairs();
    let often = (pairs, Duration::from_millis(options.pause_ms));
    let names = measure::names(pair, pairs, options.limits);
    let mut both = People::of(pair.classes, names, installation, random)?;
    let (begun, before) = (Instant::now(), readings(installation)?);
    let with = (installation, &mut both);
    let durations = measure::interleaved(pair, often, with, random).await?;
    let race = if pair.races {
        let with = (installation, &mut both);
        Some(measure::races(pair, often, with, random).await?)
    } else {
        None
    };
    let after = readings(installation)?;
    let share = |time| process::share_of_machine(time, begun.elapsed());
    let [all, server, ours] = [0, 1, 2].map(|of| after[of].saturating_sub(before[of]));
    Ok(Finding {
        pair: *pair,
        pairs,
        comparison: statistics::compare(&durations[0], &durations[1], random),
        race,
        shares: Shares {
            server: share(server),
            others: share(all.saturating_sub(server + ours)),
        },
    })
}

/// Processor time of the whole machine, the server, and ourselves.
fn readings(installation: &Installation<'_>) -> Outcome<[Duration; 3]> {
    Ok([
        process::cpu_of_machine()?,
        installation.process().cpu()?,
        Process::current().cpu()?,
    ])
}
