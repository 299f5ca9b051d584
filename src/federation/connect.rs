//! Making a provider's word a further way into one's own account: only while being logged in.

use chrono::TimeDelta;

use super::login::{TRIES, is_taken};
use super::{AMR, Evidence, Federation, Identity, store};
use crate::account::{self, Entry, User};
use crate::config::EmailVerification;
use crate::error::{Error, Kind, Result};
use crate::event::{self, Event};
use crate::mail;
use crate::session::{self, TokenPair};
use crate::token::AccessClaims;
use crate::web::Facts;

/// What was proved longer ago is no reason to believe that it is still the same person.
const FRESH: TimeDelta = TimeDelta::minutes(15);

const ANOTHERS: &str = "The third-party account is already connected to a different account.";

/// What the transaction found.
enum Outcome {
    Entered(Entry),
    Anothers,
    /// Who asked is not logged in any more.
    Ended,
    /// Somebody connected it at the same moment.
    Again,
}

impl Federation {
    /// Connects whom the provider vouches for to the account of `claims`, and opens a session, as a
    /// login would. What is connected to it already stays so.
    ///
    /// A way in that is made here outlives every token: so a stolen one is not enough, and who they
    /// are must have been proved a short while ago.
    ///
    /// # Errors
    /// It was too long ago, or too many were connected; the provider refuses the evidence, or
    /// cannot be asked; it is connected to somebody else; the session has ended meanwhile.
    pub async fn connect(
        &self,
        provider: &str,
        evidence: &Evidence,
        claims: &AccessClaims,
        facts: &Facts,
    ) -> Result<(User, TokenPair)> {
        let now = self.0.clock.now();
        if !self.0.is_strict && now.timestamp() - claims.auth_time > FRESH.num_seconds() {
            return Err(prove_first());
        }
        let (provider, vouched) = self.recognise(provider, evidence, facts).await?;
        self.0.accounts.take_connection_turn(&claims.sub).await?;
        for _ in 0..TRIES {
            let identity = Identity::new(provider, &vouched, &claims.sub, self.0.clock.now());
            let (outcome, tokens) = self.write_connected(identity, claims, facts).await?;
            match outcome {
                Outcome::Entered(Entry::Admitted(user)) => return Ok((*user, tokens)),
                Outcome::Entered(Entry::Refused(refusal)) => return Err(refusal.into()),
                Outcome::Anothers => return Err(Error::non_field(ANOTHERS)),
                Outcome::Ended => return Err(ended()),
                Outcome::Again => {}
            }
        }
        Err(Error::unavailable(1, "the identity changes all the time"))
    }

    async fn write_connected(
        &self,
        identity: Identity,
        claims: &AccessClaims,
        facts: &Facts,
    ) -> Result<(Outcome, TokenPair)> {
        let inner = &*self.0;
        let now = identity.created_at;
        let opening = inner.sessions.prepare(&identity.subject, AMR, facts)?;
        let tokens = opening.tokens.clone();
        let event = |kind| {
            Event::of(kind, &identity.subject, now)
                .in_session(opening.id())
                .from_address(facts.address)
                .with("provider", identity.provider.as_str())
        };
        let (subject, provider) = (&identity.subject, &identity.provider);
        let notice = inner.accounts.notice_of_provider(subject, provider, facts);
        let notice = notice.await?;
        let connected = event(event::Kind::IdentityConnected);
        let logged_in = event(event::Kind::LoginSucceeded);
        let sid = claims.sid.clone();
        let wrote = inner.db.write(move |conn| {
            // Who is logged in has confirmed what had to be.
            let verification = EmailVerification::None;
            let entry = account::enter(conn, &identity.subject, verification, now)?;
            if let Entry::Refused(_) = entry {
                return Ok(Outcome::Entered(entry));
            }
            if !session::hold(conn, &identity.subject, &sid, now)? {
                return Ok(Outcome::Ended);
            }
            match store::find(conn, &identity.issuer, &identity.external_id)? {
                Some(known) if known.subject != identity.subject => return Ok(Outcome::Anothers),
                Some(known) => {
                    store::touch(conn, &known, now)?;
                }
                None => {
                    store::insert(conn, &identity)?;
                    event::record(conn, &connected)?;
                    notice
                        .iter()
                        .try_for_each(|letter| mail::enqueue(conn, letter))?;
                }
            }
            session::open(conn, &opening)?;
            event::record(conn, &logged_in)?;
            Ok(Outcome::Entered(entry))
        });
        let outcome = match wrote.await {
            Err(error) if is_taken(&error) => Outcome::Again,
            outcome => outcome?,
        };
        inner.accounts.wake_mail();
        Ok((outcome, tokens))
    }
}

/// As RFC 9470 means it; the contract's shape for who may not.
fn prove_first() -> Error {
    let detail = "Log in again, or prove your password, before you connect another way to log in.";
    Error::new(Kind::Forbidden, "reauthentication_required", detail).with_public_code()
}

fn ended() -> Error {
    let detail = "Given token not valid for any token type";
    Error::new(Kind::Unauthenticated, "token_not_valid", detail).with_public_code()
}
