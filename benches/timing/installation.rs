//! The server under test and its accounts, made with the same binary as an operator makes them.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::connection::Connection;
use crate::database::Database;
use crate::process::Process;
use crate::{Options, Outcome};

pub(crate) struct Installation<'a> {
    database: &'a Database,
    pub(crate) memory_kib: u32,
    address: SocketAddr,
    child: Child,
}

/// The binary: `SIGNET_BENCH_SERVER`, or the one that cargo built for this run.
fn binary() -> PathBuf {
    let given = std::env::var_os("SIGNET_BENCH_SERVER");
    given.map_or_else(|| env!("CARGO_BIN_EXE_signet").into(), PathBuf::from)
}

impl<'a> Installation<'a> {
    /// Starts the server on a new database and waits for its first answer.
    pub(crate) async fn start(database: &'a Database, options: &Options) -> Outcome<Self> {
        // A port that nobody has; between this and its use somebody could take it.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let settings = settings(database, options);
        std::fs::write(database.directory.path().join("signet.toml"), settings)?;
        let serve = ["serve", "--listen", &address.to_string()];
        let child = command(database, &serve)?.stdin(Stdio::null()).spawn()?;
        let mut installation = Self {
            database,
            memory_kib: options.memory_kib(),
            address,
            child,
        };
        installation.first_answer().await?;
        Ok(installation)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn process(&self) -> Process {
        Process(self.child.id())
    }

    /// Makes an account whose password hash takes so much memory.
    pub(crate) fn create(&self, account: &Account<'_>) -> Outcome<()> {
        let email = format!("{}@example.com", account.email);
        let mut arguments = vec!["users", "create", "--password-stdin"];
        arguments.extend(["--username", account.name, "--email", &email]);
        if !account.is_confirmed {
            arguments.push("--unverified");
        }
        let memory = account.memory_kib.to_string();
        let mut child = command(self.database, &arguments)?
            .env("SIGNET_PASSWORD__ARGON2_MEMORY_KIB", memory)
            .stdin(Stdio::piped())
            .spawn()?;
        let mut input = child.stdin.take().ok_or("no pipe")?;
        writeln!(input, "{}", account.password)?;
        drop(input);
        succeeded(child, self.database)
    }

    pub(crate) fn disable(&self, name: &str) -> Outcome<()> {
        let arguments = ["users", "disable", name];
        let mut command = command(self.database, &arguments)?;
        succeeded(command.stdin(Stdio::null()).spawn()?, self.database)
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
                return Err(
                    format!("the server ended: {status}: {}", last_words(self.database)).into(),
                );
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

/// An account to be made.
pub(crate) struct Account<'a> {
    pub(crate) name: &'a str,
    /// Before the `@`.
    pub(crate) email: &'a str,
    pub(crate) password: &'a str,
    pub(crate) is_confirmed: bool,
    pub(crate) memory_kib: u32,
}

/// Nothing of our own environment reaches the server: a run must not depend on it.
fn command(database: &Database, arguments: &[&str]) -> Outcome<Command> {
    let directory = database.directory.path();
    let log = File::options()
        .create(true)
        .append(true)
        .open(directory.join("log"))?;
    let mut command = Command::new(binary());
    command
        .args(arguments)
        .env_clear()
        .current_dir(directory)
        .stdout(Stdio::null())
        .stderr(log);
    Ok(command)
}

/// The last lines that any process has printed.
fn last_words(database: &Database) -> String {
    let log = std::fs::read_to_string(database.directory.path().join("log"));
    let log = log.unwrap_or_default();
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("\n")
}

fn succeeded(mut child: Child, database: &Database) -> Outcome<()> {
    let status = child.wait()?;
    if status.success() {
        return Ok(());
    }
    Err(format!("no account, but {status}: {}", last_words(database)).into())
}

/// What is left out is as delivered: among it the log at its usual level, which is part of the
/// work, and mail to the console.
fn settings(database: &Database, options: &Options) -> String {
    let mut text = String::new();
    let memory = options.memory_kib();
    // Callers name their own address, each request another: nobody here is one caller.
    let _ = writeln!(
        text,
        "[server]\nadmin_listen = \"\"\ntrusted_proxies = [\"127.0.0.0/8\"]"
    );
    let _ = writeln!(text, "[database]\nurl = '{}'", database.url);
    let _ = writeln!(text, "[account]\nemail_verification = \"mandatory\"");
    let _ = writeln!(text, "[password]\nargon2_memory_kib = {memory}");
    let _ = writeln!(text, "[limits]\nenabled = {}", options.limits);
    // As many as can be without a delay. It is counted all the same, which is what takes time.
    let _ = writeln!(text, "free_failures = {}", crate::people::FREE);
    let _ = writeln!(text, "mail_cooldown = \"0s\"\nmails_per_hour = 1000000");
    let _ = writeln!(text, "mails_per_hour_in_all = 1000000");
    text
}
