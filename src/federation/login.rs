//! Logging in with what a provider vouches for.

use super::provider::{Provider, Vouched};
use super::{AMR, Evidence, Federation, Identity, store};
use crate::account::{self, Entry, Newcomer, Refusal, User};
use crate::error::{Error, Result};
use crate::event::{self, Event};
use crate::session::{self, TokenPair};
use crate::storage::violates_unique;
use crate::web::Facts;

/// How often a login begins anew because somebody else changed what it had read.
pub(super) const TRIES: usize = 4;

/// What the transaction found.
enum Outcome {
    Entered(Entry),
    /// What was read before is no longer so.
    Again,
}

impl Federation {
    /// Opens a session for whom the provider vouches; the first time, makes an account.
    ///
    /// # Errors
    /// The provider refuses the evidence, or cannot be asked; the account is disabled; registration
    /// is closed; the address is another account's, or must be confirmed first.
    pub async fn login(
        &self,
        provider: &str,
        evidence: &Evidence,
        facts: &Facts,
    ) -> Result<(User, TokenPair)> {
        let (provider, vouched) = self.recognise(provider, evidence, facts).await?;
        for _ in 0..TRIES {
            let (outcome, tokens) = match self.find(provider, &vouched).await? {
                Some(identity) => self.enter(identity, facts).await?,
                None => self.arrive(provider, &vouched, facts).await?,
            };
            match outcome {
                Outcome::Entered(Entry::Admitted(user)) => return Ok((*user, tokens)),
                Outcome::Entered(Entry::Refused(refusal)) => {
                    return Err(refused(provider, refusal));
                }
                Outcome::Again => {}
            }
        }
        Err(Error::unavailable(1, "the account changes all the time"))
    }

    pub(super) async fn find(
        &self,
        provider: &Provider,
        vouched: &Vouched,
    ) -> Result<Option<Identity>> {
        let (issuer, id) = (provider.issuer.clone(), vouched.external_id.clone());
        let found = self.0.db.read(move |conn| store::find(conn, &issuer, &id));
        found.await
    }

    /// Who is known already.
    async fn enter(&self, identity: Identity, facts: &Facts) -> Result<(Outcome, TokenPair)> {
        let inner = &*self.0;
        let now = inner.clock.now();
        let opening = inner.sessions.prepare(&identity.subject, AMR, facts)?;
        let tokens = opening.tokens.clone();
        let event = Event::of(event::Kind::LoginSucceeded, &identity.subject, now)
            .in_session(opening.id())
            .from_address(facts.address)
            .with("provider", identity.provider.as_str());
        let verification = inner.accounts.settings().account.email_verification;
        let wrote = inner.db.write(move |conn| {
            if !store::touch(conn, &identity, now)? {
                return Ok(Outcome::Again);
            }
            let entry = account::enter(conn, &identity.subject, verification, now)?;
            if let Entry::Admitted(_) = entry {
                session::open(conn, &opening)?;
                event::record(conn, &event)?;
            }
            Ok(Outcome::Entered(entry))
        });
        Ok((wrote.await?, tokens))
    }

    /// Who is not.
    async fn arrive(
        &self,
        provider: &Provider,
        vouched: &Vouched,
        facts: &Facts,
    ) -> Result<(Outcome, TokenPair)> {
        let inner = &*self.0;
        let newcomer = newcomer(vouched);
        let by = provider.name.as_str();
        let arrival = inner.accounts.draft_newcomer(newcomer, by, facts).await?;
        let now = inner.clock.now();
        let identity = Identity::new(provider, vouched, arrival.subject(), now);
        let opening = inner.sessions.prepare(arrival.subject(), AMR, facts)?;
        let tokens = opening.tokens.clone();
        let event = Event::of(event::Kind::LoginSucceeded, arrival.subject(), now)
            .in_session(opening.id())
            .from_address(facts.address)
            .with("provider", by);
        let wrote = inner.db.write(move |conn| {
            if store::find(conn, &identity.issuer, &identity.external_id)?.is_some() {
                return Ok(Outcome::Again);
            }
            let entry = account::arrive(conn, &arrival)?;
            if !matches!(entry, Entry::Refused(Refusal::EmailTaken)) {
                store::insert(conn, &identity)?;
            } else if store::find(conn, &identity.issuer, &identity.external_id)?.is_some() {
                // Taken by this very person, who arrived just now.
                return Ok(Outcome::Again);
            }
            if let Entry::Admitted(_) = entry {
                session::open(conn, &opening)?;
                event::record(conn, &event)?;
            }
            Ok(Outcome::Entered(entry))
        });
        let outcome = match wrote.await {
            // Somebody else came first: with this identity, its name, or its address.
            Err(error) if is_taken(&error) => Outcome::Again,
            outcome => outcome?,
        };
        inner.accounts.wake_mailing();
        Ok((outcome, tokens))
    }
}

/// Whether a write broke one of the uniquenesses that an arrival can meet.
pub(super) fn is_taken(error: &Error) -> bool {
    let names = ["identities", "username_key", "email"];
    names.into_iter().any(|name| violates_unique(error, name))
}

fn newcomer(vouched: &Vouched) -> Newcomer {
    Newcomer {
        email: vouched.email.clone(),
        is_email_verified: vouched.is_email_verified,
        first_name: vouched.first_name.clone(),
        last_name: vouched.last_name.clone(),
        names: vec![vouched.username.clone()],
    }
}

fn refused(provider: &Provider, refusal: Refusal) -> Error {
    let (name, reason) = (provider.name.as_str(), format!("{refusal:?}"));
    log::info!(provider = name, reason = reason.as_str(); "a login was refused");
    refusal.into()
}
