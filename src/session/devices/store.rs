use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::super::EndReason;
use super::super::store::live;
use super::Device;
use crate::clock::Time;
use crate::ids::{SessionId, Subject};
use crate::storage::schema::sessions;
use crate::storage::{Conn, loaded, stored};

/// The newest live sessions of a person, newest first.
pub(super) fn list_live(
    conn: &mut Conn,
    subject: &Subject,
    now: Time,
    limit: i64,
) -> QueryResult<Vec<Device>> {
    type Columns = (
        String,
        NaiveDateTime,
        NaiveDateTime,
        String,
        Option<String>,
        Option<String>,
    );
    let rows: Vec<Columns> = live!(subject, now)
        .order((sessions::created_at.desc(), sessions::id.desc()))
        .limit(limit)
        .select((
            sessions::id,
            sessions::created_at,
            sessions::rotated_at,
            sessions::client,
            sessions::user_agent,
            sessions::address,
        ))
        .load(conn)?;
    let device = |(id, created_at, rotated_at, client, user_agent, address): Columns| Device {
        id: id.into(),
        created_at: loaded(created_at),
        last_used_at: loaded(rotated_at),
        client,
        user_agent,
        address,
    };
    Ok(rows.into_iter().map(device).collect())
}

/// Ends one session if it is live; whether it was.
pub(super) fn revoke_live(
    conn: &mut Conn,
    subject: &Subject,
    id: &SessionId,
    reason: EndReason,
    now: Time,
) -> QueryResult<bool> {
    let one = live!(subject, now).filter(sessions::id.eq(id.as_str()));
    let ended = diesel::update(one)
        .set((
            sessions::revoked_at.eq(stored(now)),
            sessions::revoke_reason.eq(reason.name()),
        ))
        .execute(conn)?;
    Ok(ended == 1)
}
