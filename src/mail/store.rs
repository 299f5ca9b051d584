//! The outbox in the database. A row belongs to whoever's conditional update touched it; every
//! later word about the row asks for the same owner.

use chrono::NaiveDateTime;
use diesel::dsl::{count_star, min};
use diesel::prelude::*;

use super::Backlog;
use super::letter::Letter;
use crate::clock::Time;
use crate::crypto::RootId;
use crate::ids::MessageId;
use crate::storage::schema::outbox;
use crate::storage::{Conn, loaded, stored};

#[declare_sql_function]
extern "SQL" {
    /// Both databases have it, for bytes, too; it counts from 1.
    fn substr(
        bytes: diesel::sql_types::Binary,
        from: diesel::sql_types::Integer,
        length: diesel::sql_types::Integer,
    ) -> diesel::sql_types::Binary;
}

/// Rows looked at in one go.
const SLICE: i64 = 32;

/// A row whose time has come.
pub(super) struct Due {
    pub(super) id: MessageId,
    /// Dead for so long that it is to be removed.
    pub(super) dead: bool,
}

/// A letter that is ours until its lease ends.
pub(super) struct Claimed {
    pub(super) id: MessageId,
    pub(super) kind: String,
    pub(super) sealed: Vec<u8>,
    pub(super) created_at: Time,
    pub(super) expires_at: Time,
    /// Earlier attempts.
    pub(super) attempts: i32,
}

pub(super) fn insert(conn: &mut Conn, letter: &Letter) -> QueryResult<()> {
    diesel::insert_into(outbox::table)
        .values((
            outbox::id.eq(letter.id.as_str()),
            outbox::kind.eq(letter.kind),
            outbox::recipient.eq(&letter.recipient),
            outbox::sealed_message.eq(&letter.sealed),
            outbox::created_at.eq(stored(letter.created_at)),
            outbox::expires_at.eq(stored(letter.expires_at)),
            outbox::next_attempt_at.eq(stored(letter.created_at)),
            outbox::attempts.eq(0),
        ))
        .execute(conn)?;
    Ok(())
}

/// Counts what is there.
pub(super) fn backlog(conn: &mut Conn) -> QueryResult<Backlog> {
    let waiting = outbox::table.filter(outbox::dead_at.is_null());
    let (count, oldest): (i64, Option<NaiveDateTime>) = waiting
        .select((count_star(), min(outbox::created_at)))
        .get_result(conn)?;
    let dead = outbox::table.filter(outbox::dead_at.is_not_null());
    Ok(Backlog {
        waiting: count,
        oldest: oldest.map(loaded),
        dead: dead.count().get_result(conn)?,
    })
}

/// The rows that have waited longest, letters and dead ones alike.
pub(super) fn due(conn: &mut Conn, now: Time) -> QueryResult<Vec<Due>> {
    let now = stored(now);
    let rows: Vec<(String, Option<NaiveDateTime>)> = outbox::table
        .filter(outbox::next_attempt_at.le(now))
        .filter(
            outbox::lease_until
                .is_null()
                .or(outbox::lease_until.le(now)),
        )
        .order(outbox::next_attempt_at)
        .limit(SLICE)
        .select((outbox::id, outbox::dead_at))
        .load(conn)?;
    let due = rows.into_iter().map(|(id, dead_at)| Due {
        id: id.into(),
        dead: dead_at.is_some(),
    });
    Ok(due.collect())
}

/// Takes a letter, unless somebody else has it or is done with it.
pub(super) fn claim(
    conn: &mut Conn,
    id: &MessageId,
    owner: &str,
    now: Time,
    until: Time,
) -> QueryResult<Option<Claimed>> {
    let now = stored(now);
    let free = outbox::table
        .filter(outbox::id.eq(id.as_str()))
        .filter(outbox::dead_at.is_null())
        .filter(outbox::next_attempt_at.le(now))
        .filter(
            outbox::lease_until
                .is_null()
                .or(outbox::lease_until.le(now)),
        );
    let taken = diesel::update(free)
        .set((
            outbox::lease_owner.eq(owner),
            outbox::lease_until.eq(stored(until)),
        ))
        .execute(conn)?;
    if taken == 0 {
        return Ok(None);
    }
    let (kind, sealed, created_at, expires_at, attempts) = outbox::table
        .filter(outbox::id.eq(id.as_str()))
        .select((
            outbox::kind,
            outbox::sealed_message,
            outbox::created_at,
            outbox::expires_at,
            outbox::attempts,
        ))
        .get_result::<(String, Vec<u8>, NaiveDateTime, NaiveDateTime, i32)>(conn)?;
    Ok(Some(Claimed {
        id: id.clone(),
        kind,
        sealed,
        created_at: loaded(created_at),
        expires_at: loaded(expires_at),
        attempts,
    }))
}

/// It was sent.
pub(super) fn delete(conn: &mut Conn, id: &MessageId, owner: &str) -> QueryResult<usize> {
    diesel::delete(outbox::table)
        .filter(outbox::id.eq(id.as_str()))
        .filter(outbox::lease_owner.eq(owner))
        .execute(conn)
}

/// It was not sent, and will be tried again at `next`.
pub(super) fn postpone(
    conn: &mut Conn,
    claimed: (&MessageId, &str),
    next: Time,
    reason: &str,
) -> QueryResult<usize> {
    let (id, owner) = claimed;
    diesel::update(outbox::table)
        .filter(outbox::id.eq(id.as_str()))
        .filter(outbox::lease_owner.eq(owner))
        .set((
            outbox::attempts.eq(outbox::attempts + 1),
            outbox::next_attempt_at.eq(stored(next)),
            outbox::last_error.eq(reason),
            outbox::lease_owner.eq(None::<String>),
            outbox::lease_until.eq(None::<NaiveDateTime>),
        ))
        .execute(conn)
}

/// It will not be sent. The next thing to happen to it is its removal.
pub(super) fn bury(
    conn: &mut Conn,
    claimed: (&MessageId, &str),
    now: Time,
    remove_at: Time,
    reason: &str,
) -> QueryResult<usize> {
    let (id, owner) = claimed;
    diesel::update(outbox::table)
        .filter(outbox::id.eq(id.as_str()))
        .filter(outbox::lease_owner.eq(owner))
        .set((
            outbox::attempts.eq(outbox::attempts + 1),
            outbox::dead_at.eq(stored(now)),
            outbox::next_attempt_at.eq(stored(remove_at)),
            outbox::last_error.eq(reason),
            outbox::lease_owner.eq(None::<String>),
            outbox::lease_until.eq(None::<NaiveDateTime>),
        ))
        .execute(conn)
}

/// Removes dead letters whose time has come, by name.
pub(super) fn remove(conn: &mut Conn, ids: &[MessageId], now: Time) -> QueryResult<usize> {
    let mut removed = 0;
    for id in ids {
        removed += diesel::delete(outbox::table)
            .filter(outbox::id.eq(id.as_str()))
            .filter(outbox::dead_at.is_not_null())
            .filter(outbox::next_attempt_at.le(stored(now)))
            .execute(conn)?;
    }
    Ok(removed)
}

/// Above every name that we give: these are hexadecimal. And below all that is no text on SQLite, which
/// comes after every text, and so again and again.
const BEYOND: &str = "g";

/// Letters after `after` that are not sealed under `id`: a slice of them, in order.
pub(super) fn sealed_otherwise(
    conn: &mut Conn,
    id: RootId,
    after: &MessageId,
) -> QueryResult<Vec<(MessageId, Vec<u8>)>> {
    let rows: Vec<(String, Vec<u8>)> = outbox::table
        .filter(outbox::id.gt(after.as_str()))
        .filter(outbox::id.lt(BEYOND))
        .filter(substr(outbox::sealed_message, 1, RootId::BYTES).ne(id.bytes().to_vec()))
        .order(outbox::id)
        .limit(SLICE)
        .select((outbox::id, outbox::sealed_message))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(id, sealed)| (id.into(), sealed))
        .collect())
}

/// Puts the new sealed form in place of the old, where it still is; how often.
pub(super) fn replace_sealed(
    conn: &mut Conn,
    changes: &[(MessageId, Vec<u8>, Vec<u8>)],
) -> QueryResult<usize> {
    let mut replaced = 0;
    for (id, old, new) in changes {
        replaced += diesel::update(outbox::table)
            .filter(outbox::id.eq(id.as_str()))
            .filter(outbox::sealed_message.eq(old))
            .set(outbox::sealed_message.eq(new))
            .execute(conn)?;
    }
    Ok(replaced)
}

pub(super) fn count_sealed_under(conn: &mut Conn, id: RootId) -> QueryResult<i64> {
    outbox::table
        .filter(substr(outbox::sealed_message, 1, RootId::BYTES).eq(id.bytes().to_vec()))
        .count()
        .get_result(conn)
}

pub(super) fn delete_sealed_otherwise(conn: &mut Conn, ids: &[RootId]) -> QueryResult<usize> {
    let ids: Vec<Vec<u8>> = ids.iter().map(|id| id.bytes().to_vec()).collect();
    let lost = outbox::table.filter(substr(outbox::sealed_message, 1, RootId::BYTES).ne_all(ids));
    diesel::delete(lost).execute(conn)
}

pub(super) fn delete_all(conn: &mut Conn) -> QueryResult<()> {
    diesel::delete(outbox::table).execute(conn)?;
    Ok(())
}

pub(super) fn delete_sealed_under(conn: &mut Conn, ids: &[RootId]) -> QueryResult<usize> {
    let mut deleted = 0;
    for id in ids {
        let sealed = substr(outbox::sealed_message, 1, RootId::BYTES).eq(id.bytes().to_vec());
        deleted += diesel::delete(outbox::table.filter(sealed)).execute(conn)?;
    }
    Ok(deleted)
}
