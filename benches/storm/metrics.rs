//! What the server itself counts of its hashes, read from its listener for operators.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::Outcome;

#[derive(Clone, Copy, Default)]
pub(crate) struct Counted {
    /// Hashes and comparisons done.
    pub(crate) hashed: f64,
    /// Refused because too many waited.
    pub(crate) rejected: f64,
    /// That wait now.
    pub(crate) queued: f64,
    /// That may wait.
    pub(crate) room: f64,
    /// Threads that hash.
    pub(crate) threads: f64,
}

impl Counted {
    /// Blocks.
    pub(crate) fn read(admin: SocketAddr) -> Outcome<Self> {
        let mut stream = TcpStream::connect(admin)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let value = |name: &str| -> Outcome<f64> {
            let mut lines = text.lines();
            let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            Ok(value
                .ok_or_else(|| format!("no {name} in the metrics"))?
                .parse()?)
        };
        Ok(Self {
            hashed: value("signet_password_seconds_count")?,
            rejected: value("signet_password_rejected_total")?,
            queued: value("signet_password_queued")?,
            room: value("signet_password_capacity")?,
            threads: value("signet_password_threads")?,
        })
    }

    /// Without holding up the load.
    pub(crate) async fn look(admin: SocketAddr) -> Outcome<Self> {
        tokio::task::spawn_blocking(move || Self::read(admin)).await?
    }
}
