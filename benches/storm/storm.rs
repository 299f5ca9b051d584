//! The storm: logins in an open loop, half of them with a wrong password, each at its time whatever
//! became of those before it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::connection::{Answer, Connection};
use crate::figures::Figures;
use crate::phase::Callers;
use crate::{Outcome, accounts};

/// Open at once.
pub(crate) const MOST_CONNECTIONS: usize = 4096;
/// In the first second.
const BURST: u32 = 2000;
/// An answer that takes longer than this from when it was due is not waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// The server would close a connection that was idle for 75 s.
const FRESH: Duration = Duration::from_secs(30);
/// The proxy's end of its connections: 127.1.255.255.
const PROXY: u16 = u16::MAX;

const PASSWORD: &str = "orbit-walnut-lantern-47";
const WRONG: &str = "orbit-walnut-lantern-48";

/// What became of a storm.
#[derive(Default)]
pub(crate) struct Damage {
    pub(crate) figures: Figures,
    pub(crate) let_in: u64,
    pub(crate) turned_away: u64,
    /// Answers that said to come again after so many seconds.
    pub(crate) refused: [u64; 6],
    pub(crate) unanswered: u64,
    /// Latencies of those that were hashed, and of those that were refused.
    pub(crate) hashed: Figures,
    pub(crate) refusals: Figures,
}

impl Damage {
    pub(crate) fn refused(&self) -> u64 {
        self.refused.iter().sum()
    }
}

/// One login, and what was said to it.
struct Login {
    fate: Fate,
    latency: Duration,
    late: Duration,
}

enum Fate {
    LetIn,
    TurnedAway,
    /// After how many seconds it may come again.
    Refused(usize),
    Unanswered,
    Wrong(String),
}

pub(crate) struct Storm {
    tasks: JoinSet<Login>,
    damage: Damage,
}

/// What every login needs.
struct Shared {
    server: SocketAddr,
    callers: Callers,
    room: Semaphore,
    idle: Mutex<Vec<(Connection, Instant)>>,
}

impl Storm {
    /// Rages from `begun` to `end`: 2,000 logins in the first second, then `rate` per second.
    pub(crate) async fn rage(
        server: SocketAddr,
        callers: Callers,
        rate: f64,
        (begun, end): (Instant, Instant),
    ) -> Self {
        let shared = Arc::new(Shared {
            server,
            callers,
            room: Semaphore::new(MOST_CONNECTIONS),
            idle: Mutex::default(),
        });
        let mut storm = Self {
            tasks: JoinSet::new(),
            damage: Damage::default(),
        };
        for number in 0_u32.. {
            let due = begun + due(number, rate);
            if due >= end {
                break;
            }
            sleep_until(due).await;
            let shared = Arc::clone(&shared);
            storm.tasks.spawn(log_in(shared, u64::from(number), due));
            while let Some(Ok(login)) = storm.tasks.try_join_next() {
                storm.damage.note(login);
            }
        }
        storm
    }

    /// Waits for the answers that are still to come.
    pub(crate) async fn abate(mut self) -> Outcome<Damage> {
        while let Some(login) = self.tasks.join_next().await {
            self.damage.note(login?);
        }
        let damage = &mut self.damage;
        for figures in [
            &mut damage.figures,
            &mut damage.hashed,
            &mut damage.refusals,
        ] {
            figures.sort();
        }
        Ok(self.damage)
    }
}

impl Damage {
    fn note(&mut self, login: Login) {
        let Login {
            fate,
            latency,
            late,
        } = login;
        self.figures.note(latency, late);
        match fate {
            Fate::LetIn => self.let_in += 1,
            Fate::TurnedAway => self.turned_away += 1,
            Fate::Refused(seconds) => {
                self.refused[seconds] += 1;
                self.refusals.note(latency, late);
                return;
            }
            Fate::Unanswered => {
                self.unanswered += 1;
                return;
            }
            Fate::Wrong(complaint) => {
                self.figures.complain(complaint);
                return;
            }
        }
        self.hashed.note(latency, late);
    }
}

fn due(number: u32, rate: f64) -> Duration {
    match number.checked_sub(BURST) {
        None => Duration::from_secs(1) * number / BURST,
        Some(after) => Duration::from_secs_f64(1.0 + f64::from(after) / rate),
    }
}

async fn log_in(shared: Arc<Shared>, number: u64, due: Instant) -> Login {
    let mut sent = None;
    let asked = timeout_at(due + PATIENCE, ask(&shared, number, &mut sent)).await;
    let fate = match asked {
        Ok(Ok(fate)) => fate,
        Ok(Err(failure)) => Fate::Wrong(format!("login: {failure}")),
        Err(_) => Fate::Unanswered,
    };
    Login {
        fate,
        latency: due.elapsed(),
        late: sent.map_or_else(|| due.elapsed(), |sent| sent - due),
    }
}

async fn ask(shared: &Shared, number: u64, sent: &mut Option<Instant>) -> Outcome<Fate> {
    let _place = shared.room.acquire().await?;
    *sent = Some(Instant::now());
    let mut connection = shared.connection().await?;
    let is_right = number.is_multiple_of(2);
    // Both kinds of every account, in turns.
    let email = accounts::stormed(number / 2);
    let request = request(&email, is_right, shared.callers.address(number));
    let answer = connection.exchange(request.as_bytes()).await?;
    let fate = fate(&answer, &email, is_right);
    shared.put_back(connection);
    Ok(fate)
}

impl Shared {
    async fn connection(&self) -> Outcome<Connection> {
        let kept = self.lock().pop();
        match kept {
            Some((connection, since)) if since.elapsed() < FRESH => Ok(connection),
            _ => Connection::open(self.server, PROXY).await,
        }
    }

    fn put_back(&self, connection: Connection) {
        self.lock().push((connection, Instant::now()));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Connection, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn request(email: &str, is_right: bool, from: Ipv4Addr) -> String {
    let password = if is_right { PASSWORD } else { WRONG };
    let body = format!(r#"{{"email":"{email}","password":"{password}"}}"#);
    let length = body.len();
    format!(
        "POST /auth/login/ HTTP/1.1\r\nhost: bench\r\nx-forwarded-for: {from}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// What an answer is; anything but what it has to be is wrong.
fn fate(answer: &Answer<'_>, email: &str, is_right: bool) -> Fate {
    let body = String::from_utf8_lossy(answer.body);
    let retry = answer.header("retry-after");
    let retry = retry.and_then(|seconds| seconds.parse().ok());
    match (answer.status, is_right, retry) {
        (200, true, _) if is_session(answer.body, email) => Fate::LetIn,
        (400, false, _) if body.contains("Unable to log in") => Fate::TurnedAway,
        (503, _, Some(seconds @ 1..=5)) => Fate::Refused(seconds),
        (status, ..) => Fate::Wrong(format!(
            "login, answered {status}, Retry-After {retry:?}: {body}"
        )),
    }
}

fn is_session(body: &[u8], email: &str) -> bool {
    let Ok(body) = serde_json::from_slice::<serde_json::Value>(body) else {
        return false;
    };
    let has = |name: &str| body[name].as_str().is_some_and(|token| !token.is_empty());
    has("access") && has("refresh") && body["user"]["email"] == email
}
