//! The own identities: seeing them, and giving one up.

use super::{AMR, Federation, Identity, not_found, store};
use crate::account;
use crate::error::{Error, Result};
use crate::event::{self, Event};
use crate::ids::{IdentityId, Subject};
use crate::session::{self, EndReason};
use crate::token::AccessClaims;
use crate::web::Facts;

/// What becomes of a wish to disconnect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    NotFound,
    /// There would be no way left into the account.
    Last,
}

/// Whether the identity `id` may go: not if it is the last way in. One whose provider is off is no
/// way in.
fn decide(
    all: &[Identity],
    id: &IdentityId,
    has_password: bool,
    is_on: impl Fn(&Identity) -> bool,
) -> Outcome {
    if !all.iter().any(|identity| identity.id == *id) {
        return Outcome::NotFound;
    }
    let mut others = all.iter().filter(|identity| identity.id != *id);
    if has_password || others.any(is_on) {
        Outcome::Done
    } else {
        Outcome::Last
    }
}

impl Federation {
    /// A person's identities, the oldest first.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn list(&self, subject: &Subject) -> Result<Vec<Identity>> {
        let subject = subject.clone();
        let listed = self.0.db.read(move |conn| store::list(conn, &subject));
        listed.await
    }

    /// Gives up one of the own identities, with the other sessions that any provider opened.
    ///
    /// # Errors
    /// It is not there, or somebody else's; or it is the last way to log in.
    pub async fn disconnect(
        &self,
        claims: &AccessClaims,
        id: &IdentityId,
        facts: &Facts,
    ) -> Result<()> {
        let inner = &*self.0;
        let now = inner.clock.now();
        let (subject, id) = (claims.sub.clone(), id.clone());
        let sid = claims.sid.clone();
        let event = Event::of(event::Kind::IdentityDisconnected, &subject, now)
            .in_session(&claims.sid)
            .from_address(facts.address);
        let on: Vec<String> = inner.providers.iter().map(|it| it.issuer.clone()).collect();
        let wrote = inner.db.write(move |conn| {
            let Some(user) = account::take(conn, &subject)? else {
                return Ok(Outcome::NotFound);
            };
            let all = store::list(conn, &subject)?;
            let is_on = |identity: &Identity| on.contains(&identity.issuer);
            let outcome = decide(&all, &id, user.has_password(), is_on);
            if outcome == Outcome::Done {
                store::delete(conn, &id)?;
                // Who came in by it may not be the owner.
                let others = (AMR, &sid);
                session::revoke_entered_by(conn, &subject, others, EndReason::Owner, now)?;
                let provider = all.iter().find(|it| it.id == id).map(|it| &it.provider);
                let provider = provider.map(String::as_str);
                event::record(conn, &event.clone().with("provider", provider))?;
            }
            Ok(outcome)
        });
        match wrote.await? {
            Outcome::Done => Ok(()),
            Outcome::NotFound => Err(not_found()),
            Outcome::Last => Err(Error::non_field("Your account has no password set up.")),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn the_last_way_in_stays() {
        let identity = |id: &str, issuer: &str| Identity {
            id: id.into(),
            subject: "1".into(),
            provider: "oidc".into(),
            issuer: issuer.into(),
            external_id: id.into(),
            last_login_at: None,
            created_at: DateTime::UNIX_EPOCH,
        };
        let (one, two, off) = (
            identity("1", "on"),
            identity("2", "on"),
            identity("3", "off"),
        );
        let table: [(&[&Identity], &str, bool, Outcome); 8] = [
            (&[], "1", true, Outcome::NotFound),
            (&[&two], "1", true, Outcome::NotFound),
            (&[&one], "1", true, Outcome::Done),
            (&[&one], "1", false, Outcome::Last),
            (&[&one, &two], "1", false, Outcome::Done),
            (&[&one, &off], "1", false, Outcome::Last),
            (&[&one, &off], "3", false, Outcome::Done),
            (&[&off], "3", false, Outcome::Last),
        ];
        for (all, id, has_password, expected) in table {
            let all: Vec<Identity> = all.iter().map(|it| (*it).clone()).collect();
            let outcome = decide(&all, &id.into(), has_password, |it| it.issuer == "on");
            assert_eq!(outcome, expected, "{all:?} {id} {has_password}");
        }
    }
}
