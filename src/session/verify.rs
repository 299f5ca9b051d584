//! Whether a token is still good: its session lives, and its account is active.

use super::Sessions;
use super::store::{self, Standing};
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::ids::{SessionId, Subject};
use crate::storage::{Batch, Db};
use crate::token::{AccessClaims, Reason, Refused};

/// People in sessions go in, and how they stand comes out.
pub(super) type Standings = Batch<(Subject, SessionId), Option<Standing>>;

/// Every request of a person's asks this: what waits is asked together.
///
/// # Errors
/// None but a defect's.
pub(super) fn standings(db: &Db, clock: &Clock) -> Result<Standings> {
    let clock = clock.clone();
    Batch::reads(db, move |conn, asked: &[_]| {
        store::standings(conn, asked, clock.now())
    })
}

impl Sessions {
    /// Who a bearer token speaks for: verified, of a live session, of an active account.
    ///
    /// # Errors
    /// In the words that simplejwt's clients read.
    pub async fn authenticate(&self, access: &str) -> Result<AccessClaims> {
        let claims = self.0.tokens.verify_access(access);
        let claims = claims.map_err(Refused::as_bearer)?;
        let asked = (claims.sub.clone(), claims.sid.clone());
        match self.0.standings.ask(asked).await? {
            None => Err(unauthenticated("user_not_found", "User not found")),
            Some(Standing {
                is_active: false, ..
            }) => Err(unauthenticated("user_inactive", "User is inactive")),
            Some(Standing {
                generation: Some(_),
                ..
            }) => Ok(claims),
            Some(_) => Err(Refused(Reason::Ended).as_bearer()),
        }
    }

    /// Whether a token of either type is good, its session included.
    ///
    /// # Errors
    /// Why it is not.
    pub async fn verify(&self, token: &str) -> Result<()> {
        let tokens = &self.0.tokens;
        let (subject, session, generation) = match tokens.verify_access(token) {
            Ok(claims) => (claims.sub, claims.sid, None),
            Err(Refused(Reason::WrongType)) => {
                let claims = tokens.verify_refresh(token)?;
                (claims.sub, claims.sid, Some(claims.r#gen))
            }
            Err(refused) => return Err(refused.into()),
        };
        let standing = self.0.standings.ask((subject, session)).await?;
        let current = standing
            .filter(|standing| standing.is_active)
            .and_then(|standing| standing.generation);
        match current {
            Some(current) if generation.is_none_or(|it| it == current) => Ok(()),
            _ => Err(Refused(Reason::Ended).into()),
        }
    }
}

fn unauthenticated(code: &'static str, detail: &'static str) -> Error {
    Error::new(Kind::Unauthenticated, code, detail).with_public_code()
}
