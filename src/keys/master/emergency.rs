//! A master key that somebody may know.

use std::time::Duration;

use diesel::QueryResult;

use super::NEVER;
use super::operate::{Start, retire, unfit};
use super::standing::{Stage, find, followed_at};
use super::store;
use crate::clock::Time;
use crate::crypto::RootId;
use crate::error::{Error, Result};
use crate::keys::change::TRIES;
use crate::keys::store as keys;
use crate::keys::{Changed, Entry, Keys, Policy, Purpose, State, Step};
use crate::mail::Mailer;
use crate::storage::Conn;

/// What came of an emergency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// The key that counts for nothing any more.
    pub id: RootId,
    /// Keys that were sealed under it, and what took their place. Those that left only verified, and
    /// can be imported again.
    pub signing_keys: Vec<Changed>,
}

impl Keys {
    /// The emergency: somebody may know the key. Another one, which has to be at hand, becomes
    /// current at once; signing keys that were ever sealed under it are revoked and replaced; and
    /// when the nodes have `heard` of that, nothing that it sealed or signed counts any more. Mails
    /// that a node seals under it even then are lost.
    ///
    /// # Errors
    /// There is no other key, or a running node lacks it.
    pub async fn revoke_master_key(
        &self,
        wanted: &str,
        mail: &Mailer,
        heard: Duration,
    ) -> Result<Revoked> {
        let standings = self.master_keys().await?;
        let standing = find(&standings, wanted)?;
        let id = standing.id;
        let is_current = match standing.stage {
            Stage::Current => true,
            Stage::Next => !self.postpone(id).await?,
            Stage::Former | Stage::Revoking => false,
            Stage::Waiting | Stage::Retired => return Err(unfit(standing)),
        };
        if is_current {
            self.make_current(None, Start::Now).await?;
        }
        let mut signing_keys = self.revoke_sealed_under(id, &[]).await?;
        tokio::time::sleep(heard).await;
        for _ in 0..TRIES {
            // Somebody may have made a signing key meanwhile, and sealed it under this one.
            let later = self.revoke_sealed_under(id, &signing_keys).await?;
            signing_keys.extend(later);
            self.reseal(mail, self.now()).await?;
            let now = self.now();
            let retire = move |conn: &mut Conn| revoke_unless_it_signs(conn, id, now);
            if self.0.db.write(retire).await? {
                self.reload().await?;
                return Ok(Revoked { id, signing_keys });
            }
        }
        Err(Error::unavailable(1, "others make signing keys meanwhile"))
    }

    /// Keeps the next key from becoming current while it is revoked; false if it is so by now.
    async fn postpone(&self, id: RootId) -> Result<bool> {
        let now = self.now();
        let postpone = move |conn: &mut Conn| {
            keys::lock(conn)?;
            let registered = store::list(conn)?;
            let mut rows = registered.iter();
            let is_next = rows.any(|row| row.id == id && row.current_from > now);
            if is_next {
                store::register(conn, id, now + NEVER, now)?;
            }
            Ok(is_next)
        };
        let is_postponed = self.0.db.write(postpone).await?;
        self.reload().await?;
        Ok(is_postponed)
    }

    /// Revokes the signing keys that were made before a key was followed by the next: they may
    /// have been sealed under it. So may those from elsewhere, which leave: nobody can vouch for
    /// them any more, and whoever has them can import them again.
    async fn revoke_sealed_under(&self, id: RootId, done: &[Changed]) -> Result<Vec<Changed>> {
        let registered = self.0.db.read(store::list).await?;
        let followed = followed_at(&registered, id);
        // As long as another node may not have heard of the next one.
        let until = followed.map_or(self.now(), |at| at + self.lead(Start::Known));
        let now = self.now();
        // A clock that was ahead may have made what is to come.
        let latest = now + self.policy().clock_skew;
        let made = move |conn: &mut Conn| keys::made_before(conn, (until, latest));
        let mut entries = self.0.db.read(made).await?;
        entries.retain(|entry| entry.lifetime.gone_at(now).is_none());
        let (mut signing, foreign): (Vec<Entry>, Vec<Entry>) = entries
            .into_iter()
            .partition(|entry| entry.purpose == Purpose::Sign);
        // What waits for its turn goes first, so that it does not take over.
        signing.sort_by_key(|entry| entry.lifetime.state(now) == State::Active);
        let mut changed = Vec::new();
        for entry in signing {
            let is_own =
                |one: &Changed| matches!(one, Changed::Created(made) if made.kid == entry.kid);
            if !done.iter().any(is_own) {
                changed.extend(self.revoke_unless_gone(&entry.kid).await?);
            }
        }
        let foreign = |key: &&Entry| foreign.contains(key);
        let forget = |key: &Entry| Step::Forget(key.kid.clone());
        let leave = |keys: &[Entry], _: &Policy, _| {
            let foreign = keys.iter().filter(foreign);
            Ok(foreign.map(forget).collect())
        };
        changed.extend(self.change(leave).await?);
        Ok(changed)
    }

    /// What somebody else revokes meanwhile is done.
    async fn revoke_unless_gone(&self, kid: &str) -> Result<Vec<Changed>> {
        let revoked = self.revoke(kid).await;
        if revoked.is_ok() {
            return revoked;
        }
        let (keys, now) = (self.entries().await?, self.now());
        let is_there = |key: &Entry| key.kid == kid && key.lifetime.gone_at(now).is_none();
        if keys.iter().any(is_there) {
            return revoked;
        }
        Ok(Vec::new())
    }
}

/// Whether it was done: no key signs, or will, that is sealed under it.
fn revoke_unless_it_signs(conn: &mut Conn, id: RootId, now: Time) -> QueryResult<bool> {
    keys::lock(conn)?;
    let is_free = !keys::needed(conn, now)?.contains(&id);
    if is_free {
        retire(conn, id, "revoked", now)?;
    }
    Ok(is_free)
}
