use chrono::TimeDelta;
use diesel::prelude::*;

use super::Event;
use crate::storage::schema::events;
use crate::storage::{Conn, stored};

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

/// Ids are ordered by time: the oldest events are the first rows of the primary key.
fn sweep(conn: &mut Conn, event: &Event) -> QueryResult<()> {
    let oldest: Vec<(String, chrono::NaiveDateTime)> = events::table
        .select((events::id, events::at))
        .order(events::id)
        .limit(SLICE)
        .load(conn)?;
    for (id, at) in oldest {
        if at < stored(event.at - RETENTION) {
            diesel::delete(events::table.find(id)).execute(conn)?;
        }
    }
    Ok(())
}
