//! The server under test and its accounts, made with the same binary as an operator makes them.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use crate::database::Database;
use crate::process::Process;
use crate::shared::server::{Server, binary, free_address, in_place, last_words};
use crate::{Options, Outcome};

pub(crate) struct Installation<'a> {
    database: &'a Database,
    pub(crate) memory_kib: u32,
    server: Server,
}

impl<'a> Installation<'a> {
    /// Starts the server on a new database and waits for its first answer.
    pub(crate) async fn start(database: &'a Database, options: &Options) -> Outcome<Self> {
        let address = free_address()?;
        let settings = settings(database, options);
        std::fs::write(database.directory.path().join("signet.toml"), settings)?;
        let serve = ["serve", "--listen", &address.to_string()];
        let server = Server::start(command(&serve), database, address, "/readyz").await?;
        Ok(Self {
            database,
            memory_kib: options.memory_kib(),
            server,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    pub(crate) fn process(&self) -> Process {
        self.server.process()
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
        let mut command = command(&arguments);
        in_place(&mut command, self.database)?;
        let mut child = command
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
        let mut command = command(&arguments);
        in_place(&mut command, self.database)?;
        succeeded(command.spawn()?, self.database)
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
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).env_clear();
    command
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
