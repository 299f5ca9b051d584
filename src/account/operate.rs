//! What operators do to accounts, and what the account room does by itself.

use super::counters;
use super::one_time::{self, Purpose};
use super::store::{self, NewRow};
use super::{Accounts, Email, User, Username, identifier};
use crate::clock::Time;
use crate::error::{Error, Kind, Result};
use crate::event::{self, Event};
use crate::ids::Subject;
use crate::password::{PersonalData, Plaintext};
use crate::session::{self, EndReason};
use crate::storage::{Conn, violates_unique};

/// Accounts deleted in one transaction at most.
const SLICE: i64 = 100;

/// An account that an operator makes.
pub struct NewUser {
    /// User name.
    pub username: Option<Username>,
    /// Address.
    pub email: Option<Email>,
    /// Whether the operator vouches for the address.
    pub is_email_verified: bool,
    /// Password; without one, the person sets it through a reset.
    pub password: Option<Plaintext>,
}

impl Accounts {
    /// Makes an account.
    ///
    /// # Errors
    /// The user name or the confirmed address is taken, or the password is refused.
    pub async fn create(&self, new: NewUser) -> Result<User> {
        let inner = &*self.0;
        if new.username.is_none() && new.email.is_none() {
            return Err(Error::setup(
                "an account needs a user name or an e-mail address",
            ));
        }
        let hash = match &new.password {
            Some(password) => {
                self.check_for_operator(&new, password)?;
                Some(inner.passwords.hash(password, None).await?)
            }
            None => None,
        };
        let now = inner.clock.now();
        let row = NewRow {
            subject: Subject::generate(now),
            username: new.username,
            email_verified_at: new
                .email
                .as_ref()
                .filter(|_| new.is_email_verified)
                .map(|_| now),
            email: new.email,
            first_name: String::new(),
            last_name: String::new(),
            password_hash: hash,
            confirm_by: None,
            created_at: now,
            last_login_at: None,
        };
        let subject = row.subject.clone();
        let event = Event::of(event::Kind::UserRegistered, &subject, now).with("by", "operator");
        let wrote = inner.db.write(move |conn| {
            store::insert(conn, &row)?;
            event::record(conn, &event)
        });
        match wrote.await {
            Ok(()) => self.find(&subject).await,
            Err(error) if violates_unique(&error, "username") => {
                Err(conflict("the user name is taken"))
            }
            Err(error) if violates_unique(&error, "email") => {
                Err(conflict("the address is another account's"))
            }
            Err(error) => Err(error),
        }
    }

    fn check_for_operator(&self, new: &NewUser, password: &Plaintext) -> Result<()> {
        let settings = &self.0.settings;
        let about = PersonalData {
            username: new.username.as_ref().map_or("", Username::text),
            email: new.email.as_ref().map_or("", Email::text),
            service_name: &settings.service_name,
            ..PersonalData::default()
        };
        let refusals = settings.policy.check(password, &about);
        if refusals.is_empty() {
            Ok(())
        } else {
            Err(conflict(&refusals.join(" ")))
        }
    }

    /// One page of accounts in the order of their ids, after `after`.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn list(&self, after: Option<Subject>, limit: u32) -> Result<Vec<User>> {
        let after = after.map(String::from).unwrap_or_default();
        self.0
            .db
            .read(move |conn| store::list(conn, &after, limit.into()))
            .await
    }

    /// The account that an operator names by id, user name or address.
    ///
    /// # Errors
    /// None, or several: unconfirmed claims to one address, or a user name that looks like one.
    pub async fn resolve(&self, name: &str) -> Result<User> {
        let name = name.to_owned();
        let shown = name.clone();
        let found = self.0.db.read(move |conn| {
            if let Some(user) = store::find(conn, &name.as_str().into())? {
                return Ok(vec![user]);
            }
            let mut found = match Email::parse(&name) {
                Some(email) => store::list_by_email(conn, email.key(), 2)?,
                None => Vec::new(),
            };
            // A user name may look like an address, and be another account's.
            let named = store::find_by_username(conn, &identifier::username_key(&name))?;
            found.extend(named);
            found.dedup_by(|one, other| one.subject == other.subject);
            Ok(found)
        });
        let mut found = found.await?;
        match (found.pop(), found.is_empty()) {
            (Some(user), true) => Ok(user),
            (Some(_), false) => Err(conflict("several accounts go by this name: give the id")),
            (None, _) => Err(Error::new(
                Kind::NotFound,
                "not_found",
                format!("no account `{shown}`"),
            )),
        }
    }

    /// Allows or forbids logging in; forbidding ends every session. Whether anything changed.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn set_active(&self, subject: &Subject, is_active: bool) -> Result<bool> {
        let now = self.0.clock.now();
        let subject = subject.clone();
        let kind = if is_active {
            event::Kind::UserEnabled
        } else {
            event::Kind::UserDisabled
        };
        let event = Event::of(kind, &subject, now);
        let wrote = self.0.db.write(move |conn| {
            if !store::set_active(conn, &subject, is_active)? {
                return Ok(false);
            }
            if !is_active {
                session::revoke_all(conn, &subject, EndReason::Disabled, now)?;
                one_time::delete_tokens(conn, &subject, Purpose::ResetPassword)?;
                one_time::delete_tokens(conn, &subject, Purpose::ConfirmEmail)?;
                one_time::delete_tokens(conn, &subject, Purpose::ChangeEmail)?;
            }
            event::record(conn, &event)?;
            Ok(true)
        });
        wrote.await
    }

    /// Forgets an account's failed logins, so that nothing keeps its owner from trying again at
    /// once. Whether there were any.
    ///
    /// # Errors
    /// There is no such account; else only those of the database.
    pub async fn unlock(&self, subject: &Subject) -> Result<bool> {
        let user = self.find(subject).await?;
        let now = self.0.clock.now();
        let limits = self.0.limits.clone();
        let event = Event::of(event::Kind::UserUnlocked, subject, now);
        let wrote = self.0.db.write(move |conn| {
            let forgiven = counters::forgive(conn, &limits, &user)?;
            event::record(conn, &event)?;
            Ok(forgiven)
        });
        wrote.await
    }

    /// Deletes an account with its sessions. Its id is never used again.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn delete(&self, subject: &Subject) -> Result<bool> {
        let now = self.0.clock.now();
        let subject = subject.clone();
        let event = Event::of(event::Kind::UserDeleted, &subject, now).with("by", "operator");
        let wrote = self.0.db.write(move |conn| {
            let deleted = store::delete(conn, &subject)?;
            if deleted {
                event::record(conn, &event)?;
            }
            Ok(deleted)
        });
        wrote.await
    }

    /// The job: deletes accounts that had to confirm their address and did not; how many.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn delete_unconfirmed(&self) -> Result<usize> {
        let mut deleted = 0;
        loop {
            let now = self.0.clock.now();
            let slice = self.0.db.write(move |conn| delete_unconfirmed(conn, now));
            match slice.await? {
                0 => return Ok(deleted),
                count => deleted += count,
            }
        }
    }
}

/// A step: makes all links worthless that were mailed so far: somebody may have read them.
///
/// # Errors
/// What the database says.
pub fn end_links(conn: &mut Conn) -> diesel::QueryResult<()> {
    one_time::delete_all_tokens(conn)
}

/// One slice; how many it were.
fn delete_unconfirmed(conn: &mut Conn, now: Time) -> diesel::QueryResult<usize> {
    let deleted = store::delete_unconfirmed(conn, now, SLICE)?;
    for subject in &deleted {
        let event = Event::of(event::Kind::UserDeleted, subject, now).with("by", "deadline");
        event::record(conn, &event)?;
    }
    Ok(deleted.len())
}

fn conflict(message: &str) -> Error {
    Error::new(Kind::Invalid, "conflict", message.to_owned())
}
