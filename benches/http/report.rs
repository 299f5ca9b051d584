//! The tables, in Markdown.

use std::process::Command;
use std::time::Duration;

use crate::client::Scenario;
use crate::database::Database;
use crate::server::{self, Restart};
use crate::{Cell, Limits, Memory, Window};

/// Everything about the server on one database.
pub(crate) struct Run {
    pub(crate) database: &'static str,
    first_start: Duration,
    pub(crate) cells: Vec<Cell>,
    pub(crate) memory_under_load: Memory,
    pub(crate) restarts: Vec<Restart>,
}

impl Run {
    pub(crate) fn new(database: &Database, first_start: Duration) -> Self {
        Self {
            database: database.name,
            first_start,
            cells: Vec::new(),
            memory_under_load: Memory::default(),
            restarts: Vec::new(),
        }
    }

    fn rest(&self) -> f64 {
        mib(median(self.restarts.iter().map(|it| it.memory.now as f64)))
    }

    fn start(&self) -> f64 {
        median(
            self.restarts
                .iter()
                .map(|it| it.started_in.as_secs_f64() * 1e3),
        )
    }
}

pub(crate) fn print(
    runs: &[Run],
    bare: &[Cell],
    limits: &[Limits],
    repeats: usize,
    window: Window,
) {
    print_conditions(repeats, window);
    print_limits(bare, limits);
    println!("### Answers\n");
    println!(
        "| database | scenario | clients | req/s | spread | p50 ms | p99 ms | max ms | server CPU \
         µs | database CPU µs | load CPU µs | RSS MiB | others |"
    );
    println!("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for run in runs {
        for group in groups(&run.cells) {
            print_row(run.database, group[0].scenario.name(), &group);
        }
    }
    for group in groups(bare) {
        print_row("–", "*bare actix-web*", &group);
    }
    print_ratios(runs, bare, limits);
    println!("\n### The process\n");
    println!(
        "| database | RSS at rest MiB | RSS after load MiB | peak MiB | start, new database ms | \
         start, existing database ms | of which the slowest ms |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|");
    for run in runs {
        let starts = run.restarts.iter().map(|it| it.started_in.as_secs_f64());
        println!(
            "| {} | {:.1} | {:.1} | {:.1} | {:.0} | {:.0} | {:.0} |",
            run.database,
            run.rest(),
            mib(run.memory_under_load.now as f64),
            mib(run.memory_under_load.peak as f64),
            run.first_start.as_secs_f64() * 1e3,
            run.start(),
            starts.fold(0.0, f64::max) * 1e3,
        );
    }
}

fn print_conditions(repeats: usize, window: Window) {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("", |name| name.trim_start_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let size = std::fs::metadata(server::binary()).map_or(0, |file| file.len());
    println!(
        "- machine: {cores} cores, {model}, Linux {}",
        read("/proc/sys/kernel/osrelease").trim()
    );
    println!(
        "- load average before the report: {}",
        read("/proc/loadavg").trim()
    );
    println!("- commit: {}", commit());
    println!(
        "- {repeats} × {} s for each cell, interleaved; medians",
        window.length.as_secs()
    );
    println!("- binary: {:.1} MiB\n", mib(size as f64 / 1024.0));
}

fn commit() -> String {
    let git = Command::new("git")
        .args(["-C", env!("CARGO_MANIFEST_DIR")])
        .args(["describe", "--always", "--dirty"])
        .output();
    let text = git.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_default()
}

fn print_limits(bare: &[Cell], limits: &[Limits]) {
    let of = |field: fn(&Limits) -> f64| median(limits.iter().map(field));
    println!("### Limits, measured in the same run\n");
    println!(
        "Others took {:.0} % of the machine meanwhile.\n",
        of(|it| it.disturbance) * 100.0
    );
    println!("| what | per second |");
    println!("|---|--:|");
    println!(
        "| Argon2id 19 MiB, t=2, reused memory, all cores | {:.1} |",
        of(|it| it.hashes)
    );
    println!(
        "| ES256 signatures (ring), one core | {:.0} |",
        of(|it| it.signatures)
    );
    println!(
        "| `fdatasync` of an appended page | {:.0} |",
        of(|it| it.syncs)
    );
    println!(
        "| one-row updates in SQLite, 64 to a synced commit | {:.0} |",
        of(|it| it.updates)
    );
    println!(
        "| bare actix-web, the JWKS's bytes | {:.0} |\n",
        best(bare, Scenario::Jwks)
    );
}

fn print_row(database: &str, scenario: &str, group: &[&Cell]) {
    let of = |field: &dyn Fn(&Cell) -> f64| median(group.iter().map(|cell| field(cell)));
    let rates = || group.iter().map(|cell| cell.rate());
    let spread = rates().fold(0.0, f64::max) - rates().fold(f64::MAX, f64::min);
    println!(
        "| {database} | {scenario} | {} | {:.*} | {:.0} % | {:.2} | {:.2} | {:.1} | {:.0} | {:.0} \
         | {:.0} | {:.1} | {:.0} % |",
        group[0].clients,
        usize::from(of(&Cell::rate) < 1000.0),
        of(&Cell::rate),
        spread / of(&Cell::rate) * 100.0,
        of(&|cell| cell.percentile(50)),
        of(&|cell| cell.percentile(99)),
        of(&|cell| cell.percentile(100)),
        of(&Cell::server_micros),
        of(&Cell::database_micros),
        of(&Cell::load_micros),
        mib(of(&|cell| cell.resident as f64)),
        of(&Cell::disturbance) * 100.0,
    );
}

fn print_ratios(runs: &[Run], bare: &[Cell], limits: &[Limits]) {
    let hashes = median(limits.iter().map(|it| it.hashes));
    let updates = median(limits.iter().map(|it| it.updates));
    println!("\n### Share of the limit\n");
    println!(
        "| database | login / raw hash | register / raw hash | jwks / bare | discovery / bare | refresh / grouped update |"
    );
    println!("|---|--:|--:|--:|--:|--:|");
    for run in runs {
        let share = |scenario, limit: f64| match best(&run.cells, scenario) {
            0.0 => "–".to_owned(),
            rate => format!("{:.0} %", rate / limit * 100.0),
        };
        let bare = best(bare, Scenario::Jwks);
        println!(
            "| {} | {} | {} | {} | {} | {} |",
            run.database,
            share(Scenario::Login, hashes),
            share(Scenario::Register, hashes),
            share(Scenario::Jwks, bare),
            share(Scenario::Discovery, bare),
            if run.database == "SQLite" {
                share(Scenario::Refresh, updates)
            } else {
                "–".into()
            },
        );
    }
}

/// The median rate with the number of clients that makes it highest.
fn best(cells: &[Cell], scenario: Scenario) -> f64 {
    let groups = groups(cells).into_iter();
    let groups = groups.filter(|group| group[0].scenario == scenario);
    groups
        .map(|group| median(group.iter().map(|cell| cell.rate())))
        .fold(0.0, f64::max)
}

/// The repeats of one cell together, in the order of their first; scenario by scenario.
fn groups(cells: &[Cell]) -> Vec<Vec<&Cell>> {
    let mut groups: Vec<Vec<&Cell>> = Vec::new();
    for cell in cells {
        let same = |other: &Cell| (other.scenario, other.clients) == (cell.scenario, cell.clients);
        match groups.iter_mut().find(|group| same(group[0])) {
            Some(group) => group.push(cell),
            None => groups.push(vec![cell]),
        }
    }
    groups.sort_by_key(|group| Scenario::ALL.iter().position(|it| *it == group[0].scenario));
    groups
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn mib(kib: f64) -> f64 {
    kib / 1024.0
}
