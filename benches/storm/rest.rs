//! What the server does before the storm, and what it could do.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::accounts::Accounts;
use crate::background::{self, Background, Rates};
use crate::client::{Client, Scenario};
use crate::cores::Cores;
use crate::installation::Installation;
use crate::metrics::Counted;
use crate::options::Options;
use crate::process::Process;
use crate::{CORES_OF_SERVER, Outcome, capacity};
use crate::{goals, honest};

const LOGINS: usize = 9;
const BREAK: Duration = Duration::from_secs(3);

pub(crate) struct Rest {
    /// Hashes per second on the server's cores, with nothing beside them.
    pub(crate) hashes: f64,
    /// Hashes per second beside what goes on as ever, with always some waiting and none refused.
    pub(crate) calibrated: f64,
    /// The processor time that what goes on takes of a second.
    pub(crate) taken: f64,
    /// Requests per second that the server's cores can answer.
    pub(crate) most: Rates,
    /// Those that go on from now.
    pub(crate) rates: Rates,
    /// What came of them while nobody logged in.
    pub(crate) background: Background,
    /// How long a login takes beside them: the median.
    pub(crate) login: Duration,
}

/// Measures until others leave room for what goes on as ever: a machine on which that is late with
/// nothing beside it shows nothing about storms.
pub(crate) async fn calmly(
    options: &Options,
    cores: &Cores,
    server: &Installation,
    accounts: &mut Accounts,
) -> Outcome<Rest> {
    for _ in 0..=options.patience {
        let rest = measure(options, cores, server, accounts).await?;
        if options.is_trial() || goals::is_calm(&rest.background) {
            return Ok(rest);
        }
        eprintln!("late without a storm: once more");
        sleep(BREAK).await;
    }
    Err("what goes on as ever is late without a storm: others take the machine".into())
}

async fn measure(
    options: &Options,
    cores: &Cores,
    server: &Installation,
    accounts: &mut Accounts,
) -> Outcome<Rest> {
    let length = options.calibration();
    let admin = server.admin();
    let server = server.process();
    let (refreshing, verifying) = (&mut accounts.refreshing, &mut accounts.verifying);
    let most = Rates {
        refresh: closed_loop(refreshing, Scenario::Refresh, length, server).await?,
        jwks: closed_loop(verifying, Scenario::Jwks, length, server).await?,
    };
    // Half of it for each.
    let share = f64::from(options.background) / 100.0 / 2.0;
    let rates = Rates {
        refresh: most.refresh * share,
        jwks: most.jwks * share,
    };
    let hashes = capacity::measure(cores, length).await?;
    let running = background::start(accounts, rates).await?;
    let (begun, cpu) = (Instant::now(), server.cpu()?);
    sleep(length).await;
    let taken = server.cpu()?.saturating_sub(cpu);
    let taken = taken.as_secs_f64() / begun.elapsed().as_secs_f64();
    let background = running.end(begun..Instant::now(), accounts).await?;
    let running = background::start(accounts, rates).await?;
    let login = login(&mut accounts.scout).await?;
    let calibrated = hashes_beside(&mut accounts.busy, length, admin).await?;
    running.end(begun..Instant::now(), accounts).await?;
    Ok(Rest {
        hashes,
        calibrated,
        taken,
        most,
        rates,
        background,
        login,
    })
}

/// How many requests a second the server can answer if its cores do nothing else, each of which is
/// sent when the last one was answered; what strangers take of its cores is not counted.
async fn closed_loop(
    clients: &mut Vec<Client>,
    scenario: Scenario,
    length: Duration,
    server: Process,
) -> Outcome<f64> {
    let before = server.cpu()?;
    let sum = repeat_all(clients, scenario, length).await?;
    let took = server.cpu()?.saturating_sub(before);
    Ok(f64::from(sum) / took.as_secs_f64() * f64::from(CORES_OF_SERVER))
}

/// How many passwords a second the server compares beside what goes on.
async fn hashes_beside(
    clients: &mut Vec<Client>,
    length: Duration,
    admin: SocketAddr,
) -> Outcome<f64> {
    let (begun, before) = (Instant::now(), Counted::look(admin).await?);
    repeat_all(clients, Scenario::Login, length).await?;
    let after = Counted::look(admin).await?;
    Ok((after.hashed - before.hashed) / begun.elapsed().as_secs_f64())
}

/// How many answers they get who ask again and again.
async fn repeat_all(
    clients: &mut Vec<Client>,
    scenario: Scenario,
    length: Duration,
) -> Outcome<u32> {
    let until = Instant::now() + length;
    let tasks: Vec<_> = clients
        .drain(..)
        .map(|client| tokio::spawn(repeat(client, scenario, until)))
        .collect();
    let mut sum = 0;
    for task in tasks {
        let (client, answered) = task.await??;
        clients.push(client);
        sum += answered;
    }
    Ok(sum)
}

async fn repeat(mut client: Client, scenario: Scenario, until: Instant) -> Outcome<(Client, u32)> {
    client.prepare(scenario).await?;
    let mut answered = 0;
    while Instant::now() < until {
        client.step(scenario).await?;
        answered += 1;
    }
    Ok((client, answered))
}

async fn login(scout: &mut Client) -> Outcome<Duration> {
    scout.prepare(Scenario::Login).await?;
    let mut latencies = Vec::new();
    for _ in 0..LOGINS {
        let asked = Instant::now();
        if !honest::log_in(scout).await? {
            return Err("the server refuses a login at rest".into());
        }
        latencies.push(asked.elapsed());
        sleep(Duration::from_millis(100)).await;
    }
    latencies.sort_unstable();
    Ok(latencies[LOGINS / 2])
}
