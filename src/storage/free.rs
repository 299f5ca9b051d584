//! Rows that can be written to without waiting for anybody.

use diesel::prelude::*;
use diesel::sql_types::{Array, Text};

use super::Conn;

/// A table, and the text column that is its primary key.
#[derive(Clone, Copy, Debug)]
pub struct Keyed {
    /// As in the schema.
    pub table: &'static str,
    /// As in the schema.
    pub key: &'static str,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    id: String,
}

/// Those of the rows that no other transaction is writing to, locked for this one; on SQLite, where
/// nobody else writes, all. For what can be done another time: whoever clears up must not have others
/// wait, nor wait for them.
///
/// # Errors
/// The database's.
pub fn free(conn: &mut Conn, table: Keyed, ids: Vec<String>) -> QueryResult<Vec<String>> {
    let Conn::Postgresql(conn) = conn else {
        return Ok(ids);
    };
    if ids.is_empty() {
        return Ok(ids);
    }
    let Keyed { table, key } = table;
    let text =
        format!("SELECT {key} AS id FROM {table} WHERE {key} = ANY($1) FOR UPDATE SKIP LOCKED");
    let query = diesel::sql_query(text).bind::<Array<Text>, _>(ids);
    let found: Vec<Found> = query.load(conn)?;
    Ok(found.into_iter().map(|found| found.id).collect())
}
