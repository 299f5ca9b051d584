//! PostgreSQL for tests: [`database`] gives a fresh, empty database of its own to whoever asks.
//!
//! `SIGNET_TEST_POSTGRES_URL` names a server to use (a URL whose user may create databases);
//! without it the first call starts a throw-away cluster from the installed programs. Cluster and
//! databases are gone soon after this process ends, however it ends: a shell holds the other end
//! of a pipe and cleans up when the pipe closes.
//!
//! Needs nothing but the standard library: the crate's unit tests include this file too.

use std::env;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

const MISSING: &str = "these tests need PostgreSQL: install it (Debian: `apt-get install \
    postgresql`, Fedora: `dnf install postgresql-server`, macOS: `brew install postgresql`), or \
    set SIGNET_TEST_POSTGRES_URL to a server whose user may create databases";

/// The URL of a fresh, empty database.
///
/// # Panics
/// If there is no PostgreSQL, with what to install.
pub(crate) fn database() -> String {
    static SERVER: OnceLock<Server> = OnceLock::new();
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let server = SERVER.get_or_init(Server::find_or_start);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("{}{number}", own_prefix());
    server.run(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
    server.run(&format!("CREATE DATABASE {name}"));
    with_database(&server.url, &name)
}

struct Server {
    url: String,
    psql: PathBuf,
    /// Closed by the end of this process: the signal to clean up.
    _alive: ChildStdin,
}

impl Server {
    fn find_or_start() -> Self {
        match env::var("SIGNET_TEST_POSTGRES_URL") {
            Ok(url) => Self::borrow(url),
            Err(_) => Self::start(),
        }
    }

    /// A server of the developer's: our databases are dropped at the end.
    fn borrow(url: String) -> Self {
        let psql = program("psql").expect(MISSING);
        let query = format!(
            "SELECT datname FROM pg_database WHERE starts_with(datname, '{}')",
            own_prefix()
        );
        let mut shell = Command::new("sh");
        shell.args(["-c", DROP_DATABASES]);
        shell
            .env("PSQL", &psql)
            .env("URL", &url)
            .env("QUERY", query);
        let (alive, _) = start_guard(shell);
        Self {
            url,
            psql,
            _alive: alive,
        }
    }

    /// A cluster of our own, in a directory that nobody will miss.
    fn start() -> Self {
        let psql = program("psql").expect(MISSING);
        let initdb = program("initdb").expect(MISSING);
        let mut log = String::new();
        // Somebody else may take the free port before the cluster does.
        for _ in 0..5 {
            let port = free_port();
            let mut shell = unprivileged(RUN_CLUSTER);
            shell.env("BIN", initdb.parent().expect("a directory"));
            shell.env("PORT", port.to_string());
            shell.env("TMP", env::temp_dir());
            let (alive, answer) = start_guard(shell);
            if answer == "ready" {
                let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
                return Self {
                    url,
                    psql,
                    _alive: alive,
                };
            }
            log = answer;
        }
        panic!("PostgreSQL is installed and does not start: {log}");
    }

    fn run(&self, sql: &str) {
        let mut psql = Command::new(&self.psql);
        psql.args([
            "--no-psqlrc",
            "--quiet",
            "--set=ON_ERROR_STOP=1",
            "--command",
            sql,
        ]);
        let output = psql.arg(&self.url).output().expect("psql runs");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{sql}: {complaint}");
    }
}

/// Waits for the end of its standard input, then drops what this process made.
const DROP_DATABASES: &str = r#"
echo ready
cat >/dev/null
"$PSQL" -XAtc "$QUERY" "$URL" | while read -r name; do
    "$PSQL" -Xqc "DROP DATABASE IF EXISTS $name WITH (FORCE)" "$URL"
done
"#;

/// Makes and starts a cluster, waits for the end of its standard input, removes the cluster.
/// `fsync` is off because no test cuts the power; commits still wait for their write.
const RUN_CLUSTER: &str = r#"
dir=$(mktemp -d "$TMP/signet-postgres.XXXXXX") || exit 1
cd "$dir"
clean() { "$BIN/pg_ctl" -D "$dir/data" -m immediate stop; cd /; rm -rf "$dir"; }
"$BIN/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$dir/log" 2>&1 &&
    cat >>"$dir/data/postgresql.conf" <<SETTINGS &&
listen_addresses = '127.0.0.1'
port = $PORT
unix_socket_directories = '$dir'
max_connections = 200
fsync = off
full_page_writes = off
synchronous_commit = on
SETTINGS
    "$BIN/pg_ctl" -D "$dir/data" -l "$dir/log" -w start >/dev/null 2>&1 || {
        tr '\n' ' ' <"$dir/log"
        clean >/dev/null 2>&1
        exit 1
    }
echo ready
cat >/dev/null
clean >/dev/null 2>&1
"#;

#[expect(clippy::zombie_processes, reason = "it outlives this process")]
/// Starts a shell that outlives this process by its cleaning up, and reads its first line.
fn start_guard(mut shell: Command) -> (ChildStdin, String) {
    // A process group of its own: Ctrl-C at the terminal must not take it along.
    shell.process_group(0).stderr(Stdio::null());
    let mut child = shell
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("sh runs");
    let stdin = child.stdin.take().expect("a pipe");
    let stdout = child.stdout.take().expect("a pipe");
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).expect("text");
    (stdin, line.trim().to_owned())
}

/// PostgreSQL refuses to run as root, so root hands it to somebody who is not.
fn unprivileged(script: &str) -> Command {
    let id = Command::new("id").arg("-u").output().expect("id runs");
    if id.stdout.trim_ascii() != b"0" {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        return shell;
    }
    let known = |user: &&str| {
        Command::new("id")
            .arg(user)
            .output()
            .is_ok_and(|id| id.status.success())
    };
    let user = ["postgres", "nobody"].into_iter().find(known);
    let user = user.expect("a user `postgres` or `nobody`: PostgreSQL does not run as root");
    let mut shell;
    if let Some(setpriv) = in_path("setpriv") {
        shell = Command::new(setpriv);
        shell.args([
            "--reuid",
            user,
            "--regid",
            &primary_group(user),
            "--clear-groups",
        ]);
        shell.args(["sh", "-c", script]);
    } else if let Some(runuser) = in_path("runuser") {
        shell = Command::new(runuser);
        shell.args(["-u", user, "--", "sh", "-c", script]);
    } else {
        shell = Command::new("su");
        shell.args(["-s", "/bin/sh", user, "-c", script]);
    }
    shell
}

fn primary_group(user: &str) -> String {
    let id = Command::new("id")
        .args(["-g", user])
        .output()
        .expect("id runs");
    String::from_utf8_lossy(&id.stdout).trim().to_owned()
}

/// A program of PostgreSQL's: of the newest installed version, where Debian puts them, where
/// `pg_config` says, or in the `PATH`.
fn program(name: &str) -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let mut versions: Vec<PathBuf> = versions.map(|entry| entry.path()).collect();
    versions.sort_by_key(|path| std::cmp::Reverse(version(path)));
    let mut places: Vec<PathBuf> = versions.into_iter().map(|path| path.join("bin")).collect();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        places.push(String::from_utf8_lossy(&output.stdout).trim().into());
    }
    let mut installed = places.into_iter().map(|place| place.join(name));
    installed
        .find(|path| path.is_file())
        .or_else(|| in_path(name))
}

fn in_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|place| place.join(name))
        .find(|path| path.is_file())
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

fn own_prefix() -> String {
    format!("signet_test_{}_", std::process::id())
}

/// The same server, another database.
fn with_database(url: &str, name: &str) -> String {
    let (address, query) = match url.split_once('?') {
        Some((address, query)) => (address, format!("?{query}")),
        None => (url, String::new()),
    };
    let authority = address.find("://").map_or(0, |scheme| scheme + 3);
    let end = address[authority..]
        .find('/')
        .map_or(address.len(), |slash| authority + slash);
    format!("{}/{name}{query}", &address[..end])
}

#[test]
fn the_name_of_the_database_is_all_that_changes_in_its_url() {
    for (url, expected) in [
        ("postgres://u:p@h:5/old", "postgres://u:p@h:5/new"),
        ("postgres://u@h", "postgres://u@h/new"),
        ("postgres:///old?host=/tmp/x", "postgres:///new?host=/tmp/x"),
    ] {
        assert_eq!(with_database(url, "new"), expected);
    }
}
