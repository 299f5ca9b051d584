//! A new password through a mailed link.

use super::counters::{self, Place};
use super::mailing::Reason;
use super::one_time::{self, Purpose, Token, digest};
use super::{Accounts, Email, User, links, store};
use std::sync::Arc;

use crate::clock::Time;
use crate::error::{Error, Kind, Result};
use crate::event::{self, Event};
use crate::mail::{self, Letter, Message};
use crate::password::Plaintext;
use crate::session::{self, EndReason};
use crate::storage::{Conn, violates_unique};
use crate::web::Facts;

/// A link's two parts and the password it is to set.
pub struct NewPassword {
    /// Names the account.
    pub uid: String,
    /// The one-time secret.
    pub token: String,
    /// As typed the first time.
    pub first: Plaintext,
    /// As typed again.
    pub second: Plaintext,
}

impl Accounts {
    /// Mails a link to whoever has this address: its owner, else who claims it. The caller learns
    /// nothing.
    ///
    /// # Errors
    /// Throttled, by the caller's network alone; else only those of the database.
    pub async fn request_reset(&self, email: &Email, facts: &Facts) -> Result<()> {
        self.request_mail(Reason::Reset, email, facts).await
    }

    /// Whose password a link may set; nothing is used up.
    ///
    /// # Errors
    /// On `uid` or `token`: `Invalid value`.
    pub async fn check_reset(&self, uid: &str, token: &str) -> Result<User> {
        let subject = links::subject(uid).ok_or_else(|| invalid("uid"))?;
        let digest = digest(token);
        let now = self.0.clock.now();
        let (user, token) = self
            .0
            .db
            .read(move |conn| {
                let user = store::find(conn, &subject)?;
                Ok((
                    user,
                    one_time::find_token(conn, Purpose::ResetPassword, &digest, now)?,
                ))
            })
            .await?;
        let user = user
            .filter(|user| user.is_active)
            .ok_or_else(|| invalid("uid"))?;
        let is_for = |token: &Token| {
            token.subject() == user.subject
                && !token.is_consumed()
                && user.email_key.as_deref() == Some(&token.address)
        };
        token
            .filter(is_for)
            .map(|_| user)
            .ok_or_else(|| invalid("token"))
    }

    /// Sets the password, ends every session, forgets failed logins, and tells the owner. Nobody
    /// is logged in by it.
    ///
    /// # Errors
    /// Too many wait, or come from this network. On `uid`, then `token`, then `new_password2`. A
    /// refused password does not use up the link.
    pub async fn reset_password(&self, new: NewPassword, facts: &Facts) -> Result<()> {
        let inner = &*self.0;
        // A link that is good can be sent again and again, each time by who does not wait for the hash.
        self.take_hashing_turn(facts).await?;
        let user = self.check_reset(&new.uid, &new.token).await?;
        self.check_new_password(&user, &new.first, &new.second)?;
        let hash = inner.passwords.hash(&new.first, facts.address).await?;
        let now = inner.clock.now();
        let change = Arc::new(Change {
            digest: digest(&new.token),
            hash,
            notice: self.notice_of_change(&user, facts, now)?,
            event: Event::of(event::Kind::PasswordReset, &user.subject, now)
                .from_address(facts.address),
            place: self.place(facts),
            user,
            ends_sessions: !inner.settings.is_strict,
        });
        let write = |change: Arc<Change>| inner.db.write(move |conn| apply(conn, &change, now));
        let mut done = write(change.clone()).await;
        if done
            .as_ref()
            .is_err_and(|error| violates_unique(error, "email"))
        {
            // Another account confirmed the address at this moment: now there is an owner to see.
            done = write(change).await;
        }
        if !done? {
            return Err(invalid("token"));
        }
        inner.mail.wake();
        Ok(())
    }

    /// The two entries of a new password, and the policy.
    pub(super) fn check_new_password(
        &self,
        user: &User,
        first: &Plaintext,
        second: &Plaintext,
    ) -> Result<()> {
        if !first.is_same_as(second) {
            let message = "The two password fields didn\u{2019}t match.";
            return Err(Error::field("new_password2", message));
        }
        let settings = &self.0.settings;
        let about = user.personal_data(&settings.service_name);
        let refusals = settings.policy.check(first, &about);
        if refusals.is_empty() {
            return Ok(());
        }
        let refused = Error::bare(Kind::Invalid, "password_refused");
        if first.is_too_long() {
            // A limit of the field, so the contract has it on both entries.
            let both = refused.with_member("new_password1", refusals.clone());
            return Err(both.with_member("new_password2", refusals));
        }
        Err(refused.with_member("new_password2", refusals))
    }

    /// The mail that tells the owner of a changed password.
    pub(super) fn notice_of_change(
        &self,
        user: &User,
        facts: &Facts,
        now: Time,
    ) -> Result<Option<Letter>> {
        let Some(email) = &user.email else {
            return Ok(None);
        };
        let message = Message::PasswordChanged {
            name: user.greeting(),
            when: now,
            address: facts.address,
        };
        let expires_at = now + chrono::TimeDelta::days(3);
        self.0.mail.letter(email, &message, expires_at).map(Some)
    }
}

/// All that a reset writes.
struct Change {
    digest: String,
    hash: String,
    notice: Option<Letter>,
    event: Event,
    place: Place,
    user: User,
    /// Upstream's own behaviour is that they go on.
    ends_sessions: bool,
}

fn apply(conn: &mut Conn, change: &Change, now: Time) -> diesel::QueryResult<bool> {
    let (user, purpose) = (&change.user, Purpose::ResetPassword);
    let token = one_time::find_token(conn, purpose, &change.digest, now)?;
    let Some(token) = token.filter(|token| !token.is_consumed()) else {
        return Ok(false);
    };
    // Counters before accounts, as at a login: two that meet never wait for each other.
    counters::forgive(conn, &change.place.limits, user)?;
    if !one_time::consume_token(conn, purpose, &change.digest, now)?
        || !store::update_password(conn, user, &change.hash, now)?
    {
        return Ok(false);
    }
    // Who reads the owner's mail is the owner, also here, whatever strangers do next.
    counters::remember(conn, &change.place, &user.subject)?;
    one_time::delete_tokens(conn, &user.subject, purpose)?;
    // Nobody had shown to read mail at that address until now: what others may have made of the
    // account is not its owner's.
    if user.email_verified_at.is_none() && store::delete_identities(conn, &user.subject)? > 0 {
        let event = Event::of(event::Kind::IdentityDisconnected, &user.subject, now);
        event::record(conn, &event.with("by", "reset"))?;
    }
    // Who knew the old password may have asked for another address.
    one_time::delete_tokens(conn, &user.subject, Purpose::ChangeEmail)?;
    if change.ends_sessions {
        session::revoke_all(conn, &user.subject, EndReason::PasswordChanged, now)?;
    }
    event::record(conn, &change.event)?;
    // Who could read the link reads mail at that address: it is confirmed by that, unless it is
    // somebody else's by now.
    if store::confirm_email(conn, &user.subject, &token.address, now)?
        && user.email_verified_at.is_none()
    {
        event::record(
            conn,
            &Event::of(event::Kind::EmailConfirmed, &user.subject, now),
        )?;
    }
    change
        .notice
        .iter()
        .try_for_each(|letter| mail::enqueue(conn, letter))?;
    Ok(true)
}

fn invalid(field: &str) -> Error {
    Error::field(field, "Invalid value")
}
