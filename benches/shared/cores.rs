//! Which cores the server has, and which the load: the same for both, unless they are kept apart.
//!
//! With the program `taskset` (util-linux), for the call behind it is not for safe code.

use std::ffi::OsStr;
use std::fs;
use std::process::{Command, Stdio};

use super::Outcome;
use super::process::Process;

const TASKSET: &str = "taskset";

/// None: everybody runs wherever there is room.
pub(crate) struct Cores(Option<Parts>);

/// Lists of cores, as `taskset` reads them.
struct Parts {
    server: String,
    load: String,
}

impl Cores {
    pub(crate) fn shared() -> Self {
        Self(None)
    }

    /// The first of our cores for the server alone, all others for the load.
    pub(crate) fn apart() -> Outcome<Self> {
        let cores = allowed()?;
        let (server, load) = cores.split_first().ok_or("no cores in /proc/…/status")?;
        if load.is_empty() {
            return Err("--pin needs two cores: one for the server, one for the load".into());
        }
        let load: Vec<String> = load.iter().map(u16::to_string).collect();
        Ok(Self(Some(Parts {
            server: server.to_string(),
            load: load.join(","),
        })))
    }

    /// A program on the server's cores. `taskset` becomes it, so that the child's id is its own.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let Some(parts) = &self.0 else {
            return Command::new(program);
        };
        let mut command = Command::new(TASKSET);
        command.args(["-c", &parts.server]).arg(program);
        command
    }

    /// Moves us to where the load runs.
    pub(crate) fn take_the_loads(&self) -> Outcome<()> {
        self.0.as_ref().map_or(Ok(()), |parts| take(&parts.load))
    }

    /// Moves us to where the server runs.
    pub(crate) fn take_the_servers(&self) -> Outcome<()> {
        self.0.as_ref().map_or(Ok(()), |parts| take(&parts.server))
    }

    /// Who runs where, in words.
    pub(crate) fn describe(&self) -> String {
        self.0.as_ref().map_or_else(
            || "the server and the load share all cores".into(),
            |Parts { server, load }| {
                format!("the server and the limits on core {server}, the load on core {load}")
            },
        )
    }
}

/// The cores that this process may use.
fn allowed() -> Outcome<Vec<u16>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let list = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))
        .ok_or("no cores in /proc/…/status")?;
    let mut cores = Vec::new();
    for range in list.trim().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        cores.extend(first.parse::<u16>()?..=last.parse()?);
    }
    Ok(cores)
}

/// Moves all our threads to these cores; threads and children that come later are there, too.
fn take(cores: &str) -> Outcome<()> {
    let us = Process::current().0.to_string();
    let moved = Command::new(TASKSET)
        .args(["-a", "-c", "-p", cores, &us])
        .stdout(Stdio::null())
        .status()
        .map_err(|error| format!("--pin needs the program {TASKSET} (util-linux): {error}"))?;
    if moved.success() {
        Ok(())
    } else {
        Err(format!("{TASKSET} could not move us to core {cores}: {moved}").into())
    }
}
