//! # metrics
//!
//! What operators watch: collects at each scrape what the rooms counted ([`crate::measure`]) and
//! what the keys, jobs, outbox and process are like at the moment.
//!
//! Standards: Prometheus' text exposition format 0.0.4.
//! Route: `/metrics`, on the operators' listener alone. Settings: `[server] admin_listen`. No table,
//! no job. Each metric is told of in `docs/metrics.md`, which a test holds to the code.
//!
//! Nothing secret and nobody's data is in it: every label is one of a short list, of the routes, or
//! the name of a public key. A database that is slow or away leaves out what only it knows.
//! It does not know what follows from a number: that is for the alerts.

pub mod http;
mod process;
mod sheet;
mod state;

use std::time::Duration;

use prometheus::{Registry, TextEncoder};

use crate::app::App;
use crate::clock::Time;
use crate::error::{Error, Result};
use crate::health::Draining;
use crate::mail::Backlog;
use crate::measure::{self, Collectors, IntCounter, collectors};
use crate::web::Traffic;

use sheet::Sheet;

/// The database has this long to tell what is in it; Prometheus waits for ten seconds in all.
const PATIENCE: Duration = Duration::from_millis(500);

/// All there is to know about a running server.
pub struct Metrics {
    app: App,
    draining: Draining,
    /// What the rooms count.
    counted: Registry,
    /// Parts that were left out of a scrape.
    errors: IntCounter,
    started_at: Time,
}

impl Metrics {
    /// Of a server that starts now.
    ///
    /// # Errors
    /// Two metrics have one name (a defect).
    pub fn new(app: App, draining: Draining, traffic: &Traffic) -> Result<Self> {
        let errors = measure::counter(
            "signet_scrape_errors_total",
            "Scrapes that left out what the database did not tell in time",
        )?;
        let rooms: [Collectors; 6] = [
            collectors![errors],
            traffic.collectors(),
            app.db.collectors()?,
            app.accounts.passwords().collectors()?,
            app.mail.collectors(),
            app.sessions.collectors(),
        ];
        let counted = Registry::new();
        for collector in rooms.into_iter().flatten() {
            counted.register(collector).map_err(Error::internal)?;
        }
        Ok(Self {
            counted,
            errors,
            draining,
            started_at: app.clock.now(),
            app,
        })
    }

    /// Everything as text, within half a second and a little.
    ///
    /// # Errors
    /// Two metrics have one name (a defect).
    pub async fn scrape(&self) -> Result<String> {
        let app = &self.app;
        // First, so that an error is in this scrape already.
        let backlog = self.backlog().await;
        let now = app.clock.now();
        let sheet = Sheet::default();
        state::build(&sheet, app.db.kind())?;
        state::checks(&sheet, app, &self.draining, backlog.is_some())?;
        if let Some(backlog) = backlog {
            state::mail(&sheet, &backlog, now)?;
        }
        state::jobs(&sheet, &app.board, now)?;
        state::keys(&sheet, &app.keys, now)?;
        state::tokens(&sheet, app.sessions.tokens())?;
        process::tell(&sheet, self.started_at)?;

        let mut families = self.counted.gather();
        families.extend(sheet.gather());
        families.sort_by(|one, other| one.name().cmp(other.name()));
        let text = TextEncoder::new().encode_to_string(&families);
        text.map_err(Error::internal)
    }

    async fn backlog(&self) -> Option<Backlog> {
        let backlog = tokio::time::timeout(PATIENCE, self.app.mail.backlog()).await;
        if let Ok(Ok(backlog)) = backlog {
            return Some(backlog);
        }
        self.errors.inc();
        None
    }
}
