//! Sending mailed links, alike for addresses that are known and such that are not.

use super::one_time::{self, NewToken};
use super::{Accounts, Email, User, store};
use crate::clock::Time;
use crate::error::Result;
use crate::event::{self, Event};
use crate::mail::{self, Letter, Message};
use crate::web::Facts;

impl Accounts {
    /// Stores and mails links to `email`, and records it for each person. With none to send, as much is done for nothing: how long
    /// it takes must not tell whether the address is known.
    pub(super) async fn send(
        &self,
        email: &Email,
        links: Vec<(NewToken, Letter)>,
        (kind, facts): (event::Kind, &Facts),
    ) -> Result<()> {
        let inner = &*self.0;
        let (now, address) = (inner.clock.now(), facts.address);
        if links.is_empty() {
            drop(self.notice_of_account(email, None, now)?);
        }
        let write = inner.db.write(move |conn| {
            if links.is_empty() {
                return store::pretend(conn);
            }
            links.iter().try_for_each(|(token, letter)| {
                one_time::insert_token(conn, token)?;
                mail::enqueue(conn, letter)?;
                let event = Event::of(kind, &token.subject, now).from_address(address);
                event::record(conn, &event)
            })
        });
        write.await?;
        inner.mail.wake();
        Ok(())
    }

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

    /// The mail to whoever has the address already, at the address as they gave it. It is written
    /// in any case, so that a taken address takes no longer than a free one.
    pub(super) fn notice_of_account(
        &self,
        email: &Email,
        holder: Option<&User>,
        now: Time,
    ) -> Result<Letter> {
        let name = holder.map(User::greeting).unwrap_or_default();
        let address = holder
            .and_then(|user| user.email.as_deref())
            .unwrap_or(email.text());
        let message = Message::AlreadyRegistered {
            name,
            reset_url: None,
        };
        let expires_at = now + self.0.settings.account.confirm_ttl.delta();
        self.0.mail.letter(address, &message, expires_at)
    }
}
