//! What may be asked for at the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::client::Scenario;
use crate::load::Window;
use crate::shared::asked::Asked;

/// Measures the server over HTTP.
#[derive(Parser)]
#[command(name = "http")]
pub(crate) struct Options {
    /// One second for each cell, once, with 1 and 8 clients: shows that it works, not how fast it is
    #[arg(long)]
    quick: bool,
    /// Seconds for each cell [default: 5]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: Option<u64>,
    /// The whole list so many times over; the tables hold medians [default: 3]
    #[arg(long)]
    repeats: Option<usize>,
    /// How many clients at once [default: 1,8,64,256]
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..))]
    clients: Vec<u16>,
    /// Only these
    #[arg(long, value_delimiter = ',')]
    scenarios: Vec<Scenario>,
    /// The server on the first core alone, the load on all others
    #[arg(long)]
    pub(crate) pin: bool,
    /// Measures starts with so many users, too
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) users: Option<u32>,
    /// Puts the report into docs/performance.md, and draws docs/performance.svg
    #[arg(long)]
    pub(crate) write: bool,
    /// While others take more than a tenth of the machine, measure again, so many times at most
    #[arg(long, default_value_t = 0)]
    pub(crate) patience: usize,
    #[command(flatten)]
    pub(crate) asked: Asked,
    /// Serves this file at the place of the JWKS, with nothing around it
    #[arg(long, hide = true)]
    pub(crate) bare_server: Option<PathBuf>,
}

impl Options {
    fn is_quick(&self) -> bool {
        self.quick || self.asked.is_trial()
    }

    pub(crate) fn window(&self) -> Window {
        let usual = if self.is_quick() { 1 } else { 5 };
        let seconds = self.seconds.unwrap_or(usual);
        Window {
            warm_up: Duration::from_millis(200 * seconds),
            length: Duration::from_secs(seconds),
        }
    }

    pub(crate) fn repeats(&self) -> usize {
        let usual = if self.is_quick() { 1 } else { 3 };
        self.repeats.unwrap_or(usual).max(1)
    }

    pub(crate) fn clients(&self) -> Vec<u16> {
        if !self.clients.is_empty() {
            return self.clients.clone();
        }
        if self.is_quick() {
            vec![1, 8]
        } else {
            vec![1, 8, 64, 256]
        }
    }

    /// As many clients as there are at once at most.
    pub(crate) fn most_clients(&self) -> u16 {
        self.clients().into_iter().max().unwrap_or(1)
    }

    pub(crate) fn scenarios(&self) -> Vec<Scenario> {
        if self.scenarios.is_empty() {
            Scenario::ALL.to_vec()
        } else {
            self.scenarios.clone()
        }
    }
}
