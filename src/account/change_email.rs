//! Another address for an account: asked for with the password, confirmed at the new address, and
//! told to the old one both times. Nobody but the reader of the new address sees it before.

use chrono::TimeDelta;

use super::confirm::not_found;
use super::mailing::{Caps, Sort};
use super::one_time::{self, NewToken, Purpose, Secret, digest};
use super::prove::{self, Asked};
use super::{Accounts, Email, User, store};
use crate::clock::Time;
use crate::error::{Error, Result};
use crate::event::{self, Event};
use crate::mail::{self, Letter, Message};
use crate::password::Plaintext;
use crate::storage::{Conn, violates_unique};
use crate::token::AccessClaims;
use crate::web::Facts;

/// All that a request writes, ready before its transaction begins.
struct Draft {
    user: User,
    token: NewToken,
    /// To the new address, if it is free.
    letter: Letter,
    /// To the owner of the new address, if it is not.
    notice: Letter,
    /// To the old address.
    warning: Option<Letter>,
    event: Event,
    address: String,
    caps: Caps,
}

impl Accounts {
    /// Mails a link to the new address, unless it was sent too many. A taken address is answered
    /// like a free one, after the same work; its owner is told, and nobody has a key to confirm.
    ///
    /// # Errors
    /// On `password`, or on `email`: it is the confirmed address of the account already; throttled.
    pub async fn request_email_change(
        &self,
        claims: &AccessClaims,
        email: &Email,
        password: &Plaintext,
        facts: &Facts,
    ) -> Result<()> {
        let asked = Asked::Password;
        let user = self.prove_password(claims, password, asked, facts).await?;
        if user.email_verified_at.is_some() && user.email_key.as_deref() == Some(email.key()) {
            let message = "This is the confirmed address of your account already.";
            return Err(Error::field("email", message));
        }
        let key = email.key().to_owned();
        let holder = self.0.db.read(move |conn| store::find_by_email(conn, &key));
        let holder = holder.await?;
        let draft = self.draft_change(user, email, holder.as_ref(), (claims, facts))?;
        if !self.0.db.write(move |conn| request(conn, &draft)).await? {
            return Err(prove::changed_meanwhile());
        }
        self.0.mail.wake();
        Ok(())
    }

    fn draft_change(
        &self,
        user: User,
        email: &Email,
        holder: Option<&User>,
        (claims, facts): (&AccessClaims, &Facts),
    ) -> Result<Draft> {
        let inner = &*self.0;
        let settings = &inner.settings;
        let now = inner.clock.now();
        let secret = Secret::generate();
        let expires_at = now + settings.account.confirm_ttl.delta();
        let message = Message::ConfirmNewEmail {
            // The reader may be a stranger, who must not read what somebody else chose.
            name: String::new(),
            url: settings.links.change_email(&secret),
            expires_in: settings.account.confirm_ttl,
        };
        let warning = Message::EmailChangeRequested {
            name: user.greeting(),
            when: now,
            address: facts.address,
        };
        let taken = Message::AddressInUse {
            name: holder.map(User::greeting).unwrap_or_default(),
        };
        let owner = holder.and_then(|user| user.email.as_deref());
        Ok(Draft {
            letter: inner.mail.letter(email.text(), &message, expires_at)?,
            notice: inner
                .mail
                .letter(owner.unwrap_or(email.text()), &taken, expires_at)?,
            warning: self.letter_to_owner(&user, &warning, expires_at)?,
            event: Event::of(Sort::NewAddress.event(), &user.subject, now)
                .in_session(&claims.sid)
                .from_address(facts.address),
            address: email.key().to_owned(),
            caps: Caps::new(&inner.limits, Sort::NewAddress, email, now)
                .asked_by(&inner.limits, &user.subject),
            token: NewToken {
                secret,
                purpose: Purpose::ChangeEmail,
                subject: user.subject.clone(),
                address: email.text().to_owned(),
                created_at: now,
                expires_at,
            },
            user,
        })
    }

    /// Gives the account of `key` the address that the key was mailed to. A second try with a key
    /// that has not expired is a success too, as long as the account has that address.
    ///
    /// # Errors
    /// `NotFound`: unknown, expired or superseded, or the address is somebody else's by now.
    pub async fn confirm_email_change(&self, key: &str, facts: &Facts) -> Result<()> {
        let inner = &*self.0;
        let digest = digest(key);
        let now = inner.clock.now();
        let (accounts, facts) = (self.clone(), facts.clone());
        let changed = inner
            .db
            .write(move |conn| accounts.change_step(conn, &digest, now, &facts));
        match changed.await {
            Ok(true) => {
                inner.mail.wake();
                Ok(())
            }
            Ok(false) => Err(not_found()),
            // Another account confirmed the same address at the same moment.
            Err(error) if violates_unique(&error, "verified_email") => Err(not_found()),
            Err(error) if violates_unique(&error, "email_key") => Err(not_found()),
            Err(error) => Err(error),
        }
    }

    /// The address that `key` would give to its account; nothing is used up.
    ///
    /// # Errors
    /// `NotFound`, as for [`Accounts::confirm_email_change`].
    pub async fn address_to_change_to(&self, key: &str) -> Result<String> {
        let digest = digest(key);
        let now = self.0.clock.now();
        let found = self.0.db.read(move |conn| {
            let token = one_time::find_token(conn, Purpose::ChangeEmail, &digest, now)?;
            let Some(token) = token else { return Ok(None) };
            let user = store::find(conn, &token.subject())?;
            let waits = |user: &User| !token.is_consumed() || has(user, &token.address);
            let fits = user.is_some_and(|user| user.is_active && waits(&user));
            Ok(fits.then_some(token.address))
        });
        found.await?.ok_or_else(not_found)
    }

    fn change_step(
        &self,
        conn: &mut Conn,
        digest: &str,
        now: Time,
        facts: &Facts,
    ) -> diesel::QueryResult<bool> {
        let purpose = Purpose::ChangeEmail;
        let Some(token) = one_time::find_token(conn, purpose, digest, now)? else {
            return Ok(false);
        };
        let subject = token.subject();
        store::lock(conn, &subject)?;
        let user = store::find(conn, &subject)?.filter(|user| user.is_active);
        let (Some(user), Some(email)) = (user, Email::parse(&token.address)) else {
            return Ok(false);
        };
        if !one_time::consume_token(conn, purpose, digest, now)? {
            return Ok(has(&user, &token.address));
        }
        if !store::update_email(conn, &subject, &email, now)? {
            return Ok(false);
        }
        // A link for a new password went to the old address.
        one_time::delete_tokens(conn, &subject, Purpose::ResetPassword)?;
        let is_same = user.email_key.as_deref() == Some(email.key());
        let kind = if is_same {
            event::Kind::EmailConfirmed
        } else {
            event::Kind::EmailChanged
        };
        let event = Event::of(kind, &subject, now).from_address(facts.address);
        event::record(conn, &event)?;
        self.tell_old_address(conn, &user, now, facts)
    }

    fn tell_old_address(
        &self,
        conn: &mut Conn,
        user: &User,
        now: Time,
        facts: &Facts,
    ) -> diesel::QueryResult<bool> {
        let message = Message::EmailChanged {
            name: user.greeting(),
            when: now,
            address: facts.address,
        };
        match self.letter_to_owner(user, &message, now + TimeDelta::days(3)) {
            Ok(letter) => letter
                .iter()
                .try_for_each(|letter| mail::enqueue(conn, letter))?,
            // The address was good enough to confirm it once: only a defect leads here, and it must
            // not keep people from their new address.
            Err(error) => log::error!("no notice of a changed address could be written: {error}"),
        }
        Ok(true)
    }
}

fn request(conn: &mut Conn, draft: &Draft) -> diesel::QueryResult<bool> {
    // Before the account is held, as everywhere: two that meet never wait for each other.
    let sends = draft.caps.ask_again(conn)? && draft.caps.send_one(conn)?;
    if !prove::hold(conn, &draft.user)? {
        return Ok(false);
    }
    if !sends {
        // The address has had its share of mails; the link that it has is still good.
        return Ok(true);
    }
    let holder = store::find_by_email(conn, &draft.address)?;
    let is_taken = holder.is_some_and(|holder| holder.subject != draft.user.subject);
    // Also for a taken address, where nobody gets the key: it replaces an older one just the same,
    // and takes as long.
    one_time::insert_token(conn, &draft.token)?;
    let letter = if is_taken {
        &draft.notice
    } else {
        &draft.letter
    };
    mail::enqueue(conn, letter)?;
    if let Some(warning) = &draft.warning {
        mail::enqueue(conn, warning)?;
    }
    event::record(conn, &draft.event)?;
    Ok(true)
}

/// Whether the account has that address, confirmed.
fn has(user: &User, address: &str) -> bool {
    user.email.as_deref() == Some(address) && user.email_verified_at.is_some()
}
