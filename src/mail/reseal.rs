//! Letters that wait while the master key changes.

use diesel::QueryResult;

use super::letter::place;
use super::{Mailer, store};
use crate::clock::Time;
use crate::crypto::RootId;
use crate::error::Result;
use crate::ids::MessageId;
use crate::storage::Conn;

impl Mailer {
    /// Seals waiting letters anew under the master key that is current at `as_of`; how many. One
    /// that cannot be opened stays as it is.
    ///
    /// # Errors
    /// The database is away; what was done stays done.
    pub async fn reseal(&self, as_of: Time) -> Result<usize> {
        let room = &*self.0;
        let current = room.vault.current(as_of);
        let (mut resealed, mut after) = (0, MessageId::from(""));
        loop {
            let from = after.clone();
            let slice = room
                .db
                .read(move |conn| store::sealed_otherwise(conn, current, &from))
                .await?;
            let Some((last, _)) = slice.last() else {
                return Ok(resealed);
            };
            after = last.clone();
            let mut changes = Vec::new();
            for (id, old) in slice {
                if let Ok(plain) = room.vault.open(&place(&id), &old) {
                    let new = room.vault.seal(as_of, &place(&id), &plain);
                    changes.push((id, old, new));
                }
            }
            resealed += room
                .db
                .write(move |conn| store::replace_sealed(conn, &changes))
                .await?;
        }
    }

    /// Drops the letters that are sealed under one of the master keys `ids`; how many.
    ///
    /// # Errors
    /// The database is away.
    pub async fn drop_sealed_under(&self, ids: Vec<RootId>) -> Result<usize> {
        if ids.is_empty() {
            return Ok(0);
        }
        let drop = move |conn: &mut Conn| store::delete_sealed_under(conn, &ids);
        self.0.db.write(drop).await
    }
}

/// A step: how many letters are sealed under a master key.
///
/// # Errors
/// What the database says.
pub fn count_sealed_under(conn: &mut Conn, id: RootId) -> QueryResult<i64> {
    store::count_sealed_under(conn, id)
}

/// A step: drops all letters that wait, and those that were given up.
///
/// # Errors
/// What the database says.
pub fn drop_all(conn: &mut Conn) -> QueryResult<()> {
    store::delete_all(conn)
}

/// A step: drops the letters that none of the master keys `at_hand` opens; how many.
///
/// # Errors
/// What the database says.
pub fn drop_sealed_otherwise(conn: &mut Conn, at_hand: &[RootId]) -> QueryResult<usize> {
    store::delete_sealed_otherwise(conn, at_hand)
}
