//! What the server does before the storm, and what it could do.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::accounts::Accounts;
use crate::background::{self, Background, Rates};
use crate::client::{Client, Scenario};
use crate::cores::Cores;
use crate::honest;
use crate::options::Options;
use crate::{Outcome, capacity};

const LOGINS: usize = 9;

pub(crate) struct Rest {
    /// Hashes per second on the server's cores, with nothing beside them.
    pub(crate) hashes: f64,
    /// The same while the server answers what goes on as ever.
    pub(crate) hashes_beside: f64,
    /// Requests per second in a closed loop.
    pub(crate) most: Rates,
    /// Those that go on from now.
    pub(crate) rates: Rates,
    /// What came of them while nobody logged in.
    pub(crate) background: Background,
    /// How long a login takes beside them: the median.
    pub(crate) login: Duration,
}

pub(crate) async fn measure(
    options: &Options,
    cores: &Cores,
    accounts: &mut Accounts,
) -> Outcome<Rest> {
    let length = options.calibration();
    let most = Rates {
        refresh: closed_loop(&mut accounts.refreshing, Scenario::Refresh, length).await?,
        jwks: closed_loop(&mut accounts.verifying, Scenario::Jwks, length).await?,
    };
    let share = f64::from(options.background) / 100.0;
    let rates = Rates {
        refresh: most.refresh * share,
        jwks: most.jwks * share,
    };
    let hashes = capacity::measure(cores, length).await?;
    let running = background::start(accounts, rates).await?;
    sleep(length).await;
    let background = running.end(Instant::now(), accounts).await?;
    let running = background::start(accounts, rates).await?;
    let hashes_beside = capacity::measure(cores, length).await?;
    let login = login(&mut accounts.scout).await?;
    running.end(Instant::now(), accounts).await?;
    Ok(Rest {
        hashes,
        hashes_beside,
        most,
        rates,
        background,
        login,
    })
}

/// How many requests a second all together are answered, each of which is sent when the last one
/// was.
async fn closed_loop(
    clients: &mut Vec<Client>,
    scenario: Scenario,
    length: Duration,
) -> Outcome<f64> {
    let begun = Instant::now();
    let tasks: Vec<_> = clients
        .drain(..)
        .map(|client| tokio::spawn(repeat(client, scenario, begun + length)))
        .collect();
    let mut sum = 0_u32;
    for task in tasks {
        let (client, answered) = task.await??;
        clients.push(client);
        sum += answered;
    }
    Ok(f64::from(sum) / begun.elapsed().as_secs_f64())
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
