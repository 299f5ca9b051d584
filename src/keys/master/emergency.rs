//! A master key that somebody may know.

use std::time::Duration;

use diesel::QueryResult;

use super::operate::{Start, Succession, nothing_waits, retire};
use super::standing::find;
use super::store;
use super::{NEVER, Registered, current};
use crate::clock::Time;
use crate::crypto::RootId;
use crate::error::{Error, Result};
use crate::event;
use crate::keys::store::{self as keys, Row};
use crate::keys::{Changed, Keys, Purpose};
use crate::storage::Conn;

/// What came of an emergency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// The key that counts for nothing any more.
    pub id: RootId,
    /// The one that is current now.
    pub current: RootId,
    /// Keys that may ever have been sealed under it, and what took their place. Those that left only
    /// verified, and can be imported again, or were none.
    pub signing_keys: Vec<Changed>,
}

/// A revocation that is under way.
#[derive(Clone, Copy)]
struct Emergency {
    id: RootId,
    /// When this call began.
    begun: Time,
}

impl Keys {
    /// The emergency: somebody may know the key. Another one, which has to be at hand, becomes
    /// current at once; all signing keys are revoked and replaced; and when the nodes have `heard` of
    /// that, nothing that it sealed or signed counts any more. `end_all` ends, in the same transaction,
    /// what somebody may have got by it: sessions, mails that wait, links in those that went. Stopped
    /// half way, it is done by another call, and several at once do it together.
    ///
    /// Whatever the table says that it is doing: who knows a key that is retired may know signing keys
    /// that it sealed and another one has sealed since.
    ///
    /// Who knows the key may write to the database, too, and there is no telling what he seals from
    /// what we sealed, nor what he had us seal. So no signing key counts but those that the current key
    /// says were made since this call began: see `is_in_doubt`.
    ///
    /// # Errors
    /// There is no other key, or a running node lacks it; in the end nothing signs.
    pub async fn revoke_master_key(
        &self,
        wanted: &str,
        heard: Duration,
        end_all: fn(&mut Conn, Time) -> QueryResult<()>,
    ) -> Result<Revoked> {
        let standings = self.master_keys().await?;
        let standing = find(&standings, wanted)?;
        let emergency = self.begin_to_revoke(standing.id).await?;
        let mut signing_keys = self.revoke_in_doubt(emergency).await?;
        tokio::time::sleep(heard).await;
        // Somebody may have made a signing key meanwhile, and sealed it under this one.
        signing_keys.extend(self.revoke_in_doubt(emergency).await?);
        let (these, now) = (self.clone(), self.now());
        let finish = move |conn: &mut Conn| {
            end_all(conn, now)?;
            these.finish(conn, emergency, now)
        };
        let last = self.0.db.write(finish).await?;
        self.reload().await?;
        signing_keys.extend(last);
        // What was no key of this version had no successor.
        signing_keys.extend(self.maintain().await?);
        if !self.can_sign() {
            return Err(Error::setup(format!(
                "the master key {} counts for nothing any more, and no key signs: signet keys list, \
                 signet doctor",
                emergency.id
            )));
        }
        Ok(Revoked {
            id: emergency.id,
            current: self.0.vault.current(self.now()),
            signing_keys,
        })
    }

    /// Says that the key is being revoked, so that nobody relies on it, and makes one that waits current
    /// at once: whatever happens then, there is no going back.
    async fn begin_to_revoke(&self, id: RootId) -> Result<Emergency> {
        let (succession, now) = (self.succession(None, Start::InsteadOf(id)), self.now());
        let begin = move |conn: &mut Conn| begin(conn, &succession, id, now);
        let emergency = self.0.db.write(begin).await??;
        self.reload().await?;
        Ok(emergency)
    }

    async fn revoke_in_doubt(&self, emergency: Emergency) -> Result<Vec<Changed>> {
        let now = self.now();
        let in_doubt = self.kids(|row| self.is_in_doubt(row, emergency, now));
        self.revoke_all(&in_doubt.await?).await
    }

    /// Whether who knows the key may know what is sealed in a row, or have sealed it himself. He has
    /// not, if the current key vouches that it was made under it, and since this began: nothing seals
    /// anew under the other one since. Whatever was there before may have been sealed under it once,
    /// for so long as he wrote that it is current, and what is there now may be an older copy that he
    /// put back. What cannot sign any more goes, too, so that it is not taken for who signs; of a key
    /// that was revoked before nothing is left.
    fn is_in_doubt(&self, row: &Row, emergency: Emergency, now: Time) -> bool {
        let vault = &self.0.vault;
        let is_good = |(under, at)| {
            under != emergency.id && under == vault.current(now) && at >= emergency.begun
        };
        let is_left = row.sealers().next().is_some() || row.lifetime().revoked_at.is_none();
        is_left && !(row.made_under(vault).is_some_and(is_good) && row.is_sound(vault))
    }

    /// Ends what was slipped in after the last look, and then the key: who comes later finds that
    /// nothing opens what he sealed.
    fn finish(
        &self,
        conn: &mut Conn,
        emergency: Emergency,
        now: Time,
    ) -> QueryResult<Vec<Changed>> {
        keys::lock(conn)?;
        let mut changed = Vec::new();
        for row in keys::list(conn)? {
            if self.is_in_doubt(&row, emergency, now) {
                changed.extend(end(conn, row, now)?);
            }
        }
        for one in &changed {
            event::record(conn, &one.event(now))?;
        }
        let registered = store::list(conn)?;
        let mut rows = registered.iter();
        if rows.any(|row| row.id == emergency.id && row.is_in_use()) {
            retire(conn, emergency.id, "revoked", now)?;
        }
        Ok(changed)
    }
}

fn begin(
    conn: &mut Conn,
    succession: &Succession,
    id: RootId,
    now: Time,
) -> QueryResult<Result<Emergency>> {
    keys::lock(conn)?;
    let registered = store::list(conn)?;
    // None, if somebody took it away.
    let is_current = current(&registered, now).is_none_or(|current| current == id);
    // Which one is current only the table says, and it may be one that was retired: so what nobody
    // had yet takes over, if it is there.
    match succession.write(conn, now)? {
        Err(refusal) => return Ok(Err(refusal)),
        Ok(None) if is_current => return Ok(Err(nothing_waits())),
        Ok(_) => {}
    }
    let known = registered.iter().find(|row| row.id == id);
    // One that is not there is taken for the next: that it never was used, only the table says.
    let is_next = known.is_none_or(|row| row.current_from > now);
    if known.is_none_or(Registered::vouches) {
        if is_next {
            store::register(conn, id, now + NEVER, now)?;
        }
        store::begin_to_revoke(conn, id, now)?;
    }
    Ok(Ok(Emergency { id, begun: now }))
}

/// What becomes of a row in doubt: a key that signs is revoked, everything else leaves.
fn end(conn: &mut Conn, row: Row, now: Time) -> QueryResult<Option<Changed>> {
    let kid = row.kid.clone();
    match row.entry() {
        Some(mut entry) if entry.purpose == Purpose::Sign => {
            entry.lifetime.revoked_at = Some(now);
            keys::update(conn, &entry)?;
            Ok(Some(Changed::Revoked(entry)))
        }
        _ => Ok(keys::delete(conn, &kid)?.then_some(Changed::Forgotten(kid))),
    }
}
