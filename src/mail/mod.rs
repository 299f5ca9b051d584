//! # mail
//!
//! Letters to people: written in the transaction that gives a reason for them, delivered later.
//! [`Mailer::letter`] renders and seals, [`enqueue`] is a step in the caller's transaction,
//! [`Mailer::wake`] after the commit starts the delivery. No request ever waits for a mail server.
//!
//! Standards: Internet messages (RFC 5322), MIME (RFC 2046), SMTP (RFC 5321) with STARTTLS
//! (RFC 3207) or implicit TLS (RFC 8314), `Auto-Submitted` (RFC 3834).
//! Owns: the table `outbox`. Routes: none. Settings: `[mail]`, `[mail.smtp]`.
//! Jobs: [`Mailer::run`] delivers, tries again after failures, buries what cannot be delivered,
//! and removes dead letters after 30 days.
//!
//! Each letter is handed over on a thread of its own, for a minute at most: no mail server can hold
//! up the others or a stop.
//! A letter is sealed at rest, since it may carry a link that is as good as a password. It is sent
//! at most once while its lease lives; a repeated delivery (the server's answer was lost) is the
//! same message with the same `Message-ID`.
//! It does not know who may cause a mail, what a link does, or how often somebody may be written
//! to.

mod delivery;
mod letter;
mod message;
mod mime;
mod reseal;
mod smtp;
mod store;
mod transport;
mod words;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::TimeDelta;
use diesel::QueryResult;
use tokio::sync::Notify;

pub use letter::Letter;
pub use message::Message;
pub use reseal::{count_sealed_under, drop_all, drop_sealed_otherwise};
pub use transport::Captured;

use crate::clock::{Clock, Time};
use crate::config;
use crate::crypto::Vault;
use crate::error::Result;
use crate::finding::Finding;
use crate::measure::{self, Collectors, IntCounter, collectors};
use crate::storage::{Conn, Db};

use mime::Sender;
use transport::Transport;

/// Writes and delivers letters. Clones share everything.
#[derive(Clone)]
pub struct Mailer(Arc<Room>);

struct Room {
    db: Db,
    clock: Clock,
    vault: Arc<Vault>,
    sender: Sender,
    service: String,
    transport: Transport,
    woken: Notify,
    sent: IntCounter,
    failed: IntCounter,
}

/// What is in the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Letters that are to be sent.
    pub waiting: i64,
    /// When the oldest of them was written.
    pub oldest: Option<Time>,
    /// Letters that were given up.
    pub dead: i64,
}

impl Mailer {
    /// Prepares the transport (its directory, its certificates); no connection is made. `vault`
    /// seals the letters in the outbox.
    ///
    /// # Errors
    /// With the remedy in the text: a sender that is no address, no host for SMTP, a CA file
    /// without a certificate, a directory that cannot be made.
    pub fn new(settings: &config::Mail, db: Db, clock: Clock, vault: Arc<Vault>) -> Result<Self> {
        Ok(Self(Arc::new(Room {
            db,
            clock,
            vault,
            sender: Sender::parse(&settings.from)?,
            service: settings.service_name.clone(),
            transport: Transport::open(settings)?,
            woken: Notify::new(),
            sent: measure::counter("signet_mail_sent_total", "Letters that this node sent")?,
            failed: measure::counter(
                "signet_mail_failed_attempts_total",
                "Attempts of this node to send a letter that failed",
            )?,
        })))
    }

    /// Renders `message` for the one address `to`. It is not sent at or after `expires_at`: the
    /// moment from which its link is worth nothing.
    ///
    /// # Errors
    /// Invalid, for the field `email`, if `to` is not exactly one address.
    pub fn letter(&self, to: &str, message: &Message, expires_at: Time) -> Result<Letter> {
        let Room {
            clock,
            vault,
            service,
            ..
        } = &*self.0;
        Letter::write(to, message, service, (clock.now(), expires_at), vault)
    }

    /// Tells [`Mailer::run`] that there is something to deliver. To be called after the commit;
    /// a wake that is forgotten costs 5 s.
    pub fn wake(&self) {
        self.0.woken.notify_one();
    }

    /// What the outbox holds, whichever node wrote it.
    ///
    /// # Errors
    /// The database is away.
    pub async fn backlog(&self) -> Result<Backlog> {
        self.0.db.read(store::backlog).await
    }

    /// What this node counts.
    pub fn collectors(&self) -> Collectors {
        collectors![self.0.sent, self.0.failed]
    }

    /// What the memory transport was given so far, oldest first.
    pub fn captured(&self) -> Vec<Captured> {
        self.0.transport.captured()
    }

    /// As [`Mailer::captured`], and forgets it.
    pub fn take_captured(&self) -> Vec<Captured> {
        self.0.transport.take_captured()
    }
}

/// Puts `letter` into the outbox, as a step in the caller's transaction: it is sent if and only if
/// that commits.
///
/// # Errors
/// What the database said.
pub fn enqueue(conn: &mut Conn, letter: &Letter) -> QueryResult<()> {
    store::insert(conn, letter)
}

/// A step: what is wrong with the outbox.
///
/// # Errors
/// What the database says.
pub fn diagnose(conn: &mut Conn, now: Time) -> QueryResult<Vec<Finding>> {
    const ABOUT: &str = "mail";
    const SEE: &str = "see that the mail server takes mails, and the log of the servers";
    let Backlog {
        waiting,
        oldest,
        dead,
    } = store::backlog(conn)?;
    let mut findings = Vec::new();
    if oldest.is_some_and(|oldest| oldest + TimeDelta::minutes(5) < now) {
        findings.push(Finding::bad(
            ABOUT,
            format!("{waiting} wait, one for minutes"),
            SEE,
        ));
    }
    if dead > 0 {
        let found = format!("{dead} could not be delivered in the last 30 days");
        findings.push(Finding::warning(ABOUT, found, SEE));
    }
    if findings.is_empty() {
        findings.push(Finding::good(ABOUT, format!("{waiting} wait to be sent")));
    }
    Ok(findings)
}
