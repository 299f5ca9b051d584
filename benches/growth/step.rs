//! One step: an installation of a size, and what its server does.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use chrono::TimeDelta;

use crate::Outcome;
use crate::client::{self, Target};
use crate::connection::Connection;
use crate::cores::Cores;
use crate::database::Database;
use crate::load::{self, Client, Held, Scenario};
use crate::options::Size;
use crate::process::Memory;
use crate::shared::latencies::Latencies;
use crate::shared::population::{self, Sessions};
use crate::shared::server::{Server, binary, free_address};
use crate::size::{self, Way};
use crate::tokens::Mint;

/// Clients at once, beside a lone one.
pub(crate) const MANY: u64 = 64;
/// Sessions that the clients have in their hands at most, from anywhere among all.
const SAMPLE: u64 = 64_000;
/// Starts of which the median counts.
const STARTS: usize = 3;

/// A scenario, for a lone client and for many.
pub(crate) type Cell = (Scenario, Latencies, Latencies);

/// What was measured at a size.
pub(crate) struct Step {
    pub(crate) size: Size,
    /// Of the database, in bytes: empty, with the people, with their sessions too, after all.
    pub(crate) bytes: [u64; 4],
    pub(crate) started_in: Duration,
    /// The server's, at rest and after all.
    pub(crate) rest: Memory,
    pub(crate) after: Memory,
    pub(crate) cells: Vec<Cell>,
    pub(crate) ways: Vec<Way>,
}

/// An installation with so many people and sessions.
pub(crate) struct Grown<'a> {
    pub(crate) database: &'a Database,
    cores: &'a Cores,
    /// Where its server listens, always.
    address: SocketAddr,
    size: Size,
    pub(crate) sessions: Sessions,
    /// As in [`Step`].
    bytes: [u64; 3],
}

impl<'a> Grown<'a> {
    /// Fills an empty database.
    pub(crate) async fn fill(
        database: &'a Database,
        cores: &'a Cores,
        size: Size,
    ) -> Outcome<Self> {
        let day = TimeDelta::days(1);
        let first = signet::clock::Clock::system().now() - day;
        let mut grown = Self {
            database,
            cores,
            address: free_address()?,
            size,
            sessions: Sessions {
                first: first.timestamp_millis(),
                people: size.people,
            },
            bytes: [0; 3],
        };
        let mut server = grown.start().await?;
        let target = Target::look_at(grown.address).await?;
        drop(client::Client::register(&target, 0).await?);
        server.stop()?;
        grown.bytes[0] = size::of(database)?;
        population::add_people(database, &(1..=size.people))?;
        grown.bytes[1] = size::of(database)?;
        population::add_sessions(database, grown.sessions, &(1..=size.sessions))?;
        grown.bytes[2] = size::of(database)?;
        Ok(grown)
    }

    pub(crate) async fn start(&self) -> Outcome<Server> {
        let mut command = self.cores.command(binary());
        command
            .args(["serve", "--listen", &self.address.to_string()])
            .args(["--database", &self.database.url])
            .env("SIGNET_SERVER__ADMIN_LISTEN", "")
            .env("SIGNET_LOG__FILTER", "warn")
            .env("SIGNET_ACCOUNT__EMAIL_VERIFICATION", "none")
            .env("SIGNET_LIMITS__ENABLED", "false")
            // What a login costs beside its hash is to be seen.
            .env("SIGNET_PASSWORD__ARGON2_MEMORY_KIB", "64")
            .env("SIGNET_PASSWORD__ARGON2_TIME", "1");
        Server::start(
            command,
            self.database,
            self.address,
            "/.well-known/jwks.json",
        )
        .await
    }

    /// Measures each scenario for so long.
    pub(crate) async fn measure(self, length: Duration) -> Outcome<Step> {
        let mut starts = Vec::new();
        let mut server = self.start().await?;
        for _ in 1..STARTS {
            starts.push(server.started_in());
            server.stop()?;
            server = self.start().await?;
        }
        starts.push(server.started_in());
        starts.sort_unstable();
        tokio::time::sleep(Duration::from_millis(500)).await;
        let rest = server.process().memory()?;
        size::ways(self.database)?;
        let cells = self.measure_answers(length).await?;
        let after = server.process().memory()?;
        // What it counted reaches the statistics of the database when it goes.
        server.stop()?;
        let [empty, people, sessions] = self.bytes;
        Ok(Step {
            size: self.size,
            bytes: [empty, people, sessions, size::of(self.database)?],
            started_in: starts[STARTS / 2],
            rest,
            after,
            cells,
            ways: size::ways(self.database)?,
        })
    }

    async fn measure_answers(&self, length: Duration) -> Outcome<Vec<Cell>> {
        let clients = self.dealt_out().await?;
        let mut clients = load::all_once(clients, Scenario::Refresh).await?;
        let mut cells = Vec::new();
        for scenario in Scenario::ALL {
            cells.push(self.measure_one(&mut clients, scenario, length).await?);
        }
        Ok(cells)
    }

    pub(crate) async fn measure_one(
        &self,
        clients: &mut Vec<Client>,
        scenario: Scenario,
        length: Duration,
    ) -> Outcome<Cell> {
        let alone = load::run(clients, 1, scenario, length).await?;
        let many = load::run(clients, MANY, scenario, length).await?;
        Ok((scenario, alone, many))
    }

    /// Clients with a session each that they have just opened.
    pub(crate) async fn logged_in(&self) -> Outcome<Vec<Client>> {
        let mut clients = Vec::new();
        for number in 0..MANY {
            let held = Held::of(population::email(1 + number));
            clients.push(self.client(number, [held].into()).await?);
        }
        load::all_once(clients, Scenario::Login).await
    }

    /// Clients with sessions from everywhere.
    async fn dealt_out(&self) -> Outcome<Vec<Client>> {
        let mint = Mint::open(self.database, format!("http://{}", self.address)).await?;
        let count = SAMPLE.min(self.size.sessions);
        let between = self.size.sessions / count;
        let mut clients = Vec::new();
        for number in 0..MANY {
            let mut hand = VecDeque::new();
            // Neighbours in a hand are far from each other in the database.
            for turn in 0..count / MANY {
                let chosen = 1 + (turn * MANY + number) * between;
                let mut held = Held::of(population::email(self.sessions.person(chosen)));
                held.refresh = mint.refresh(self.sessions, chosen)?;
                hand.push_back(held);
            }
            clients.push(self.client(number, hand).await?);
        }
        Ok(clients)
    }

    async fn client(&self, number: u64, hand: VecDeque<Held>) -> Outcome<Client> {
        let connection = Connection::open(self.address, number.try_into()?).await?;
        Ok(Client::new(connection, hand))
    }
}
