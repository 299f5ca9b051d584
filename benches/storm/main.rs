//! `cargo bench --bench storm`: ten times more logins than can be hashed, at once and then for a
//! while, from one address and from many, and meanwhile refreshes and JWKS in an open loop. What
//! must hold of the answers is judged; see `docs/overload.md` for how to read the tables.
//!
//! The same with more hashing threads than cores (`--control`) has to fail: else it would show
//! nothing.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a program for people at a terminal: it prints, and ends where something is wrong"
)]

mod accounts;
mod background;
mod capacity;
mod figures;
mod goals;
mod honest;
mod installation;
mod metrics;
mod options;
mod phase;
mod report;
mod rest;
#[path = "../shared/mod.rs"]
#[expect(dead_code, reason = "the benchmarks beside this one need more")]
mod shared;
mod storm;
mod threads;
mod watch;

use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use accounts::Accounts;
use cores::Cores;
use database::Database;
use goals::Goal;
use installation::Installation;
use options::Options;
use phase::{Callers, Phase};
use report::Report;
use shared::{Failure, Outcome, client, connection, cores, database, process};

/// It has the first core alone ([`Cores::apart`]), and by itself a hashing thread for each.
const CORES_OF_SERVER: u32 = 1;

fn main() -> ExitCode {
    let options = Options::parse();
    if let Some(millis) = options.hash_for {
        return ended(capacity::hash_for(millis).map(|()| true));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let shown = runtime
        .map_err(Failure::from)
        .and_then(|runtime| runtime.block_on(unless_stopped(run(&options))));
    ended(shown)
}

fn ended(shown: Outcome<bool>) -> ExitCode {
    match shown {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("this run shows nothing: {error}");
            ExitCode::from(2)
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

/// Runs everything on every database, and says whether all was as it has to be.
async fn run(options: &Options) -> Outcome<bool> {
    options::check_open_files()?;
    let cores = Cores::apart()?;
    cores.take_the_loads()?;
    report::print_conditions(options, &cores);
    let mut is_well = true;
    for fresh in options.asked.databases() {
        let database = fresh()?;
        let report = endure(options, &cores, &database).await?;
        report.print();
        let goals = report.goals();
        goals::print(&goals);
        if report.phases.iter().any(Phase::is_disturbed) {
            println!("The load had to wait for its core: times that are too long say nothing.\n");
        }
        is_well &= judge(options, &goals);
    }
    Ok(is_well)
}

/// The server on one database, at rest and through both storms.
async fn endure(options: &Options, cores: &Cores, database: &Database) -> Outcome<Report> {
    let threads = options.control.then_some(options.threads);
    let server = Installation::start(database, cores, threads).await?;
    let resident = server.process().memory()?.now;
    let mut accounts = Accounts::register(&server).await?;
    eprintln!("{}: at rest", database.name);
    let rest = rest::calmly(options, cores, &server, &mut accounts).await?;
    let mut phases = Vec::new();
    let mixed = options.mixed.then_some(Callers::Both);
    for callers in [Callers::One, Callers::Many].into_iter().chain(mixed) {
        eprintln!("{}: a storm from {}", database.name, callers.name());
        let phase = phase::run(options, callers, &server, &mut accounts, &rest).await?;
        phases.push(phase);
    }
    Ok(Report {
        database: database.name,
        resident,
        rest,
        phases,
        threads: CORES_OF_SERVER,
    })
}

/// A trial shows that it works, on a machine that runs tests: there, no time decides anything.
fn judge(options: &Options, goals: &[Goal]) -> bool {
    let missed = goals.iter().filter(|goal| !goal.is_met).count();
    if options.control {
        println!("The control missed {missed} goals; it has to miss one.\n");
        return missed > 0;
    }
    let verdict = if missed == 0 { "Passed." } else { "Failed." };
    println!("{verdict}\n");
    missed == 0 || options.is_trial()
}
