//! What may be asked for at the command line, and what the machine must allow.

use std::time::Duration;

use clap::Parser;

use crate::Outcome;
use crate::shared::asked::Asked;
use crate::storm::MOST_CONNECTIONS;

/// Shows what a storm of logins does to everything else.
#[derive(Parser)]
#[command(name = "storm")]
pub(crate) struct Options {
    /// How long each of the two storms lasts
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(2..=600))]
    seconds: u64,
    /// Logins per second, as a multiple of the hashes that the server's cores can do
    #[arg(long, default_value_t = 10.0)]
    pub(crate) times: f64,
    /// Refreshes and JWKS that go on meanwhile: together in percent of what the server can answer
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) background: u32,
    /// A third storm: half of it from one address, half from the others
    #[arg(long)]
    pub(crate) mixed: bool,
    /// The control: more hashing threads than cores, and so a longer queue; goals must be missed
    #[arg(long)]
    pub(crate) control: bool,
    /// Hashing threads of the control
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(2..=1024))]
    pub(crate) threads: u32,
    /// While the goals are missed before there is any storm, calibrate again, so many times at most
    #[arg(long, default_value_t = 5)]
    pub(crate) patience: u32,
    #[command(flatten)]
    pub(crate) asked: Asked,
    /// Hashes for so many milliseconds, and says how many hashes a second that were
    #[arg(long, hide = true)]
    pub(crate) hash_for: Option<u64>,
}

impl Options {
    /// Whether it is only to be seen that everything works.
    pub(crate) fn is_trial(&self) -> bool {
        self.asked.is_trial()
    }

    /// How long a storm lasts.
    pub(crate) fn length(&self) -> Duration {
        Duration::from_secs(if self.is_trial() { 2 } else { self.seconds })
    }

    /// How long each part of the calibration lasts.
    pub(crate) fn calibration(&self) -> Duration {
        Duration::from_secs(if self.is_trial() { 1 } else { 4 })
    }
}

/// Every connection is an open file.
pub(crate) fn check_open_files() -> Outcome<()> {
    let limits = std::fs::read_to_string("/proc/self/limits")?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let allowed = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    let needed = MOST_CONNECTIONS + 512;
    if allowed.is_some_and(|allowed| allowed < needed) {
        return Err(format!("too few files may be open: ulimit -n {needed}").into());
    }
    Ok(())
}
