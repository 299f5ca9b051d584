//! Logging in with a password.

use super::{Accounts, Email, User, identifier, store};
use crate::config::EmailVerification;
use crate::error::{Error, Result};
use crate::event::{self, Event};
use crate::password::{Plaintext, Verdict};
use crate::session::{self, TokenPair};
use crate::storage::Conn;
use crate::web::Facts;

/// Who wants in, and with what.
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
    /// The same for an unknown name, a wrong password and a disabled account, after the same work;
    /// unavailable when more logins are waiting than can be served soon.
    pub async fn login(
        &self,
        credentials: Credentials,
        password: &Plaintext,
        facts: &Facts,
    ) -> Result<(User, TokenPair)> {
        let inner = &*self.0;
        let claims = inner.db.read(move |conn| find(conn, &credentials)).await?;
        let (found, verdict) = self.recognise(claims, password, facts).await?;
        let verification = inner.settings.account.email_verification;
        let rehash = match decide(found.as_ref(), verdict, verification) {
            Decision::Admit { rehash } => rehash,
            Decision::Refuse => {
                let subject = found.map_or_else(|| "-".to_owned(), |user| user.subject.to_string());
                log::info!(subject = subject.as_str(); "a login was refused");
                return Err(refused());
            }
            Decision::Unconfirmed => return Err(unconfirmed()),
        };
        let user = found.ok_or_else(refused)?;
        let new_hash = if rehash {
            // A better hash can wait for the next login; this one must not fail for want of it.
            inner.passwords.hash(password, facts.address).await.ok()
        } else {
            None
        };
        let tokens = self.open_session(&user, new_hash, facts).await?;
        Ok((user, tokens))
    }

    /// Which of several claims to one address the password is for. Without any claim as much work
    /// is done as for one.
    async fn recognise(
        &self,
        claims: Vec<User>,
        password: &Plaintext,
        facts: &Facts,
    ) -> Result<(Option<User>, Verdict)> {
        let mut claims = claims.into_iter();
        loop {
            let user = claims.next();
            let stored = user.as_ref().and_then(|user| user.password_hash.as_deref());
            let verdict = self
                .0
                .passwords
                .verify(password, stored, facts.address)
                .await?;
            if verdict != Verdict::Mismatch || claims.len() == 0 {
                return Ok((user, verdict));
            }
        }
    }

    async fn open_session(
        &self,
        user: &User,
        new_hash: Option<String>,
        facts: &Facts,
    ) -> Result<TokenPair> {
        let inner = &*self.0;
        let now = inner.clock.now();
        let opening = inner.sessions.prepare(&user.subject, "pwd", facts)?;
        let tokens = opening.tokens.clone();
        let event = Event::of(event::Kind::LoginSucceeded, &user.subject, now)
            .in_session(opening.id())
            .from_address(facts.address);
        let user = user.clone();
        let opened = inner.db.write(move |conn| {
            // Disabled, deleted or given another password since it was read: then no session.
            if !store::update_at_login(conn, &user, new_hash.as_deref(), now)? {
                return Ok(false);
            }
            session::open(conn, &opening)?;
            event::record(conn, &event)?;
            Ok(true)
        });
        if opened.await? {
            Ok(tokens)
        } else {
            Err(refused())
        }
    }
}

/// Who may be meant.
fn find(conn: &mut Conn, credentials: &Credentials) -> diesel::QueryResult<Vec<User>> {
    match credentials {
        Credentials::Email(email) => store::list_by_email(conn, email.key()),
        Credentials::Username(name) => {
            let found = store::find_by_username(conn, &identifier::username_key(name))?;
            Ok(found.into_iter().collect())
        }
    }
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
