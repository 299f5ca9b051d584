//! `cargo bench --bench http`: the release server as a process of its own on a fresh database,
//! under closed-loop load whose every answer is checked, and beside it, in the same run, the limits
//! of what it is made of. See `docs/performance.md` for how to read the tables.
//!
//! The load comes from one thread: on the same cores as the server, or apart from it (`--pin`).

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a program for people at a terminal: it prints, and ends where something is wrong"
)]

mod bare;
mod conditions;
mod figures;
mod limits;
mod load;
mod options;
mod plot;
mod report;
mod server;
#[path = "../shared/mod.rs"]
#[expect(dead_code, reason = "the benchmarks beside this one need more")]
mod shared;
mod subject;

use std::process::ExitCode;

use clap::Parser;

use conditions::Conditions;
use cores::Cores;
use database::Database;
use limits::Limits;
use options::Options;
use process::Process;
use report::Report;
use shared::publish::{self, Place};
use shared::{Failure, Outcome, client, connection, cores, database, process};
use subject::{BareSubject, Subject};

fn main() -> ExitCode {
    let options = Options::parse();
    let done = match &options.bare_server {
        Some(body) => bare::serve(body).map(|()| 0),
        None => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Failure::from)
            .and_then(|runtime| runtime.block_on(run(&options))),
    };
    match done {
        Ok(0) => ExitCode::SUCCESS,
        Ok(wrong) => {
            eprintln!("{wrong} answers were wrong: these figures mean nothing");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("the benchmark failed: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures, prints the report, and says how many answers were wrong.
async fn run(options: &Options) -> Outcome<u64> {
    let place = options.write.then(|| Place::find("performance.md", "http"));
    let place = place.transpose()?;
    let report = measure(options).await?;
    let text = report.markdown()?;
    println!("{text}");
    let cells = report.runs.iter().flat_map(|run| &run.cells);
    let wrong = cells.chain(&report.bare).map(|cell| cell.wrong).sum();
    if let Some(place) = place.filter(|_| wrong == 0) {
        let (picture, caption) = plot::draw(&report)?;
        std::fs::write(publish::picture("performance.svg"), picture)?;
        place.fill(&format!("![{caption}](performance.svg)\n\n{text}"))?;
    }
    Ok(wrong)
}

async fn measure(options: &Options) -> Outcome<Report> {
    let cores = if options.pin {
        Cores::apart()?
    } else {
        Cores::shared()
    };
    let conditions = Conditions::note(options, &cores)?;
    cores.take_the_loads()?;
    let databases = options.asked.databases().into_iter().map(|fresh| fresh());
    let databases: Vec<Database> = databases.collect::<Outcome<_>>()?;
    let mut subjects = Vec::new();
    for database in &databases {
        subjects.push(Subject::start(database, &cores, options.most_clients()).await?);
    }
    let Some(first) = subjects.first() else {
        return Err("nothing to measure".into());
    };
    let mut bare = BareSubject::start(&first.target, &cores, options.most_clients()).await?;
    let mut limits = Vec::new();
    for repeat in 1..=options.repeats() {
        eprintln!("{repeat}: limits");
        limits.push(measure_limits(options, &cores).await?);
        eprintln!("{repeat}: answers");
        measure_answers(options, &mut subjects, &mut bare).await?;
    }
    let bare = bare.end();
    let mut runs = Vec::new();
    for subject in subjects {
        eprintln!("{}: starts", subject.run.database);
        runs.push(subject.end(options, &cores).await?);
    }
    Ok(Report {
        conditions,
        runs,
        bare,
        limits,
        users: options.users,
    })
}

/// Everything once.
async fn measure_answers(
    options: &Options,
    subjects: &mut [Subject<'_>],
    bare: &mut BareSubject,
) -> Outcome<()> {
    for count in options.clients() {
        for scenario in options.scenarios() {
            for subject in &mut *subjects {
                eprintln!("{} {} {count}", subject.run.database, scenario.name());
                subject.measure(options, scenario, count).await?;
            }
        }
        bare.measure(options, count).await?;
    }
    Ok(())
}

/// The limits of the cores that the server has.
async fn measure_limits(options: &Options, cores: &Cores) -> Outcome<Limits> {
    cores.take_the_servers()?;
    let measured = async || Limits::measure(options.window().length);
    let limits = subject::calmly(options, measured, |it| it.disturbance).await?;
    cores.take_the_loads()?;
    Ok(limits)
}
