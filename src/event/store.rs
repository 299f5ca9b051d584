use chrono::TimeDelta;
use diesel::prelude::*;

use super::{Event, Query, Recorded};
use crate::ids::EventId;
use crate::storage::schema::events;
use crate::storage::{Conn, Keyed, free, loaded, stored};

/// Events are kept this long.
const RETENTION: TimeDelta = TimeDelta::days(90);

/// Old events deleted by each new one at most: more than are made, so the table stays bounded.
const SLICE: i64 = 2;

#[derive(Insertable)]
#[diesel(table_name = events)]
struct NewRow<'a> {
    id: &'a str,
    at: chrono::NaiveDateTime,
    kind: &'a str,
    subject: Option<&'a str>,
    session: Option<&'a str>,
    address: Option<String>,
    details: String,
}

/// Records an event in the caller's transaction, and drops a few that are too old to keep.
pub fn record(conn: &mut Conn, event: &Event) -> QueryResult<()> {
    let row = NewRow {
        id: event.id.as_str(),
        at: stored(event.at),
        kind: event.kind.name(),
        subject: event.subject.as_ref().map(crate::ids::Subject::as_str),
        session: event.session.as_ref().map(crate::ids::SessionId::as_str),
        address: event.address.map(|address| address.to_string()),
        details: serde_json::Value::Object(event.details.clone()).to_string(),
    };
    diesel::insert_into(events::table)
        .values(&row)
        .execute(conn)?;
    sweep(conn, event)
}

const TABLE: Keyed = Keyed {
    table: "events",
    key: "id",
};

/// Ids are ordered by time: the oldest events are the first rows of the primary key.
fn sweep(conn: &mut Conn, event: &Event) -> QueryResult<()> {
    let oldest: Vec<(String, chrono::NaiveDateTime)> = events::table
        .select((events::id, events::at))
        .order(events::id)
        .limit(SLICE)
        .load(conn)?;
    let over = oldest
        .into_iter()
        .filter(|(_, at)| *at < stored(event.at - RETENTION));
    let over = over.map(|(id, _)| id).collect();
    for id in free(conn, TABLE, over)? {
        diesel::delete(events::table.find(id)).execute(conn)?;
    }
    Ok(())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = events)]
struct Row {
    id: String,
    at: chrono::NaiveDateTime,
    kind: String,
    subject: Option<String>,
    session: Option<String>,
    address: Option<String>,
    details: String,
}

impl From<Row> for Recorded {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            at: loaded(row.at),
            kind: row.kind,
            subject: row.subject.map(Into::into),
            session: row.session.map(Into::into),
            address: row.address,
            details: serde_json::from_str(&row.details).unwrap_or_default(),
        }
    }
}

/// The newest events that fit, oldest of them first. Time is asked of the ids, which are ordered by
/// it, so that the primary key answers. There is no index on kinds: a million events are looked
/// through in a fifth of a second, and an index would cost something at every login.
pub(super) fn list_newest(conn: &mut Conn, query: &Query) -> QueryResult<Vec<Recorded>> {
    let mut fitting = events::table.into_boxed();
    if let Some(since) = query.since {
        fitting = fitting.filter(events::id.ge(String::from(EventId::floor(since))));
    }
    if !query.kinds.is_empty() {
        let names = query.kinds.iter().map(|kind| kind.name());
        fitting = fitting.filter(events::kind.eq_any(names.collect::<Vec<_>>()));
    }
    if let Some(subject) = &query.subject {
        fitting = fitting.filter(events::subject.eq(subject.as_str()));
    }
    let rows: Vec<Row> = fitting
        .order(events::id.desc())
        .limit(query.limit.into())
        .select(Row::as_select())
        .load(conn)?;
    Ok(rows.into_iter().rev().map(Recorded::from).collect())
}

/// The oldest events with a higher id than `after`, in order.
pub(super) fn list_after(
    conn: &mut Conn,
    after: &EventId,
    limit: i64,
) -> QueryResult<Vec<Recorded>> {
    let rows: Vec<Row> = events::table
        .filter(events::id.gt(after.as_str()))
        .order(events::id)
        .limit(limit)
        .select(Row::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(Recorded::from).collect())
}
