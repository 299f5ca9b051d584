//! # account
//!
//! People: register, confirm the address and change it, log in, reset and change the password,
//! profile, leave; and what operators do to accounts.
//!
//! Contract: dj-rest-auth in JWT mode, with the deviations that make it safe.
//! Tables: `users`, `one_time_tokens`, `mail_requests`. Routes: under `[account] prefix`, see [`http`].
//! Settings: `[account]`, `[links]`, and what `[limits]` says of them. Job: `delete_unconfirmed_accounts`.
//! It does not know how tokens look, how passwords are hashed, or how mail leaves.
//!
//! An address belongs to who confirmed it. Until then several accounts may claim it: so a
//! registration can answer alike whether an address is taken or free, and nobody can keep its
//! owner from confirming it by claiming it first.

mod change;
mod change_email;
mod confirm;
mod counters;
mod federated;
mod guess;
pub mod http;
mod identifier;
mod leave;
mod links;
mod login;
mod mailing;
mod one_time;
mod operate;
mod profile;
mod prove;
mod reauthenticate;
mod register;
mod reset;
mod store;
mod username_rules;

use std::sync::Arc;

use crate::clock::{Clock, Time};
use crate::config::{self, EmailVerification};
use crate::error::{Error, Kind, Result};
use crate::ids::Subject;
use crate::limits::Limits;
use crate::mail::Mailer;
use crate::password::{Passwords, PersonalData, Policy};
use crate::session::Sessions;
use crate::storage::Db;

pub use federated::{Arrival, Entry, Newcomer, Refusal, arrive, enter, take};
pub use identifier::{Email, Username};
pub use links::Links;
pub use login::Credentials;
pub use mailing::Mailing;
pub use operate::{NewUser, end_links};
pub use profile::Profile;
pub use register::{Registered, Registration};
pub use reset::NewPassword;
pub use username_rules::UsernameRules;

/// A person's account.
#[derive(Clone, Debug)]
pub struct User {
    /// `pk`, `user_id`, `sub`: never reused.
    pub subject: Subject,
    /// As typed.
    pub username: Option<String>,
    /// As typed, in a form that mail can be sent to.
    pub email: Option<String>,
    /// Canonical form of the address.
    email_key: Option<String>,
    /// When the address was confirmed.
    pub email_verified_at: Option<Time>,
    /// First name, may be empty.
    pub first_name: String,
    /// Last name, may be empty.
    pub last_name: String,
    /// PHC string.
    password_hash: Option<String>,
    /// May log in.
    pub is_active: bool,
    /// When the account was made.
    pub created_at: Time,
    /// When it was last logged in to.
    pub last_login_at: Option<Time>,
}

impl User {
    /// How to address the person in a mail: not at all before the address is confirmed, because
    /// somebody else may have chosen the name for them to read.
    fn greeting(&self) -> String {
        if self.email_verified_at.is_none() {
            return String::new();
        }
        let names = [
            Some(&self.first_name),
            self.username.as_ref(),
            self.email.as_ref(),
        ];
        names
            .into_iter()
            .flatten()
            .find(|name| !name.is_empty())
            .cloned()
            .unwrap_or_default()
    }

    /// Whether there is a password to log in with.
    pub fn has_password(&self) -> bool {
        self.password_hash.is_some()
    }

    fn personal_data<'a>(&'a self, service_name: &'a str) -> PersonalData<'a> {
        PersonalData {
            username: self.username.as_deref().unwrap_or_default(),
            email: self.email.as_deref().unwrap_or_default(),
            first_name: &self.first_name,
            last_name: &self.last_name,
            service_name,
        }
    }
}

/// The accounts' use cases.
#[derive(Clone)]
pub struct Accounts(Arc<Inner>);

/// What the use cases work with.
pub struct Inner {
    /// The store.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// The rules of this installation.
    pub settings: Settings,
    /// Hashes and verifies.
    pub passwords: Passwords,
    /// How often all this may be tried.
    pub limits: Limits,
    /// Opens and ends sessions.
    pub sessions: Sessions,
    /// Sends.
    pub mail: Mailer,
    /// Wakes who writes what is sent.
    pub mailing: Mailing,
}

/// The rules of this installation.
pub struct Settings {
    /// `[account]`.
    pub account: config::Account,
    /// Where links in mails lead.
    pub links: Links,
    /// Which user names can be chosen.
    pub usernames: UsernameRules,
    /// Rules for new passwords.
    pub policy: Policy,
    /// The service's name, as in its mails.
    pub service_name: String,
    /// Whether dj-rest-auth is followed also where that is less safe.
    pub is_strict: bool,
}

impl Settings {
    fn is_verification(&self, verification: EmailVerification) -> bool {
        self.account.email_verification == verification
    }
}

impl Accounts {
    /// The accounts over their collaborators.
    pub fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// The rules in force.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The sessions behind the accounts.
    pub fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    /// The threads that hash.
    pub fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    /// The account of a subject.
    ///
    /// # Errors
    /// There is none.
    pub async fn find(&self, subject: &Subject) -> Result<User> {
        let subject = subject.clone();
        let found = self
            .0
            .db
            .read(move |conn| store::find(conn, &subject))
            .await?;
        found.ok_or_else(not_found)
    }
}

/// Who asks has no account any more.
fn not_found() -> Error {
    Error::new(Kind::Unauthenticated, "user_not_found", "User not found").with_public_code()
}
