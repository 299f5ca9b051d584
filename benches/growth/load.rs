//! The closed loop: so many clients, each of which asks again as soon as it is answered, about
//! people and sessions from anywhere among all.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::Outcome;
use crate::connection::Connection;
use crate::shared::client::PASSWORD;
use crate::shared::latencies::Latencies;

/// What is asked, over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    Refresh,
    Verify,
    /// A person's sessions.
    List,
    /// With a hash that costs next to nothing.
    Login,
}

impl Scenario {
    pub(crate) const ALL: [Self; 4] = [Self::Refresh, Self::Verify, Self::List, Self::Login];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Refresh => "refresh",
            Self::Verify => "token/verify",
            Self::List => "list sessions",
            Self::Login => "login",
        }
    }
}

/// A session in the hands of a client.
pub(crate) struct Held {
    /// The person's address.
    email: String,
    pub(crate) refresh: String,
    /// Empty before the first login or refresh.
    access: String,
}

impl Held {
    pub(crate) fn of(email: String) -> Self {
        Self {
            email,
            refresh: String::new(),
            access: String::new(),
        }
    }
}

/// One connection, and the sessions that take their turns on it.
pub(crate) struct Client {
    connection: Connection,
    sessions: VecDeque<Held>,
    request: String,
}

#[derive(Deserialize)]
struct Pair<'a> {
    access: &'a str,
    refresh: &'a str,
}

#[derive(Deserialize)]
struct Listed {
    current: bool,
}

impl Client {
    pub(crate) fn new(connection: Connection, sessions: VecDeque<Held>) -> Self {
        Self {
            connection,
            sessions,
            request: String::new(),
        }
    }

    /// One request about the session whose turn it is, and its answer, checked.
    async fn step(&mut self, scenario: Scenario) -> Outcome<()> {
        let mut held = self.sessions.pop_front().ok_or("a client has no session")?;
        write(&mut self.request, scenario, &held);
        let answer = self.connection.exchange(self.request.as_bytes()).await?;
        let body = answer.body;
        let is_right = answer.status == 200
            && match scenario {
                Scenario::Refresh | Scenario::Login => {
                    let pair: Pair = serde_json::from_slice(body)?;
                    let is_new = pair.refresh != held.refresh;
                    pair.refresh.clone_into(&mut held.refresh);
                    pair.access.clone_into(&mut held.access);
                    is_new
                }
                Scenario::Verify => body == b"{}",
                Scenario::List => {
                    let listed: Vec<Listed> = serde_json::from_slice(body)?;
                    listed.iter().any(|one| one.current)
                }
            };
        if !is_right {
            let body = String::from_utf8_lossy(body);
            return Err(format!("{}: {} {body}", scenario.name(), answer.status).into());
        }
        self.sessions.push_back(held);
        Ok(())
    }

    async fn once(mut self, scenario: Scenario) -> Outcome<Self> {
        for _ in 0..self.sessions.len() {
            self.step(scenario).await?;
        }
        Ok(self)
    }

    async fn repeat(mut self, scenario: Scenario, until: Instant) -> Outcome<(Self, Vec<u32>)> {
        let mut latencies = Vec::new();
        let mut asked = Instant::now();
        while asked < until {
            self.step(scenario).await?;
            let answered = Instant::now();
            let micros = answered.duration_since(asked).as_micros();
            latencies.push(micros.try_into().unwrap_or(u32::MAX));
            asked = answered;
        }
        Ok((self, latencies))
    }
}

/// Does it once with all that the clients hold.
pub(crate) async fn all_once(clients: Vec<Client>, scenario: Scenario) -> Outcome<Vec<Client>> {
    let tasks = clients.into_iter().map(|client| client.once(scenario));
    let tasks: Vec<_> = tasks.map(tokio::spawn).collect();
    let mut clients = Vec::new();
    for task in tasks {
        clients.push(task.await??);
    }
    Ok(clients)
}

/// Lets the first `count` clients loose. A wrong answer ends the whole.
pub(crate) async fn run(
    clients: &mut Vec<Client>,
    count: u64,
    scenario: Scenario,
    length: Duration,
) -> Outcome<Latencies> {
    let until = Instant::now() + length;
    let count = usize::try_from(count)?.min(clients.len());
    let rest = clients.split_off(count);
    let tasks: Vec<_> = clients
        .drain(..)
        .map(|client| tokio::spawn(client.repeat(scenario, until)))
        .collect();
    let mut micros = Vec::new();
    for task in tasks {
        let (client, latencies) = task.await??;
        clients.push(client);
        micros.extend(latencies);
    }
    clients.extend(rest);
    Ok(Latencies::new(micros, length))
}

fn write(request: &mut String, scenario: Scenario, held: &Held) {
    let Held {
        email,
        refresh,
        access,
    } = held;
    let (path, body) = match scenario {
        Scenario::Refresh => ("token/refresh", format!(r#"{{"refresh":"{refresh}"}}"#)),
        Scenario::Verify => ("token/verify", format!(r#"{{"token":"{access}"}}"#)),
        Scenario::Login => (
            "login",
            format!(r#"{{"email":"{email}","password":"{PASSWORD}"}}"#),
        ),
        Scenario::List => {
            *request = format!(
                "GET /auth/sessions/ HTTP/1.1\r\nhost: bench\r\n\
                 authorization: Bearer {access}\r\n\r\n"
            );
            return;
        }
    };
    *request = format!(
        "POST /auth/{path}/ HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
}
