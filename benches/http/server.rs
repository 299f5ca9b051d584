//! How the server under test is started, and started again.

use std::time::Duration;

use crate::Outcome;
use crate::cores::Cores;
use crate::database::Database;
use crate::process::Memory;
use crate::shared::server::{Server, binary, free_address};

/// One start on a database that is there already.
pub(crate) struct Restart {
    /// From the start of the process to its first JWKS.
    pub(crate) started_in: Duration,
    /// At rest.
    pub(crate) memory: Memory,
}

pub(crate) async fn start(database: &Database, cores: &Cores) -> Outcome<Server> {
    let address = free_address()?;
    let mut command = cores.command(binary());
    command
        .args(["serve", "--listen", &address.to_string()])
        .args(["--database", &database.url])
        .env("SIGNET_SERVER__ADMIN_LISTEN", "")
        .env("SIGNET_LOG__FILTER", "warn")
        .env("SIGNET_ACCOUNT__EMAIL_VERIFICATION", "none")
        // One machine plays all callers, and would soon be told to wait.
        .env("SIGNET_LIMITS__ENABLED", "false");
    Server::start(command, database, address, "/.well-known/jwks.json").await
}

/// Stops it and starts it again, so many times.
pub(crate) async fn restart(
    mut server: Server,
    times: usize,
    (database, cores): (&Database, &Cores),
) -> Outcome<Vec<Restart>> {
    let mut restarts = Vec::new();
    for _ in 0..times {
        server.stop()?;
        server = start(database, cores).await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        restarts.push(Restart {
            started_in: server.started_in(),
            memory: server.process().memory()?,
        });
    }
    server.stop()?;
    Ok(restarts)
}
