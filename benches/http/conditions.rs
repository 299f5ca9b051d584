//! Where, when and how the figures came about.

use std::fmt::{self, Write};

use chrono::{DateTime, Utc};

use crate::Outcome;
use crate::cores::Cores;
use crate::options::Options;
use crate::shared::{asked, machine};

pub(crate) struct Conditions {
    begun: DateTime<Utc>,
    machine: String,
    load_average: String,
    commit: String,
    cores: String,
    repeats: usize,
    seconds: u64,
    postgresql: Option<String>,
}

impl Conditions {
    #[expect(
        clippy::disallowed_methods,
        reason = "the date is for people, and nothing depends on it"
    )]
    pub(crate) fn note(options: &Options, cores: &Cores) -> Outcome<Self> {
        let postgresql = options.asked.postgres();
        let postgresql = postgresql.map(machine::version_of_postgresql).transpose()?;
        Ok(Self {
            begun: Utc::now(),
            machine: machine::describe(),
            load_average: machine::load_average(),
            commit: machine::commit(),
            cores: cores.describe(),
            repeats: options.repeats(),
            seconds: options.window().length.as_secs(),
            postgresql,
        })
    }

    pub(crate) fn commit(&self) -> &str {
        &self.commit
    }

    pub(crate) fn machine(&self) -> &str {
        &self.machine
    }

    pub(crate) fn cores(&self) -> &str {
        &self.cores
    }

    pub(crate) fn write(&self, out: &mut String) -> fmt::Result {
        let (size, begun) = (
            machine::binary_mib(),
            self.begun.format("%Y-%m-%d %H:%M UTC"),
        );
        writeln!(out, "- `{}`", asked::command_line("http"))?;
        writeln!(out, "- begun: {begun}, commit {}", self.commit)?;
        writeln!(out, "- machine: {}", self.machine)?;
        if let Some(version) = &self.postgresql {
            writeln!(out, "- PostgreSQL {version}, its settings as it came")?;
        }
        writeln!(out, "- cores: {}", self.cores)?;
        writeln!(
            out,
            "- load average at the beginning: {}",
            self.load_average
        )?;
        let (repeats, seconds) = (self.repeats, self.seconds);
        writeln!(out, "- {repeats} × {seconds} s for each row; medians")?;
        writeln!(out, "- binary: {size:.1} MiB\n")
    }
}
