//! Looks at the server's memory ten times a second, and at its queue twice.

use std::net::SocketAddr;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::Outcome;
use crate::metrics::Counted;
use crate::process::Process;

const EACH: Duration = Duration::from_millis(100);
/// The queue is looked at once in so many looks.
const RARELY: u32 = 5;

/// The most that was seen.
#[derive(Clone, Copy, Default)]
pub(crate) struct Seen {
    /// Resident memory in KiB.
    pub(crate) resident: u64,
    /// Hashes that waited.
    pub(crate) queued: f64,
    pub(crate) looks: u32,
}

pub(crate) struct Watch {
    stop: Sender<()>,
    thread: JoinHandle<Outcome<Seen>>,
}

impl Watch {
    pub(crate) fn start(process: Process, admin: SocketAddr) -> Self {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::spawn(move || {
            let mut seen = Seen::default();
            while stopped.recv_timeout(EACH) == Err(RecvTimeoutError::Timeout) {
                seen.resident = seen.resident.max(process.memory()?.now);
                if seen.looks.is_multiple_of(RARELY) {
                    seen.queued = seen.queued.max(Counted::read(admin)?.queued);
                }
                seen.looks += 1;
            }
            Ok(seen)
        });
        Self { stop, thread }
    }

    pub(crate) async fn end(self) -> Outcome<Seen> {
        drop(self.stop);
        let joined = tokio::task::spawn_blocking(move || self.thread.join()).await?;
        joined.map_err(|_| "the watch panicked")?
    }
}
