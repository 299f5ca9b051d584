//! `cargo bench --bench growth`: what a request costs with a thousand people and with ten million,
//! with ten thousand sessions and with ten million, and after a hundred million refreshes; how much
//! room all that takes, and how long a start. See `docs/capacity.md` for how to read the tables.
//!
//! The server has a core of its own, and the load all others.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a program for people at a terminal: it prints, and ends where something is wrong"
)]

mod age;
mod load;
mod options;
mod report;
#[path = "../shared/mod.rs"]
#[expect(dead_code, reason = "the benchmarks beside this one need more")]
mod shared;
mod size;
mod step;
mod tokens;

use std::process::ExitCode;

use clap::Parser;

use cores::Cores;
use database::Database;
use options::{Options, Size};
use report::{Report, Run};
use shared::publish::Place;
use shared::{Outcome, client, connection, cores, database, process};
use step::Grown;

fn main() -> ExitCode {
    let options = Options::parse();
    let done = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(shared::Failure::from)
        .and_then(|runtime| runtime.block_on(run(&options)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the benchmark failed: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> Outcome<()> {
    let place = options.write.then(|| Place::find("capacity.md", "growth"));
    let place = place.transpose()?;
    let cores = Cores::apart()?;
    let mut text = report::conditions(options, &cores.describe());
    cores.take_the_loads()?;
    let mut runs = Vec::new();
    for fresh in options.asked.databases() {
        runs.push(measure(options, &cores, &fresh).await?);
    }
    Report { runs }.write(&mut text)?;
    println!("{text}");
    place.map_or(Ok(()), |place| place.fill(&text))
}

/// Each step begins with a fresh database.
async fn measure(
    options: &Options,
    cores: &Cores,
    fresh: &dyn Fn() -> Outcome<Database>,
) -> Outcome<Run> {
    let mut steps = Vec::new();
    for size in options.steps() {
        let database = fresh()?;
        let Size { people, sessions } = size;
        eprintln!("{}: {people} people, {sessions} sessions", database.name);
        let grown = Grown::fill(&database, cores, size).await?;
        steps.push(grown.measure(options.length()).await?);
    }
    let database = fresh()?;
    eprintln!("{}: {} refreshes", database.name, options.refreshes());
    let grown = Grown::fill(&database, cores, age::SIZE).await?;
    let ages = age::grow_old(&grown, options.refreshes(), options.length()).await?;
    Ok(Run {
        database: database.name,
        steps,
        ages,
    })
}
