//! Those that are measured, each with its clients.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::bare::Bare;
use crate::client::{Client, Scenario, Target};
use crate::cores::Cores;
use crate::database::Database;
use crate::load::{self, Cell};
use crate::options::Options;
use crate::process::Memory;
use crate::report::Run;
use crate::shared::population;
use crate::shared::server::Server;
use crate::{Outcome, server};

/// So many register at once: they keep the hashing threads busy, and do not fill their queue.
const REGISTER_AT_ONCE: usize = 8;

/// Starts of which one figure is made.
const RESTARTS: usize = 5;

/// The server on one database, and its clients.
pub(crate) struct Subject<'a> {
    database: &'a Database,
    server: Server,
    pub(crate) target: Target,
    clients: Vec<Client>,
    pub(crate) run: Run,
}

impl<'a> Subject<'a> {
    pub(crate) async fn start(
        database: &'a Database,
        cores: &'a Cores,
        clients: u16,
    ) -> Outcome<Self> {
        let server = server::start(database, cores).await?;
        let target = Target::look_at(server.address()).await?;
        let clients = stream::iter(0..clients)
            .map(|number| Client::register(&target, number))
            .buffered(REGISTER_AT_ONCE)
            .try_collect()
            .await?;
        let run = Run {
            database: database.name,
            first_start: server.started_in(),
            cells: Vec::new(),
            memory_under_load: Memory::default(),
            restarts: Vec::new(),
            late_restarts: Vec::new(),
        };
        Ok(Self {
            database,
            server,
            target,
            clients,
            run,
        })
    }

    pub(crate) async fn measure(
        &mut self,
        options: &Options,
        scenario: Scenario,
        count: u16,
    ) -> Outcome<()> {
        let watched = (self.server.process(), self.run.database);
        let (clients, window) = (&mut self.clients, options.window());
        let measured = async || load::run(clients, count, scenario, window, watched).await;
        let cell = calmly(options, measured, disturbance).await?;
        self.run.cells.push(cell);
        self.run.memory_under_load = self.server.process().memory()?;
        Ok(())
    }

    /// Starts the server again and again, on what it has written and then with many users.
    pub(crate) async fn end(mut self, options: &Options, cores: &Cores) -> Outcome<Run> {
        drop(self.clients);
        let place = (self.database, cores);
        self.run.restarts = server::restart(self.server, RESTARTS, place).await?;
        if let Some(users) = options.users {
            population::add_people(self.database, &(1..=users.into()))?;
            let server = server::start(self.database, cores).await?;
            // Otherwise the rows would be no people.
            let target = Target::look_at(server.address()).await?;
            Client::log_in(&target, &population::email(users.into())).await?;
            self.run.late_restarts = server::restart(server, RESTARTS, place).await?;
        }
        Ok(self.run)
    }
}

/// The bare server, and its clients.
pub(crate) struct BareSubject {
    bare: Bare,
    clients: Vec<Client>,
    cells: Vec<Cell>,
}

impl BareSubject {
    pub(crate) async fn start(like: &Target, cores: &Cores, count: u16) -> Outcome<Self> {
        let bare = Bare::start(&like.jwks, cores).await?;
        let mut clients = Vec::new();
        for number in 0..count {
            clients.push(Client::new(&bare.target, number).await?);
        }
        Ok(Self {
            bare,
            clients,
            cells: Vec::new(),
        })
    }

    pub(crate) async fn measure(&mut self, options: &Options, count: u16) -> Outcome<()> {
        let watched = (self.bare.process(), "");
        let (clients, window) = (&mut self.clients, options.window());
        let measured = async || load::run(clients, count, Scenario::Jwks, window, watched).await;
        let cell = calmly(options, measured, disturbance).await?;
        self.cells.push(cell);
        Ok(())
    }

    pub(crate) fn end(self) -> Vec<Cell> {
        self.cells
    }
}

/// Measures again while others disturb, as far as patience goes.
pub(crate) async fn calmly<T>(
    options: &Options,
    mut measured: impl AsyncFnMut() -> Outcome<T>,
    disturbance: impl Fn(&T) -> f64,
) -> Outcome<T> {
    let mut result = measured().await?;
    for _ in 0..options.patience {
        if disturbance(&result) <= 0.1 {
            break;
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        result = measured().await?;
    }
    Ok(result)
}

/// A cell with a wrong answer is never measured again: it must be seen.
fn disturbance(cell: &Cell) -> f64 {
    if cell.wrong > 0 {
        return 0.0;
    }
    cell.disturbance()
}
