//! `cargo bench --bench rotation`: three nodes behind `HAProxy` on one PostgreSQL, under load, while
//! signing keys replace each other and one node after another is restarted; and verifiers that keep
//! the JWKS as long as they may. None of them may ever meet a good token that it cannot verify. See
//! `docs/cluster.md` for how to read the tables.
//!
//! The same with the lead taken away (`--without-lead`) has to fail: else it would show nothing.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a program for people at a terminal: it prints, and ends where something is wrong"
)]

mod balancer;
mod cluster;
mod emergency;
mod keys;
mod load;
mod persons;
#[path = "../../tests/support/postgres.rs"]
mod postgres;
mod report;
mod restarts;
#[path = "../shared/mod.rs"]
#[expect(dead_code, reason = "the benchmarks beside this one need more")]
mod shared;
mod token;
mod verifiers;
mod watch;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use cluster::Cluster;
use report::Report;
use shared::{Failure, Outcome, connection, process};
use verifiers::Verifiers;
use watch::Watch;

/// Shows that no verifier is left behind while keys and nodes change.
#[derive(Parser)]
#[command(name = "rotation")]
struct Options {
    /// How long keys and nodes change
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// A key signs for so many seconds: more than it is announced
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(11..))]
    rotate_every: u64,
    /// Every so many seconds one node is restarted
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    restart_every: u64,
    /// People who are logged in
    #[arg(long, default_value_t = 48, value_parser = clap::value_parser!(u16).range(1..))]
    people: u16,
    /// The part of what the machine can do that is asked of it, in percent
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=100))]
    load: u32,
    /// At the end, revokes the key that signs
    #[arg(long)]
    emergency: bool,
    /// The control: new keys sign as soon as they are published, which must be noticed
    #[arg(long, conflicts_with = "emergency")]
    without_lead: bool,
    /// What cargo says to every benchmark; without it, it is `cargo test` that runs us
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let mut options = Options::parse();
    if !options.bench {
        // Long enough for a whole rotation.
        options.seconds = options.seconds.min(40);
        options.rotate_every = options.rotate_every.min(15);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let shown = runtime
        .map_err(Failure::from)
        .and_then(|runtime| runtime.block_on(unless_stopped(run(&options))));
    match shown {
        Ok(complaints) if complaints.is_empty() => {
            println!(
                "\n{}",
                if options.without_lead {
                    "Without the lead, verifications failed, as they must."
                } else {
                    "Passed."
                }
            );
            ExitCode::SUCCESS
        }
        Ok(complaints) => {
            println!("\nFailed:");
            for complaint in complaints {
                println!("- {complaint}");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("this run shows nothing: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whoever stops us does not stop what we have started: that ends with what it belongs to.
async fn unless_stopped<T>(run: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        done = run => done,
        _ = terminate.recv() => Err("it was stopped".into()),
        _ = interrupt.recv() => Err("it was stopped".into()),
    }
}

/// Runs everything, prints the report, and says what was not as it must be.
async fn run(options: &Options) -> Outcome<Vec<String>> {
    let cluster = Arc::new(Cluster::start(options.rotate_every).await?);
    let verifiers = Verifiers::start(&cluster);
    let crowd = persons::register(&cluster, options.people).await?;
    let load = load::start(crowd, &verifiers, options.load).await?;
    let watch = Watch::start(&cluster, &verifiers);
    let lead = options
        .without_lead
        .then(|| tokio::spawn(keys::take_away_lead(cluster.database.clone())));

    let begun = Instant::now();
    let machine = process::cpu_of_machine()?;
    let length = Duration::from_secs(options.seconds);
    let restarts = restarts::run(&cluster, length, options.restart_every).await?;
    let length = begun.elapsed();
    let busy = process::cpu_of_machine()?.saturating_sub(machine);
    let busy = process::share_of_machine(busy, length);
    if let Some(lead) = lead {
        lead.abort();
    }
    let watched = watch.end();
    let emergency = if options.emergency {
        verifiers.freeze();
        Some(emergency::run(&cluster, &verifiers, &load).await?)
    } else {
        None
    };
    let requests = load.end().await?;
    let verifiers = Arc::into_inner(verifiers).ok_or("somebody still gives tokens")?;
    let pools = verifiers.end().await?;
    let report = Report {
        options,
        length,
        busy,
        requests,
        pools,
        restarts,
        watched,
        emergency,
    };
    report.print();
    let complaints = report.complaints();
    if !complaints.is_empty() {
        eprintln!("{}", cluster.last_words());
    }
    Ok(complaints)
}
