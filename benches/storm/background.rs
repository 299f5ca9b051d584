//! What goes on as ever: refreshes and JWKS in an open loop, at a fixed rate whatever the server
//! does.

use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

use crate::client::{Client, Scenario};
use crate::figures::Figures;
use crate::{Outcome, accounts::Accounts};

/// An answer that takes longer than this is not waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// After the end, what is still due is sent for so long; the rest counts as answered then, wrongly.
const GRACE: Duration = Duration::from_secs(5);

/// Requests per second.
#[derive(Clone, Copy)]
pub(crate) struct Rates {
    pub(crate) refresh: f64,
    pub(crate) jwks: f64,
}

/// What was asked while it went on, and what came of it.
#[derive(Default)]
pub(crate) struct Background {
    pub(crate) refresh: Figures,
    pub(crate) jwks: Figures,
}

pub(crate) struct Running {
    tasks: Vec<(Scenario, JoinHandle<(Client, Figures)>)>,
    window: Arc<OnceLock<Range<Instant>>>,
}

/// Connects everybody anew, and has them ask.
pub(crate) async fn start(accounts: &mut Accounts, rates: Rates) -> Outcome<Running> {
    let window = Arc::new(OnceLock::new());
    let mut tasks = Vec::new();
    let groups = [
        (Scenario::Refresh, &mut accounts.refreshing, rates.refresh),
        (Scenario::Jwks, &mut accounts.verifying, rates.jwks),
    ];
    for (scenario, clients, rate) in groups {
        let period = Duration::from_secs_f64(clients.len() as f64 / rate);
        let apart = period / u32::try_from(clients.len())?;
        for client in &mut *clients {
            client.prepare(scenario).await?;
        }
        let begun = Instant::now();
        for (number, client) in (0_u32..).zip(clients.drain(..)) {
            let beat = Beat {
                scenario,
                first: begun + apart * number,
                period,
            };
            tasks.push((
                scenario,
                tokio::spawn(ask(client, beat, Arc::clone(&window))),
            ));
        }
    }
    Ok(Running { tasks, window })
}

impl Running {
    /// Has whatever is due before the end of `window` answered, and gives everybody back. What was
    /// due before its beginning does not count.
    pub(crate) async fn end(
        self,
        window: Range<Instant>,
        accounts: &mut Accounts,
    ) -> Outcome<Background> {
        self.window.set(window).map_err(|_| "ended twice")?;
        let mut all = Background::default();
        for (scenario, task) in self.tasks {
            let (client, figures) = task.await?;
            if scenario == Scenario::Refresh {
                client.check_signature()?;
                accounts.refreshing.push(client);
                all.refresh.add(figures);
            } else {
                accounts.verifying.push(client);
                all.jwks.add(figures);
            }
        }
        all.refresh.sort();
        all.jwks.sort();
        Ok(all)
    }
}

/// When one client asks for what.
struct Beat {
    scenario: Scenario,
    first: Instant,
    period: Duration,
}

/// One client asks once in each period; if an answer is late, the next request is sent as soon as
/// it comes, and has been waiting meanwhile.
async fn ask(
    mut client: Client,
    beat: Beat,
    window: Arc<OnceLock<Range<Instant>>>,
) -> (Client, Figures) {
    let mut asked: Vec<(Instant, Instant, Instant)> = Vec::new();
    let mut figures = Figures::default();
    let mut due = beat.first;
    loop {
        sleep_until(due).await;
        if window.get().is_some_and(|window| due >= window.end) {
            break;
        }
        let sent = Instant::now();
        if window
            .get()
            .is_some_and(|window| sent >= window.end + GRACE)
        {
            figures.complain(format!("{}: never sent", beat.scenario.name()));
            asked.push((due, sent, sent));
            due += beat.period;
            continue;
        }
        let answer = timeout(PATIENCE, client.step(beat.scenario)).await;
        asked.push((due, sent, Instant::now()));
        let answer = answer.unwrap_or_else(|_| Err("no answer".into()));
        if let Err(failure) = answer {
            figures.complain(format!("{}: {failure}", beat.scenario.name()));
            // What is left of the answer is not that to the next request.
            drop(client.prepare(beat.scenario).await);
        }
        due += beat.period;
    }
    for (due, sent, answered) in asked {
        if window.get().is_some_and(|window| window.contains(&due)) {
            figures.note(answered - due, sent - due);
        }
    }
    (client, figures)
}
