//! Registration.

use super::counters::{self, Place};
use super::mailing::{self, MailRequest, Reason};
use super::store::{self, NewRow};
use super::{Accounts, Email, User, Username};
use crate::config::{self, EmailVerification};
use crate::error::{Error, Kind, Result};
use crate::event::{self, Event};
use crate::ids::Subject;
use crate::limits::Rule;
use crate::password::{PersonalData, Plaintext};
use crate::session::{self, Opening, TokenPair};
use crate::storage::{Conn, violates_unique};
use crate::web::Facts;

const USERNAME_TAKEN: &str = "A user with that username already exists.";
pub(super) const EMAIL_TAKEN: &str = "User is already registered with this e-mail address.";

/// Somebody who wants an account.
#[derive(Clone)]
pub struct Registration {
    /// Wanted user name.
    pub username: Option<Username>,
    /// Claimed address.
    pub email: Option<Email>,
    /// Chosen password.
    pub password: Plaintext,
    /// As typed again.
    pub repeated: Plaintext,
}

/// What came of it.
pub enum Registered {
    /// A mail was sent; there are no tokens before it is answered.
    MustConfirm,
    /// The account can be used.
    Open(Box<User>, TokenPair),
}

/// What the transaction found.
enum Outcome {
    Done,
    UsernameTaken,
    EmailTaken,
}

/// All that a registration writes, ready before its transaction begins.
struct Draft {
    row: NewRow,
    /// To confirm the address.
    mail: Option<MailRequest>,
    opening: Option<Opening>,
    event: Event,
    place: Place,
    answers_alike: bool,
    confirms: bool,
}

impl Accounts {
    /// Makes an account, and a session unless the address must be confirmed first.
    ///
    /// # Errors
    /// Registration is closed; too many wait; too many come from this network; the password is refused; the user
    /// name is taken; or, unless addresses must be confirmed, the address is. Where they must, a taken address is answered
    /// like a free one, and its owner is told by mail.
    pub async fn register(&self, registration: Registration, facts: &Facts) -> Result<Registered> {
        if self.0.settings.account.registration == config::Registration::Closed {
            return Err(closed());
        }
        self.0.passwords.admit(facts.address)?;
        self.check_and_count(&registration, facts).await?;
        let hash = self
            .0
            .passwords
            .hash(&registration.password, facts.address)
            .await?;
        let draft = self.draft(registration, hash, facts)?;
        let answer = draft.opening.as_ref().map(|opening| opening.tokens.clone());
        let user = user_of(&draft.row);
        let wrote = self.0.db.write(move |conn| write(conn, &draft)).await;
        match wrote {
            Ok(Outcome::Done) => {}
            Ok(Outcome::UsernameTaken) => return Err(Error::field("username", USERNAME_TAKEN)),
            Ok(Outcome::EmailTaken) => return Err(Error::field("email", EMAIL_TAKEN)),
            // Somebody else took it between the look and the write.
            Err(error) if violates_unique(&error, "username_key") => {
                return Err(Error::field("username", USERNAME_TAKEN));
            }
            Err(error) => return Err(error),
        }
        self.wake_mailing();
        Ok(answer.map_or(Registered::MustConfirm, |tokens| {
            Registered::Open(Box::new(user), tokens)
        }))
    }

    /// What is wrong, if anything. Both count for the caller's network: what could be an account
    /// among registrations; what could not, and may have been a question whether a name is taken,
    /// like a login that failed.
    async fn check_and_count(&self, registration: &Registration, facts: &Facts) -> Result<()> {
        let settings = self.0.limits.settings();
        let made = Rule::per_hour(settings.registrations_per_hour);
        let tried = Rule::per_minute(settings.logins_per_minute);
        let turns @ [made, tried] = [("registration", made), ("registration-try", tried)];
        // Of both, before anything is looked up: which of them is used up would tell what was found.
        self.check_turns(&turns, facts).await?;
        let checked = self.check(registration).await;
        let (scope, rule) = if checked.is_ok() { made } else { tried };
        if let Err(error) = self.take_checked_turn(scope, rule, facts).await {
            // Others were quicker: nor is told then which it was.
            self.check_turns(&turns, facts).await?;
            return Err(error);
        }
        checked
    }

    /// Everything that is wrong with the fields, at once, before the password is hashed; then what
    /// concerns several. The write looks again for what may be taken meanwhile.
    async fn check(&self, registration: &Registration) -> Result<()> {
        let settings = &self.0.settings;
        let (username_taken, email_taken) = self.look_up(registration).await?;
        let about = PersonalData {
            username: registration.username.as_ref().map_or("", Username::text),
            email: registration.email.as_ref().map_or("", Email::text),
            service_name: &settings.service_name,
            ..PersonalData::default()
        };
        let mut refused = Error::bare(Kind::Invalid, "validation_error");
        if username_taken {
            refused = refused.with_member("username", vec![USERNAME_TAKEN]);
        }
        if email_taken && !self.answers_alike() {
            refused = refused.with_member("email", vec![EMAIL_TAKEN]);
        }
        let weaknesses = settings
            .policy
            .check_strength(&registration.password, &about);
        if !weaknesses.is_empty() {
            refused = refused.with_member("password1", weaknesses);
        }
        if !refused.members().is_empty() {
            return Err(refused);
        }
        if !registration.password.is_same_as(&registration.repeated) {
            return Err(Error::non_field("The two password fields didn't match."));
        }
        match settings
            .policy
            .check_likeness(&registration.password, &about)
        {
            Some(likeness) => Err(Error::non_field(likeness)),
            None => Ok(()),
        }
    }

    /// Whether the user name is taken, and whether the address is.
    async fn look_up(&self, registration: &Registration) -> Result<(bool, bool)> {
        let (username, email) = (registration.username.clone(), registration.email.clone());
        let confirms = self.confirms();
        let found = self.0.db.read(move |conn| {
            let is_taken = match &username {
                Some(name) => store::find_by_username(conn, name.key())?.is_some(),
                None => false,
            };
            let is_held = match &email {
                Some(email) => is_held(conn, email, confirms)?,
                None => false,
            };
            Ok((is_taken, is_held))
        });
        found.await
    }

    /// Whether addresses are ever confirmed here.
    pub(super) fn confirms(&self) -> bool {
        !self.0.settings.is_verification(EmailVerification::None)
    }

    /// Whether a taken address must not be told from a free one.
    pub(super) fn answers_alike(&self) -> bool {
        self.must_confirm() && !self.0.settings.is_strict
    }

    pub(super) fn must_confirm(&self) -> bool {
        let settings = &self.0.settings;
        settings.is_verification(EmailVerification::Mandatory)
    }

    fn draft(&self, registration: Registration, hash: String, facts: &Facts) -> Result<Draft> {
        let inner = &*self.0;
        let now = inner.clock.now();
        let account = &inner.settings.account;
        let subject = Subject::generate(now);
        let must_confirm = self.must_confirm();
        let opening = if must_confirm {
            None
        } else {
            Some(inner.sessions.prepare(&subject, "pwd", facts)?)
        };
        let row = NewRow {
            subject: subject.clone(),
            username: registration.username,
            email: registration.email,
            email_verified_at: None,
            first_name: String::new(),
            last_name: String::new(),
            password_hash: Some(hash),
            confirm_by: must_confirm.then(|| now + account.unconfirmed_ttl.delta()),
            created_at: now,
            last_login_at: opening.is_some().then_some(now),
        };
        let mail = row.email.as_ref().filter(|_| self.confirms());
        let mail = mail.map(|email| {
            let reason = Reason::Registration(subject.clone());
            MailRequest::new(reason, email, facts, now)
        });
        let event =
            Event::of(event::Kind::UserRegistered, &subject, now).from_address(facts.address);
        Ok(Draft {
            place: self.place(facts),
            row,
            mail,
            opening,
            event,
            answers_alike: self.answers_alike(),
            confirms: self.confirms(),
        })
    }
}

pub(super) fn closed() -> Error {
    let detail = "You do not have permission to perform this action.";
    Error::new(Kind::Forbidden, "registration_closed", detail)
}

fn write(conn: &mut Conn, draft: &Draft) -> diesel::QueryResult<Outcome> {
    if let Some(username) = &draft.row.username
        && store::find_by_username(conn, username.key())?.is_some()
    {
        return Ok(Outcome::UsernameTaken);
    }
    let taken = match &draft.row.email {
        Some(email) => is_held(conn, email, draft.confirms)?,
        None => false,
    };
    if taken && !draft.answers_alike {
        return Ok(Outcome::EmailTaken);
    }
    // Also under a taken address there is an account from now on, one that can never be confirmed:
    // without it, the user name would still be free and tell that the address is taken.
    store::insert(conn, &draft.row)?;
    if let Some(request) = &draft.mail {
        mailing::insert(conn, request)?;
    }
    if let Some(opening) = &draft.opening {
        counters::remember(conn, &draft.place, &draft.row.subject)?;
        session::open(conn, opening)?;
    }
    event::record(conn, &draft.event)?;
    Ok(Outcome::Done)
}

/// Whether the address is taken: by who confirmed it, or, where nobody ever does, by who gave it.
pub(super) fn is_held(conn: &mut Conn, email: &Email, confirms: bool) -> diesel::QueryResult<bool> {
    let holder = if confirms {
        store::find_by_email(conn, email.key())?
    } else {
        store::find_claim(conn, email.key())?
    };
    Ok(holder.is_some())
}

pub(super) fn user_of(row: &NewRow) -> User {
    User {
        subject: row.subject.clone(),
        username: row.username.as_ref().map(|name| name.text().to_owned()),
        email: row.email.as_ref().map(|email| email.text().to_owned()),
        email_key: row.email.as_ref().map(|email| email.key().to_owned()),
        email_verified_at: row.email_verified_at,
        first_name: row.first_name.clone(),
        last_name: row.last_name.clone(),
        password_hash: row.password_hash.clone(),
        is_active: true,
        created_at: row.created_at,
        last_login_at: row.last_login_at,
    }
}
