//! Where, when and how the figures came about.

use std::fmt::{self, Write};
use std::process::Command;

use chrono::{DateTime, Utc};
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, sql_types::Text};

use crate::cores::Cores;
use crate::figures::mib;
use crate::options::{self, Options};
use crate::{Outcome, process, server};

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

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    server_version: String,
}

impl Conditions {
    #[expect(
        clippy::disallowed_methods,
        reason = "the date is for people, and nothing depends on it"
    )]
    pub(crate) fn note(options: &Options, cores: &Cores) -> Outcome<Self> {
        Ok(Self {
            begun: Utc::now(),
            machine: machine(),
            load_average: read("/proc/loadavg"),
            commit: commit(),
            cores: cores.describe(),
            repeats: options.repeats(),
            seconds: options.window().length.as_secs(),
            postgresql: options.postgres.as_deref().map(version).transpose()?,
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
        let (size, begun) = (binary_mib(), self.begun.format("%Y-%m-%d %H:%M UTC"));
        writeln!(out, "- `{}`", options::command_line())?;
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

fn machine() -> String {
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("", |name| name.trim_start_matches([' ', '\t', ':']));
    let (cores, kernel) = (
        process::cores_of_machine(),
        read("/proc/sys/kernel/osrelease"),
    );
    format!("{cores} cores, {model}, Linux {kernel}")
}

fn binary_mib() -> f64 {
    let size = std::fs::metadata(server::binary()).map_or(0, |file| file.len());
    mib(size as f64 / 1024.0)
}

fn read(path: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.trim().to_owned()
}

fn commit() -> String {
    let git = Command::new("git")
        .args(["-C", env!("CARGO_MANIFEST_DIR")])
        .args(["describe", "--always", "--dirty"])
        .output();
    let text = git.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_default()
}

fn version(url: &str) -> Outcome<String> {
    let mut conn = PgConnection::establish(url)?;
    let row: Row = diesel::sql_query("SHOW server_version").get_result(&mut conn)?;
    Ok(row.server_version)
}
