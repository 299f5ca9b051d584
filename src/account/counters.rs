//! What the guesses at a password are counted in.

use chrono::TimeDelta;
use diesel::QueryResult;

use super::{Credentials, User, identifier};
use crate::clock::Time;
use crate::ids::Subject;
use crate::limits::{self, Key, Limits};
use crate::storage::Conn;

/// What a guess at one account is counted in.
#[derive(Clone, Debug)]
pub(super) struct Counters {
    /// Blocked, it is answered with 429.
    pub(super) open: Key,
    /// Blocked, it is answered like a wrong password.
    pub(super) masked: Option<Key>,
    /// Whether the account is known in the caller's network.
    pub(super) network: Key,
}

/// An account that may be meant, or nobody.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) user: Option<User>,
    /// None where nothing is limited.
    pub(super) counters: Option<Counters>,
    /// Blocked in secret: its password is not compared.
    pub(super) is_masked: bool,
}

/// From where, and when, somebody guesses.
pub(super) struct Place {
    pub(super) limits: Limits,
    pub(super) network: String,
    pub(super) now: Time,
}

impl Place {
    /// Whom the credentials mean, unless that is openly blocked; then, for how long. A name that
    /// nobody has is an account without anybody: as much is looked up for it, and as much counted.
    pub(super) fn admit(
        &self,
        conn: &mut Conn,
        user: Option<User>,
        credentials: &Credentials,
    ) -> QueryResult<Result<Candidate, TimeDelta>> {
        let name = name(&self.limits, credentials);
        self.admit_as(conn, user, Some(&name))
    }

    /// As [`Place::admit`], for who has shown by a token who it is.
    pub(super) fn admit_own(
        &self,
        conn: &mut Conn,
        user: User,
    ) -> QueryResult<Result<Candidate, TimeDelta>> {
        self.admit_as(conn, Some(user), None)
    }

    fn admit_as(
        &self,
        conn: &mut Conn,
        user: Option<User>,
        name: Option<&Key>,
    ) -> QueryResult<Result<Candidate, TimeDelta>> {
        if !self.limits.are_enabled() {
            return Ok(Ok(Candidate {
                user,
                counters: None,
                is_masked: false,
            }));
        }
        let rule = self.limits.failures();
        let counters = self.counters(conn, user.as_ref(), name)?;
        let is_masked = match &counters.masked {
            Some(masked) => limits::blocked(conn, masked, rule, self.now)?.is_some(),
            None => false,
        };
        Ok(
            match limits::blocked(conn, &counters.open, rule, self.now)? {
                Some(wait) => Err(wait),
                None => Ok(Candidate {
                    user,
                    counters: Some(counters),
                    is_masked,
                }),
            },
        )
    }

    fn counters(
        &self,
        conn: &mut Conn,
        user: Option<&User>,
        name: Option<&Key>,
    ) -> QueryResult<Counters> {
        let account = match (user, name) {
            (Some(user), _) => account(&self.limits, &user.subject),
            (None, Some(name)) => self.limits.key("nobody", &[name.text()]),
            (None, None) => self.limits.key("nobody", &[]),
        };
        let network = self.limits.key("known", &[account.text(), &self.network]);
        let (open, masked) = if limits::is_known(conn, &network, self.now)? {
            let here = self.limits.key("here", &[&self.network]);
            (here.within(&account), None)
        } else {
            match name {
                Some(name) => (name.clone(), Some(account)),
                None => (account, None),
            }
        };
        Ok(Counters {
            open,
            masked,
            network,
        })
    }
}

/// Remembers, in the caller's transaction, that `subject` was let in from this network.
pub(super) fn remember(conn: &mut Conn, place: &Place, subject: &Subject) -> QueryResult<()> {
    if !place.limits.are_enabled() {
        return Ok(());
    }
    let account = account(&place.limits, subject);
    let network = place.limits.key("known", &[account.text(), &place.network]);
    limits::remember(conn, &network, place.now)
}

/// Forgets, in the caller's transaction, every failure of an account: under its names, on itself,
/// and in each network that knows it. Whether there were any.
pub(super) fn forgive(conn: &mut Conn, limits: &Limits, user: &User) -> QueryResult<bool> {
    let username = user.username.as_deref();
    let username = username.map(|name| by_username(limits, name));
    let email = user.email_key.as_deref();
    let email = email.map(|key| by_email(limits, key));
    let account = account(limits, &user.subject);
    let mut forgotten = 0;
    // In this order, as everywhere: names, then the account.
    for key in username.iter().chain(&email).chain([&account]) {
        forgotten += limits::clear(conn, key)?;
    }
    Ok(forgotten > 0)
}

/// One key for all spellings of a name, whether somebody has it or not.
fn name(limits: &Limits, credentials: &Credentials) -> Key {
    match credentials {
        Credentials::Email(email) => by_email(limits, email.key()),
        Credentials::Username(name) => by_username(limits, name),
    }
}

fn by_email(limits: &Limits, key: &str) -> Key {
    limits.key("email", &[key])
}

fn by_username(limits: &Limits, name: &str) -> Key {
    limits.key("username", &[&identifier::username_key(name)])
}

fn account(limits: &Limits, subject: &Subject) -> Key {
    limits.key("account", &[subject.as_str()])
}
