//! Who has an address, and what is written to them.

use diesel::QueryResult;

use super::{Mail, MailRequest, Reason};
use crate::account::one_time::{NewToken, Purpose, Secret};
use crate::account::{Accounts, Email, User, store};
use crate::clock::Time;
use crate::error::Result;
use crate::ids::Subject;
use crate::mail::{Letter, Message};
use crate::storage::Conn;

/// Claims to one address that are looked at; of more, some that chance picks.
const CLAIMS: i64 = 100;

/// Mails that one request leads to at most.
const MAILS: usize = 10;

impl Accounts {
    /// What a request leads to.
    pub(super) async fn mails(&self, request: &MailRequest, now: Time) -> Result<Vec<Mail>> {
        let email = &request.email;
        match &request.reason {
            Reason::Registration(subject) => {
                let mail = self.mail_to_registered(subject, email, now).await?;
                Ok(mail.into_iter().collect())
            }
            Reason::Confirmation => {
                let claims = self.claims(request, now).await?;
                let is_strict = self.0.settings.is_strict;
                let waiting = claims.iter().filter(|user| {
                    let is_meant = !is_strict || user.email.as_deref() == Some(email.text());
                    is_meant && user.email_verified_at.is_none()
                });
                waiting.map(|user| self.confirmation(user, now)).collect()
            }
            Reason::Reset => {
                let claims = self.claims(request, now).await?;
                claims.iter().map(|user| self.reset(user, now)).collect()
            }
        }
    }

    /// Who claims the address and may log in, in the order of their turns, or, where mails are not
    /// limited and nobody has one, by chance.
    async fn claims(&self, request: &MailRequest, now: Time) -> Result<Vec<User>> {
        let turns = request.turns(&self.0.limits);
        let is_limited = self.0.limits.are_enabled();
        let key = request.email.key().to_owned();
        let look = move |conn: &mut Conn| -> QueryResult<Vec<User>> {
            let mut claims = Vec::new();
            for user in store::list_by_email(conn, &key, CLAIMS)? {
                claims.push((turns.rank(conn, &user.subject, now)?, user));
            }
            claims.retain(|(_, user)| user.is_active);
            if is_limited {
                claims.sort_by_key(|(rank, user)| (*rank, user.created_at));
            }
            Ok(claims
                .into_iter()
                .map(|(_, user)| user)
                .take(MAILS)
                .collect())
        };
        self.0.db.read(look).await
    }

    /// To who registered, or, if the address has an owner, to that one instead: nothing can
    /// confirm it any more.
    async fn mail_to_registered(
        &self,
        subject: &Subject,
        email: &Email,
        now: Time,
    ) -> Result<Option<Mail>> {
        let (subject, key) = (subject.clone(), email.key().to_owned());
        let look = move |conn: &mut Conn| {
            let user = store::find(conn, &subject)?;
            let user = user.filter(|user| user.email_key.as_deref() == Some(&key));
            Ok((user, store::find_by_email(conn, &key)?))
        };
        let (user, owner) = self.0.db.read(look).await?;
        let Some(user) = user.filter(|user| user.is_active && user.email_verified_at.is_none())
        else {
            return Ok(None);
        };
        match owner {
            Some(owner) => {
                let letter = self.notice_of_account(&owner, email, now)?;
                Ok(Some(Mail {
                    token: None,
                    letter,
                }))
            }
            None => self.confirmation(&user, now).map(Some),
        }
    }

    /// A link that confirms a claim to an address.
    fn confirmation(&self, user: &User, now: Time) -> Result<Mail> {
        let settings = &self.0.settings;
        let lifetime = settings.account.confirm_ttl;
        let secret = Secret::generate();
        let message = Message::ConfirmEmail {
            // Whoever registered is not yet known to be the reader, and must not choose what a
            // stranger reads.
            name: String::new(),
            url: settings.links.confirm_email(&secret),
            expires_in: lifetime,
        };
        let times = (now, now + lifetime.delta());
        self.mail(user, &message, (secret, Purpose::ConfirmEmail), times)
    }

    /// A link to a new password.
    fn reset(&self, user: &User, now: Time) -> Result<Mail> {
        let settings = &self.0.settings;
        let lifetime = settings.account.reset_ttl;
        let secret = Secret::generate();
        let message = Message::ResetPassword {
            name: user.greeting(),
            url: settings.links.reset_password(&user.subject, &secret),
            expires_in: lifetime,
        };
        let times = (now, now + lifetime.delta());
        self.mail(user, &message, (secret, Purpose::ResetPassword), times)
    }

    /// To the address as the account has it, not as it was typed now.
    fn mail(
        &self,
        user: &User,
        message: &Message,
        (secret, purpose): (Secret, Purpose),
        (created_at, expires_at): (Time, Time),
    ) -> Result<Mail> {
        let to = user.email.as_deref().unwrap_or_default();
        Ok(Mail {
            letter: self.0.mail.letter(to, message, expires_at)?,
            token: Some(NewToken {
                secret,
                purpose,
                subject: user.subject.clone(),
                address: user.email_key.clone().unwrap_or_default(),
                created_at,
                expires_at,
            }),
        })
    }

    /// To whoever has the address that somebody registered with.
    fn notice_of_account(&self, owner: &User, email: &Email, now: Time) -> Result<Letter> {
        let message = Message::AlreadyRegistered {
            name: owner.greeting(),
            reset_url: None,
        };
        let expires_at = now + self.0.settings.account.confirm_ttl.delta();
        let to = owner.email.as_deref().unwrap_or(email.text());
        self.0.mail.letter(to, &message, expires_at)
    }
}
