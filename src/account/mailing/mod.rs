//! Mails that anybody can cause by naming an address: with a registration, or by asking for a link.
//!
//! What is asked only notes that a mail was asked for. Who has the address is found out later, by
//! [`Accounts::write_mails`]: so the answer, and the time it takes, are the same whoever has it.

mod caps;
mod recipients;
mod store;

use std::net::IpAddr;
use std::time::Duration;

use diesel::QueryResult;
use tokio::sync::{Notify, watch};

use super::one_time::{self, NewToken};
use super::{Accounts, Email, User};
use crate::clock::Time;
use crate::crypto;
use crate::error::Result;
use crate::event::{self, Event};
use crate::ids::{MailRequestId, Subject};
use crate::limits::{Limits, Rule};
use crate::mail::{self, Letter, Message};
use crate::storage::Conn;
use crate::web::Facts;

use caps::Turns;
pub(super) use caps::{Caps, Sort};
use store::Found;
pub(super) use store::insert;

/// Another node may have left requests behind; so often is looked for them.
const POLL: Duration = Duration::from_secs(5);

/// A request waits for a random part of this: what is asked next, at whatever moment, then seldom
/// meets the work that only a known address causes.
const LULL: Duration = Duration::from_secs(1);

/// A link that was asked for longer ago is not expected any more.
const STALE: chrono::TimeDelta = chrono::TimeDelta::hours(1);

/// Tells the job that there is something to do.
#[derive(Default)]
pub struct Mailing(Notify);

/// Why a mail is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// This account was made with the address.
    Registration(Subject),
    /// The link that confirms the address was asked for again.
    Confirmation,
    /// A link to a new password was asked for.
    Reset,
}

impl Reason {
    fn sort(&self) -> Sort {
        match self {
            Self::Registration(_) | Self::Confirmation => Sort::Confirmation,
            Self::Reset => Sort::Reset,
        }
    }
}

/// That a mail is to be written, before it is known to whom.
#[derive(Clone)]
pub(super) struct MailRequest {
    id: MailRequestId,
    reason: Reason,
    email: Email,
    /// Of who asked.
    address: Option<IpAddr>,
    created_at: Time,
}

/// A letter, and the secret that it carries if it has one.
struct Mail {
    token: Option<NewToken>,
    letter: Letter,
}

impl MailRequest {
    pub(super) fn new(reason: Reason, email: &Email, facts: &Facts, now: Time) -> Self {
        Self {
            id: MailRequestId::generate(now),
            reason,
            email: email.clone(),
            address: facts.address,
            created_at: now,
        }
    }

    fn turns(&self, limits: &Limits) -> Turns {
        Turns::new(limits, self.reason.sort())
    }
}

impl Accounts {
    /// Notes that a mail was asked for.
    ///
    /// # Errors
    /// Throttled, by the caller's network alone; else only those of the database.
    pub(super) async fn request_mail(
        &self,
        reason: Reason,
        email: &Email,
        facts: &Facts,
    ) -> Result<()> {
        let inner = &*self.0;
        let rule = Rule::per_minute(inner.limits.settings().logins_per_minute);
        self.take_turn("mail", rule, facts).await?;
        let request = MailRequest::new(reason, email, facts, inner.clock.now());
        let note = move |conn: &mut Conn| store::insert(conn, &request);
        inner.db.write(note).await?;
        self.wake_mailing();
        Ok(())
    }

    /// Has what was just noted be worked on. A wake that is forgotten costs 5 s.
    pub fn wake_mailing(&self) {
        self.0.mailing.0.notify_one();
    }

    /// The job: writes the mails that were asked for, until `stop` says so. No failure ends it.
    pub async fn run_mailing(self, mut stop: watch::Receiver<bool>) {
        loop {
            let part = f64::from(u16::from_be_bytes(crypto::random())) / f64::from(u16::MAX);
            tokio::select! {
                () = self.next_request(LULL.mul_f64(part)) => {}
                // An error means that nobody is left to say it: a stop, too.
                _ = stop.wait_for(|stopped| *stopped) => return,
            }
            if let Err(error) = self.write_mails().await {
                log::error!("the requests for mails could not be read: {error}");
            }
        }
    }

    async fn next_request(&self, lull: Duration) {
        tokio::select! {
            () = self.0.mailing.0.notified() => {}
            () = tokio::time::sleep(POLL) => {}
        }
        tokio::time::sleep(lull).await;
    }

    /// Writes the mails that were asked for. One that fails stays for the next time and holds up
    /// none of the others; after an hour it is dropped.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn write_mails(&self) -> Result<()> {
        let mut last: Option<MailRequestId> = None;
        loop {
            let look = move |conn: &mut Conn| store::list_after(conn, last.as_ref());
            let page = self.0.db.read(look).await?;
            let Some(newest) = page.last() else {
                return Ok(());
            };
            last = Some(newest.id.clone());
            if let Err(error) = self.answer(&page).await {
                log::warn!("mails are written one by one: {error}");
                for found in &page {
                    if let Err(error) = self.answer(std::slice::from_ref(found)).await {
                        log::error!("the mail of request {} was not written: {error}", found.id);
                    }
                }
            }
        }
    }

    /// Answers requests in one transaction: more come in together, too.
    async fn answer(&self, page: &[Found]) -> Result<()> {
        let inner = &*self.0;
        let now = inner.clock.now();
        let mut answers = Vec::new();
        for Found {
            id,
            created_at,
            request,
        } in page
        {
            if *created_at + STALE < now {
                log::warn!("a mail that was asked for over an hour ago is not written any more");
                answers.push(Answer::drop(id.clone()));
            } else if let Some(request) = request {
                answers.push(self.prepare_answer(request, now).await?);
            }
            // Else it is of a newer version, which knows it and may run beside this one.
        }
        let write = move |conn: &mut Conn| answers.iter().try_for_each(|answer| answer.write(conn));
        inner.db.write(write).await?;
        inner.mail.wake();
        Ok(())
    }

    async fn prepare_answer(&self, request: &MailRequest, now: Time) -> Result<Answer> {
        let limits = &self.0.limits;
        let sort = request.reason.sort();
        let asked = match request.reason {
            Reason::Registration(_) => None,
            Reason::Confirmation | Reason::Reset => Some((sort.event(), request.address)),
        };
        Ok(Answer {
            id: request.id.clone(),
            mails: self.mails(request, now).await?,
            caps: Some((
                Caps::new(limits, sort, &request.email, now),
                request.turns(limits),
            )),
            asked,
        })
    }
}

impl Accounts {
    /// A notice to the confirmed address of an account; none where there is no such address, since
    /// somebody else may read the other kind.
    pub(super) fn letter_to_owner(
        &self,
        user: &User,
        message: &Message,
        expires_at: Time,
    ) -> Result<Option<Letter>> {
        let address = user
            .email
            .as_deref()
            .filter(|_| user.email_verified_at.is_some());
        address
            .map(|address| self.0.mail.letter(address, message, expires_at))
            .transpose()
    }
}

/// What a request comes to.
struct Answer {
    id: MailRequestId,
    mails: Vec<Mail>,
    /// What the mails are counted in.
    caps: Option<(Caps, Turns)>,
    /// What to record of whom it was asked for, and who asked; nothing of a registration.
    asked: Option<(event::Kind, Option<IpAddr>)>,
}

impl Answer {
    /// No mail.
    fn drop(id: MailRequestId) -> Self {
        Self {
            id,
            mails: Vec::new(),
            caps: None,
            asked: None,
        }
    }

    /// As far as the caps allow. A link that is not sent replaces none that was.
    fn write(&self, conn: &mut Conn) -> QueryResult<()> {
        // Another node may have been quicker.
        let is_ours = store::delete(conn, &self.id)?;
        let Some((caps, turns)) = self.caps.as_ref().filter(|_| is_ours) else {
            return Ok(());
        };
        if self.mails.is_empty() || (self.asked.is_some() && !caps.ask_again(conn)?) {
            return Ok(());
        }
        for mail in &self.mails {
            if !caps.send_one(conn)? {
                return Ok(());
            }
            mail::enqueue(conn, &mail.letter)?;
            if let Some(token) = &mail.token {
                one_time::insert_token(conn, token)?;
                if self.mails.len() > 1 {
                    turns.take(conn, &token.subject, token.created_at)?;
                }
                if let Some((kind, address)) = self.asked {
                    let event = Event::of(kind, &token.subject, token.created_at);
                    event::record(conn, &event.from_address(address))?;
                }
            }
        }
        Ok(())
    }
}
