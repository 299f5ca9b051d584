//! Proving again who one is, for what asks for a fresh `auth_time`.

use super::Accounts;
use super::prove::{self, Asked};
use crate::error::Result;
use crate::event::{self, Event};
use crate::password::Plaintext;
use crate::session;
use crate::token::{AccessClaims, Minted};
use crate::web::Facts;

impl Accounts {
    /// A new access token of the same session, whose `auth_time` is now; that of later refreshes is
    /// so, too.
    ///
    /// # Errors
    /// On `password`; or the account or the session is no longer what it was.
    pub async fn reauthenticate(
        &self,
        claims: &AccessClaims,
        password: &Plaintext,
        facts: &Facts,
    ) -> Result<Minted> {
        let inner = &*self.0;
        let asked = Asked::Password;
        let user = self.prove_password(claims, password, asked, facts).await?;
        let now = inner.clock.now();
        let event = Event::of(event::Kind::Reauthenticated, &user.subject, now)
            .in_session(&claims.sid)
            .from_address(facts.address);
        let claims = claims.clone();
        let proved = inner.db.write(move |conn| {
            if !prove::hold(conn, &user)? {
                return Ok(None);
            }
            let session = session::prove_again(conn, &claims, now)?;
            if session.is_some() {
                event::record(conn, &event)?;
            }
            Ok(Some(session))
        });
        let session = proved.await?.ok_or_else(prove::changed_meanwhile)?;
        inner.sessions.access_after_proof(session.as_ref())
    }
}
