//! Changing the own password.

use super::one_time::{self, Purpose};
use super::prove::{self, Asked};
use super::{Accounts, store};
use crate::error::Result;
use crate::event::{self, Event};
use crate::ids::SessionId;
use crate::mail;
use crate::password::Plaintext;
use crate::session::{self, EndReason};
use crate::token::AccessClaims;
use crate::web::Facts;

impl Accounts {
    /// Sets a new password and ends the other sessions.
    ///
    /// # Errors
    /// On `old_password` or `new_password2`; throttled after too many wrong old passwords.
    pub async fn change_password(
        &self,
        claims: &AccessClaims,
        old: Option<&Plaintext>,
        new: (&Plaintext, &Plaintext),
        facts: &Facts,
    ) -> Result<()> {
        let inner = &*self.0;
        let asked = Asked::OldPassword;
        let user = if let Some(old) = old {
            self.prove_password(claims, old, asked, facts).await?
        } else {
            self.take_hashing_turn(facts).await?;
            self.find(&claims.sub).await?
        };
        self.check_new_password(&user, new.0, new.1)?;
        let hash = inner.passwords.hash(new.0, facts.address).await?;
        let now = inner.clock.now();
        // Who did not confirm the address may be writing to a stranger.
        let notice = match user.email_verified_at {
            Some(_) => self.notice_of_change(&user, facts, now)?,
            None => None,
        };
        let event = Event::of(event::Kind::PasswordChanged, &user.subject, now)
            .in_session(&claims.sid)
            .from_address(facts.address);
        let keep: SessionId = claims.sid.clone();
        let settings = &inner.settings;
        let ends_others = settings.account.logout_on_password_change && !settings.is_strict;
        let done = inner.db.write(move |conn| {
            if !store::update_password(conn, &user, &hash, now)? {
                return Ok(false);
            }
            if ends_others {
                let reason = EndReason::PasswordChanged;
                session::revoke_others(conn, &user.subject, &keep, reason, now)?;
            }
            // A link that was mailed before must not undo the change, nor take the account away.
            one_time::delete_tokens(conn, &user.subject, Purpose::ResetPassword)?;
            one_time::delete_tokens(conn, &user.subject, Purpose::ChangeEmail)?;
            event::record(conn, &event)?;
            notice
                .iter()
                .try_for_each(|letter| mail::enqueue(conn, letter))?;
            Ok(true)
        });
        if !done.await? {
            return Err(prove::changed_meanwhile());
        }
        inner.mail.wake();
        Ok(())
    }
}
