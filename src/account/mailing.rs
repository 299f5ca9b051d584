//! Sending mailed links, alike for addresses that are known and such that are not.

use std::net::IpAddr;

use diesel::QueryResult;

use super::caps::{Caps, Sort};
use super::one_time::{self, NewToken};
use super::{Accounts, Email, User, store};
use crate::clock::Time;
use crate::error::Result;
use crate::event::{self, Event};
use crate::limits::Rule;
use crate::mail::{self, Letter, Message};
use crate::storage::Conn;
use crate::web::Facts;

/// A secret, and the letter that carries it.
pub(super) type Link = (NewToken, Letter);

impl Accounts {
    /// Stores and mails links to `email`, as far as the caps let them, and records it for each
    /// person. With none to send, the one that `nobody` makes goes the same way as far as it can,
    /// and not to anybody: neither the answer's time nor that of whatever is asked next must tell
    /// whether the address is known.
    pub(super) async fn send(
        &self,
        email: &Email,
        sort: Sort,
        (links, nobody): (Vec<Link>, impl FnOnce() -> Result<Link>),
        facts: &Facts,
    ) -> Result<()> {
        let inner = &*self.0;
        let now = inner.clock.now();
        let address = facts.address;
        let nobody = if links.is_empty() {
            let (token, letter) = nobody()?;
            Some((token, letter.to_nobody()))
        } else {
            None
        };
        let caps = Caps::new(&inner.limits, sort, email, now);
        let write = inner.db.write(move |conn| {
            let written = match &nobody {
                Some(link) => write_to_nobody(conn, &caps, link)?,
                None => write(conn, &caps, &links, (sort, address))?,
            };
            if written {
                return Ok(());
            }
            store::pretend(conn)
        });
        write.await?;
        inner.mail.wake();
        Ok(())
    }

    /// Limits how often one network asks for mails.
    ///
    /// # Errors
    /// Throttled.
    pub(super) async fn take_mail_turn(&self, facts: &Facts) -> Result<()> {
        let rule = Rule::per_minute(self.0.limits.settings().logins_per_minute);
        self.take_turn("mail", rule, facts).await
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

/// Whether anything was sent. A link that is not replaces none that was.
fn write(
    conn: &mut Conn,
    caps: &Caps,
    links: &[Link],
    (sort, address): (Sort, Option<IpAddr>),
) -> QueryResult<bool> {
    if !caps.ask_again(conn)? {
        return Ok(false);
    }
    let mut sent = false;
    for (token, letter) in links {
        if caps.send_one(conn)? {
            one_time::insert_token(conn, token)?;
            mail::enqueue(conn, letter)?;
            let event = Event::of(sort.event(), &token.subject, token.created_at);
            event::record(conn, &event.from_address(address))?;
            sent = true;
        }
    }
    Ok(sent)
}

/// What [`write()`] does for one link, for nobody: in the end there is no token and no event, and the
/// letter is not sent.
fn write_to_nobody(conn: &mut Conn, caps: &Caps, (token, letter): &Link) -> QueryResult<bool> {
    if !caps.ask_again(conn)? || !caps.pretend_one(conn)? {
        return Ok(false);
    }
    one_time::insert_no_token(conn, token)?;
    mail::enqueue(conn, letter)?;
    store::pretend(conn)?;
    Ok(true)
}
