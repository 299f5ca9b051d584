//! The server under test: the release binary, as delivered but for what a storm on one machine
//! needs, and a listener on which it says what it counts.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::connection::Connection;
use crate::cores::Cores;
use crate::database::Database;
use crate::process::Process;

pub(crate) struct Installation<'a> {
    database: &'a Database,
    address: SocketAddr,
    admin: SocketAddr,
    child: Child,
}

/// The binary: `SIGNET_BENCH_SERVER`, or the one that cargo built for this run.
fn binary() -> PathBuf {
    let given = std::env::var_os("SIGNET_BENCH_SERVER");
    given.map_or_else(|| env!("CARGO_BIN_EXE_signet").into(), PathBuf::from)
}

impl<'a> Installation<'a> {
    /// With so many hashing threads, or as many as it chooses itself. Nothing of our own
    /// environment reaches it: a run must not depend on it.
    pub(crate) async fn start(
        database: &'a Database,
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
            .env("SIGNET_LIMITS__ENABLED", "false")
            .current_dir(database.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(log_of(database))?);
        if let Some(threads) = threads {
            command.env("SIGNET_PASSWORD__POOL_THREADS", threads.to_string());
        }
        let child = command.spawn()?;
        let mut installation = Self {
            database,
            address,
            admin,
            child,
        };
        installation.first_answer().await?;
        Ok(installation)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it has metrics.
    pub(crate) fn admin(&self) -> SocketAddr {
        self.admin
    }

    pub(crate) fn process(&self) -> Process {
        Process(self.child.id())
    }

    async fn first_answer(&mut self) -> Outcome<()> {
        let begun = Instant::now();
        let request = b"GET /readyz HTTP/1.1\r\nhost: bench\r\n\r\n";
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
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Installation<'_> {
    fn drop(&mut self) {
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
fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}
