//! Refreshing: one conditional write, and for who comes second the same answer again.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use diesel::QueryResult;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::decision::{Decision, decide};
use super::store::{self, Owner, Presented, Rotation};
use super::{EndReason, Inner, Policy, Session, Sessions, TokenPair};
use crate::clock::{Clock, Time};
use crate::error::{Error, Kind, Result};
use crate::event::{self, Event};
use crate::mail::{self, Message};
use crate::storage::{Batch, Conn, Db};
use crate::token::{Reason, RefreshClaims, Refused};
use crate::web::Facts;

/// What waits to be refreshed.
pub(super) struct Rotations {
    /// Refresh tokens go in, and the sessions that were rotated come out.
    together: Batch<Arc<RefreshClaims>, Option<Session>>,
    /// For what was not rotated. It may have to wait for others, and must not do so with all
    /// connections that there are.
    alone: Arc<Semaphore>,
}

/// Looked at by themselves at once.
const ALONE: usize = 4;

/// A session that somebody holds is waited for so often.
const TRIES: u32 = 3;

/// Who has waited so long for that is told to come back.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a presented refresh token led to. Every one of these commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was live: the session is now at the next generation.
    Rotated(Session),
    /// It had just been used: the session as that use left it.
    Replayed(Session),
    /// It is old: the session was ended.
    Reused,
    /// It is newer than the database: the session was ended.
    FromTheFuture,
    /// The session had ended.
    Ended,
    /// The account is disabled or gone.
    NoAccount,
}

/// One refresh, as data.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt<'a> {
    pub(super) claims: &'a RefreshClaims,
    pub(super) now: Time,
    pub(super) policy: &'a Policy,
}

impl Sessions {
    /// Exchanges a refresh token for its successor and a fresh access token.
    ///
    /// # Errors
    /// The token is refused, its session has ended, or the account is not active.
    pub async fn refresh(&self, token: &str, facts: &Facts) -> Result<TokenPair> {
        let inner = &*self.0;
        let claims = inner.tokens.verify_refresh(token);
        let claims = Arc::new(claims.inspect_err(|_| inner.refreshes.count(None))?);
        let outcome = match inner.rotations.together.ask(claims.clone()).await? {
            Some(session) => Outcome::Rotated(session),
            None => self.judge(claims, facts.address).await?,
        };
        inner.refreshes.count(Some(&outcome));
        match outcome {
            Outcome::Rotated(session) | Outcome::Replayed(session) => inner.mint(&session),
            Outcome::Reused => {
                inner.mail.wake();
                Err(Refused(Reason::Ended).into())
            }
            Outcome::FromTheFuture => {
                log::error!(
                    "a session is older than its refresh token: was the database restored from a \
                     backup? End all older sessions with `signet sessions end-all`"
                );
                Err(Refused(Reason::Ended).into())
            }
            Outcome::Ended => Err(Refused(Reason::Ended).into()),
            Outcome::NoAccount => Err(no_account()),
        }
    }

    /// The whole of it, for a token that was not simply live.
    async fn judge(&self, claims: Arc<RefreshClaims>, address: Option<IpAddr>) -> Result<Outcome> {
        let begun = Instant::now();
        let mut outcome = self.judge_once(claims.clone(), address).await;
        for _ in 1..TRIES {
            match &outcome {
                // Somebody has the session for longer than a moment; others had their turn meanwhile.
                Err(error) if error.kind() == Kind::Unavailable && begun.elapsed() < PATIENCE => {
                    outcome = self.judge_once(claims.clone(), address).await;
                }
                _ => break,
            }
        }
        outcome
    }

    async fn judge_once(
        &self,
        claims: Arc<RefreshClaims>,
        address: Option<IpAddr>,
    ) -> Result<Outcome> {
        let turn = self.0.rotations.alone.clone().acquire_owned();
        let turn = timeout(PATIENCE, turn).await;
        let turn = turn.map_err(|_| Error::unavailable(1, "others wait for their sessions"))?;
        let shared = self.clone();
        self.0
            .db
            .write(move |conn| {
                // It is taken as long as this goes on, also when its caller has gone.
                let _taken = &turn;
                shared.0.refresh_step(conn, &claims, address)
            })
            .await
    }
}

/// What waits to be refreshed is rotated together.
///
/// # Errors
/// None but a defect's.
pub(super) fn rotations(db: &Db, clock: &Clock, policy: Policy) -> Result<Rotations> {
    let clock = clock.clone();
    let together = Batch::writes(db, move |conn, tokens: &[Arc<RefreshClaims>]| {
        let now = clock.now();
        let presented: Vec<Presented<'_>> = tokens.iter().map(|claims| presented(claims)).collect();
        store::rotate_all(conn, &presented, (now, now + policy.idle))
    })?;
    Ok(Rotations {
        together,
        alone: Arc::new(Semaphore::new(ALONE)),
    })
}

fn presented(claims: &RefreshClaims) -> Presented<'_> {
    Presented {
        id: &claims.sid,
        subject: &claims.sub,
        generation: claims.r#gen,
    }
}

impl Inner {
    fn refresh_step(
        &self,
        conn: &mut Conn,
        claims: &RefreshClaims,
        address: Option<IpAddr>,
    ) -> QueryResult<Outcome> {
        let now = self.clock.now();
        let attempt = Attempt {
            claims,
            now,
            policy: &self.policy,
        };
        let (outcome, owner) = redeem(conn, &attempt, store::rotate)?;
        match outcome {
            Outcome::Reused => self.tell_of_reuse(conn, claims, owner.as_ref(), address)?,
            Outcome::FromTheFuture => {
                let kind = event::Kind::RefreshTokenFromTheFuture;
                event::record(
                    conn,
                    &Event::of(kind, &claims.sub, now).in_session(&claims.sid),
                )?;
            }
            _ => {}
        }
        Ok(outcome)
    }

    fn tell_of_reuse(
        &self,
        conn: &mut Conn,
        claims: &RefreshClaims,
        owner: Option<&Owner>,
        from: Option<IpAddr>,
    ) -> QueryResult<()> {
        let now = self.clock.now();
        let event = Event::of(event::Kind::RefreshTokenReuse, &claims.sub, now)
            .in_session(&claims.sid)
            .from_address(from);
        event::record(conn, &event.with("generation", claims.r#gen))?;
        let address = owner.and_then(|owner| owner.email.as_deref());
        let (Some(owner), Some(address), true) = (owner, address, self.policy.reuse_notice) else {
            return Ok(());
        };
        let message = Message::SessionEnded {
            name: owner.name.clone(),
            when: now,
            address: from,
        };
        match self
            .mail
            .letter(address, &message, now + TimeDelta::days(1))
        {
            Ok(letter) => mail::enqueue(conn, &letter),
            // The notice is a courtesy: ending the session must not fail for want of it.
            Err(error) => {
                log::warn!("no notice of a reused refresh token could be written: {error}");
                Ok(())
            }
        }
    }
}

/// The semantics of a refresh, whole. `rotate` is the one conditional write; it is an argument so
/// that the tests can show that a weaker one would be found out.
pub(super) fn redeem(
    conn: &mut Conn,
    attempt: &Attempt<'_>,
    rotate: impl Fn(&mut Conn, &Rotation<'_>) -> QueryResult<Option<Session>>,
) -> QueryResult<(Outcome, Option<Owner>)> {
    let Attempt {
        claims,
        now,
        policy,
    } = *attempt;
    let rotation = Rotation {
        presented: presented(claims),
        now,
        idle_expires_at: now + policy.idle,
    };
    if let Some(session) = rotate(conn, &rotation)? {
        return Ok((Outcome::Rotated(session), None));
    }
    let Some((session, epoch, owner)) = store::find_with_owner(conn, &claims.sub, &claims.sid)?
    else {
        return Ok((Outcome::Ended, None));
    };
    if !owner.is_active {
        return Ok((Outcome::NoAccount, None));
    }
    let outcome = match decide(&session, epoch, claims.r#gen, now, policy.leeway) {
        Decision::Replay => Outcome::Replayed(session),
        Decision::Reuse => end(conn, claims, EndReason::Reuse, now, Outcome::Reused)?,
        Decision::FromTheFuture => end(
            conn,
            claims,
            EndReason::Restored,
            now,
            Outcome::FromTheFuture,
        )?,
        Decision::Ended => Outcome::Ended,
        // Only a write between the two statements leads here; the next try meets its result.
        Decision::Rotate => rotate(conn, &rotation)?.map_or(Outcome::Ended, Outcome::Rotated),
    };
    Ok((outcome, Some(owner)))
}

/// Ends the session; of several that notice the same reuse, one tells of it.
fn end(
    conn: &mut Conn,
    claims: &RefreshClaims,
    reason: EndReason,
    now: Time,
    outcome: Outcome,
) -> QueryResult<Outcome> {
    let ended = store::revoke(conn, &claims.sub, &claims.sid, reason, now)?;
    Ok(if ended { outcome } else { Outcome::Ended })
}

fn no_account() -> Error {
    let detail = "No active account found for the given token.";
    Error::new(Kind::Unauthenticated, "no_active_account", detail).with_public_code()
}
