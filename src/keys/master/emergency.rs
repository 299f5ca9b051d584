//! A master key that somebody may know.

use std::time::Duration;

use diesel::QueryResult;

use super::operate::{Start, retire, unfit};
use super::standing::{Stage, find, followed_at};
use super::store;
use crate::clock::Time;
use crate::crypto::RootId;
use crate::error::{Error, Result};
use crate::keys::change::TRIES;
use crate::keys::store as keys;
use crate::keys::{Changed, Keys, State};
use crate::mail::Mailer;
use crate::storage::Conn;

/// What came of an emergency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// The key that counts for nothing any more.
    pub id: RootId,
    /// Signing keys that were sealed under it, and what took their place.
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
        match standing.stage {
            Stage::Current => {
                self.make_current(None, Start::Now).await?;
            }
            Stage::Next | Stage::Former => {}
            Stage::Waiting | Stage::Retired => return Err(unfit(standing)),
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

    /// Revokes the signing keys that were made before a key was followed by the next: they may
    /// have been sealed under it.
    async fn revoke_sealed_under(&self, id: RootId, done: &[Changed]) -> Result<Vec<Changed>> {
        let registered = self.0.db.read(store::list).await?;
        let followed = followed_at(&registered, id);
        // As long as another node may not have heard of the next one.
        let until = followed.map_or(self.now(), |at| at + self.lead(Start::Known));
        let made = move |conn: &mut Conn| keys::made_before(conn, until);
        let mut entries = self.0.db.read(made).await?;
        let now = self.now();
        // What waits for its turn goes first, so that it does not take over.
        entries.sort_by_key(|entry| entry.lifetime.state(now) == State::Active);
        let mut changed = Vec::new();
        for entry in entries {
            let is_own =
                |one: &Changed| matches!(one, Changed::Created(made) if made.kid == entry.kid);
            if entry.lifetime.gone_at(now).is_none() && !done.iter().any(is_own) {
                changed.extend(self.revoke(&entry.kid).await?);
            }
        }
        Ok(changed)
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
