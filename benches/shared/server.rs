//! The server under test: the release binary, as a process that answers.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::Outcome;
use super::connection::Connection;
use super::database::Database;
use super::process::Process;

/// Names another binary than the one that cargo built for this run.
pub(crate) const BINARY: &str = "SIGNET_BENCH_SERVER";

pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    log: PathBuf,
    started_in: Duration,
}

pub(crate) fn binary() -> PathBuf {
    let given = std::env::var_os(BINARY);
    given.map_or_else(|| env!("CARGO_BIN_EXE_signet").into(), PathBuf::from)
}

/// A port that nobody has; between this and its use somebody could take it.
pub(crate) fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// Has a command run where the database is, with what it says in the log there.
pub(crate) fn in_place(command: &mut Command, database: &Database) -> Outcome<()> {
    let log = File::options()
        .create(true)
        .append(true)
        .open(log_of(database))?;
    command
        .current_dir(database.directory.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log);
    Ok(())
}

/// The last lines that any process there has printed.
pub(crate) fn last_words(database: &Database) -> String {
    ending(&log_of(database))
}

impl Server {
    /// Runs `command`, which listens at `address`, and waits until it answers 200 for `path`.
    pub(crate) async fn start(
        mut command: Command,
        database: &Database,
        address: SocketAddr,
        path: &str,
    ) -> Outcome<Self> {
        in_place(&mut command, database)?;
        let begun = Instant::now();
        let mut server = Self {
            child: command.spawn()?,
            address,
            log: log_of(database),
            started_in: Duration::ZERO,
        };
        server.first_answer(path, begun).await?;
        server.started_in = begun.elapsed();
        Ok(server)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn process(&self) -> Process {
        Process(self.child.id())
    }

    /// From the start of the process to its first answer.
    pub(crate) fn started_in(&self) -> Duration {
        self.started_in
    }

    pub(crate) fn stop(&mut self) -> Outcome<()> {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status()?;
        let status = self.child.wait()?;
        if status.success() {
            Ok(())
        } else {
            let last = ending(&self.log);
            Err(format!("the server did not stop well: {status}: {last}").into())
        }
    }

    async fn first_answer(&mut self, path: &str, begun: Instant) -> Outcome<()> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n");
        loop {
            if let Ok(mut connection) = Connection::open(self.address, 0).await
                && connection.exchange(request.as_bytes()).await?.status == 200
            {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                let last = ending(&self.log);
                return Err(format!("the server ended: {status}: {last}").into());
            }
            if begun.elapsed() > Duration::from_secs(30) {
                return Err("the server does not answer".into());
            }
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails where it was stopped before.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn log_of(database: &Database) -> PathBuf {
    database.directory.path().join("log")
}

fn ending(log: &Path) -> String {
    let log = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("\n")
}
