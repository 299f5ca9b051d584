//! The server under test: the release binary, started as anybody starts it.

use std::fs::{self, OpenOptions};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::connection::Connection;
use crate::cores::Cores;
use crate::database::Database;
use crate::process::{Memory, Process};

/// Names another binary than the one that cargo built for this run.
pub(crate) const BINARY: &str = "SIGNET_BENCH_SERVER";

pub(crate) struct Server<'a> {
    database: &'a Database,
    cores: &'a Cores,
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

pub(crate) fn binary() -> PathBuf {
    let given = std::env::var_os(BINARY);
    given.map_or_else(|| env!("CARGO_BIN_EXE_signet").into(), PathBuf::from)
}

impl<'a> Server<'a> {
    pub(crate) async fn start(database: &'a Database, cores: &'a Cores) -> Outcome<Self> {
        let address = free_address()?;
        // It says of each login that it refuses that it does.
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(log_of(database))?;
        let mut command = cores.command(binary());
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
            .stdout(Stdio::null())
            .stderr(log);
        let begun = Instant::now();
        let child = command.spawn()?;
        let mut server = Self {
            database,
            cores,
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
            self = Self::start(self.database, self.cores).await?;
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
                let last = last_words(self.database);
                return Err(format!("the server ended: {status}: {last}").into());
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
            let last = last_words(self.database);
            Err(format!("the server did not stop well: {status}: {last}").into())
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

fn log_of(database: &Database) -> PathBuf {
    database.directory.path().join("log")
}

fn last_words(database: &Database) -> String {
    let log = fs::read_to_string(log_of(database)).unwrap_or_default();
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("\n")
}

/// A port that nobody has; between this and its use somebody could take it.
pub(crate) fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}
