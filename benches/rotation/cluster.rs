//! The nodes: release binaries, one database, one master key, times that make a day pass in seconds.

use std::fmt::Write as _;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::balancer::Balancer;
use crate::connection::{Answer, Connection};
use crate::shared::server::{binary, free_address};
use crate::{Failure, Outcome, postgres};

pub(crate) const NODES: usize = 3;
/// `keys.jwks_max_age`: verifiers keep the JWKS so long.
pub(crate) const MAX_AGE: Duration = Duration::from_secs(5);
/// `tokens.access_ttl`.
pub(crate) const TOKEN_LIFE: Duration = Duration::from_secs(20);
/// Nobody waits longer for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Cluster {
    /// The URL of the database.
    pub(crate) database: String,
    /// Where people and verifiers go.
    pub(crate) public: SocketAddr,
    pub(crate) nodes: Vec<Node>,
    folder: TempDir,
    // The last to go.
    balancer: Balancer,
}

pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    log: PathBuf,
    child: Mutex<Option<Child>>,
}

impl Cluster {
    /// Starts all nodes at once on an empty database, and waits until each of them, and the
    /// balancer, is ready.
    pub(crate) async fn start(rotate_every: u64) -> Outcome<Self> {
        let folder = tempfile::Builder::new()
            .prefix("rotation-")
            .tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let public = free_address()?;
        let mut nodes = Vec::new();
        for number in 0..NODES {
            nodes.push(Node {
                address: free_address()?,
                log: folder.path().join(format!("node-{number}.log")),
                child: Mutex::default(),
            });
        }
        let addresses: Vec<SocketAddr> = nodes.iter().map(|node| node.address).collect();
        let database = postgres::database();
        std::fs::write(
            folder.path().join("signet.toml"),
            settings(public, &database, rotate_every),
        )?;
        let balancer = Balancer::start(folder.path(), public, &addresses)?;
        let cluster = Self {
            database,
            public,
            nodes,
            folder,
            balancer,
        };
        for node in &cluster.nodes {
            cluster.start_node(node)?;
        }
        for node in &cluster.nodes {
            cluster.wait_until_ready(node).await?;
        }
        let alive = || match cluster.balancer.has_ended()? {
            Some(status) => Err(cluster.dead("HAProxy", status)),
            None => Ok(()),
        };
        until_ready(public, alive).await?;
        Ok(cluster)
    }

    pub(crate) fn start_node(&self, node: &Node) -> Outcome<()> {
        let listen = node.address.to_string();
        let started = self.signet(&["serve", "--listen", &listen], &node.log)?;
        *node.child.lock().expect("whole") = Some(started);
        Ok(())
    }

    pub(crate) async fn wait_until_ready(&self, node: &Node) -> Outcome<()> {
        let alive = || {
            let mut child = node.child.lock().expect("whole");
            let child = child.as_mut().ok_or("the node was not started")?;
            match child.try_wait()? {
                Some(status) => Err(self.dead("a node", status)),
                None => Ok(()),
            }
        };
        until_ready(node.address, alive).await
    }

    /// A command of an operator's, beside the nodes.
    pub(crate) async fn operate(&self, arguments: &[&str]) -> Outcome<()> {
        let mut child = self.signet(arguments, &self.folder.path().join("operator.log"))?;
        loop {
            match child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(self.dead(&arguments.join(" "), status)),
                None => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }

    /// The program with the nodes' settings, and nothing of our own environment.
    fn signet(&self, arguments: &[&str], log: &Path) -> Outcome<Child> {
        let log = File::options().create(true).append(true).open(log)?;
        let child = Command::new(binary())
            .args(arguments)
            .env_clear()
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        Ok(child)
    }

    fn dead(&self, who: &str, status: ExitStatus) -> Failure {
        format!("{who} ended with {status}\n{}", self.last_words()).into()
    }

    /// The ends of all logs.
    pub(crate) fn last_words(&self) -> String {
        let others = ["haproxy.log", "operator.log"].map(|name| self.folder.path().join(name));
        let logs = self.nodes.iter().map(|node| &node.log).chain(&others);
        let mut words = String::new();
        for log in logs {
            let text = std::fs::read_to_string(log).unwrap_or_default();
            let lines: Vec<_> = text.lines().collect();
            let _ = writeln!(words, "--- {}", log.display());
            words += &lines[lines.len().saturating_sub(12)..].join("\n");
            words.push('\n');
        }
        words
    }
}

impl Node {
    /// Asks it to stop (SIGTERM) and waits for its end.
    pub(crate) async fn stop(&self) -> Outcome<ExitStatus> {
        let child = self.child.lock().expect("whole").take();
        let mut child = child.ok_or("the node does not run")?;
        let id = child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status()?;
        let asked = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            if asked.elapsed() > Duration::from_secs(30) {
                child.kill()?;
                return Ok(child.wait()?);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let child = self.child.get_mut().map(Option::take);
        if let Ok(Some(mut child)) = child {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// `drain_delay` is what `deploy/haproxy.cfg` needs to notice; the clocks of one machine are one,
/// and what remains of the skew is what an answer takes to arrive.
fn settings(public: SocketAddr, database: &str, rotate_every: u64) -> String {
    format!(
        r#"
[server]
public_url = "http://{public}"
trusted_proxies = ["127.0.0.1/32"]
drain_delay = "3s"
admin_listen = ""
[database]
url = "{database}"
[keys]
rotate_every = "{rotate_every}s"
announce = "10s"
keep = "2s"
jwks_max_age = "{}s"
reload_every = "1s"
clock_skew = "2s"
[tokens]
access_ttl = "{}s"
[account]
email_verification = "none"
[limits]
# one machine plays everybody
enabled = false
[log]
filter = "info"
"#,
        MAX_AGE.as_secs(),
        TOKEN_LIFE.as_secs()
    )
}

async fn until_ready(address: SocketAddr, alive: impl Fn() -> Outcome<()>) -> Outcome<()> {
    let asked = Instant::now();
    while status(address, "/readyz").await.ok() != Some(200) {
        alive()?;
        if asked.elapsed() > Duration::from_secs(30) {
            return Err(format!("{address} is not ready").into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

async fn status(address: SocketAddr, path: &str) -> Outcome<u16> {
    let mut connection = Connection::open(address, 0).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: rotation\r\n\r\n");
    Ok(ask(&mut connection, &request).await?.status)
}

/// A request with a body.
pub(crate) fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: rotation\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

/// One request and its answer, unless that takes too long.
pub(crate) async fn ask<'a>(connection: &'a mut Connection, request: &str) -> Outcome<Answer<'a>> {
    let answer = connection.exchange(request.as_bytes());
    let late = |_| Failure::from("no answer in time");
    tokio::time::timeout(PATIENCE, answer).await.map_err(late)?
}
