//! Sealing anew, under the current master key, what an older one sealed: row by row, while the
//! server goes on.

use diesel::QueryResult;

use crate::clock::Time;
use crate::crypto::RootId;
use crate::error::Result;
use crate::keys::store::{self, Row};
use crate::keys::{Keys, master};
use crate::mail::{self, Mailer};
use crate::storage::Conn;

/// How many secrets were sealed anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Signing keys.
    pub signing_keys: usize,
    /// Mails that wait to be sent.
    pub mails: usize,
}

impl Keys {
    /// Seals everything under the key that is current at `as_of`, but for what a key sealed that is
    /// being revoked: signing keys go with it. Mails under such a key, or a retired one, are dropped:
    /// nobody can say any more who wrote them. What else cannot be opened stays as it is, and is told in the log.
    ///
    /// # Errors
    /// The database is away; what was done stays done.
    pub async fn reseal(&self, mail: &Mailer, as_of: Time) -> Result<Resealed> {
        // Another node may have changed the current key a moment ago.
        self.reload().await?;
        let dropped = mail.drop_sealed_under(self.master().void()).await?;
        if dropped > 0 {
            log::warn!(
                "dropped {dropped} mails that were sealed under a master key that counts for nothing \
                 any more: whoever waits for one has to ask again"
            );
        }
        let resealed = Resealed {
            signing_keys: self.reseal_signing_keys(as_of).await?,
            mails: mail.reseal(as_of).await?,
        };
        if resealed != Resealed::default() {
            log::info!(
                "sealed {} signing keys and {} mails anew, under the master key {}",
                resealed.signing_keys,
                resealed.mails,
                self.0.vault.current(as_of)
            );
        }
        Ok(resealed)
    }

    async fn reseal_signing_keys(&self, as_of: Time) -> Result<usize> {
        let (db, vault) = (&self.0.db, &self.0.vault);
        let mut resealed = 0;
        for row in db.read(store::list).await? {
            // What was sealed of a revoked key is destroyed.
            if row.lifetime().revoked_at.is_some() || row.is_sealed_under(vault.current(as_of)) {
                continue;
            }
            match row.resealed(vault, as_of) {
                Ok(new) => {
                    let replace = move |conn: &mut Conn| replace_sealed(conn, &row, &new);
                    resealed += db.write(replace).await?;
                }
                Err(closed) => log::error!("{}", super::super::unreadable(&row.kid, &closed)),
            }
        }
        Ok(resealed)
    }
}

/// Not if a key that sealed it is not to be relied on any more: whoever knows that one could have the
/// current one vouch for a signing key of his own.
fn replace_sealed(conn: &mut Conn, old: &Row, new: &Row) -> QueryResult<usize> {
    store::lock(conn)?;
    if master::store::vouch(conn, old.sealers())? {
        store::replace_sealed(conn, old, new)
    } else {
        Ok(0)
    }
}

/// How many secrets are sealed under a key.
pub(super) fn sealed_under(conn: &mut Conn, id: RootId) -> QueryResult<i64> {
    Ok(store::count_sealed_under(conn, id)? + mail::count_sealed_under(conn, id)?)
}
