//! Confirming an address, and asking for the link again.

use super::mailing::Reason;
use super::one_time::{self, Purpose, digest};
use super::{Accounts, Email, User, store};
use crate::clock::Time;
use crate::config::EmailVerification;
use crate::error::{Error, Kind, Result};
use crate::event::{self, Event};
use crate::storage::{Conn, violates_unique};
use crate::web::Facts;

impl Accounts {
    /// Confirms the address that `key` was mailed to. A second try with a key that has not expired
    /// is a success too: mail scanners and double clicks are no reason for an error page.
    ///
    /// # Errors
    /// `NotFound`: unknown, expired or superseded, or the address is somebody else's by now.
    pub async fn confirm_email(&self, key: &str) -> Result<()> {
        let digest = digest(key);
        let now = self.0.clock.now();
        // Upstream's own behaviour is that a link works once.
        let repeats = !self.0.settings.is_strict;
        let confirmed = self
            .0
            .db
            .write(move |conn| confirm(conn, &digest, repeats, now))
            .await;
        match confirmed {
            Ok(true) => Ok(()),
            Ok(false) => Err(not_found()),
            // Another account confirmed the same address at the same moment.
            Err(error) if violates_unique(&error, "verified_email") => Err(not_found()),
            Err(error) if violates_unique(&error, "email_key") => Err(not_found()),
            Err(error) => Err(error),
        }
    }

    /// Whose address `key` would confirm; nothing is used up.
    ///
    /// # Errors
    /// `NotFound`, as for [`Accounts::confirm_email`].
    pub async fn claimant(&self, key: &str) -> Result<User> {
        let digest = digest(key);
        let now = self.0.clock.now();
        let found = self.0.db.read(move |conn| {
            let token = one_time::find_token(conn, Purpose::ConfirmEmail, &digest, now)?;
            let Some(token) = token else { return Ok(None) };
            let user = store::find(conn, &token.subject())?;
            Ok(user.filter(|user| claims(user, &token.address)))
        });
        found.await?.ok_or_else(not_found)
    }

    /// Mails a new link to an address that is claimed and not confirmed. The caller learns nothing.
    ///
    /// # Errors
    /// Throttled, by the caller's network alone; else only those of the database.
    pub async fn resend_confirmation(&self, email: &Email, facts: &Facts) -> Result<()> {
        if self.0.settings.is_verification(EmailVerification::None) {
            return Ok(());
        }
        self.request_mail(Reason::Confirmation, email, facts).await
    }
}

fn confirm(conn: &mut Conn, digest: &str, repeats: bool, now: Time) -> diesel::QueryResult<bool> {
    let purpose = Purpose::ConfirmEmail;
    let Some(token) = one_time::find_token(conn, purpose, digest, now)? else {
        return Ok(false);
    };
    let subject = token.subject();
    if !store::find(conn, &subject)?.is_some_and(|user| user.is_active) {
        return Ok(false);
    }
    if token.is_consumed() || !one_time::consume_token(conn, purpose, digest, now)? {
        let user = store::find(conn, &subject)?;
        return Ok(repeats && user.is_some_and(|user| owns(&user, &token.address)));
    }
    if !store::confirm_email(conn, &subject, &token.address, now)? {
        return Ok(false);
    }
    event::record(conn, &Event::of(event::Kind::EmailConfirmed, &subject, now))?;
    Ok(true)
}

fn claims(user: &User, address: &str) -> bool {
    user.is_active && user.email_key.as_deref() == Some(address)
}

fn owns(user: &User, address: &str) -> bool {
    claims(user, address) && user.email_verified_at.is_some()
}

/// No such key, or not any more.
pub(super) fn not_found() -> Error {
    Error::new(Kind::NotFound, "not_found", "Not found.")
}
