//! The server under test: the release binary, started as anybody starts it.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::connection::Connection;
use crate::database::Database;
use crate::{Memory, Outcome, Process};

pub(crate) struct Server<'a> {
    database: &'a Database,
    child: Child,
    address: SocketAddr,
    started_in: Duration,
}

/// One start on a database that is there already.
pub(crate) struct Restart {
    /// From the start of the process to its first JWKS.
    pub(crate) started_in: Duration,
    /// At rest.
    pub(crate) memory: Memory,
}

/// The binary: `SIGNET_BENCH_SERVER`, or the one that cargo built for this run.
pub(crate) fn binary() -> PathBuf {
    let given = std::env::var_os("SIGNET_BENCH_SERVER");
    given.map_or_else(|| env!("CARGO_BIN_EXE_signet").into(), PathBuf::from)
}

impl<'a> Server<'a> {
    pub(crate) async fn start(database: &'a Database) -> Outcome<Self> {
        let address = free_address()?;
        let mut command = Command::new(binary());
        command
            .args(["serve", "--listen", &address.to_string()])
            .args(["--database", &database.url])
            .env("SIGNET_SERVER__ADMIN_LISTEN", "")
            .env("SIGNET_LOG__FILTER", "warn")
            .env("SIGNET_ACCOUNT__EMAIL_VERIFICATION", "none")
            // One machine plays all callers, and would soon be told to wait.
            .env("SIGNET_LIMITS__ENABLED", "false")
            .current_dir(database.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let begun = Instant::now();
        let child = command.spawn()?;
        let mut server = Self {
            database,
            child,
            address,
            started_in: Duration::ZERO,
        };
        server.first_answer(begun).await?;
        server.started_in = begun.elapsed();
        Ok(server)
    }

    /// Stops it and starts it again, so many times.
    pub(crate) async fn restart(mut self, times: usize) -> Outcome<Vec<Restart>> {
        let mut restarts = Vec::new();
        for _ in 0..times {
            self.stop()?;
            self = Self::start(self.database).await?;
            tokio::time::sleep(Duration::from_millis(500)).await;
            restarts.push(Restart {
                started_in: self.started_in,
                memory: self.process().memory()?,
            });
        }
        self.stop()?;
        Ok(restarts)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn process(&self) -> Process {
        Process(self.child.id())
    }

    /// How long its first start took, migrations included.
    pub(crate) fn started_in(&self) -> Duration {
        self.started_in
    }

    async fn first_answer(&mut self, begun: Instant) -> Outcome<()> {
        let request = b"GET /.well-known/jwks.json HTTP/1.1\r\nhost: bench\r\n\r\n";
        loop {
            if let Ok(mut connection) = Connection::open(self.address, 0).await
                && connection.exchange(request).await?.status == 200
            {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the server ended: {status}").into());
            }
            if begun.elapsed() > Duration::from_secs(30) {
                return Err("the server does not answer".into());
            }
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
    }

    fn stop(&mut self) -> Outcome<()> {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status()?;
        let status = self.child.wait()?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("the server did not stop well: {status}").into())
        }
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        // Fails where it was stopped before.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A port that nobody has; between this and its use somebody could take it.
pub(crate) fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}
