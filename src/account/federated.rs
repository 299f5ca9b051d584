//! Accounts whose owners log in through another provider: the steps that its room composes.
//!
//! An address is the account's only as far as somebody proved it: an unverified one is a claim
//! like that of any registration, and no address, verified or not, leads to an existing account.

use chrono::TimeDelta;

use super::counters::{self, Place};
use super::mailing::{self, MailRequest, Reason};
use super::register::{EMAIL_TAKEN, is_held, user_of};
use super::store::{self, NewRow};
use super::{Accounts, Email, User, Username, UsernameRules, login, register};
use crate::clock::Time;
use crate::config::{self, EmailVerification};
use crate::crypto;
use crate::error::{Error, Result};
use crate::event::{self, Event};
use crate::ids::Subject;
use crate::limits::{self, Rule};
use crate::mail::{Letter, Message};
use crate::storage::Conn;
use crate::web::Facts;

/// What is put behind a user name that is taken, in characters; and the next time.
const SUFFIXES: [usize; 2] = [4, 10];

/// A notice is tried to be delivered for this long.
const NOTICE_LIFE: TimeDelta = TimeDelta::days(3);

/// Somebody whom another provider vouches for, and who has no account yet.
pub struct Newcomer {
    /// Their address there.
    pub email: Option<Email>,
    /// Whether the provider says that it is theirs.
    pub is_email_verified: bool,
    /// First name, may be empty.
    pub first_name: String,
    /// Last name, may be empty.
    pub last_name: String,
    /// What they may be called, the best first.
    pub names: Vec<String>,
}

/// An account that is ready to be written: see [`Accounts::draft_newcomer`].
pub struct Arrival {
    row: NewRow,
    /// Each further one is less likely to be taken.
    usernames: Vec<Username>,
    /// To confirm the address.
    mail: Option<MailRequest>,
    place: Place,
    answers_alike: bool,
    confirms: bool,
    must_confirm: bool,
    event: Event,
}

/// What becomes of somebody whom another provider vouches for.
pub enum Entry {
    /// May have a session.
    Admitted(Box<User>),
    /// May not.
    Refused(Refusal),
}

/// Why somebody whom a provider vouches for gets no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The account is disabled or gone.
    Disabled,
    /// The address must be confirmed first.
    Unconfirmed,
    /// The address is another account's. Nothing was written.
    EmailTaken,
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Disabled => login::refused(),
            Refusal::Unconfirmed => login::unconfirmed(),
            Refusal::EmailTaken => Self::non_field(EMAIL_TAKEN),
        }
    }
}

impl Arrival {
    /// Of the account.
    pub fn subject(&self) -> &Subject {
        &self.row.subject
    }
}

impl Accounts {
    /// Prepares an account without a password. Written by [`arrive`], in the caller's transaction.
    ///
    /// # Errors
    /// Registration is closed; too many come from this network.
    pub async fn draft_newcomer(
        &self,
        newcomer: Newcomer,
        by: &str,
        facts: &Facts,
    ) -> Result<Arrival> {
        let settings = &self.0.settings;
        if settings.account.registration == config::Registration::Closed {
            return Err(register::closed());
        }
        let rule = Rule::per_hour(self.0.limits.settings().registrations_per_hour);
        self.take_turn("registration", rule, facts).await?;
        let now = self.0.clock.now();
        let subject = Subject::generate(now);
        let is_verified = newcomer.email.is_some() && newcomer.is_email_verified;
        let must_confirm = self.must_confirm() && newcomer.email.is_some() && !is_verified;
        let confirms = self.confirms();
        let unproven = newcomer.email.as_ref().filter(|_| confirms && !is_verified);
        let mail = unproven.map(|email| {
            let reason = Reason::Registration(subject.clone());
            MailRequest::new(reason, email, facts, now)
        });
        let event = Event::of(event::Kind::UserRegistered, &subject, now)
            .from_address(facts.address)
            .with("provider", by);
        Ok(Arrival {
            mail,
            place: self.place(facts),
            usernames: usernames(&newcomer, &settings.usernames),
            row: NewRow {
                subject,
                username: None,
                email: newcomer.email,
                email_verified_at: is_verified.then_some(now),
                first_name: newcomer.first_name,
                last_name: newcomer.last_name,
                password_hash: None,
                confirm_by: must_confirm.then(|| now + settings.account.unconfirmed_ttl.delta()),
                created_at: now,
                last_login_at: (!must_confirm).then_some(now),
            },
            answers_alike: must_confirm && self.answers_alike(),
            confirms,
            must_confirm,
            event,
        })
    }

    /// To the owner of an account that is about to be connected to another provider: if it was
    /// not them, somebody made a way in that outlives every session and password. None where the
    /// address is not confirmed.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn notice_of_provider(
        &self,
        subject: &Subject,
        provider: &str,
        facts: &Facts,
    ) -> Result<Option<Letter>> {
        let user = self.find(subject).await?;
        let now = self.0.clock.now();
        let message = Message::ProviderConnected {
            name: user.greeting(),
            provider: provider.to_owned(),
            when: now,
            address: facts.address,
        };
        self.letter_to_owner(&user, &message, now + NOTICE_LIFE)
    }

    /// Limits how many ways in an account gets, each with a mail.
    ///
    /// # Errors
    /// Throttled.
    pub async fn take_connection_turn(&self, subject: &Subject) -> Result<()> {
        let inner = &*self.0;
        if !inner.limits.are_enabled() {
            return Ok(());
        }
        let key = inner.limits.key("connection", &[subject.as_str()]);
        let rule = Rule::per_hour(inner.limits.settings().mails_per_hour);
        let now = inner.clock.now();
        let take = move |conn: &mut Conn| limits::take(conn, &key, rule, now);
        inner.db.write(take).await?.map_err(limits::throttled)
    }

    /// Has the mail of what was just committed go out.
    pub fn wake_mail(&self) {
        self.0.mail.wake();
    }
}

/// Writes a prepared account, in the caller's transaction.
pub fn arrive(conn: &mut Conn, arrival: &Arrival) -> diesel::QueryResult<Entry> {
    let taken = match &arrival.row.email {
        Some(email) => is_held(conn, email, arrival.confirms)?,
        None => false,
    };
    if taken && !arrival.answers_alike {
        return Ok(Entry::Refused(Refusal::EmailTaken));
    }
    let row = NewRow {
        username: free(conn, &arrival.usernames)?,
        ..arrival.row.clone()
    };
    store::insert(conn, &row)?;
    if let Some(request) = &arrival.mail {
        mailing::insert(conn, request)?;
    }
    event::record(conn, &arrival.event)?;
    if arrival.must_confirm {
        return Ok(Entry::Refused(Refusal::Unconfirmed));
    }
    counters::remember(conn, &arrival.place, &row.subject)?;
    Ok(Entry::Admitted(Box::new(user_of(&row))))
}

/// The one conditional write of a login that another provider vouches for: only if the account is
/// active, and its address confirmed where that is asked for.
pub fn enter(
    conn: &mut Conn,
    subject: &Subject,
    verification: EmailVerification,
    now: Time,
) -> diesel::QueryResult<Entry> {
    let Some(user) = store::find(conn, subject)? else {
        return Ok(Entry::Refused(Refusal::Disabled));
    };
    let must_confirm = verification == EmailVerification::Mandatory && user.email.is_some();
    if user.is_active && must_confirm && user.email_verified_at.is_none() {
        return Ok(Entry::Refused(Refusal::Unconfirmed));
    }
    if !store::update_at_entry(conn, subject, now)? {
        return Ok(Entry::Refused(Refusal::Disabled));
    }
    Ok(Entry::Admitted(Box::new(user)))
}

/// The account, taken for this transaction, so that what follows happens once at a time.
pub fn take(conn: &mut Conn, subject: &Subject) -> diesel::QueryResult<Option<User>> {
    store::lock(conn, subject)?;
    store::find(conn, subject)
}

/// The first that nobody has; all being taken, none.
fn free(conn: &mut Conn, usernames: &[Username]) -> diesel::QueryResult<Option<Username>> {
    for username in usernames {
        if store::find_by_username(conn, username.key())?.is_none() {
            return Ok(Some(username.clone()));
        }
    }
    Ok(None)
}

/// User names to try: what the person is called, and that with something behind it.
fn usernames(newcomer: &Newcomer, rules: &UsernameRules) -> Vec<Username> {
    let local = newcomer.email.as_ref().map_or("", Email::text);
    let wishes = newcomer.names.iter().map(String::as_str);
    let mut wishes = wishes.chain([local, &newcomer.first_name, "user"]);
    let Some(base) = wishes.find_map(|wish| base(wish, rules)) else {
        return Vec::new();
    };
    let longer = SUFFIXES.map(|length| {
        let suffix = crypto::random_base62(length).to_lowercase();
        Username::parse(&format!("{}-{suffix}", base.text()))
    });
    std::iter::once(base)
        .chain(longer.into_iter().flatten())
        .collect()
}

/// A user name like `wish`, if something of it can be in one.
fn base(wish: &str, rules: &UsernameRules) -> Option<Username> {
    let longest = Username::MAX - SUFFIXES.into_iter().max().unwrap_or_default() - 1;
    let wish = wish.split('@').next().unwrap_or_default();
    let letters = wish
        .chars()
        .map(|letter| if letter == ' ' { '.' } else { letter });
    let fitting = letters.filter(|letter| letter.is_alphanumeric() || ".+-_".contains(*letter));
    let username = Username::parse(&fitting.take(longest).collect::<String>())?;
    let is_refused = rules.refusal(&username, None).is_some();
    (!is_refused).then_some(username)
}
