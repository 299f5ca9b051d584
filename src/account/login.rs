//! Logging in with a password.

use diesel::QueryResult;

use super::guess::{Guess, Told};
use super::{Accounts, Email, User, store};
use crate::config::EmailVerification;
use crate::error::{Error, Result};
use crate::event::{self, Event};
use crate::limits;
use crate::password::{Plaintext, Verdict};
use crate::session::{self, TokenPair};
use crate::storage::Conn;
use crate::web::Facts;

/// Who wants in, and with what.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// An e-mail address.
    Email(Email),
    /// A user name as typed.
    Username(String),
}

/// What the facts of a login lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    Admit {
        rehash: bool,
    },
    /// Wrong, unknown or disabled: the same answer for all.
    Refuse,
    /// Right, but the address must be confirmed first.
    Unconfirmed,
}

fn decide(user: Option<&User>, verdict: Verdict, verification: EmailVerification) -> Decision {
    let Some(user) = user.filter(|user| user.is_active) else {
        return Decision::Refuse;
    };
    let must_confirm = verification == EmailVerification::Mandatory && user.email.is_some();
    match verdict {
        Verdict::Mismatch => Decision::Refuse,
        _ if must_confirm && user.email_verified_at.is_none() => Decision::Unconfirmed,
        verdict => Decision::Admit {
            rehash: verdict == Verdict::MatchOutdated,
        },
    }
}

impl Accounts {
    /// Opens a session for who knows the password.
    ///
    /// # Errors
    /// The same for an unknown name, a wrong password and a disabled account, after the same work
    /// and as often; unavailable when more logins are waiting than can be served soon.
    pub async fn login(
        &self,
        credentials: Credentials,
        password: &Plaintext,
        facts: &Facts,
    ) -> Result<(User, TokenPair)> {
        let guess = self.guess(credentials, password, facts).await?;
        let verification = self.0.settings.account.email_verification;
        let rehash = match decide(guess.user.as_ref(), guess.verdict, verification) {
            Decision::Admit { rehash } => rehash,
            Decision::Refuse => {
                self.count_failure(&guess, guess.reason(), facts).await?;
                return Err(refused());
            }
            Decision::Unconfirmed => return Err(self.ask_to_confirm(guess, facts).await?),
        };
        let user = guess.user.clone().ok_or_else(refused)?;
        let tokens = self.open_session(&user, guess, facts).await?;
        if rehash {
            // Only now: before, it would take longer to be told nothing than to be told "wrong".
            self.rehash(&user, password, facts).await;
        }
        Ok((user, tokens))
    }

    /// What to say to a right password of an address that must be confirmed first.
    async fn ask_to_confirm(&self, guess: Guess, facts: &Facts) -> Result<Error> {
        let (rule, now) = (self.0.limits.failures(), self.0.clock.now());
        let event = guess.event(event::Kind::LoginFailed, facts, now);
        let told = self.0.db.write(move |conn| {
            let told = guess.succeed(conn, rule, now)?;
            record_refusal(conn, told, &event, "unconfirmed")?;
            Ok(told)
        });
        Ok(match told.await? {
            Told::Right => unconfirmed(),
            Told::Wrong => refused(),
            Told::Nothing(wait) => limits::throttled(wait),
        })
    }

    async fn open_session(&self, user: &User, guess: Guess, facts: &Facts) -> Result<TokenPair> {
        let inner = &*self.0;
        let (rule, now) = (inner.limits.failures(), inner.clock.now());
        let opening = inner.sessions.prepare(&user.subject, "pwd", facts)?;
        let tokens = opening.tokens.clone();
        let event = Event::of(event::Kind::LoginSucceeded, &user.subject, now)
            .in_session(opening.id())
            .from_address(facts.address);
        let failed = guess.event(event::Kind::LoginFailed, facts, now);
        let user = user.clone();
        let opened = inner.db.write(move |conn| {
            let told = guess.succeed(conn, rule, now)?;
            if told != Told::Right {
                record_refusal(conn, told, &failed, "throttled")?;
                return Ok(told);
            }
            // Disabled, deleted or given another password since it was read: then no session.
            if !store::update_at_login(conn, &user, None, now)? {
                return Ok(Told::Wrong);
            }
            guess.remember_network(conn, now)?;
            session::open(conn, &opening)?;
            event::record(conn, &event)?;
            Ok(Told::Right)
        });
        match opened.await? {
            Told::Right => Ok(tokens),
            Told::Wrong => Err(refused()),
            Told::Nothing(wait) => Err(limits::throttled(wait)),
        }
    }

    /// Replaces a hash made with other parameters than today's. The login stands without it: a
    /// better hash can wait for the next one.
    async fn rehash(&self, user: &User, password: &Plaintext, facts: &Facts) {
        let inner = &*self.0;
        let Ok(hash) = inner.passwords.hash(password, facts.address).await else {
            return;
        };
        let (user, now) = (user.clone(), inner.clock.now());
        let write = move |conn: &mut Conn| store::update_at_login(conn, &user, Some(&hash), now);
        if let Err(error) = inner.db.write(write).await {
            log::warn!("an outdated password hash could not be replaced: {error}");
        }
    }
}

/// Puts a right password that is not let in on record, unless nothing is told of it.
fn record_refusal(
    conn: &mut Conn,
    told: Told,
    event: &Event,
    reason: &'static str,
) -> QueryResult<()> {
    let reason = match told {
        Told::Right => reason,
        Told::Wrong => "throttled",
        Told::Nothing(_) => return Ok(()),
    };
    event::record(conn, &event.clone().with("reason", reason))
}

/// The one answer to every failed login.
pub(super) fn refused() -> Error {
    Error::non_field("Unable to log in with provided credentials.")
}

/// Right, but not before the address is confirmed.
pub(super) fn unconfirmed() -> Error {
    Error::non_field("E-mail is not verified.")
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::clock::Time;

    fn user(is_active: bool, email: Option<&str>, email_verified_at: Option<Time>) -> User {
        User {
            subject: "1".into(),
            username: Some("ada".into()),
            email: email.map(str::to_owned),
            email_key: email.map(str::to_owned),
            email_verified_at,
            first_name: String::new(),
            last_name: String::new(),
            password_hash: Some("$argon2id$".into()),
            is_active,
            created_at: DateTime::UNIX_EPOCH,
            last_login_at: None,
        }
    }

    #[test]
    fn only_a_right_password_of_an_active_account_is_admitted() {
        use EmailVerification::{Mandatory, Optional};
        let known = user(true, Some("a@example.com"), Some(DateTime::UNIX_EPOCH));
        let unconfirmed = user(true, Some("a@example.com"), None);
        let disabled = user(false, None, None);
        let without_email = user(true, None, None);
        let admit = |rehash| Decision::Admit { rehash };
        let table = [
            (None, Verdict::Mismatch, Optional, Decision::Refuse),
            (None, Verdict::Match, Optional, Decision::Refuse),
            (Some(&known), Verdict::Mismatch, Optional, Decision::Refuse),
            (Some(&known), Verdict::Match, Mandatory, admit(false)),
            (Some(&known), Verdict::MatchOutdated, Mandatory, admit(true)),
            (Some(&unconfirmed), Verdict::Match, Optional, admit(false)),
            (
                Some(&unconfirmed),
                Verdict::Match,
                Mandatory,
                Decision::Unconfirmed,
            ),
            (
                Some(&unconfirmed),
                Verdict::Mismatch,
                Mandatory,
                Decision::Refuse,
            ),
            (Some(&disabled), Verdict::Match, Optional, Decision::Refuse),
            (
                Some(&without_email),
                Verdict::Match,
                Mandatory,
                admit(false),
            ),
        ];
        for (user, verdict, verification, expected) in table {
            assert_eq!(
                decide(user, verdict, verification),
                expected,
                "{user:?} {verdict:?}"
            );
        }
    }
}
