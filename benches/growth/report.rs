//! The tables, in Markdown.

use std::fmt::{self, Write};
use std::time::Duration;

use crate::age::{self, Ages};
use crate::options::Options;
use crate::shared::{asked, machine};
use crate::size::Way;
use crate::step::{MANY, Step};

pub(crate) struct Report {
    pub(crate) runs: Vec<Run>,
}

/// What came of one kind of database.
pub(crate) struct Run {
    pub(crate) database: &'static str,
    pub(crate) steps: Vec<Step>,
    pub(crate) ages: Ages,
}

/// Where and how it is measured.
pub(crate) fn conditions(options: &Options, cores: &str) -> String {
    [
        format!("- `{}`", asked::command_line("growth")),
        format!("- commit {}", machine::commit()),
        format!("- machine: {}; {cores}", machine::describe()),
        format!(
            "- load average at the beginning: {}",
            machine::load_average()
        ),
        format!("- {} s for each cell\n\n", options.length().as_secs()),
    ]
    .join("\n")
}

impl Report {
    pub(crate) fn write(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "### Answers\n")?;
        self.write_answers(out)?;
        writeln!(out, "### Room, memory, starts\n")?;
        self.write_room(out)?;
        writeln!(
            out,
            "### {} sessions, refreshed again and again\n",
            grouped(age::SIZE.sessions)
        )?;
        self.write_ages(out)?;
        for run in &self.runs {
            if let Some(step) = run.steps.last().filter(|step| !step.ways.is_empty()) {
                writeln!(out, "### How {} found rows\n", run.database)?;
                write_ways(out, step)?;
            }
        }
        Ok(())
    }

    fn write_answers(&self, out: &mut String) -> fmt::Result {
        writeln!(
            out,
            "| database | people | sessions | scenario | alone: p50 ms | p99 ms \
             | {MANY} clients: req/s | p50 ms | p99 ms |\n|---|--:|--:|---|--:|--:|--:|--:|--:|"
        )?;
        for run in &self.runs {
            for step in &run.steps {
                for (scenario, alone, many) in &step.cells {
                    writeln!(
                        out,
                        "| {} | {} | {} | {} | {:.2} | {:.2} | {:.0} | {:.1} | {:.1} |",
                        run.database,
                        grouped(step.size.people),
                        grouped(step.size.sessions),
                        scenario.name(),
                        alone.percentile(50),
                        alone.percentile(99),
                        many.rate(),
                        many.percentile(50),
                        many.percentile(99),
                    )?;
                }
            }
        }
        writeln!(out)
    }

    fn write_room(&self, out: &mut String) -> fmt::Result {
        writeln!(
            out,
            "| database | people | sessions | database MiB | bytes a person | bytes a session \
             | after the answers MiB | start ms | server at rest MiB | after the answers MiB \
             |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
        )?;
        for run in &self.runs {
            for step in &run.steps {
                let [empty, people, sessions, after] = step.bytes;
                let each = |bytes: u64, count: u64| bytes.checked_div(count).unwrap_or_default();
                writeln!(
                    out,
                    "| {} | {} | {} | {:.1} | {} | {} | {:.1} | {} | {:.1} | {:.1} |",
                    run.database,
                    grouped(step.size.people),
                    grouped(step.size.sessions),
                    mib(sessions),
                    each(people.saturating_sub(empty), step.size.people),
                    each(sessions.saturating_sub(people), step.size.sessions),
                    mib(after),
                    millis(step.started_in),
                    mib(step.rest.now * 1024),
                    mib(step.after.now * 1024),
                )?;
            }
        }
        writeln!(out)
    }

    fn write_ages(&self, out: &mut String) -> fmt::Result {
        writeln!(
            out,
            "| database | refreshes | database MiB |\n|---|--:|--:|"
        )?;
        for run in &self.runs {
            for age in &run.ages.seen {
                let (refreshes, size) = (grouped(age.refreshes), mib(age.bytes));
                writeln!(out, "| {} | {refreshes} | {size:.1} |", run.database)?;
            }
        }
        writeln!(
            out,
            "\n| database | refresh over HTTP | alone: p50 ms | p99 ms \
             | {MANY} clients: req/s | p99 ms |\n|---|---|--:|--:|--:|--:|"
        )?;
        for run in &self.runs {
            let Ages { before, after, .. } = &run.ages;
            for (when, (alone, many)) in [("before", before), ("after", after)] {
                writeln!(
                    out,
                    "| {} | {when} | {:.2} | {:.2} | {:.0} | {:.1} |",
                    run.database,
                    alone.percentile(50),
                    alone.percentile(99),
                    many.rate(),
                    many.percentile(99)
                )?;
            }
        }
        writeln!(out)?;
        for run in &self.runs {
            let seconds = run.ages.took.as_secs();
            writeln!(out, "- {}: they took {seconds} s", run.database)?;
        }
        writeln!(out)
    }
}

/// Only tables that grow with people and sessions: the others have a handful of rows.
fn write_ways(out: &mut String, step: &Step) -> fmt::Result {
    const GROWING: [&str; 7] = [
        "events",
        "identities",
        "limits",
        "mail_requests",
        "one_time_tokens",
        "sessions",
        "users",
    ];
    writeln!(out, "| table | by | times |\n|---|---|--:|")?;
    let is_told = |way: &&Way| {
        GROWING.contains(&way.table.as_str()) && (way.times > 0 || way.index.is_empty())
    };
    for way in step.ways.iter().filter(is_told) {
        let by = match way.index.as_str() {
            "" => "*reading all of it*",
            index => index,
        };
        writeln!(out, "| {} | {by} | {} |", way.table, way.times)?;
    }
    writeln!(out)
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn millis(time: Duration) -> u128 {
    time.as_millis()
}

/// With commas between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
