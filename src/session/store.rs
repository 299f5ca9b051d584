mod rotate;
mod standing;

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::{EndReason, Session};
use crate::clock::Time;
use crate::crypto::random;
use crate::ids::{SessionId, Subject};
use crate::storage::schema::{instance, sessions, users};
use crate::storage::{Conn, Keyed, Moment, free, loaded, stored};
use crate::web::Facts;

pub(super) use rotate::{Presented, Rotation, rotate, rotate_all};
pub(super) use standing::{Standing, standings};

/// What decides about a session, in the order of [`Row`].
macro_rules! columns {
    () => {
        (
            sessions::id,
            sessions::subject,
            sessions::client,
            sessions::generation,
            sessions::rotated_at,
            sessions::created_at,
            sessions::idle_expires_at,
            sessions::expires_at,
            sessions::revoked_at,
            sessions::auth_time,
            sessions::amr,
            sessions::scope,
            sessions::epoch,
        )
    };
}

use columns;

/// What becomes of a session that is ended.
macro_rules! ended {
    ($reason:expr, $now:expr) => {
        (
            sessions::revoked_at.eq(stored($now)),
            sessions::revoke_reason.eq($reason.name()),
        )
    };
}

/// Whether a session is live, but for the account: listing, ending, proving and verifying mean the
/// same by it as a rotation does.
macro_rules! is_live {
    ($now:expr) => {
        sessions::revoked_at
            .is_null()
            .and(sessions::idle_expires_at.gt(stored($now)))
            .and(sessions::expires_at.gt(stored($now)))
            .and(
                sessions::epoch
                    .nullable()
                    .eq($crate::storage::schema::instance::table
                        .select($crate::storage::schema::instance::epoch)
                        .single_value()),
            )
    };
}
pub(super) use is_live;

/// The live sessions of a person.
macro_rules! live {
    ($subject:expr, $now:expr) => {
        sessions::table
            .filter(sessions::subject.eq($subject.as_str()))
            .filter($crate::session::store::is_live!($now))
    };
}
pub(super) use live;

#[derive(Queryable)]
struct Row {
    id: String,
    subject: String,
    client: String,
    generation: i64,
    rotated_at: NaiveDateTime,
    created_at: NaiveDateTime,
    idle_expires_at: NaiveDateTime,
    expires_at: NaiveDateTime,
    revoked_at: Option<NaiveDateTime>,
    auth_time: NaiveDateTime,
    amr: String,
    scope: String,
    epoch: i64,
}

impl From<Row> for Session {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            subject: row.subject.into(),
            client: row.client,
            generation: row.generation,
            rotated_at: loaded(row.rotated_at),
            created_at: loaded(row.created_at),
            idle_expires_at: loaded(row.idle_expires_at),
            expires_at: loaded(row.expires_at),
            revoked_at: row.revoked_at.map(loaded),
            auth_time: loaded(row.auth_time),
            amr: row.amr,
            scope: row.scope,
            epoch: row.epoch,
        }
    }
}

/// The account behind a session.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    pub(super) is_active: bool,
    pub(super) name: String,
    pub(super) email: Option<String>,
}

/// A session of `subject`, the installation's epoch, and the account.
pub(super) fn find_with_owner(
    conn: &mut Conn,
    subject: &Subject,
    id: &SessionId,
) -> QueryResult<Option<(Session, i64, Owner)>> {
    type Account = (bool, Option<String>, Option<String>, Option<NaiveDateTime>);
    let found: Option<(Row, Account)> = sessions::table
        .inner_join(users::table)
        .filter(sessions::id.eq(id.as_str()))
        .filter(sessions::subject.eq(subject.as_str()))
        .select((
            columns!(),
            (
                users::is_active,
                users::username,
                users::email,
                users::email_verified_at,
            ),
        ))
        .get_result(conn)
        .optional()?;
    let Some((row, (is_active, username, email, verified_at))) = found else {
        return Ok(None);
    };
    // Before the address is confirmed, somebody else may be reading there.
    let email = email.filter(|_| verified_at.is_some());
    let name = username.unwrap_or_default();
    Ok(Some((
        row.into(),
        epoch(conn)?,
        Owner {
            is_active,
            name,
            email,
        },
    )))
}

/// Sets when the person last proved who they are, if the session is live; the session then.
pub(super) fn update_auth_time(
    conn: &mut Conn,
    subject: &Subject,
    id: &SessionId,
    now: Time,
) -> QueryResult<Option<Session>> {
    let one = live!(subject, now).filter(sessions::id.eq(id.as_str()));
    let row: Option<Row> = diesel::update(one)
        .set(sessions::auth_time.eq(stored(now)))
        .returning(columns!())
        .get_result(conn)
        .optional()?;
    Ok(row.map(Session::from))
}

fn epoch(conn: &mut Conn) -> QueryResult<i64> {
    instance::table.select(instance::epoch).get_result(conn)
}

/// Ends every session of the installation at once; the new epoch. Nobody can have written it into a
/// session before.
pub(super) fn change_epoch(conn: &mut Conn) -> QueryResult<i64> {
    // As much of it as JSON can tell.
    let epoch = i64::from_be_bytes(random()) & ((1 << 53) - 1);
    diesel::update(instance::table)
        .set(instance::epoch.eq(epoch))
        .execute(conn)?;
    Ok(epoch)
}

#[derive(Insertable)]
#[diesel(table_name = sessions)]
struct NewRow<'a> {
    id: &'a str,
    subject: &'a str,
    client: &'a str,
    generation: i64,
    rotated_at: NaiveDateTime,
    created_at: NaiveDateTime,
    idle_expires_at: NaiveDateTime,
    expires_at: NaiveDateTime,
    auth_time: NaiveDateTime,
    amr: &'a str,
    scope: &'a str,
    address: Option<String>,
    user_agent: Option<&'a str>,
    epoch: i64,
}

/// A new session, of the epoch that is current now.
pub(super) fn insert(conn: &mut Conn, session: &Session, facts: &Facts) -> QueryResult<()> {
    let row = NewRow {
        id: session.id.as_str(),
        subject: session.subject.as_str(),
        client: &session.client,
        generation: session.generation,
        rotated_at: stored(session.rotated_at),
        created_at: stored(session.created_at),
        idle_expires_at: stored(session.idle_expires_at),
        expires_at: stored(session.expires_at),
        auth_time: stored(session.auth_time),
        amr: &session.amr,
        scope: &session.scope,
        address: facts.address.map(|address| address.to_string()),
        user_agent: facts.user_agent.as_deref(),
        epoch: epoch(conn)?,
    };
    diesel::insert_into(sessions::table)
        .values(&row)
        .execute(conn)?;
    Ok(())
}

const TABLE: Keyed = Keyed {
    table: "sessions",
    key: "id",
};

/// Sessions deleted by each new one at most: more than are made, so the table stays bounded.
const SLICE: i64 = 4;

/// Deletes a few sessions that are past their absolute end. Ids are ordered by time, so the oldest
/// are the first rows of the primary key, and no index has to follow every refresh.
pub(super) fn sweep(conn: &mut Conn, now: Time) -> QueryResult<()> {
    let oldest: Vec<(String, Moment)> = sessions::table
        .select((sessions::id, sessions::expires_at))
        .order(sessions::id)
        .limit(SLICE)
        .load(conn)?;
    // One whose end cannot be read must not keep anybody from logging in.
    let over = oldest
        .into_iter()
        .filter(|(_, expires_at)| expires_at.or_last() <= now);
    let over = over.map(|(id, _)| id).collect();
    for id in free(conn, TABLE, over)? {
        diesel::delete(sessions::table.find(id)).execute(conn)?;
    }
    Ok(())
}

/// Ends one session; whether it had not been ended before.
pub(super) fn revoke(
    conn: &mut Conn,
    subject: &Subject,
    id: &SessionId,
    reason: EndReason,
    now: Time,
) -> QueryResult<bool> {
    let one = sessions::table
        .filter(sessions::id.eq(id.as_str()))
        .filter(sessions::subject.eq(subject.as_str()))
        .filter(sessions::revoked_at.is_null());
    let ended = diesel::update(one).set(ended!(reason, now)).execute(conn)?;
    Ok(ended == 1)
}

/// Ends all sessions of a person; how many were live.
pub fn revoke_all(
    conn: &mut Conn,
    subject: &Subject,
    reason: EndReason,
    now: Time,
) -> QueryResult<usize> {
    revoke_where(conn, subject, "", reason, now)
}

/// Ends all sessions of a person but the one named; how many were live.
pub fn revoke_others(
    conn: &mut Conn,
    subject: &Subject,
    keep: &SessionId,
    reason: EndReason,
    now: Time,
) -> QueryResult<usize> {
    revoke_where(conn, subject, keep.as_str(), reason, now)
}

/// Ends the sessions of a person that were entered by `amr`, but the one named.
pub fn revoke_entered_by(
    conn: &mut Conn,
    subject: &Subject,
    (amr, keep): (&str, &SessionId),
    reason: EndReason,
    now: Time,
) -> QueryResult<usize> {
    let entered = sessions::table
        .filter(sessions::subject.eq(subject.as_str()))
        .filter(sessions::amr.eq(amr))
        .filter(sessions::id.ne(keep.as_str()))
        .filter(sessions::revoked_at.is_null());
    diesel::update(entered)
        .set(ended!(reason, now))
        .execute(conn)
}

/// Takes a session for this transaction, if it is live: what is done in its name is not done after
/// it has ended.
pub fn hold(conn: &mut Conn, subject: &Subject, id: &SessionId, now: Time) -> QueryResult<bool> {
    let one = live!(subject, now).filter(sessions::id.eq(id.as_str()));
    let held = diesel::update(one)
        .set(sessions::auth_time.eq(sessions::auth_time))
        .execute(conn)?;
    Ok(held == 1)
}

fn revoke_where(
    conn: &mut Conn,
    subject: &Subject,
    keep: &str,
    reason: EndReason,
    now: Time,
) -> QueryResult<usize> {
    let others = sessions::table
        .filter(sessions::subject.eq(subject.as_str()))
        .filter(sessions::id.ne(keep))
        .filter(sessions::revoked_at.is_null());
    diesel::update(others)
        .set(ended!(reason, now))
        .execute(conn)
}
