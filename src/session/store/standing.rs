//! What an access token's account and session are like now.

use std::collections::HashMap;

use diesel::prelude::*;

use super::is_live;
use crate::clock::Time;
use crate::ids::{SessionId, Subject};
use crate::storage::schema::{sessions, users};
use crate::storage::{Conn, stored};

/// How a person in a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) struct Standing {
    /// Whether the account is active.
    pub(in crate::session) is_active: bool,
    /// The generation of the session, if it is live.
    pub(in crate::session) generation: Option<i64>,
}

/// For each person in a session; `None` without an account.
pub(in crate::session) fn standings(
    conn: &mut Conn,
    asked: &[(Subject, SessionId)],
    now: Time,
) -> QueryResult<Vec<Option<Standing>>> {
    match conn {
        // Its text is the same for however many.
        Conn::Postgresql(conn) => of_many(conn, asked, now),
        Conn::Sqlite(conn) => {
            let mut one = |(subject, id): &(_, _)| of_one(conn, subject, id, now);
            asked.iter().map(&mut one).collect()
        }
    }
}

fn of_one(
    conn: &mut SqliteConnection,
    subject: &Subject,
    id: &SessionId,
    now: Time,
) -> QueryResult<Option<Standing>> {
    let session = sessions::table
        .filter(sessions::id.eq(id.as_str()))
        .filter(sessions::subject.eq(subject.as_str()))
        .filter(is_live!(now));
    let account = users::table.filter(users::id.eq(subject.as_str())).select((
        users::is_active,
        session.select(sessions::generation).single_value(),
    ));
    let found = account.get_result(conn).optional()?;
    Ok(found.map(|(is_active, generation)| Standing {
        is_active,
        generation,
    }))
}

/// A person, whether the account is active, and one of the sessions asked for, if it is live.
type Row = (String, bool, Option<(String, i64)>);

fn of_many(
    conn: &mut PgConnection,
    asked: &[(Subject, SessionId)],
    now: Time,
) -> QueryResult<Vec<Option<Standing>>> {
    let subjects: Vec<&str> = asked.iter().map(|(subject, _)| subject.as_str()).collect();
    let ids: Vec<&str> = asked.iter().map(|(_, id)| id.as_str()).collect();
    let of_account = sessions::subject.eq(users::id);
    let asked_for = of_account.and(sessions::id.eq_any(ids));
    let rows: Vec<Row> = users::table
        .left_join(sessions::table.on(asked_for.and(is_live!(now))))
        .filter(users::id.eq_any(subjects))
        .select((
            users::id,
            users::is_active,
            (sessions::id, sessions::generation).nullable(),
        ))
        .load(conn)?;
    let mut accounts = HashMap::new();
    let mut generations = HashMap::new();
    for (subject, is_active, session) in &rows {
        accounts.insert(subject.as_str(), *is_active);
        if let Some((id, generation)) = session {
            generations.insert((subject.as_str(), id.as_str()), *generation);
        }
    }
    let standing = |(subject, id): &(Subject, SessionId)| {
        let generation = generations.get(&(subject.as_str(), id.as_str())).copied();
        let is_active = *accounts.get(subject.as_str())?;
        Some(Standing {
            is_active,
            generation,
        })
    };
    Ok(asked.iter().map(standing).collect())
}
