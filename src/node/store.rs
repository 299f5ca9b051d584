use chrono::TimeDelta;
use diesel::prelude::*;

use super::{MOST_BOUND, Seen, Word};
use crate::clock::Time;
use crate::storage::schema::nodes;
use crate::storage::{Conn, Lossy, Moment, stored};

/// No setting that a node tells is longer, in seconds: a day.
const MOST_SECONDS: i64 = 86_400;

/// A node writes its own row only, so nobody can come between.
pub(super) fn put(conn: &mut Conn, seen: &Seen, word: Word, bound_until: Time) -> QueryResult<()> {
    let changes = (
        nodes::seen_at.eq(stored(seen.seen_at)),
        nodes::master_keys.eq(seen.master_keys.join(" ")),
        nodes::bound_until.eq(Some(stored(bound_until))),
    );
    let known = diesel::update(nodes::table.find(&seen.id)).set(changes.clone());
    if known.execute(conn)? == 0 {
        diesel::insert_into(nodes::table)
            .values((
                nodes::id.eq(&seen.id),
                nodes::name.eq(&seen.name),
                nodes::started_at.eq(stored(seen.started_at)),
                nodes::jwks_max_age_s.eq(word.jwks_max_age.num_seconds()),
                nodes::reload_every_s.eq(word.reload_every.num_seconds()),
                nodes::access_ttl_s.eq(word.access_ttl.num_seconds()),
                changes,
            ))
            .execute(conn)?;
    }
    Ok(())
}

pub(super) fn leave(conn: &mut Conn, id: &str, now: Time) -> QueryResult<()> {
    diesel::update(nodes::table.find(id))
        .set(nodes::left_at.eq(Some(stored(now))))
        .execute(conn)?;
    Ok(())
}

/// Those that say they were seen later.
pub(super) fn forget_later(conn: &mut Conn, than: Time) -> QueryResult<()> {
    diesel::delete(nodes::table.filter(nodes::seen_at.gt(stored(than)))).execute(conn)?;
    Ok(())
}

/// Those that were not seen since.
pub(super) fn forget(conn: &mut Conn, since: Time) -> QueryResult<()> {
    diesel::delete(nodes::table.filter(nodes::seen_at.lt(stored(since)))).execute(conn)?;
    Ok(())
}

/// A word in seconds, when it was last heard, and until when it counts.
type Spoken = ((i64, i64, i64), Moment, Option<Moment>);

/// What those said whose word counts at `now`.
pub(super) fn words(conn: &mut Conn, now: Time) -> QueryResult<Vec<Word>> {
    let rows: Vec<Spoken> = nodes::table
        .filter(nodes::bound_until.gt(stored(now)))
        .select((
            (
                nodes::jwks_max_age_s,
                nodes::reload_every_s,
                nodes::access_ttl_s,
            ),
            nodes::seen_at,
            nodes::bound_until,
        ))
        .load(conn)?;
    // A row that nobody can have written is nobody's word.
    let is_sane = |seen_at: Moment, bound_until: Option<Moment>| {
        let (Some(seen_at), Some(until)) = (seen_at.time(), bound_until.and_then(Moment::time))
        else {
            return false;
        };
        until > now && until <= seen_at + MOST_BOUND && seen_at <= now + MOST_BOUND
    };
    let words = rows
        .into_iter()
        .filter(|(_, seen_at, until)| is_sane(*seen_at, *until))
        .map(|((jwks_max_age, reload_every, access_ttl), ..)| Word {
            jwks_max_age: in_bounds(jwks_max_age),
            reload_every: in_bounds(reload_every),
            access_ttl: in_bounds(access_ttl),
        });
    Ok(words.collect())
}

fn in_bounds(seconds: i64) -> TimeDelta {
    TimeDelta::seconds(seconds.clamp(0, MOST_SECONDS))
}

pub(super) fn between(conn: &mut Conn, since: Time, until: Time) -> QueryResult<Vec<Seen>> {
    let rows: Vec<(Lossy, Lossy, Moment, Moment, Lossy)> = nodes::table
        .filter(nodes::seen_at.between(stored(since), stored(until)))
        .filter(nodes::left_at.is_null())
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
            id: id.into(),
            name: name.into(),
            started_at: started_at.or_epoch(),
            seen_at: seen_at.or_epoch(),
            master_keys: String::from(keys)
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
        });
    Ok(seen.collect())
}
