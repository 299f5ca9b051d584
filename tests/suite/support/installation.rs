//! The real binary on a database of its own: started, killed without warning, started again.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use diesel::prelude::*;
use signet::storage::schema::{mail_requests, outbox};
use signet::storage::{Access, Conn, Db};
use tempfile::TempDir;

use super::{Backend, Client, Sink, block_on};

/// Longest wait for a process to say that it listens: a debug build on a busy machine.
const START_LIMIT: Duration = Duration::from_mins(1);

/// Database, master key, settings and mail server that processes come and go on.
pub(crate) struct Installation {
    pub(crate) mail: Sink,
    pub(crate) directory: TempDir,
    database: String,
}

/// A running server process; killed when dropped.
pub(crate) struct Process {
    child: Child,
    base: String,
    /// All it has printed so far, on both streams.
    output: Arc<Mutex<String>>,
}

impl Installation {
    pub(crate) fn new(backend: Backend) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let database = backend.database(directory.path());
        Self {
            mail: Sink::start(),
            directory,
            database,
        }
    }

    /// Starts a process with `settings` (TOML: section, key, value) beside the usual ones, and
    /// waits until it says that it listens.
    pub(crate) fn start(&self, settings: &[(&str, &str, &str)]) -> Process {
        let mut child = Command::new(env!("CARGO_BIN_EXE_signet"))
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--database",
                &self.database,
                "--config",
            ])
            .arg(self.write_config(settings))
            .current_dir(self.directory.path())
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let (found, address) = mpsc::channel();
        let output = Arc::default();
        watch(child.stdout.take().expect("a pipe"), &output, found.clone());
        watch(child.stderr.take().expect("a pipe"), &output, found);
        let mut log = String::new();
        while let Ok(line) = address.recv_timeout(START_LIMIT) {
            if let Some((_, rest)) = line.split_once("listening on http://") {
                let end = rest.find(|letter: char| letter.is_whitespace() || letter == '"');
                let base = format!("http://{}", &rest[..end.unwrap_or(rest.len())]);
                return Process {
                    child,
                    base,
                    output,
                };
            }
            log += &(line + "\n");
        }
        let _ = child.kill();
        panic!("the server did not start ({:?}):\n{log}", child.wait());
    }

    /// A command of the binary on this installation, with the settings of the last start.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_signet"));
        command
            .args(arguments)
            .arg("--config")
            .arg(self.directory.path().join("signet.toml"))
            .current_dir(self.directory.path())
            .env_clear()
            .env("SIGNET_DATABASE__URL", &self.database)
            .env("SIGNET_LOG__FILTER", "error")
            .stdin(Stdio::null());
        command
    }

    /// Runs such a command, which must succeed; what it printed.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        self.try_run(arguments)
            .unwrap_or_else(|said| panic!("{arguments:?}: {said}"))
    }

    /// Runs such a command: what it printed, or if it failed, what it said about that.
    pub(crate) fn try_run(&self, arguments: &[&str]) -> Result<String, String> {
        let output = self.command(arguments).output().expect("the binary runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        if output.status.success() {
            Ok(text(output.stdout))
        } else {
            Err(text(output.stderr))
        }
    }

    /// The whole database as it can be carried away: the files of SQLite, a dump of PostgreSQL.
    pub(crate) fn dump(&self) -> Vec<u8> {
        let Some(file) = self.database.strip_prefix("sqlite://") else {
            let dump = Command::new("pg_dump").arg(&self.database).output();
            let dump = dump.expect("pg_dump runs");
            assert!(
                dump.status.success(),
                "{}",
                String::from_utf8_lossy(&dump.stderr)
            );
            return dump.stdout;
        };
        let parts = ["", "-wal", "-shm"].map(|end| std::fs::read(format!("{file}{end}")));
        parts.into_iter().flatten().flatten().collect()
    }

    /// Who waits for mail that was not delivered yet, read from the database itself.
    pub(crate) fn outbox(&self) -> Vec<String> {
        self.rows(|conn| {
            // A request becomes a letter at one moment: in this order none is missed.
            let mut waiting: Vec<String> = mail_requests::table
                .select(mail_requests::email)
                .load(conn)?;
            waiting.extend(
                outbox::table
                    .select(outbox::recipient)
                    .load::<String>(conn)?,
            );
            Ok(waiting)
        })
    }

    /// Rows of the database, or what became of changing them, beside whatever runs.
    pub(crate) fn rows<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Conn) -> QueryResult<T> + Send + 'static,
    ) -> T {
        let url = self.database.clone().into();
        let settings = signet::config::Database {
            url,
            ..Default::default()
        };
        let db = Db::open(&settings, Access::Command).expect("the database");
        block_on(db.write(work)).expect("the rows")
    }

    /// Writes the settings that a start would, with `settings` beside the usual ones.
    pub(crate) fn write_config(&self, settings: &[(&str, &str, &str)]) -> PathBuf {
        let master_key = self.directory.path().join("master.key");
        let master_key = format!("'{}'", master_key.display());
        let port = self.mail.port.to_string();
        let usual = [
            ("keys", "master_key_file", master_key.as_str()),
            ("mail", "transport", "\"smtp\""),
            ("mail.smtp", "host", "\"127.0.0.1\""),
            ("mail.smtp", "port", &port),
            ("mail.smtp", "tls", "\"none\""),
            ("password", "argon2_memory_kib", "8"),
            ("password", "argon2_time", "1"),
            // Most tests do more than any caller may; those about the limits put them on.
            ("limits", "enabled", "false"),
            // Its port changes with each start, and the issuer must not.
            ("server", "public_url", "\"http://localhost:8080\""),
            ("server", "workers", "2"),
            ("server", "admin_listen", "\"\""),
        ];
        let is_changed = |usual: &&(&str, &str, &str)| {
            let mut settings = settings.iter();
            settings.any(|it| (it.0, it.1) == (usual.0, usual.1))
        };
        let usual = usual.iter().filter(|usual| !is_changed(usual));
        let all: Vec<_> = usual.chain(settings).collect();
        let mut text = String::new();
        for (section, ..) in &all {
            if text.contains(&format!("[{section}]\n")) {
                continue;
            }
            writeln!(text, "[{section}]").expect("memory");
            for (_, key, value) in all.iter().filter(|(other, ..)| other == section) {
                writeln!(text, "{key} = {value}").expect("memory");
            }
        }
        let path = self.directory.path().join("signet.toml");
        std::fs::write(&path, text).expect("the settings");
        path
    }
}

/// Reports a stream's lines until the start is over, and goes on reading it until its end: a full
/// pipe would stop the server.
fn watch(
    stream: impl Read + Send + 'static,
    output: &Arc<Mutex<String>>,
    lines: mpsc::Sender<String>,
) {
    let output = Arc::clone(output);
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            writeln!(output.lock().expect("the output"), "{line}").expect("memory");
            let _ = lines.send(line);
        }
    });
}

impl Process {
    /// A client without credentials.
    pub(crate) fn anonymous(&self) -> Client {
        Client::new(&self.base)
    }

    /// All it has printed so far.
    pub(crate) fn output(&self) -> String {
        self.output.lock().expect("the output").clone()
    }

    /// SIGTERM, and waits for the end.
    pub(crate) fn stop(mut self) {
        let kill = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        assert!(kill.expect("kill runs").success());
        let status = self.child.wait().expect("it ends");
        assert!(status.success(), "{status}");
    }

    /// SIGKILL: no time to finish anything.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it was running");
        self.child.wait().expect("it is gone");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
