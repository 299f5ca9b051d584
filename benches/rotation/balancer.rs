//! `HAProxy`, with the configuration that is delivered: only the addresses are others.

use std::fmt::Write as _;
use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;

use crate::Outcome;

const DELIVERED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/haproxy.cfg");
const MISSING: &str = "this needs HAProxy: install it (Debian: apt-get install haproxy)";

/// Ends with this value.
pub(crate) struct Balancer(Mutex<Child>);

impl Balancer {
    /// Starts it before the nodes, with its configuration and log in `folder`.
    pub(crate) fn start(folder: &Path, own: SocketAddr, nodes: &[SocketAddr]) -> Outcome<Self> {
        let file = folder.join("haproxy.cfg");
        let delivered = std::fs::read_to_string(DELIVERED)?;
        std::fs::write(&file, with_addresses(&delivered, own, nodes)?)?;
        let log = File::create(folder.join("haproxy.log"))?;
        // Not as a daemon, so that it ends with us.
        let haproxy = Command::new(program())
            .arg("-db")
            .arg("-f")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn();
        let haproxy = haproxy.map_err(|error| format!("{MISSING}: {error}"))?;
        Ok(Self(Mutex::new(haproxy)))
    }

    /// What it cannot have it refuses by ending.
    pub(crate) fn has_ended(&self) -> Outcome<Option<ExitStatus>> {
        Ok(self.0.lock().expect("whole").try_wait()?)
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        if let Ok(haproxy) = self.0.get_mut() {
            drop(haproxy.kill());
            drop(haproxy.wait());
        }
    }
}

/// Debian keeps it where only root's `PATH` leads.
fn program() -> &'static str {
    let debian = "/usr/sbin/haproxy";
    if Path::new(debian).exists() {
        debian
    } else {
        "haproxy"
    }
}

fn with_addresses(delivered: &str, own: SocketAddr, nodes: &[SocketAddr]) -> Outcome<String> {
    let mut text = String::new();
    let (mut binds, mut servers) = (0, 0);
    for line in delivered.lines() {
        if line.trim() == "bind :8080" {
            binds += 1;
            let _ = writeln!(text, "    bind {own}");
        } else if line.trim().starts_with("server ") {
            servers += 1;
        } else {
            text += line;
            text.push('\n');
        }
    }
    // The last section is that of the servers.
    for (number, node) in nodes.iter().enumerate() {
        let _ = writeln!(text, "    server signet-{number} {node}");
    }
    if (binds, servers) == (1, 2) {
        Ok(text)
    } else {
        Err(format!("{DELIVERED} has not the lines that are to be replaced").into())
    }
}
