//! # session
//!
//! Token families: one row per session, however often it is refreshed. Owns opening, refreshing
//! and ending them, and the [`CurrentUser`](http::CurrentUser) extractor.
//!
//! Standards: refresh token rotation (RFC 9700, section 4.14.2).
//! Tables: `sessions`, `instance` (epoch). Routes: none of its own.
//! Settings: `[tokens] refresh_idle, refresh_absolute, refresh_leeway, reuse_notice`.
//! It does not know passwords, and of a person only whether the account is active.
//!
//! A refresh can be repeated: everything in the refresh token of a generation follows from the
//! row as it was when that generation began, so within the leeway the predecessor gets the *same*
//! successor, byte for byte, and no honest client is ever logged out by a lost answer.

mod decision;
mod devices;
pub mod http;
mod measures;
mod policy;
mod proof;
mod refresh;
mod store;
#[cfg(test)]
mod tests;
mod verify;

use std::sync::Arc;

use diesel::QueryResult;

use crate::clock::{Clock, Time};
use crate::error::Result;
use crate::event::{self, Event};
use crate::ids::{SessionId, Subject};
use crate::mail::Mailer;
use crate::measure::Collectors;
use crate::storage::{Conn, Db};
use crate::token::{FIRST_PARTY, Grant, Minted, Reason, RefreshGrant, Refused, Tokens};
use crate::web::Facts;

pub use devices::Device;
use measures::Refreshes;
pub use policy::Policy;
pub use proof::prove_again;
use refresh::Rotations;
pub use store::{hold, revoke_all, revoke_entered_by, revoke_others};
use verify::Standings;

/// One session, as its row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The claim `sid`.
    pub id: SessionId,
    /// Whose.
    pub subject: Subject,
    /// Through which client.
    pub client: String,
    /// Of the one refresh token that is live.
    pub generation: i64,
    /// When that generation began.
    pub rotated_at: Time,
    /// When the session was opened.
    pub created_at: Time,
    /// It ends then unless it is refreshed.
    pub idle_expires_at: Time,
    /// It ends then in any case.
    pub expires_at: Time,
    /// When it was ended early.
    pub revoked_at: Option<Time>,
    /// When the person last proved who they are.
    pub auth_time: Time,
    /// How (RFC 8176), space-separated.
    pub amr: String,
    /// Granted scope, space-separated.
    pub scope: String,
    /// The installation's epoch at the opening.
    pub epoch: i64,
}

impl Session {
    /// Whichever end comes first.
    pub fn ends_at(&self) -> Time {
        self.idle_expires_at.min(self.expires_at)
    }

    fn access_grant(&self) -> Grant<'_> {
        Grant {
            subject: &self.subject,
            session: &self.id,
            client: &self.client,
            scope: &self.scope,
            auth_time: self.auth_time,
            amr: &self.amr,
        }
    }

    fn refresh_grant(&self) -> RefreshGrant<'_> {
        RefreshGrant {
            subject: &self.subject,
            session: &self.id,
            generation: self.generation,
            rotated_at: self.rotated_at,
            expires_at: self.ends_at(),
        }
    }
}

/// Why a session was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// Its owner logged out.
    Logout,
    /// Its owner ended it from another session, or all of them.
    Owner,
    /// The password was changed or reset.
    PasswordChanged,
    /// The account was disabled.
    Disabled,
    /// An old refresh token was presented.
    Reuse,
    /// The token was newer than the database.
    Restored,
}

impl EndReason {
    fn name(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Owner => "owner",
            Self::PasswordChanged => "password_changed",
            Self::Disabled => "disabled",
            Self::Reuse => "reuse",
            Self::Restored => "restored",
        }
    }
}

/// The two tokens of a session.
#[derive(Clone)]
pub struct TokenPair {
    /// For the resource servers.
    pub access: Minted,
    /// For us.
    pub refresh: Minted,
}

impl TokenPair {
    /// In the place of a token, in examples.
    pub const EXAMPLE: &str = "eyJhbGciOi…";

    /// What stands in examples: nobody's.
    pub fn example() -> Self {
        let token = || Minted {
            token: Self::EXAMPLE.to_owned(),
            expires_at: Time::default(),
        };
        Self {
            access: token(),
            refresh: token(),
        }
    }
}

/// A session that is minted but not yet written: see [`Sessions::prepare`].
#[derive(Clone)]
pub struct Opening {
    /// Goes into the database with [`open`].
    session: Session,
    facts: Facts,
    /// Goes to the client once the row is committed.
    pub tokens: TokenPair,
}

impl Opening {
    /// The session's id.
    pub fn id(&self) -> &SessionId {
        &self.session.id
    }
}

/// The sessions' use cases.
#[derive(Clone)]
pub struct Sessions(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    tokens: Tokens,
    mail: Mailer,
    policy: Policy,
    refreshes: Refreshes,
    rotations: Rotations,
    standings: Standings,
}

impl Sessions {
    /// Sessions under a policy.
    ///
    /// # Errors
    /// None but a defect's.
    pub fn new(db: Db, clock: Clock, tokens: Tokens, mail: Mailer, policy: Policy) -> Result<Self> {
        Ok(Self(Arc::new(Inner {
            rotations: refresh::rotations(&db, &clock, policy)?,
            standings: verify::standings(&db, &clock)?,
            db,
            clock,
            tokens,
            mail,
            policy,
            refreshes: Refreshes::new()?,
        })))
    }

    /// What this node counts.
    pub fn collectors(&self) -> Collectors {
        self.0.refreshes.collectors()
    }

    /// Tokens of another room's concern (verification only).
    pub fn tokens(&self) -> &Tokens {
        &self.0.tokens
    }

    /// Mints the tokens of a new session. Creating is mint, then write: the caller puts the
    /// result into the database with [`open`], inside its own transaction.
    ///
    /// # Errors
    /// Unavailable while no signing key is active.
    pub fn prepare(&self, subject: &Subject, amr: &str, facts: &Facts) -> Result<Opening> {
        let inner = &*self.0;
        let now = inner.clock.now();
        let session = Session {
            id: SessionId::generate(now),
            subject: subject.clone(),
            client: FIRST_PARTY.to_owned(),
            generation: 0,
            rotated_at: now,
            created_at: now,
            idle_expires_at: now + inner.policy.idle,
            expires_at: now + inner.policy.absolute,
            revoked_at: None,
            auth_time: now,
            amr: amr.to_owned(),
            scope: String::new(),
            epoch: 0,
        };
        let tokens = inner.mint(&session)?;
        Ok(Opening {
            session,
            facts: facts.clone(),
            tokens,
        })
    }

    /// Ends the session of a refresh token, of whichever generation.
    ///
    /// # Errors
    /// The token is refused, or its session had ended already.
    pub async fn end_by_token(&self, refresh: &str, facts: &Facts) -> Result<()> {
        let claims = self.0.tokens.verify_refresh(refresh)?;
        if self.end(&claims.sub, &claims.sid, facts).await? {
            Ok(())
        } else {
            Err(Refused(Reason::Ended).into())
        }
    }

    /// Ends one session of `subject`; whether it was live.
    ///
    /// # Errors
    /// The database is away: then the session may still live, and the caller must hear it.
    pub async fn end(&self, subject: &Subject, id: &SessionId, facts: &Facts) -> Result<bool> {
        let now = self.0.clock.now();
        let (subject, id) = (subject.clone(), id.clone());
        let event = Event::of(event::Kind::LoggedOut, &subject, now)
            .in_session(&id)
            .from_address(facts.address);
        let ended = self.0.db.write(move |conn| {
            let ended = store::revoke(conn, &subject, &id, EndReason::Logout, now)?;
            if ended {
                event::record(conn, &event)?;
            }
            Ok(ended)
        });
        ended.await
    }

    /// Ends every session of the installation, after a restore from a backup; the new epoch.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn end_all(&self) -> Result<i64> {
        let now = self.0.clock.now();
        let end = self.0.db.write(move |conn| end_all(conn, now));
        end.await
    }
}

impl Inner {
    fn mint(&self, session: &Session) -> Result<TokenPair> {
        Ok(TokenPair {
            access: self.tokens.mint_access(&session.access_grant())?,
            refresh: self.tokens.mint_refresh(&session.refresh_grant())?,
        })
    }
}

/// Writes a prepared session, in the caller's transaction.
pub fn open(conn: &mut Conn, opening: &Opening) -> QueryResult<()> {
    store::insert(conn, &opening.session, &opening.facts)?;
    store::sweep(conn, opening.session.created_at)
}

/// A step: ends every session of the installation; the new epoch.
///
/// # Errors
/// What the database says.
pub fn end_all(conn: &mut Conn, now: Time) -> QueryResult<i64> {
    let epoch = store::change_epoch(conn)?;
    let event = Event::new(event::Kind::EpochRaised, now).with("epoch", epoch);
    event::record(conn, &event)?;
    Ok(epoch)
}
