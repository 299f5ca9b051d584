//! A person proves again, within a session, who they are.

use diesel::QueryResult;

use super::{Session, Sessions, store};
use crate::clock::Time;
use crate::error::Result;
use crate::storage::Conn;
use crate::token::{AccessClaims, Minted, Reason, Refused};

/// Notes the proof in the session of `claims`, in the caller's transaction, so that later refreshes
/// carry it on; the session as it is now, or `None` if it has ended.
pub fn prove_again(
    conn: &mut Conn,
    claims: &AccessClaims,
    now: Time,
) -> QueryResult<Option<Session>> {
    store::update_auth_time(conn, &claims.sub, &claims.sid, now)
}

impl Sessions {
    /// A new access token of a session that [`prove_again`] has met. To be called after the commit.
    ///
    /// # Errors
    /// The session had ended; unavailable while no signing key is active.
    pub fn access_after_proof(&self, session: Option<&Session>) -> Result<Minted> {
        let session = session.ok_or_else(|| Refused(Reason::Ended).as_bearer())?;
        self.0.tokens.mint_access(&session.access_grant())
    }
}
