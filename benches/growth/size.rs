//! How much room everything takes, in bytes, and which ways `PostgreSQL` took to find rows.

use diesel::sql_types::{BigInt, Text};
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl};

use crate::Outcome;
use crate::database::Database;

/// The database whole: with what SQLite has in its log.
pub(crate) fn of(database: &Database) -> Outcome<u64> {
    #[derive(QueryableByName)]
    struct Size {
        #[diesel(sql_type = BigInt)]
        bytes: i64,
    }
    let Some(file) = database.file() else {
        let mut conn = PgConnection::establish(&database.url)?;
        let text = "SELECT pg_database_size(current_database()) AS bytes";
        let size: Size = diesel::sql_query(text).get_result(&mut conn)?;
        return Ok(size.bytes.try_into()?);
    };
    let mut log = file.clone().into_os_string();
    log.push("-wal");
    let bytes = std::fs::metadata(file)?.len();
    Ok(bytes + std::fs::metadata(log).map_or(0, |log| log.len()))
}

/// What finds rows of a table, and how often it did.
#[derive(QueryableByName)]
pub(crate) struct Way {
    #[diesel(sql_type = Text)]
    pub(crate) table: String,
    /// An index, or nothing where the whole table is gone through.
    #[diesel(sql_type = Text)]
    pub(crate) index: String,
    #[diesel(sql_type = BigInt)]
    pub(crate) times: i64,
}

/// Since it was last asked; nothing for SQLite, which does not count.
pub(crate) fn ways(database: &Database) -> Outcome<Vec<Way>> {
    if database.is_sqlite() {
        return Ok(Vec::new());
    }
    let mut conn = PgConnection::establish(&database.url)?;
    let text = "SELECT relname AS table, indexrelname AS index, idx_scan AS times \
         FROM pg_stat_user_indexes \
         UNION ALL SELECT relname, '', seq_scan FROM pg_stat_user_tables ORDER BY 1, 2";
    let ways = diesel::sql_query(text).load(&mut conn)?;
    diesel::sql_query("SELECT pg_stat_reset()").execute(&mut conn)?;
    Ok(ways)
}
