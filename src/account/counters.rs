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
    /// Of those whom the credentials may mean, who is not openly blocked. If all are: for how long.
    pub(super) fn admit(
        &self,
        conn: &mut Conn,
        users: Vec<User>,
        credentials: &Credentials,
    ) -> QueryResult<Result<Vec<Candidate>, TimeDelta>> {
        let name = name(&self.limits, credentials);
        if users.is_empty() {
            // A name that nobody has is an account without anybody: as much is looked up for it,
            // and as much is counted.
            return self.admit_each(conn, vec![None], Some(&name));
        }
        let users = users.into_iter().map(Some).collect();
        self.admit_each(conn, users, Some(&name))
    }

    /// As [`Place::admit`], for who has shown by a token who it is.
    pub(super) fn admit_own(
        &self,
        conn: &mut Conn,
        user: User,
    ) -> QueryResult<Result<Vec<Candidate>, TimeDelta>> {
        self.admit_each(conn, vec![Some(user)], None)
    }

    fn admit_each(
        &self,
        conn: &mut Conn,
        users: Vec<Option<User>>,
        name: Option<&Key>,
    ) -> QueryResult<Result<Vec<Candidate>, TimeDelta>> {
        let rule = self.limits.failures();
        let (mut admitted, mut waits) = (Vec::new(), Vec::new());
        for user in users {
            let mut candidate = Candidate {
                user,
                counters: None,
                is_masked: false,
            };
            if self.limits.are_enabled() {
                let counters = self.counters(conn, candidate.user.as_ref(), name)?;
                if let Some(masked) = &counters.masked {
                    candidate.is_masked = limits::blocked(conn, masked, rule, self.now)?.is_some();
                }
                let wait = limits::blocked(conn, &counters.open, rule, self.now)?;
                candidate.counters = Some(counters);
                if let Some(wait) = wait {
                    waits.push(wait);
                    continue;
                }
            }
            admitted.push(candidate);
        }
        Ok(match waits.into_iter().min() {
            Some(wait) if admitted.is_empty() => Err(wait),
            _ => Ok(admitted),
        })
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
