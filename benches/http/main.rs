//! `cargo bench --bench http`: the release server as a process of its own on a fresh database,
//! under closed-loop load whose every answer is checked, and beside it, in the same run, the limits
//! of what it is made of. See `docs/performance.md` for how to read the tables.
//!
//! The load comes from one thread on the same cores as the server.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a program for people at a terminal: it prints, and ends where something is wrong"
)]

mod bare;
mod client;
#[expect(dead_code, reason = "the verifiers of another benchmark read headers")]
mod connection;
mod database;
mod limits;
mod load;
mod process;
mod proof;
mod report;
mod server;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use client::{Client, Scenario, Target};
use database::Database;
use limits::Limits;
use load::{Cell, Window};
use process::{Memory, Process};
use report::Run;
use server::Server;

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Outcome<T> = Result<T, Failure>;

/// Measures the server over HTTP.
#[derive(Parser)]
#[command(name = "http")]
struct Options {
    /// One second for each cell: shows that it works, not how fast it is
    #[arg(long)]
    quick: bool,
    /// Seconds for each cell
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// The whole list so many times over; the tables hold medians
    #[arg(long, default_value_t = 1)]
    repeats: usize,
    /// How many clients at once
    #[arg(long, value_delimiter = ',', default_value = "1,16,64")]
    clients: Vec<u16>,
    /// Only these
    #[arg(long, value_delimiter = ',')]
    scenarios: Vec<Scenario>,
    /// While others take more than a tenth of the machine, measure again, so many times at most
    #[arg(long, default_value_t = 0)]
    patience: usize,
    /// Measures PostgreSQL too, in a database of its own beside the one named here
    #[arg(long, env = "SIGNET_BENCH_POSTGRES_URL", hide_env_values = true)]
    postgres: Option<String>,
    /// Leaves SQLite out
    #[arg(long)]
    no_sqlite: bool,
    /// What cargo says to every benchmark; without it, it is `cargo test` that runs us
    #[arg(long, hide = true)]
    bench: bool,
    /// Serves this file at the place of the JWKS, with nothing around it
    #[arg(long, hide = true)]
    bare_server: Option<std::path::PathBuf>,
}

impl Options {
    fn window(&self) -> Window {
        let seconds = if self.quick || !self.bench {
            1
        } else {
            self.seconds.max(1)
        };
        Window {
            warm_up: Duration::from_millis(200 * seconds),
            length: Duration::from_secs(seconds),
        }
    }

    fn scenarios(&self) -> Vec<Scenario> {
        if self.scenarios.is_empty() {
            Scenario::ALL.to_vec()
        } else {
            self.scenarios.clone()
        }
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    let done = match &options.bare_server {
        Some(body) => bare::serve(body).map(|()| 0),
        None => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Failure::from)
            .and_then(|runtime| runtime.block_on(measure(&options))),
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

/// Runs everything, prints the report, and says how many answers were wrong.
async fn measure(options: &Options) -> Outcome<u64> {
    let window = options.window();
    let databases = databases(options)?;
    let mut runs = Vec::new();
    for database in &databases {
        let server = Server::start(database).await?;
        let target = Target::look_at(server.address()).await?;
        let mut clients = Vec::new();
        for number in 0..options.clients.iter().copied().max().unwrap_or(1) {
            clients.push(Client::register(&target, number).await?);
        }
        let run = Run::new(database, server.started_in());
        runs.push((run, server, target, clients));
    }
    let Some((_, _, target, _)) = runs.first() else {
        return Err("nothing to measure".into());
    };
    let bare = bare::Bare::start(&target.jwks).await?;
    let mut bare_clients = Vec::new();
    for number in 0..options.clients.iter().copied().max().unwrap_or(1) {
        bare_clients.push(Client::new(&bare.target, number).await?);
    }
    let mut bare_cells = Vec::new();
    let mut limits = Vec::new();
    for repeat in 1..=options.repeats {
        eprintln!("{repeat}: limits");
        let measured = async || Limits::measure(window.length);
        limits.push(calmly(options, measured, |it| it.disturbance).await?);
        for &count in &options.clients {
            for scenario in options.scenarios() {
                for (run, server, _, clients) in &mut runs {
                    eprintln!("{repeat}: {} {} {count}", run.database, scenario.name());
                    let watched = (server.process(), run.database);
                    let measured =
                        async || load::run(clients, count, scenario, window, watched).await;
                    run.cells
                        .push(calmly(options, measured, disturbance).await?);
                    run.memory_under_load = server.process().memory()?;
                }
            }
            let watched = (bare.process(), "");
            let measured =
                async || load::run(&mut bare_clients, count, Scenario::Jwks, window, watched).await;
            bare_cells.push(calmly(options, measured, disturbance).await?);
        }
    }
    drop(bare);
    let mut finished = Vec::new();
    for (mut run, server, _, clients) in runs {
        drop(clients);
        run.restarts = server.restart(5).await?;
        finished.push(run);
    }
    report::print(&finished, &bare_cells, &limits, options.repeats, window);
    let cells = finished.iter().flat_map(|run| &run.cells);
    Ok(cells.chain(&bare_cells).map(|cell| cell.wrong).sum())
}

/// Measures again while others disturb, as far as patience goes.
async fn calmly<T>(
    options: &Options,
    mut measured: impl AsyncFnMut() -> Outcome<T>,
    disturbance: impl Fn(&T) -> f64,
) -> Outcome<T> {
    let mut result = measured().await?;
    for _ in 0..options.patience {
        if disturbance(&result) <= 0.1 {
            break;
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        result = measured().await?;
    }
    Ok(result)
}

/// A cell with a wrong answer is never measured again: it must be seen.
fn disturbance(cell: &Cell) -> f64 {
    if cell.wrong > 0 {
        return 0.0;
    }
    cell.disturbance()
}

fn databases(options: &Options) -> Outcome<Vec<Database>> {
    let mut databases = Vec::new();
    if !options.no_sqlite {
        databases.push(Database::sqlite()?);
    }
    if let Some(url) = &options.postgres {
        databases.push(Database::postgresql(url)?);
    }
    Ok(databases)
}
