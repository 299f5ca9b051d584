//! # cli
//!
//! The command line: reads arguments, builds what a command needs, prints for people or, with
//! `--json`, for programs. Results go to standard output, everything else to standard error.
//!
//! It decides nothing that a room could decide.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line prints"
)]

mod arguments;
mod config;
mod doctor;
mod events;
mod keys;
mod logging;
mod master;
mod openapi;
mod serve;
mod sessions;
mod users;

use std::process::ExitCode;

use clap::Parser;
use serde_json::Value;

use crate::app::App;
use crate::clock::Clock;
use crate::config::{Argument, Config, environment};
use crate::error::{Error, Result};
use crate::storage::{self, Access};

use arguments::{Arguments, Command, Keys, Master};

/// Runs the program; its exit code is 0, 1 for a failure, or 2 for wrong arguments.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    match dispatch(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: Arguments) -> Result<()> {
    let command = arguments.command.clone().unwrap_or_default();
    if let Command::Config(command) = &command {
        return config::run(command, &arguments);
    }
    let config = load(&arguments, &command.overrides())?;
    logging::start(&config.log);
    match command {
        Command::Serve(_) => serve::run(config),
        Command::Keys(Keys::Master(Master::Recover { yes, json })) => {
            master::recover(config, yes, json)
        }
        Command::Migrate { json } => migrate(&config, json),
        Command::Users(command) => with_app(config, |app| users::run(command, app)),
        Command::Sessions(command) => with_app(config, |app| sessions::run(command, app)),
        Command::Keys(command) => with_app(config, |app| keys::run(command, app)),
        Command::Events(command) => with_app(config, |app| events::run(command, app)),
        Command::Doctor { json } => doctor::run(&config, json),
        Command::Openapi { output } => openapi::run(&config, output.as_deref()),
        Command::Config(_) => Ok(()),
    }
}

fn load(arguments: &Arguments, overrides: &[Argument]) -> Result<Config> {
    Ok(Config::load_with(
        arguments.config.as_deref(),
        environment(),
        overrides,
    )?)
}

/// Runs an asynchronous command beside whatever server may be running.
fn with_app<F>(config: Config, command: impl FnOnce(App) -> F) -> Result<()>
where
    F: Future<Output = Result<()>>,
{
    let app = App::build_for(config, Clock::system(), Access::Command)?;
    wait_for(command(app))
}

/// Runs something asynchronous to its end.
fn wait_for<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.map_err(Error::internal)?.block_on(work)
}

fn migrate(config: &Config, json: bool) -> Result<()> {
    let applied = storage::migrate(&config.database)?;
    if json {
        print_json(&serde_json::json!({ "applied": applied }));
    } else if applied.is_empty() {
        println!("The database is up to date.");
    } else {
        for name in applied {
            println!("applied {name}");
        }
    }
    Ok(())
}

fn print_json(value: &Value) {
    println!("{value:#}");
}
