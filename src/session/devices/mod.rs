//! What a person sees of the own sessions, and ends: the devices they are logged in on.

mod store;

use super::{EndReason, Sessions, revoke_all};
use crate::clock::Time;
use crate::error::Result;
use crate::event::{self, Event};
use crate::ids::{SessionId, Subject};
use crate::token::AccessClaims;
use crate::web::Facts;

/// Sessions listed at most: the newest.
const LISTED: i64 = 100;

/// A live session, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The claim `sid` of its tokens.
    pub id: SessionId,
    /// When it was opened.
    pub created_at: Time,
    /// When it was last refreshed.
    pub last_used_at: Time,
    /// Through which client.
    pub client: String,
    /// With what it was opened.
    pub user_agent: Option<String>,
    /// From where it was opened.
    pub address: Option<String>,
}

impl Sessions {
    /// The live sessions of a person, newest first.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn devices(&self, subject: &Subject) -> Result<Vec<Device>> {
        let now = self.0.clock.now();
        let subject = subject.clone();
        let listed = self
            .0
            .db
            .read(move |conn| store::list_live(conn, &subject, now, LISTED));
        listed.await
    }

    /// Ends a session of the person who asks, this one or another; whether there was such a one,
    /// and alive.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn end_device(
        &self,
        claims: &AccessClaims,
        id: &SessionId,
        facts: &Facts,
    ) -> Result<bool> {
        let now = self.0.clock.now();
        let (subject, id) = (claims.sub.clone(), id.clone());
        let event = Event::of(event::Kind::SessionEnded, &subject, now)
            .in_session(&claims.sid)
            .from_address(facts.address)
            .with("ended", id.as_str());
        let ended = self.0.db.write(move |conn| {
            let ended = store::revoke_live(conn, &subject, &id, EndReason::Owner, now)?;
            if ended {
                event::record(conn, &event)?;
            }
            Ok(ended)
        });
        ended.await
    }

    /// Ends every session of the person who asks, this one included.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn end_everywhere(&self, claims: &AccessClaims, facts: &Facts) -> Result<()> {
        let now = self.0.clock.now();
        let subject = claims.sub.clone();
        let event = Event::of(event::Kind::SessionsEndedAll, &subject, now)
            .in_session(&claims.sid)
            .from_address(facts.address);
        let ended = self.0.db.write(move |conn| {
            let count = revoke_all(conn, &subject, EndReason::Owner, now)?;
            // Of several that ask at once, one tells of it.
            if count > 0 {
                event::record(conn, &event)?;
            }
            Ok(())
        });
        ended.await
    }
}
