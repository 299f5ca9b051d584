//! What may be asked for at the command line.

use std::str::FromStr;
use std::time::Duration;

use clap::Parser;

use crate::shared::asked::Asked;

/// Measures what people, sessions and years of refreshes do to the cost of a request.
#[derive(Parser)]
#[command(name = "growth")]
pub(crate) struct Options {
    /// People and sessions at each step [default: 1000:10000 and so on to 10000000:10000000]
    #[arg(long, value_delimiter = ',')]
    steps: Vec<Size>,
    /// Refreshes of 10,000 sessions, for how the database ages [default: 100000000]
    #[arg(long)]
    refreshes: Option<u64>,
    /// Seconds for each cell [default: 3]
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Puts the report into docs/capacity.md
    #[arg(long)]
    pub(crate) write: bool,
    #[command(flatten)]
    pub(crate) asked: Asked,
}

/// How much there is at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) people: u64,
    pub(crate) sessions: u64,
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "write <people>:<sessions>, none of them 0".to_owned();
        let (people, sessions) = text.split_once(':').ok_or_else(form)?;
        let count = |text: &str| text.parse().ok().filter(|count| *count > 0);
        match (count(people), count(sessions)) {
            (Some(people), Some(sessions)) => Ok(Self { people, sessions }),
            _ => Err(form()),
        }
    }
}

impl Options {
    /// From the smallest to the largest.
    pub(crate) fn steps(&self) -> Vec<Size> {
        if !self.steps.is_empty() {
            return self.steps.clone();
        }
        let largest = if self.asked.is_trial() { 3 } else { 7 };
        let size = |exponent: u32| Size {
            people: 10_u64.pow(exponent),
            sessions: 10_u64.pow((exponent + 1).min(7)),
        };
        (3..=largest).map(size).collect()
    }

    pub(crate) fn refreshes(&self) -> u64 {
        let usual = if self.asked.is_trial() {
            100_000
        } else {
            100_000_000
        };
        self.refreshes.unwrap_or(usual)
    }

    pub(crate) fn length(&self) -> Duration {
        Duration::from_secs(if self.asked.is_trial() {
            1
        } else {
            self.seconds
        })
    }
}
