//! A password is compared: how often that may be done, and what must not be told of it.
//!
//! Guesses are counted on the account, whichever way they came in, so that a second name for it is
//! no second chance. But an answer that changes with *that* count would tell that two names are of
//! one account, and so that there is one. So where the caller gave a name, the answer follows the
//! count of that name, known or not; and an account that is blocked under a name that is not is
//! answered like a wrong password, whatever the password was.
//!
//! In a network from which the account was entered before, its failures are counted apart, and
//! openly: what strangers do elsewhere does not lock out the owner.

use chrono::TimeDelta;
use diesel::QueryResult;

use super::counters::{Candidate, Counters, Place};
use super::{Accounts, Credentials, User, identifier, store};
use crate::clock::Time;
use crate::error::Result;
use crate::event::{self, Event};
use crate::ids::Subject;
use crate::limits::{self, Failed, Failures, Rule};
use crate::password::{Plaintext, Verdict};
use crate::storage::Conn;
use crate::web::Facts;

/// A password that was compared, and of which nothing was told yet.
#[derive(Clone)]
pub(super) struct Guess {
    /// Whom it was compared with.
    pub(super) user: Option<User>,
    /// Whether it fits.
    pub(super) verdict: Verdict,
    /// Whom the record is about.
    subject: Option<Subject>,
    counters: Option<Counters>,
    /// There was somebody, whom it was not compared with.
    is_masked: bool,
}

/// What may be told of a right password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// That it is right.
    Right,
    /// That it is wrong: the account is blocked, and under this name that must not show.
    Wrong,
    /// Nothing for so long: others were quicker, and their failures blocked it.
    Nothing(TimeDelta),
}

impl Guess {
    /// Why it failed, for the trail of events.
    pub(super) fn reason(&self) -> &'static str {
        match (&self.user, self.verdict) {
            _ if self.is_masked => "throttled",
            (None, _) => "unknown",
            (Some(_), Verdict::Mismatch) => "wrong_password",
            (Some(_), _) => "disabled",
        }
    }

    /// Ends the row of failures, in the caller's transaction, unless the password came too late.
    pub(super) fn succeed(&self, conn: &mut Conn, rule: Failures, now: Time) -> QueryResult<Told> {
        let Some(counters) = &self.counters else {
            return Ok(Told::Right);
        };
        if let Some(masked) = &counters.masked
            && limits::blocked(conn, masked, rule, now)?.is_some()
        {
            let counted = limits::count_failure(conn, &counters.open, rule, now)?;
            return Ok(counted.map_or_else(Told::Nothing, |_| Told::Wrong));
        }
        if let Err(wait) = limits::count_success(conn, &counters.open, rule, now)? {
            return Ok(Told::Nothing(wait));
        }
        if let Some(masked) = &counters.masked
            && limits::count_success(conn, masked, rule, now)?.is_err()
        {
            return Ok(Told::Wrong);
        }
        Ok(Told::Right)
    }

    /// Remembers that the account was entered from this network.
    pub(super) fn remember_network(&self, conn: &mut Conn, now: Time) -> QueryResult<()> {
        match &self.counters {
            Some(counters) => limits::remember(conn, &counters.network, now),
            None => Ok(()),
        }
    }

    /// Counts a failure wherever it belongs: the wait that began with it, if one did; or how long
    /// nothing may be told.
    fn fail(
        &self,
        conn: &mut Conn,
        rule: Failures,
        now: Time,
    ) -> QueryResult<Result<Option<Failed>, TimeDelta>> {
        let Some(Counters { open, masked, .. }) = &self.counters else {
            return Ok(Ok(None));
        };
        let mut counted = match limits::count_failure(conn, open, rule, now)? {
            Ok(failed) => vec![failed],
            Err(wait) => return Ok(Err(wait)),
        };
        if let Some(masked) = masked {
            match limits::count_failure(conn, masked, rule, now)? {
                Ok(failed) => counted.push(failed),
                // That it is blocked must not show in the time either.
                Err(_) => limits::touch(conn, masked, now)?,
            }
        }
        let begun = counted.into_iter();
        let begun = begun.filter(|failed| failed.wait > TimeDelta::zero());
        Ok(Ok(begun.max_by_key(|failed| failed.count)))
    }

    /// An event of a guess that is not let in.
    pub(super) fn event(&self, kind: event::Kind, facts: &Facts, now: Time) -> Event {
        let event = match &self.subject {
            Some(subject) => Event::of(kind, subject, now),
            None => Event::new(kind, now),
        };
        event.from_address(facts.address)
    }
}

impl Accounts {
    /// Compares a password with that of the account that is meant. What comes of it must be
    /// counted before any of it is told: with [`Guess::succeed`] or [`Accounts::count_failure`].
    ///
    /// # Errors
    /// Unavailable when too many wait, before anything is looked up or counted; throttled, before
    /// anything is compared.
    pub(super) async fn guess(
        &self,
        credentials: Credentials,
        password: &Plaintext,
        facts: &Facts,
    ) -> Result<Guess> {
        self.take_hashing_turn(facts).await?;
        let place = self.place(facts);
        // Were a claim told from no claim, whoever registers an address would learn here whether
        // it has an owner.
        let only_owner = self.answers_alike();
        let look = move |conn: &mut Conn| {
            let user = find(conn, &credentials, only_owner)?;
            place.admit(conn, user, &credentials)
        };
        let found = self.0.db.read(look).await?;
        self.compare(found, password, facts).await
    }

    /// Whether a password is that of somebody who has logged in already. If not, it is counted, with
    /// all that came in by whatever way.
    ///
    /// # Errors
    /// As for [`Accounts::guess`].
    pub(super) async fn is_password_of(
        &self,
        user: &User,
        password: &Plaintext,
        facts: &Facts,
    ) -> Result<bool> {
        self.take_hashing_turn(facts).await?;
        let (place, user) = (self.place(facts), user.clone());
        let look = move |conn: &mut Conn| place.admit_own(conn, user.clone());
        let found = self.0.db.read(look).await?;
        let guess = self.compare(found, password, facts).await?;
        if guess.verdict == Verdict::Mismatch {
            self.count_failure(&guess, guess.reason(), facts).await?;
            return Ok(false);
        }
        let (rule, now) = (self.0.limits.failures(), self.0.clock.now());
        let told = self.0.db.write(move |conn| guess.succeed(conn, rule, now));
        match told.await? {
            Told::Right => Ok(true),
            Told::Wrong => Ok(false),
            Told::Nothing(wait) => Err(limits::throttled(wait)),
        }
    }

    /// Where and when the caller is.
    pub(super) fn place(&self, facts: &Facts) -> Place {
        Place {
            limits: self.0.limits.clone(),
            network: limits::network(facts.address),
            now: self.0.clock.now(),
        }
    }

    async fn compare(
        &self,
        found: Result<Candidate, TimeDelta>,
        password: &Plaintext,
        facts: &Facts,
    ) -> Result<Guess> {
        let candidate = found.map_err(limits::throttled)?;
        let subject = candidate.user.as_ref().map(|user| user.subject.clone());
        let user = candidate.user.filter(|_| !candidate.is_masked);
        let stored = user.as_ref().and_then(|user| user.password_hash.as_deref());
        let passwords = &self.0.passwords;
        // With nobody to compare with, as much work is done as for one.
        let verdict = passwords.verify(password, stored, facts.address).await?;
        Ok(Guess {
            user,
            verdict,
            subject,
            counters: candidate.counters,
            is_masked: candidate.is_masked,
        })
    }

    /// Before anything is looked up: nobody gets to measure how long that takes, blocked or not,
    /// more often than there are logins.
    ///
    /// # Errors
    /// Throttled.
    pub async fn take_login_turn(&self, facts: &Facts) -> Result<()> {
        let rule = Rule::per_minute(self.0.limits.settings().logins_per_minute);
        self.take_turn("login", rule, facts).await
    }

    /// The same for what costs a hash. Who is refused for want of room has taken no turn.
    ///
    /// # Errors
    /// Unavailable when too many wait; throttled.
    pub(super) async fn take_hashing_turn(&self, facts: &Facts) -> Result<()> {
        self.0.passwords.admit(facts.address)?;
        self.take_login_turn(facts).await
    }

    /// Takes one of what `rule` allows the caller's network for `scope`.
    ///
    /// # Errors
    /// Throttled.
    pub(super) async fn take_turn(
        &self,
        scope: &'static str,
        rule: Rule,
        facts: &Facts,
    ) -> Result<()> {
        // Who floods us costs a read, not a write.
        self.check_turns(&[(scope, rule)], facts).await?;
        self.take_checked_turn(scope, rule, facts).await
    }

    /// The same for who has just been found to have one left.
    ///
    /// # Errors
    /// Throttled: others were quicker.
    pub(super) async fn take_checked_turn(
        &self,
        scope: &'static str,
        rule: Rule,
        facts: &Facts,
    ) -> Result<()> {
        let inner = &*self.0;
        if !inner.limits.are_enabled() {
            return Ok(());
        }
        let (key, now) = (self.key_of_network(scope, facts), inner.clock.now());
        let take = move |conn: &mut Conn| limits::take(conn, &key, rule, now);
        inner.db.write(take).await?.map_err(limits::throttled)
    }

    /// Whether the caller's network has a turn left in each of these scopes.
    ///
    /// # Errors
    /// Throttled, for as long as the one that takes longest.
    pub(super) async fn check_turns(
        &self,
        turns: &[(&'static str, Rule)],
        facts: &Facts,
    ) -> Result<()> {
        let inner = &*self.0;
        if !inner.limits.are_enabled() {
            return Ok(());
        }
        let now = inner.clock.now();
        let turns = turns.iter();
        let turns = turns.map(|(scope, rule)| (self.key_of_network(scope, facts), *rule));
        let turns: Vec<_> = turns.collect();
        let look = move |conn: &mut Conn| {
            let mut longest = None;
            for (key, rule) in &turns {
                longest = longest.max(limits::look(conn, key, *rule, now)?.err());
            }
            Ok(longest)
        };
        let longest = inner.db.read(look).await?;
        longest.map_or(Ok(()), |wait| Err(limits::throttled(wait)))
    }

    fn key_of_network(&self, scope: &str, facts: &Facts) -> limits::Key {
        let network = limits::network(facts.address);
        self.0.limits.key("network", &[scope, &network])
    }

    /// Counts a wrong password and puts it on record. Only then may the caller be told so.
    ///
    /// # Errors
    /// Throttled: the password came too late, and nothing may be told of it.
    pub(super) async fn count_failure(
        &self,
        guess: &Guess,
        reason: &'static str,
        facts: &Facts,
    ) -> Result<()> {
        let (rule, now) = (self.0.limits.failures(), self.0.clock.now());
        let failed = guess.event(event::Kind::LoginFailed, facts, now);
        let failed = failed.with("reason", reason);
        let throttled = guess.event(event::Kind::LoginThrottled, facts, now);
        let guess = guess.clone();
        let counted = self.0.db.write(move |conn| {
            let begun = match guess.fail(conn, rule, now)? {
                Ok(begun) => begun,
                Err(wait) => return Ok(Err(wait)),
            };
            event::record(conn, &failed)?;
            if let Some(begun) = begun {
                let throttled = throttled.clone().with("failures", begun.count);
                let throttled = throttled.with("seconds", begun.wait.num_seconds());
                event::record(conn, &throttled)?;
            }
            Ok(Ok(()))
        });
        counted.await?.map_err(limits::throttled)
    }
}

/// Who is meant: of several who claim an address, the first. One alone, since each would cost a hash
/// that could be seen in the time.
fn find(conn: &mut Conn, credentials: &Credentials, only_owner: bool) -> QueryResult<Option<User>> {
    match credentials {
        Credentials::Email(email) if only_owner => store::find_by_email(conn, email.key()),
        Credentials::Email(email) => store::find_claim(conn, email.key()),
        Credentials::Username(name) => {
            store::find_by_username(conn, &identifier::username_key(name))
        }
    }
}
