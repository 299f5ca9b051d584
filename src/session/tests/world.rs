//! One person's life in the store, beside the same life in the reference.

use std::collections::HashMap;

use diesel::connection::Connection;
use diesel::result::Error as QueryError;
use proptest::prelude::*;

use super::super::refresh::{Attempt, Outcome, redeem};
use super::super::store::{self, Rotation};
use super::model::{Answer, IDLE, LEEWAY, Person};
use super::*;
use crate::token::RefreshClaims;

/// One person has so many sessions at most.
pub(super) const FAMILIES: usize = 3;

/// The one conditional write, or a mutation of it.
pub(super) type Rotate = fn(&mut Conn, &Rotation<'_>) -> QueryResult<Option<Session>>;

/// What may happen; sessions are counted modulo those there are.
#[derive(Clone, Debug)]
pub(super) enum Event {
    Present(usize, Token),
    Wait(usize, Until),
    Open,
    Logout(usize),
    PasswordChange(usize),
    PasswordReset,
    /// The account alone, which revokes nothing by itself.
    Disable,
    Enable,
    Restore,
}

#[derive(Clone, Debug)]
pub(super) enum Token {
    Live,
    Previous,
    Older(i64),
    NotYetGiven(i64),
}

/// Ends are of the session named, give or take microseconds.
#[derive(Clone, Debug)]
pub(super) enum Until {
    NextSecond,
    Later,
    EndOfLeeway(i64),
    EndOfIdling(i64),
    End(i64),
}

/// One person in the store and in the reference.
pub(super) struct World<'h> {
    house: &'h House,
    rotate: Rotate,
    policy: Policy,
    subject: Subject,
    ids: Vec<SessionId>,
    rows: Vec<Row>,
    person: Person,
    /// Every refresh token that was given out.
    tokens: HashMap<(usize, i64), String>,
}

impl<'h> World<'h> {
    pub(super) async fn new(house: &'h House, rotate: Rotate, policy: Policy) -> Self {
        let mut world = Self {
            house,
            rotate,
            policy,
            subject: house.person().await,
            ids: Vec::new(),
            rows: Vec::new(),
            person: Person::new(),
            tokens: HashMap::new(),
        };
        world.open().await;
        world.rows = world.read().await;
        world
    }

    pub(super) async fn play(&mut self, event: Event) -> TestCaseResult {
        let story = format!("{event:?} at {}", self.person.now);
        let before = self.rows.clone();
        let answer = self.happen(event).await?;
        self.rows = self.read().await;
        let expected: Vec<Row> = before
            .iter()
            .enumerate()
            .map(|(family, row)| self.as_expected(family, row.clone()))
            .collect();
        prop_assert_eq!(&self.rows[..before.len()], &expected[..], "{}", &story);
        if matches!(answer, Some(Answer::SameAgain | Answer::Refused)) {
            prop_assert_eq!(
                &self.rows,
                &before,
                "written by a replay or refusal: {}",
                &story
            );
        }
        Ok(())
    }

    /// The row as the reference has it; what it does not speak of stays as it was.
    fn as_expected(&self, family: usize, row: Row) -> Row {
        let expected = &self.person.families[family];
        Row {
            generation: expected.generation,
            rotated_at: stored(expected.began),
            idle_expires_at: stored(expected.idle_end),
            expires_at: stored(expected.end),
            revoked_at: expected.ended.map(|(when, _)| stored(when)),
            revoke_reason: expected.ended.map(|(_, why)| why.to_owned()),
            epoch: i64::from(!expected.is_from_before_a_restore) - 1,
            ..row
        }
    }

    async fn happen(&mut self, event: Event) -> Result<Option<Answer>, TestCaseError> {
        let now = self.person.now;
        let subject = self.subject.clone();
        let count = self.ids.len();
        match event {
            Event::Present(family, token) => {
                return self.present(family % count, token).await.map(Some);
            }
            Event::Wait(family, until) => self.wait(family % count, until),
            Event::Open if count < FAMILIES => self.open().await,
            Event::Open => {}
            Event::Logout(family) => {
                self.person.end(family % count, "logout");
                let id = self.ids[family % count].clone();
                let why = EndReason::Logout;
                let work = move |conn: &mut Conn| store::revoke(conn, &subject, &id, why, now);
                self.house.write(work).await;
            }
            Event::PasswordChange(family) => {
                let keep = self.ids[family % count].clone();
                self.person
                    .end_all_but(Some(family % count), "password_changed");
                let why = EndReason::PasswordChanged;
                let work = move |conn: &mut Conn| revoke_others(conn, &subject, &keep, why, now);
                self.house.write(work).await;
            }
            Event::PasswordReset => {
                self.person.end_all_but(None, "password_changed");
                let why = EndReason::PasswordChanged;
                let work = move |conn: &mut Conn| revoke_all(conn, &subject, why, now);
                self.house.write(work).await;
            }
            Event::Disable => self.set_active(false).await,
            Event::Enable => self.set_active(true).await,
            Event::Restore => {
                // There is one epoch for all, and others are at play: raising it for this person
                // is to put the sessions back behind it.
                self.person.restore();
                let work = move |conn: &mut Conn| {
                    let all = sessions::table.filter(sessions::subject.eq(subject.as_str()));
                    diesel::update(all)
                        .set(sessions::epoch.eq(-1))
                        .execute(conn)
                };
                self.house.write(work).await;
            }
        }
        Ok(None)
    }

    async fn present(&mut self, family: usize, token: Token) -> Result<Answer, TestCaseError> {
        let live = self.person.families[family].generation;
        let generation = match token {
            Token::Live => live,
            Token::Previous => live - 1,
            Token::Older(by) => live - by,
            Token::NotYetGiven(by) => live + by,
        };
        let generation = generation.max(0);
        let is_active = self.person.is_active;
        let expected = self.person.present(family, generation);
        let (rotate, policy, now) = (self.rotate, self.policy, self.person.now);
        let claims = self.claims(family, generation);
        let outcome = self.house.write(move |conn| {
            let attempt = Attempt {
                claims: &claims,
                now,
                policy: &policy,
            };
            redeem(conn, &attempt, rotate).map(|(outcome, _)| outcome)
        });
        let (answer, session) = match outcome.await {
            Outcome::Rotated(session) => (Answer::Successor, Some(session)),
            Outcome::Replayed(session) => (Answer::SameAgain, Some(session)),
            Outcome::Reused => (Answer::Reuse, None),
            Outcome::FromTheFuture => (Answer::TooNew, None),
            Outcome::Ended => {
                prop_assert!(is_active);
                (Answer::Refused, None)
            }
            Outcome::NoAccount => {
                prop_assert!(!is_active);
                (Answer::Refused, None)
            }
        };
        prop_assert_eq!(answer, expected, "generation {} of {}", generation, live);
        if let Some(session) = session {
            prop_assert_eq!(session.generation, generation + 1);
            self.give_out(family, &session)?;
        }
        Ok(answer)
    }

    /// Of one generation there is one token, byte for byte.
    fn give_out(&mut self, family: usize, session: &Session) -> TestCaseResult {
        let tokens = self.house.app.sessions.tokens();
        let minted = tokens.mint_refresh(&session.refresh_grant()).unwrap().token;
        let known = self.tokens.entry((family, session.generation));
        let known = known.or_insert_with(|| minted.clone());
        prop_assert_eq!(known, &minted);
        Ok(())
    }

    fn claims(&self, family: usize, generation: i64) -> RefreshClaims {
        RefreshClaims {
            iss: ISSUER.into(),
            aud: ISSUER.into(),
            sub: self.subject.clone(),
            sid: self.ids[family].clone(),
            r#gen: generation,
            iat: 0,
            exp: i64::MAX,
            jti: String::new(),
            token_type: "refresh".into(),
        }
    }

    fn wait(&mut self, family: usize, until: Until) {
        let now = self.person.now;
        let family = &self.person.families[family];
        let near = TimeDelta::microseconds;
        let then = match until {
            Until::NextSecond => now + TimeDelta::seconds(1),
            Until::Later => now + IDLE * 3 / 4,
            Until::EndOfLeeway(by) => family.began + LEEWAY + near(by),
            Until::EndOfIdling(by) => family.idle_end + near(by),
            Until::End(by) => family.end + near(by),
        };
        self.person.now = now.max(then);
    }

    async fn open(&mut self) {
        let now = self.person.now;
        self.person.open();
        let session = Session {
            id: SessionId::generate(now),
            subject: self.subject.clone(),
            client: FIRST_PARTY.into(),
            generation: 0,
            rotated_at: now,
            created_at: now,
            idle_expires_at: now + self.policy.idle,
            expires_at: now + self.policy.absolute,
            revoked_at: None,
            auth_time: now,
            amr: PASSWORD.into(),
            scope: String::new(),
            epoch: 0,
        };
        self.ids.push(session.id.clone());
        self.give_out(self.ids.len() - 1, &session).unwrap();
        // Not `open`: it sweeps what has expired, and others live at other times.
        let work = move |conn: &mut Conn| store::insert(conn, &session, &nowhere());
        self.house.write(work).await;
    }

    async fn set_active(&mut self, is_active: bool) {
        self.person.is_active = is_active;
        let subject = self.subject.clone();
        let work = move |conn: &mut Conn| {
            let account = users::table.find(subject.as_str());
            let set = users::is_active.eq(is_active);
            diesel::update(account).set(set).execute(conn)
        };
        self.house.write(work).await;
    }

    /// The person's rows, in the order in which the sessions were opened.
    async fn read(&self) -> Vec<Row> {
        let rows = self.house.rows(&self.subject).await;
        let row = |id: &SessionId| rows.iter().find(|row| row.id == id.as_str()).cloned();
        self.ids.iter().filter_map(row).collect()
    }

    /// Of all tokens of a family, one can be exchanged for a new one while it lives, none later.
    pub(super) async fn has_one_live_leaf_at_most(&self) -> TestCaseResult {
        for family in 0..self.ids.len() {
            let top = self.person.families[family].generation + 1;
            let claims: Vec<_> = (0..=top).map(|it| self.claims(family, it)).collect();
            let (rotate, policy, now) = (self.rotate, self.policy, self.person.now);
            let work = move |conn: &mut Conn| {
                let mut live = 0;
                for claims in &claims {
                    let attempt = Attempt {
                        claims,
                        now,
                        policy: &policy,
                    };
                    let tried = undone(conn, |conn| redeem(conn, &attempt, rotate))?;
                    live += usize::from(matches!(tried.0, Outcome::Rotated(_)));
                }
                Ok(live)
            };
            let live = self.house.write(work).await;
            prop_assert_eq!(
                live,
                usize::from(self.person.is_live(family)),
                "live leaves"
            );
        }
        Ok(())
    }
}

/// What `work` would have led to.
#[expect(
    clippy::disallowed_methods,
    reason = "a savepoint inside the transaction of the write, to take back what is tried"
)]
fn undone<T>(conn: &mut Conn, work: impl FnOnce(&mut Conn) -> QueryResult<T>) -> QueryResult<T> {
    let mut tried = None;
    let rolled_back = conn.transaction(|conn| {
        tried = Some(work(conn)?);
        Err::<(), _>(QueryError::RollbackTransaction)
    });
    match (rolled_back, tried) {
        (Err(QueryError::RollbackTransaction), Some(tried)) => Ok(tried),
        (Err(error), _) => Err(error),
        (Ok(()), _) => Err(QueryError::NotInTransaction),
    }
}
