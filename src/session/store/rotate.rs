//! The one conditional write that a refresh is: all that makes a session live is in its condition.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use diesel::backend::Backend;
use diesel::connection::SimpleConnection;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{Array, BigInt, HasSqlType, Text, Timestamp};
use diesel::sqlite::Sqlite;

use super::{Row, columns};
use crate::clock::Time;
use crate::ids::{SessionId, Subject};
use crate::session::Session;
use crate::storage::schema::sessions;
use crate::storage::{Conn, stored};

/// A rotation that is to happen if the presented generation is the live one.
#[derive(Clone, Copy, Debug)]
pub(in crate::session) struct Rotation<'a> {
    pub(in crate::session) presented: Presented<'a>,
    pub(in crate::session) now: Time,
    pub(in crate::session) idle_expires_at: Time,
}

/// What a refresh token says.
#[derive(Clone, Copy, Debug)]
pub(in crate::session) struct Presented<'a> {
    pub(in crate::session) id: &'a SessionId,
    pub(in crate::session) subject: &'a Subject,
    pub(in crate::session) generation: i64,
}

/// What becomes of a session that another transaction is writing to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Busy {
    /// It is waited for.
    Wait,
    /// It is not rotated, so that nobody else has to wait for it.
    Skip,
}

/// The session as it is now, if it was rotated. One that is being written to is waited for, but not
/// for long, in what remains of this transaction.
pub(in crate::session) fn rotate(
    conn: &mut Conn,
    rotation: &Rotation<'_>,
) -> QueryResult<Option<Session>> {
    if let Conn::Postgresql(conn) = conn {
        // Whoever is waited for has a connection, too.
        conn.batch_execute("SET LOCAL lock_timeout = '300ms'")?;
    }
    let times = (rotation.now, rotation.idle_expires_at);
    let rotated = rotate_with(conn, &[rotation.presented], times, Busy::Wait)?;
    Ok(rotated.into_iter().next().flatten())
}

/// Many rotations at `now`, in one statement; for each the session as it is then, if it was
/// rotated. Of several of the same generation of a session one is; one that is being written to is
/// not (on PostgreSQL: on SQLite nobody else writes).
pub(in crate::session) fn rotate_all(
    conn: &mut Conn,
    presented: &[Presented<'_>],
    times: (Time, Time),
) -> QueryResult<Vec<Option<Session>>> {
    rotate_with(conn, presented, times, Busy::Skip)
}

fn rotate_with(
    conn: &mut Conn,
    presented: &[Presented<'_>],
    (now, idle_expires_at): (Time, Time),
    busy: Busy,
) -> QueryResult<Vec<Option<Session>>> {
    let (now, idle_expires_at) = (stored(now), stored(idle_expires_at));
    let rows: Vec<Row> = match conn {
        Conn::Postgresql(conn) => {
            let table = Arrays::new(presented);
            match busy {
                Busy::Wait => RotateAll(table, now, idle_expires_at).load(conn),
                Busy::Skip => RotateAll(Free(table), now, idle_expires_at).load(conn),
            }
        }
        Conn::Sqlite(conn) => {
            let table = Json::new(presented)?;
            RotateAll(table, now, idle_expires_at).load(conn)
        }
    }?;
    let mut rotated: HashMap<SessionId, Session> = rows
        .into_iter()
        .map(Session::from)
        .map(|session| (session.id.clone(), session))
        .collect();
    let mut of = |one: &Presented<'_>| {
        let session = rotated.get(one.id)?;
        let is_it = session.generation == one.generation + 1;
        is_it.then(|| rotated.remove(one.id)).flatten()
    };
    Ok(presented.iter().map(&mut of).collect())
}

/// The tokens as a table, `presented`.
trait Table {
    /// What finds their sessions.
    const FOUND: &'static str =
        "sessions.id = presented.id AND sessions.subject = presented.subject";
}

/// The statement: with the tokens as a table, now, and the next end of idling. Its text is always the
/// same, however many there are, so that a connection prepares it once; diesel would write a list.
struct RotateAll<T>(T, NaiveDateTime, NaiveDateTime);

impl<T: QueryId> QueryId for RotateAll<T> {
    type QueryId = RotateAll<T::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = T::HAS_STATIC_QUERY_ID;
}

impl<T, DB> QueryFragment<DB> for RotateAll<T>
where
    T: Table + QueryFragment<DB>,
    DB: Backend + HasSqlType<Timestamp>,
    NaiveDateTime: ToSql<Timestamp, DB>,
    columns!(): QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let Self(table, now, idle_expires_at) = self;
        out.push_sql("UPDATE sessions SET generation = presented.generation + 1, rotated_at = ");
        out.push_bind_param::<Timestamp, _>(now)?;
        out.push_sql(", idle_expires_at = ");
        out.push_bind_param::<Timestamp, _>(idle_expires_at)?;
        out.push_sql(" FROM ");
        table.walk_ast(out.reborrow())?;
        out.push_sql(" WHERE ");
        out.push_sql(T::FOUND);
        out.push_sql(
            " AND sessions.generation = presented.generation AND sessions.revoked_at IS NULL \
             AND sessions.epoch = (SELECT epoch FROM instance) \
             AND EXISTS (SELECT 1 FROM users WHERE users.id = sessions.subject AND users.is_active) \
             AND sessions.expires_at > ",
        );
        out.push_bind_param::<Timestamp, _>(now)?;
        out.push_sql(" AND sessions.idle_expires_at > ");
        out.push_bind_param::<Timestamp, _>(now)?;
        out.push_sql(" RETURNING ");
        columns!().walk_ast(out)
    }
}

impl<T> Query for RotateAll<T> {
    type SqlType = <columns!() as Expression>::SqlType;
}

impl<T, C> RunQueryDsl<C> for RotateAll<T> {}

/// For PostgreSQL.
struct Arrays<'a> {
    ids: Vec<&'a str>,
    subjects: Vec<&'a str>,
    generations: Vec<i64>,
}

impl<'a> Arrays<'a> {
    fn new(presented: &[Presented<'a>]) -> Self {
        Self {
            ids: presented.iter().map(|one| one.id.as_str()).collect(),
            subjects: presented.iter().map(|one| one.subject.as_str()).collect(),
            generations: presented.iter().map(|one| one.generation).collect(),
        }
    }
}

impl QueryId for Arrays<'_> {
    type QueryId = Arrays<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryFragment<Pg> for Arrays<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("unnest(");
        out.push_bind_param::<Array<Text>, _>(&self.ids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.subjects)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.generations)?;
        out.push_sql(") AS presented (id, subject, generation)");
        Ok(())
    }
}

impl Table for Arrays<'_> {}

/// Those of them whose sessions nobody else is writing to. They are locked in whatever order, without
/// waiting: two nodes cannot stand in each other's way, and a session that hangs holds up nobody but
/// itself. They are found again by their places: a table that changes as fast as this one has no
/// statistics to plan anything better by.
struct Free<'a>(Arrays<'a>);

impl Table for Free<'_> {
    const FOUND: &'static str = "sessions.ctid = presented.place";
}

impl QueryId for Free<'_> {
    type QueryId = Free<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryFragment<Pg> for Free<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(SELECT found.ctid AS place, presented.generation FROM ");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(
            " JOIN sessions AS found ON found.id = presented.id \
             AND found.subject = presented.subject AND found.generation = presented.generation \
             FOR UPDATE OF found SKIP LOCKED) AS presented",
        );
        Ok(())
    }
}

/// For SQLite: a list of lists.
struct Json(String);

impl Json {
    fn new(presented: &[Presented<'_>]) -> QueryResult<Self> {
        let rows: Vec<_> = presented
            .iter()
            .map(|one| (one.id.as_str(), one.subject.as_str(), one.generation))
            .collect();
        let text = serde_json::to_string(&rows);
        let text = text.map_err(|error| diesel::result::Error::SerializationError(error.into()))?;
        Ok(Self(text))
    }
}

impl QueryId for Json {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Table for Json {}

impl QueryFragment<Sqlite> for Json {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(
            "(SELECT value ->> 0 AS id, value ->> 1 AS subject, value ->> 2 AS generation \
             FROM json_each(",
        );
        out.push_bind_param::<Text, _>(&self.0)?;
        out.push_sql(")) AS presented");
        Ok(())
    }
}
