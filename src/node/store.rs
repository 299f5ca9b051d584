use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::Seen;
use crate::clock::Time;
use crate::storage::schema::nodes;
use crate::storage::{Conn, loaded, stored};

/// A node writes its own row only, so nobody can come between.
pub(super) fn put(conn: &mut Conn, seen: &Seen) -> QueryResult<()> {
    let changes = (
        nodes::seen_at.eq(stored(seen.seen_at)),
        nodes::master_keys.eq(seen.master_keys.join(" ")),
    );
    let known = diesel::update(nodes::table.find(&seen.id)).set(changes.clone());
    if known.execute(conn)? == 0 {
        diesel::insert_into(nodes::table)
            .values((
                nodes::id.eq(&seen.id),
                nodes::name.eq(&seen.name),
                nodes::started_at.eq(stored(seen.started_at)),
                changes,
            ))
            .execute(conn)?;
    }
    Ok(())
}

pub(super) fn delete(conn: &mut Conn, id: &str) -> QueryResult<()> {
    diesel::delete(nodes::table.find(id)).execute(conn)?;
    Ok(())
}

/// Those that were not seen since.
pub(super) fn forget(conn: &mut Conn, since: Time) -> QueryResult<()> {
    diesel::delete(nodes::table.filter(nodes::seen_at.lt(stored(since)))).execute(conn)?;
    Ok(())
}

pub(super) fn between(conn: &mut Conn, since: Time, until: Time) -> QueryResult<Vec<Seen>> {
    let rows: Vec<(String, String, NaiveDateTime, NaiveDateTime, String)> = nodes::table
        .filter(nodes::seen_at.between(stored(since), stored(until)))
        .order((nodes::started_at, nodes::id))
        .select((
            nodes::id,
            nodes::name,
            nodes::started_at,
            nodes::seen_at,
            nodes::master_keys,
        ))
        .load(conn)?;
    let seen = rows
        .into_iter()
        .map(|(id, name, started_at, seen_at, keys)| Seen {
            id,
            name,
            started_at: loaded(started_at),
            seen_at: loaded(seen_at),
            master_keys: keys.split_whitespace().map(str::to_owned).collect(),
        });
    Ok(seen.collect())
}
