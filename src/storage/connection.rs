//! The connection that both databases hide behind, and how a pool makes one.

use diesel::r2d2::R2D2Connection;
use diesel::{PgConnection, SqliteConnection};

/// A connection to either database. Plain queries run on it as it is; see `each!` for the rest.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    /// PostgreSQL.
    Postgresql(PgConnection),
    /// SQLite.
    Sqlite(SqliteConnection),
}

/// Runs a statement that the two databases write alike and the connection enum cannot express
/// (`ON CONFLICT`): its text is compiled once for each of them.
macro_rules! each {
    ($conn:expr, |$one:ident| $statement:expr) => {
        match $conn {
            $crate::storage::Conn::Postgresql($one) => $statement,
            $crate::storage::Conn::Sqlite($one) => $statement,
        }
    };
}
pub(crate) use each;

/// Makes the connections of a pool with one function, which also sets each one up.
pub(super) struct Manager<F>(pub(super) F);

impl<F> r2d2::ManageConnection for Manager<F>
where
    F: Fn() -> diesel::ConnectionResult<Conn> + Send + Sync + 'static,
{
    type Connection = Conn;
    type Error = diesel::ConnectionError;

    fn connect(&self) -> Result<Conn, Self::Error> {
        (self.0)()
    }

    fn is_valid(&self, _: &mut Conn) -> Result<(), Self::Error> {
        Ok(()) // not asked: a check would be one more round trip for every checkout
    }

    fn has_broken(&self, conn: &mut Conn) -> bool {
        std::thread::panicking()
            || match conn {
                Conn::Postgresql(pg) => pg.is_broken(),
                Conn::Sqlite(sqlite) => sqlite.is_broken(),
            }
    }
}
