//! The signals that stop a server.

use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::{Error, Result};

/// SIGINT and SIGTERM, from its making on: made before a server starts, no signal ends the process
/// without a graceful stop.
pub struct Signals {
    runtime: Runtime,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From now on they are waited for.
    ///
    /// # Errors
    /// The system does not let us.
    pub fn listen() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Error::internal)?;
        let inside = runtime.enter();
        let terminate = signal(SignalKind::terminate()).map_err(Error::internal)?;
        let interrupt = signal(SignalKind::interrupt()).map_err(Error::internal)?;
        drop(inside);
        Ok(Self {
            runtime,
            terminate,
            interrupt,
        })
    }

    /// Waits for one of them, or for the end of `other`; whether it was a signal.
    pub(super) fn wait_or(&mut self, other: impl Future) -> bool {
        let Self {
            runtime,
            terminate,
            interrupt,
        } = self;
        runtime.block_on(async {
            tokio::select! {
                _ = terminate.recv() => true,
                _ = interrupt.recv() => true,
                _ = other => false,
            }
        })
    }

    /// Lets time pass.
    pub(super) fn pause(&self, length: Duration) {
        let pause = async { tokio::time::sleep(length).await };
        self.runtime.block_on(pause);
    }
}
