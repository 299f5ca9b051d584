//! The closed loop: so many clients, each of which asks again as soon as it is answered.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::client::{Client, Done, Scenario};
use crate::process::{self, Process};
use crate::shared::latencies::Latencies;
use crate::{Failure, Outcome};

/// When is measured.
#[derive(Clone, Copy)]
pub(crate) struct Window {
    pub(crate) warm_up: Duration,
    pub(crate) length: Duration,
}

/// What one scenario did with so many clients.
pub(crate) struct Cell {
    pub(crate) scenario: Scenario,
    pub(crate) clients: u16,
    /// Of the answers that came within the window.
    latencies: Latencies,
    length: Duration,
    /// Answers that were not what they had to be.
    pub(crate) wrong: u64,
    /// Answers within the window that say to come again later.
    refused: u64,
    /// Processor time of the server, of its database's own processes, and ours.
    server: Duration,
    database: Duration,
    load: Duration,
    /// Of everything on the machine.
    machine: Duration,
    /// The server's at the end, in KiB.
    pub(crate) resident: u64,
}

impl Cell {
    pub(crate) fn rate(&self) -> f64 {
        self.latencies.rate()
    }

    /// The latency in ms that this share of the answers did not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        self.latencies.percentile(percent)
    }

    /// The share of the answers that say to come again later.
    pub(crate) fn refused(&self) -> f64 {
        let all = self.latencies.count() as u64 + self.refused;
        self.refused as f64 / all.max(1) as f64
    }

    pub(crate) fn server_micros(&self) -> f64 {
        self.each(self.server)
    }

    pub(crate) fn database_micros(&self) -> f64 {
        self.each(self.database)
    }

    pub(crate) fn load_micros(&self) -> f64 {
        self.each(self.load)
    }

    /// The share of the machine that processes took which have nothing to do with this.
    pub(crate) fn disturbance(&self) -> f64 {
        let ours = self.server + self.database + self.load;
        process::share_of_machine(self.machine.saturating_sub(ours), self.length)
    }

    fn each(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e6 / (self.latencies.count().max(1) as f64)
    }
}

/// Lets the first `count` of the clients loose on the server.
pub(crate) async fn run(
    clients: &mut Vec<Client>,
    count: u16,
    scenario: Scenario,
    window: Window,
    (server, database): (Process, &str),
) -> Outcome<Cell> {
    for client in clients.iter_mut().take(count.into()) {
        client.prepare(scenario).await?;
    }
    let from = Instant::now() + window.warm_up;
    let until = from + window.length;
    let mut tasks = Vec::new();
    let rest = clients.split_off(usize::from(count).min(clients.len()));
    for client in clients.drain(..) {
        tasks.push(tokio::spawn(repeat(client, scenario, from, until)));
    }
    sleep_until(from).await;
    let before = readings(server, database)?;
    sleep_until(until).await;
    let after = readings(server, database)?;
    let mut cell = Cell {
        scenario,
        clients: count,
        latencies: Latencies::new(Vec::new(), window.length),
        length: window.length,
        wrong: 0,
        refused: 0,
        server: after[0].saturating_sub(before[0]),
        database: after[1].saturating_sub(before[1]),
        load: after[2].saturating_sub(before[2]),
        machine: after[3].saturating_sub(before[3]),
        resident: server.memory()?.now,
    };
    let mut micros = Vec::new();
    for task in tasks {
        let share = task.await?;
        micros.extend(share.latencies);
        cell.wrong += share.wrong;
        cell.refused += share.refused;
        if let Some(failure) = share.failure {
            eprintln!("wrong: {} with {count} clients: {failure}", scenario.name());
        }
        share.client.check_signature()?;
        clients.push(share.client);
    }
    clients.extend(rest);
    cell.latencies = Latencies::new(micros, window.length);
    Ok(cell)
}

fn readings(server: Process, database: &str) -> Outcome<[Duration; 4]> {
    let database = match database {
        "PostgreSQL" => process::cpu_of_all("postgres"),
        _ => Duration::ZERO,
    };
    Ok([
        server.cpu()?,
        database,
        Process::current().cpu()?,
        process::cpu_of_machine()?,
    ])
}

/// What one client saw.
struct Share {
    client: Client,
    latencies: Vec<u32>,
    wrong: u64,
    refused: u64,
    /// The last thing that went wrong.
    failure: Option<Failure>,
}

async fn repeat(client: Client, scenario: Scenario, from: Instant, until: Instant) -> Share {
    let mut share = Share {
        client,
        latencies: Vec::new(),
        wrong: 0,
        refused: 0,
        failure: None,
    };
    let mut asked = Instant::now();
    while asked < until {
        let answer = share.client.step(scenario).await;
        let answered = Instant::now();
        let is_within = answered >= from && answered <= until;
        match answer {
            Ok(Done::Served) if is_within => {
                let micros = answered.duration_since(asked).as_micros();
                share.latencies.push(micros.try_into().unwrap_or(u32::MAX));
            }
            Ok(Done::Served) => {}
            Ok(Done::Refused(wait)) => {
                share.refused += u64::from(is_within);
                sleep_until(until.min(answered + wait)).await;
                asked = Instant::now();
                continue;
            }
            Err(failure) => {
                share.wrong += 1;
                share.failure = Some(failure);
            }
        }
        asked = answered;
    }
    share
}
