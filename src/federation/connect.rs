//! Making a provider's word a further way into one's own account: only while being logged in.

use super::login::is_taken;
use super::{AMR, Evidence, Federation, Identity, store};
use crate::account::{self, Entry, User};
use crate::error::{Error, Result};
use crate::event::{self, Event};
use crate::ids::Subject;
use crate::session::{self, TokenPair};
use crate::web::Facts;

const ANOTHERS: &str = "The third-party account is already connected to a different account.";

/// What the transaction found.
enum Outcome {
    Entered(Entry),
    Anothers,
}

impl Federation {
    /// Connects whom the provider vouches for to `subject`'s account, and opens a session, as a
    /// login would. What is connected to it already stays so.
    ///
    /// # Errors
    /// The provider refuses the evidence, or cannot be asked; or it is connected to somebody else.
    pub async fn connect(
        &self,
        provider: &str,
        evidence: &Evidence,
        subject: &Subject,
        facts: &Facts,
    ) -> Result<(User, TokenPair)> {
        let inner = &*self.0;
        let (provider, vouched) = self.recognise(provider, evidence).await?;
        let now = inner.clock.now();
        let identity = Identity::new(provider, &vouched, subject, now);
        let opening = inner.sessions.prepare(subject, AMR, facts)?;
        let tokens = opening.tokens.clone();
        let event = |kind| {
            Event::of(kind, subject, now)
                .in_session(opening.id())
                .from_address(facts.address)
                .with("provider", provider.name.as_str())
        };
        let connected = event(event::Kind::IdentityConnected);
        let logged_in = event(event::Kind::LoginSucceeded);
        // Who is logged in has confirmed what had to be.
        let verification = crate::config::EmailVerification::None;
        let wrote = inner.db.write(move |conn| {
            let entry = account::enter(conn, &identity.subject, verification, now)?;
            if let Entry::Refused(_) = entry {
                return Ok(Outcome::Entered(entry));
            }
            match store::find(conn, &identity.issuer, &identity.external_id)? {
                Some(known) if known.subject != identity.subject => return Ok(Outcome::Anothers),
                Some(known) => {
                    store::touch(conn, &known, now)?;
                }
                None => {
                    store::insert(conn, &identity)?;
                    event::record(conn, &connected)?;
                }
            }
            session::open(conn, &opening)?;
            event::record(conn, &logged_in)?;
            Ok(Outcome::Entered(entry))
        });
        match wrote.await {
            Ok(Outcome::Entered(Entry::Admitted(user))) => Ok((*user, tokens)),
            Ok(Outcome::Entered(Entry::Refused(refusal))) => Err(refusal.into()),
            Ok(Outcome::Anothers) => Err(Error::non_field(ANOTHERS)),
            // Connected at the same moment, by whomever.
            Err(error) if is_taken(&error) => Err(Error::non_field(ANOTHERS)),
            Err(error) => Err(error),
        }
    }
}
