//! How many mails callers can have sent. Who reaches a cap is not told: nothing is sent, and the
//! answer is what it always is.

use chrono::TimeDelta;
use diesel::QueryResult;

use crate::account::Email;
use crate::clock::Time;
use crate::event;
use crate::ids::Subject;
use crate::limits::{self, Key, Limits, Rule};
use crate::storage::Conn;

/// The mails that are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::account) enum Sort {
    /// What a registration, or asking for its mail again, sends to the address it claims.
    Confirmation,
    /// A link to a new password.
    Reset,
    /// What asking for another address sends there.
    NewAddress,
}

impl Sort {
    fn name(self) -> &'static str {
        match self {
            Self::Confirmation => "confirmation",
            Self::Reset => "reset",
            Self::NewAddress => "new-address",
        }
    }

    /// What is recorded of somebody for whom one was asked.
    pub(in crate::account) fn event(self) -> event::Kind {
        match self {
            Self::Confirmation => event::Kind::ConfirmationRequested,
            Self::Reset => event::Kind::PasswordResetRequested,
            Self::NewAddress => event::Kind::EmailChangeRequested,
        }
    }
}

/// What limits the mails of one sort to one address, whether anybody has the address or not.
pub(in crate::account) struct Caps(Option<Inner>);

struct Inner {
    again: (Key, Rule),
    /// What one account can have sent, whatever addresses it makes up.
    asker: Option<(Key, Rule)>,
    recipient: (Key, Rule),
    all: (Key, Rule),
    now: Time,
}

impl Caps {
    pub(in crate::account) fn new(limits: &Limits, sort: Sort, email: &Email, now: Time) -> Self {
        let settings = limits.settings();
        if !limits.are_enabled() {
            return Self(None);
        }
        let mailbox = email.mailbox();
        let parts = [sort.name(), mailbox.as_str()];
        let cooldown = Rule::new(1, settings.mail_cooldown.delta());
        Self(Some(Inner {
            again: (limits.key("mail-again", &parts), cooldown),
            asker: None,
            recipient: (
                limits.key("mail", &parts),
                Rule::per_hour(settings.mails_per_hour),
            ),
            all: (
                limits.key("mail-in-all", &[]),
                Rule::per_hour(settings.mails_per_hour_in_all),
            ),
            now,
        }))
    }

    /// Also counts what this account asks for.
    pub(in crate::account) fn asked_by(mut self, limits: &Limits, subject: &Subject) -> Self {
        if let Some(inner) = &mut self.0 {
            let key = limits.key("mail-asked-by", &[subject.as_str()]);
            inner.asker = Some((key, Rule::per_hour(limits.settings().mails_per_hour)));
        }
        self
    }

    /// Whether a mail can be asked for again already; then it cannot be for a while.
    pub(in crate::account) fn ask_again(&self, conn: &mut Conn) -> QueryResult<bool> {
        let Some(inner) = &self.0 else {
            return Ok(true);
        };
        let (key, rule) = &inner.again;
        if limits::take(conn, key, *rule, inner.now)?.is_err() {
            return Ok(false);
        }
        match &inner.asker {
            Some((key, rule)) => Ok(limits::take(conn, key, *rule, inner.now)?.is_ok()),
            None => Ok(true),
        }
    }

    /// Whether one more may be sent; it counts.
    pub(in crate::account) fn send_one(&self, conn: &mut Conn) -> QueryResult<bool> {
        let Some(inner) = &self.0 else {
            return Ok(true);
        };
        let sent = inner.take_one(conn)?;
        if sent.is_none() {
            log::warn!("[limits] mails_per_hour_in_all is reached: mails are dropped");
        }
        Ok(sent.unwrap_or(false))
    }
}

/// Of several who claim one address, each has a turn when mails are fewer than claims: who was
/// written to least of late comes first.
pub(super) struct Turns {
    limits: Limits,
    sort: Sort,
}

impl Turns {
    pub(super) fn new(limits: &Limits, sort: Sort) -> Self {
        Self {
            limits: limits.clone(),
            sort,
        }
    }

    fn key(&self, subject: &Subject) -> Key {
        self.limits
            .key("mail-turn", &[self.sort.name(), subject.as_str()])
    }

    /// The lower, the sooner.
    pub(super) fn rank(
        &self,
        conn: &mut Conn,
        subject: &Subject,
        now: Time,
    ) -> QueryResult<TimeDelta> {
        limits::used(conn, &self.key(subject), now)
    }

    /// It was this one's turn.
    pub(super) fn take(&self, conn: &mut Conn, subject: &Subject, now: Time) -> QueryResult<()> {
        // One mail counts for three days: longer than a hundred take at a few per hour.
        let rule = Rule::new(10, TimeDelta::days(30));
        if self.limits.are_enabled() {
            // Past all of them, the rank stays the last.
            let _ = limits::take(conn, &self.key(subject), rule, now)?;
        }
        Ok(())
    }
}

impl Inner {
    /// Whether the recipient and `all` both had one left; none if it was `all` that had not.
    fn take_one(&self, conn: &mut Conn) -> QueryResult<Option<bool>> {
        let (key, rule) = &self.all;
        // Looked at before the other is used up: what is not sent shall not count.
        if limits::look(conn, key, *rule, self.now)?.is_err() {
            return Ok(None);
        }
        let (recipient, per_recipient) = &self.recipient;
        let had = limits::take(conn, recipient, *per_recipient, self.now)?.is_ok();
        Ok(Some(
            had && limits::take(conn, key, *rule, self.now)?.is_ok(),
        ))
    }
}
