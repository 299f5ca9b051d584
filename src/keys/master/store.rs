use diesel::prelude::*;

use super::{FOREVER, Registered};
use crate::clock::Time;
use crate::crypto::RootId;
use crate::keys::store::done;
use crate::storage::schema::{master_keys, signing_keys};
use crate::storage::{Conn, Lossy, Moment, stored};

/// All that were ever current, the first one first.
pub(in crate::keys) fn list(conn: &mut Conn) -> QueryResult<Vec<Registered>> {
    let rows: Vec<(Lossy, Moment, Option<Moment>)> = master_keys::table
        .order((master_keys::current_from, master_keys::id))
        .select((
            master_keys::id,
            master_keys::current_from,
            master_keys::retired_at,
        ))
        .load(conn)?;
    let registered = rows
        .into_iter()
        .filter_map(|(id, current_from, retired_at)| {
            let retired_at = retired_at.map(Moment::or_epoch);
            let is_being_revoked = retired_at.is_some_and(|at| at - FOREVER >= Time::UNIX_EPOCH);
            Some(Registered {
                // No node wrote another name.
                id: String::from(id).parse().ok()?,
                current_from: current_from.or_epoch(),
                is_being_revoked,
                retired_at: retired_at.filter(|_| !is_being_revoked),
            })
        });
    Ok(registered.collect())
}

/// A key is, or is to be, current.
pub(super) fn register(
    conn: &mut Conn,
    id: RootId,
    current_from: Time,
    now: Time,
) -> QueryResult<()> {
    let id = id.to_string();
    let known = diesel::update(master_keys::table.find(&id))
        .set(master_keys::current_from.eq(stored(current_from)))
        .execute(conn)?;
    if known == 0 {
        diesel::insert_into(master_keys::table)
            .values((
                master_keys::id.eq(&id),
                master_keys::current_from.eq(stored(current_from)),
                master_keys::created_at.eq(stored(now)),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// The revocation of a key has begun: it is to be retired, and the time for that is put off until
/// the rest is done.
pub(super) fn begin_to_revoke(conn: &mut Conn, id: RootId, now: Time) -> QueryResult<()> {
    retire(conn, id, now + FOREVER)
}

/// Whether the word of all these keys counts.
pub(in crate::keys) fn vouch(
    conn: &mut Conn,
    mut ids: impl Iterator<Item = RootId>,
) -> QueryResult<bool> {
    let registered = list(conn)?;
    Ok(ids.all(|id| {
        let mut rows = registered.iter();
        rows.any(|row| row.id == id && row.vouches())
    }))
}

/// Of a key that is there.
pub(super) fn retire(conn: &mut Conn, id: RootId, now: Time) -> QueryResult<()> {
    let retired = diesel::update(master_keys::table.find(id.to_string()))
        .set(master_keys::retired_at.eq(stored(now)))
        .execute(conn)?;
    done(retired)
}

/// Under which keys the signing keys are sealed, as they say.
pub(super) fn sealing(conn: &mut Conn) -> QueryResult<Vec<RootId>> {
    let ids: Vec<Lossy> = signing_keys::table
        .select(signing_keys::master_key_id)
        .distinct()
        .load(conn)?;
    let ids = ids.into_iter().map(String::from);
    Ok(ids.filter_map(|id| id.parse().ok()).collect())
}
