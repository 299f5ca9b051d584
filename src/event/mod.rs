//! # event
//!
//! The audit trail: one vocabulary, and the step that records an event inside the transaction it
//! tells of, so that neither is ever there without the other.
//!
//! Table: `events`. Nothing secret is in it: no password, no token, no key.
//! It does not decide anything, and of its readers knows only the bounds it sets them.

mod store;
mod trail;

use std::net::IpAddr;

use serde_json::{Map, Value};

use crate::clock::Time;
use crate::ids::{EventId, SessionId, Subject};

pub use store::record;
pub use trail::{Follower, Query, Recorded, recent};

/// What happened. `docs/events.md` has the same list, with what belongs to each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An account was made.
    UserRegistered,
    /// A new link to confirm an address was asked for, and one was mailed.
    ConfirmationRequested,
    /// An address was confirmed.
    EmailConfirmed,
    /// A person asked for another address, and it was written to.
    EmailChangeRequested,
    /// An account has another address, which was confirmed.
    EmailChanged,
    /// A person changed the own profile.
    ProfileUpdated,
    /// Somebody logged in.
    LoginSucceeded,
    /// A password was refused, here or by another way in that takes one.
    LoginFailed,
    /// Failures in a row began to cost a wait.
    LoginThrottled,
    /// A person proved again, within a session, who they are.
    Reauthenticated,
    /// A session was ended by its own log-out.
    LoggedOut,
    /// A person ended one of the own sessions from the list.
    SessionEnded,
    /// A person ended all of the own sessions.
    SessionsEndedAll,
    /// A password was changed by its owner.
    PasswordChanged,
    /// A link for a new password was asked for, and one was mailed.
    PasswordResetRequested,
    /// A password was set through a mailed link.
    PasswordReset,
    /// An old refresh token was presented: its session was ended.
    RefreshTokenReuse,
    /// A refresh token newer than the database was presented: the database is an old copy.
    RefreshTokenFromTheFuture,
    /// An operator disabled an account.
    UserDisabled,
    /// An operator enabled an account.
    UserEnabled,
    /// An operator forgave an account's failed logins.
    UserUnlocked,
    /// An account was deleted.
    UserDeleted,
    /// All sessions were ended at once (after a restore).
    EpochRaised,
    /// A signing key was made.
    SigningKeyCreated,
    /// A key that was made elsewhere was taken over, to sign or to verify old tokens.
    SigningKeyImported,
    /// A signing key has other times than before.
    SigningKeyRescheduled,
    /// A signing key counts for nothing any more.
    SigningKeyRevoked,
    /// A key left the database: it was gone, or nobody vouched for it, or it was imported again.
    SigningKeyForgotten,
    /// Secrets are sealed under another master key.
    MasterKeyRotated,
    /// A master key is not used for anything any more.
    MasterKeyRetired,
    /// Another provider's word for somebody became a way into an account.
    IdentityConnected,
    /// It no longer is.
    IdentityDisconnected,
}

impl Kind {
    /// All there are.
    pub const ALL: [Self; 32] = [
        Self::UserRegistered,
        Self::ConfirmationRequested,
        Self::EmailConfirmed,
        Self::EmailChangeRequested,
        Self::EmailChanged,
        Self::ProfileUpdated,
        Self::LoginSucceeded,
        Self::LoginFailed,
        Self::LoginThrottled,
        Self::Reauthenticated,
        Self::LoggedOut,
        Self::SessionEnded,
        Self::SessionsEndedAll,
        Self::PasswordChanged,
        Self::PasswordResetRequested,
        Self::PasswordReset,
        Self::RefreshTokenReuse,
        Self::RefreshTokenFromTheFuture,
        Self::UserDisabled,
        Self::UserEnabled,
        Self::UserUnlocked,
        Self::UserDeleted,
        Self::EpochRaised,
        Self::SigningKeyCreated,
        Self::SigningKeyImported,
        Self::SigningKeyRescheduled,
        Self::SigningKeyRevoked,
        Self::SigningKeyForgotten,
        Self::MasterKeyRotated,
        Self::MasterKeyRetired,
        Self::IdentityConnected,
        Self::IdentityDisconnected,
    ];

    /// The name in the table and in every output.
    pub fn name(self) -> &'static str {
        match self {
            Self::UserRegistered => "user_registered",
            Self::ConfirmationRequested => "confirmation_requested",
            Self::EmailConfirmed => "email_confirmed",
            Self::EmailChangeRequested => "email_change_requested",
            Self::EmailChanged => "email_changed",
            Self::ProfileUpdated => "profile_updated",
            Self::LoginSucceeded => "login_succeeded",
            Self::LoginFailed => "login_failed",
            Self::LoginThrottled => "login_throttled",
            Self::Reauthenticated => "reauthenticated",
            Self::LoggedOut => "logged_out",
            Self::SessionEnded => "session_ended",
            Self::SessionsEndedAll => "sessions_ended_all",
            Self::PasswordChanged => "password_changed",
            Self::PasswordResetRequested => "password_reset_requested",
            Self::PasswordReset => "password_reset",
            Self::RefreshTokenReuse => "refresh_token_reuse",
            Self::RefreshTokenFromTheFuture => "refresh_token_from_the_future",
            Self::UserDisabled => "user_disabled",
            Self::UserEnabled => "user_enabled",
            Self::UserUnlocked => "user_unlocked",
            Self::UserDeleted => "user_deleted",
            Self::EpochRaised => "epoch_raised",
            Self::SigningKeyCreated => "signing_key_created",
            Self::SigningKeyImported => "signing_key_imported",
            Self::SigningKeyRescheduled => "signing_key_rescheduled",
            Self::SigningKeyRevoked => "signing_key_revoked",
            Self::SigningKeyForgotten => "signing_key_forgotten",
            Self::MasterKeyRotated => "master_key_rotated",
            Self::MasterKeyRetired => "master_key_retired",
            Self::IdentityConnected => "identity_connected",
            Self::IdentityDisconnected => "identity_disconnected",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One event, as it will be recorded.
#[derive(Clone, Debug)]
pub struct Event {
    /// Time-ordered.
    pub id: EventId,
    /// When.
    pub at: Time,
    /// What.
    pub kind: Kind,
    /// To whom.
    pub subject: Option<Subject>,
    /// In which session.
    pub session: Option<SessionId>,
    /// From which network address.
    pub address: Option<IpAddr>,
    /// What else belongs to it; never a secret.
    pub details: Map<String, Value>,
}

impl Event {
    /// An event that concerns nobody in particular (yet).
    pub fn new(kind: Kind, at: Time) -> Self {
        let id = EventId::generate(at);
        Self {
            id,
            at,
            kind,
            subject: None,
            session: None,
            address: None,
            details: Map::new(),
        }
    }

    /// An event about a person.
    pub fn of(kind: Kind, subject: &Subject, at: Time) -> Self {
        Self {
            subject: Some(subject.clone()),
            ..Self::new(kind, at)
        }
    }

    /// Names the session.
    #[must_use]
    pub fn in_session(mut self, session: &SessionId) -> Self {
        self.session = Some(session.clone());
        self
    }

    /// Names the caller's network address.
    #[must_use]
    pub fn from_address(mut self, address: Option<IpAddr>) -> Self {
        self.address = address;
        self
    }

    /// Adds a detail.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }
}
