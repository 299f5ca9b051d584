//! The server under test: the release binary, as delivered but for what a storm on one machine
//! needs, and a listener on which it says what it counts.

use std::net::SocketAddr;

use crate::Outcome;
use crate::cores::Cores;
use crate::database::Database;
use crate::process::Process;
use crate::shared::server::{Server, binary, free_address};

pub(crate) struct Installation {
    server: Server,
    admin: SocketAddr,
}

impl Installation {
    /// With so many hashing threads, or as many as it chooses itself. Nothing of our own
    /// environment reaches it: a run must not depend on it.
    pub(crate) async fn start(
        database: &Database,
        cores: &Cores,
        threads: Option<u32>,
    ) -> Outcome<Self> {
        let (address, admin) = (free_address()?, free_address()?);
        let mut command = cores.command(binary());
        command
            .args(["serve", "--listen", &address.to_string()])
            .args(["--database", &database.url])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("SIGNET_SERVER__ADMIN_LISTEN", admin.to_string())
            // We play callers at many addresses.
            .env("SIGNET_SERVER__TRUSTED_PROXIES", "127.0.0.0/8")
            .env("SIGNET_LOG__FILTER", "warn")
            .env("SIGNET_ACCOUNT__EMAIL_VERIFICATION", "none")
            // They would keep most of the storm from the hashing threads.
            .env("SIGNET_LIMITS__ENABLED", "false");
        if let Some(threads) = threads {
            command.env("SIGNET_PASSWORD__POOL_THREADS", threads.to_string());
        }
        let server = Server::start(command, database, address, "/readyz").await?;
        Ok(Self { server, admin })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Where it has metrics.
    pub(crate) fn admin(&self) -> SocketAddr {
        self.admin
    }

    pub(crate) fn process(&self) -> Process {
        self.server.process()
    }
}
