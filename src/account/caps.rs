//! How many mails callers can have sent. Who reaches a cap is not told: nothing is sent, and the
//! answer is what it always is.

use diesel::QueryResult;

use super::Email;
use crate::clock::Time;
use crate::event;
use crate::limits::{self, Key, Limits, Rule};
use crate::storage::Conn;

/// The mails that are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
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
    pub(super) fn event(self) -> event::Kind {
        match self {
            Self::Confirmation => event::Kind::ConfirmationRequested,
            Self::Reset => event::Kind::PasswordResetRequested,
            Self::NewAddress => event::Kind::EmailChangeRequested,
        }
    }
}

/// What limits the mails of one sort to one address, whether anybody has the address or not.
pub(super) struct Caps(Option<Inner>);

struct Inner {
    again: (Key, Rule),
    recipient: (Key, Rule),
    all: (Key, Rule),
    now: Time,
}

impl Caps {
    pub(super) fn new(limits: &Limits, sort: Sort, email: &Email, now: Time) -> Self {
        let settings = limits.settings();
        if !limits.are_enabled() {
            return Self(None);
        }
        let parts = [sort.name(), email.key()];
        let cooldown = Rule::new(1, settings.mail_cooldown.delta());
        Self(Some(Inner {
            again: (limits.key("mail-again", &parts), cooldown),
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

    /// Whether a mail can be asked for again already; then it cannot be for a while.
    pub(super) fn ask_again(&self, conn: &mut Conn) -> QueryResult<bool> {
        let Some(inner) = &self.0 else {
            return Ok(true);
        };
        let (key, rule) = &inner.again;
        Ok(limits::take(conn, key, *rule, inner.now)?.is_ok())
    }

    /// Whether one more may be sent; it counts.
    pub(super) fn send_one(&self, conn: &mut Conn) -> QueryResult<bool> {
        let Some(inner) = &self.0 else {
            return Ok(true);
        };
        let (key, rule) = &inner.all;
        // Looked at before the other is used up: what is not sent shall not count.
        if limits::look(conn, key, *rule, inner.now)?.is_err() {
            log::warn!("[limits] mails_per_hour_in_all is reached: mails are dropped");
            return Ok(false);
        }
        Ok(self.pretend_one(conn)? && limits::take(conn, key, *rule, inner.now)?.is_ok())
    }

    /// As much counting for a mail to nobody. Not against all mails together: else whoever makes
    /// up addresses could keep everybody from getting theirs.
    pub(super) fn pretend_one(&self, conn: &mut Conn) -> QueryResult<bool> {
        let Some(inner) = &self.0 else {
            return Ok(true);
        };
        let (key, rule) = &inner.recipient;
        Ok(limits::take(conn, key, *rule, inner.now)?.is_ok())
    }
}
