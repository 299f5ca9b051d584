//! The tables, in Markdown.

use std::fmt::{self, Write};
use std::time::Duration;

use crate::client::Scenario;
use crate::conditions::Conditions;
use crate::figures::{best, groups, median, median_of, mib};
use crate::limits::Limits;
use crate::load::Cell;
use crate::process::Memory;
use crate::server::Restart;

pub(crate) struct Report {
    pub(crate) conditions: Conditions,
    pub(crate) runs: Vec<Run>,
    pub(crate) bare: Vec<Cell>,
    pub(crate) limits: Vec<Limits>,
    /// For whom the last restarts were.
    pub(crate) users: Option<u32>,
}

/// Everything about the server on one database.
pub(crate) struct Run {
    pub(crate) database: &'static str,
    pub(crate) first_start: Duration,
    pub(crate) cells: Vec<Cell>,
    pub(crate) memory_under_load: Memory,
    pub(crate) restarts: Vec<Restart>,
    /// With many users.
    pub(crate) late_restarts: Vec<Restart>,
}

impl Report {
    pub(crate) fn markdown(&self) -> Result<String, fmt::Error> {
        let mut out = String::new();
        writeln!(out, "## The run\n")?;
        self.conditions.write(&mut out)?;
        self.write_limits(&mut out)?;
        self.write_answers(&mut out)?;
        self.write_shares(&mut out)?;
        self.write_process(&mut out)?;
        if let Some(users) = self.users {
            self.write_late_restarts(&mut out, users)?;
        }
        Ok(out)
    }

    /// The median of what was measured once in each repeat.
    pub(crate) fn limit(&self, field: fn(&Limits) -> f64) -> f64 {
        median(self.limits.iter().map(field))
    }

    fn write_limits(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "## Limits, measured in the same run\n")?;
        let others = self.limit(|it| it.disturbance) * 100.0;
        writeln!(out, "Others took {others:.0} % of the machine meanwhile.\n")?;
        writeln!(out, "| what | per second |\n|---|--:|")?;
        let mut row = |what: &str, rate: f64| {
            let digits = usize::from(rate < 1000.0);
            writeln!(out, "| {what} | {rate:.digits$} |")
        };
        row(
            "Argon2id 19 MiB, t=2, reused memory",
            self.limit(|it| it.hashes),
        )?;
        row(
            "the same, memory allocated for each hash",
            self.limit(|it| it.allocating_hashes),
        )?;
        row("ES256 signatures (ring)", self.limit(|it| it.signatures))?;
        row("checks of them", self.limit(|it| it.checks))?;
        row("`fdatasync` of an appended page", self.limit(|it| it.syncs))?;
        row(
            "one-row updates in SQLite, 64 to a synced commit",
            self.limit(|it| it.updates),
        )?;
        row(
            "bare actix-web, the JWKS's bytes",
            best(&self.bare, Scenario::Jwks),
        )?;
        writeln!(out)
    }

    fn write_answers(&self, out: &mut String) -> fmt::Result {
        writeln!(
            out,
            "## Answers\n\n\
             | database | scenario | clients | req/s | spread | p50 ms | p99 ms | max ms | refused \
             | server CPU µs | database CPU µs | load CPU µs | RSS MiB | others |\n\
             |---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
        )?;
        for run in &self.runs {
            for group in groups(&run.cells) {
                write_answer(out, run.database, group[0].scenario.name(), &group)?;
            }
        }
        for group in groups(&self.bare) {
            write_answer(out, "–", "*bare actix-web*", &group)?;
        }
        writeln!(out)
    }

    fn write_shares(&self, out: &mut String) -> fmt::Result {
        writeln!(
            out,
            "## Share of the limit\n\n\
             | database | login / hash | login / allocating hash | register / hash | jwks / bare \
             | discovery / bare | refresh / grouped update | refresh / signature |\n\
             |---|--:|--:|--:|--:|--:|--:|--:|"
        )?;
        let hashes = self.limit(|it| it.hashes);
        let bare = best(&self.bare, Scenario::Jwks);
        for run in &self.runs {
            let share = |scenario, limit: f64| match best(&run.cells, scenario) {
                0.0 => "–".to_owned(),
                rate => format!("{:.0} %", rate / limit * 100.0),
            };
            let updates = match run.database {
                "SQLite" => share(Scenario::Refresh, self.limit(|it| it.updates)),
                _ => "–".into(),
            };
            let shares = [
                share(Scenario::Login, hashes),
                share(Scenario::Login, self.limit(|it| it.allocating_hashes)),
                share(Scenario::Register, hashes),
                share(Scenario::Jwks, bare),
                share(Scenario::Discovery, bare),
                updates,
                share(Scenario::Refresh, self.limit(|it| it.signatures)),
            ];
            writeln!(out, "| {} | {} |", run.database, shares.join(" | "))?;
        }
        writeln!(out)
    }

    fn write_process(&self, out: &mut String) -> fmt::Result {
        writeln!(
            out,
            "## The process\n\n\
             | database | RSS at rest MiB | RSS after load MiB | peak MiB | start, new database ms \
             | start, existing database ms | of which the slowest ms |\n\
             |---|--:|--:|--:|--:|--:|--:|"
        )?;
        for run in &self.runs {
            writeln!(
                out,
                "| {} | {:.1} | {:.1} | {:.1} | {:.0} | {:.0} | {:.0} |",
                run.database,
                rest(&run.restarts),
                mib(run.memory_under_load.now as f64),
                mib(run.memory_under_load.peak as f64),
                run.first_start.as_secs_f64() * 1e3,
                median(starts(&run.restarts)),
                starts(&run.restarts).fold(0.0, f64::max),
            )?;
        }
        Ok(())
    }

    fn write_late_restarts(&self, out: &mut String, users: u32) -> fmt::Result {
        writeln!(
            out,
            "\nWith {users} users:\n\n\
             | database | RSS at rest MiB | start ms | of which the slowest ms |\n\
             |---|--:|--:|--:|"
        )?;
        for run in &self.runs {
            writeln!(
                out,
                "| {} | {:.1} | {:.0} | {:.0} |",
                run.database,
                rest(&run.late_restarts),
                median(starts(&run.late_restarts)),
                starts(&run.late_restarts).fold(0.0, f64::max),
            )?;
        }
        Ok(())
    }
}

fn write_answer(out: &mut String, database: &str, scenario: &str, group: &[&Cell]) -> fmt::Result {
    let of = |field: fn(&Cell) -> f64| median_of(group, field);
    let rates = || group.iter().map(|cell| cell.rate());
    let spread = rates().fold(0.0, f64::max) - rates().fold(f64::MAX, f64::min);
    writeln!(
        out,
        "| {database} | {scenario} | {} | {:.*} | {:.0} % | {:.2} | {:.2} | {:.1} | {:.0} % | {:.0} \
         | {:.0} | {:.0} | {:.1} | {:.0} % |",
        group[0].clients,
        usize::from(of(Cell::rate) < 1000.0),
        of(Cell::rate),
        spread / of(Cell::rate) * 100.0,
        of(|cell| cell.percentile(50)),
        of(|cell| cell.percentile(99)),
        of(|cell| cell.percentile(100)),
        of(Cell::refused) * 100.0,
        of(Cell::server_micros),
        of(Cell::database_micros),
        of(Cell::load_micros),
        mib(of(|cell| cell.resident as f64)),
        of(Cell::disturbance) * 100.0,
    )
}

/// In MiB.
fn rest(restarts: &[Restart]) -> f64 {
    mib(median(restarts.iter().map(|it| it.memory.now as f64)))
}

/// In ms.
fn starts(restarts: &[Restart]) -> impl Iterator<Item = f64> {
    restarts.iter().map(|it| it.started_in.as_secs_f64() * 1e3)
}
