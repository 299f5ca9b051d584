//! Deleting the own account.

use chrono::TimeDelta;

use super::prove::{self, Asked};
use super::{Accounts, store};
use crate::error::Result;
use crate::event::{self, Event};
use crate::mail::{self, Message};
use crate::password::Plaintext;
use crate::token::AccessClaims;
use crate::web::Facts;

impl Accounts {
    /// Deletes the account of who asks, with its sessions and all that hangs on it, and says so by
    /// mail. Its id is never used again.
    ///
    /// # Errors
    /// On `password`; or the account is no longer what it was.
    pub async fn leave(
        &self,
        claims: &AccessClaims,
        password: &Plaintext,
        facts: &Facts,
    ) -> Result<()> {
        let inner = &*self.0;
        let asked = Asked::Password;
        let user = self.prove_password(claims, password, asked, facts).await?;
        let now = inner.clock.now();
        let message = Message::AccountDeleted {
            name: user.greeting(),
            when: now,
            address: facts.address,
        };
        let notice = self.letter_to_owner(&user, &message, now + TimeDelta::days(3))?;
        let event = Event::of(event::Kind::UserDeleted, &user.subject, now)
            .in_session(&claims.sid)
            .from_address(facts.address)
            .with("by", "owner");
        let deleted = inner.db.write(move |conn| {
            if !prove::hold(conn, &user)? || !store::delete(conn, &user.subject)? {
                return Ok(false);
            }
            notice
                .iter()
                .try_for_each(|letter| mail::enqueue(conn, letter))?;
            event::record(conn, &event)?;
            Ok(true)
        });
        if !deleted.await? {
            return Err(prove::changed_meanwhile());
        }
        inner.mail.wake();
        Ok(())
    }
}
