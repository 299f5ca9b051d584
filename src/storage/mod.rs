//! # storage
//!
//! One database, SQLite or PostgreSQL, chosen by the URL's scheme. [`Db::read`] and [`Db::write`]
//! are the only ways in; a write is a transaction, and its answer comes after the commit.
//!
//! Owns: connections, migrations, the tables' definitions, the group writer, retries.
//! Settings: `[database]`. Jobs: none.
//! It does not know what the rows mean: every room has its own `store.rs`.
//!
//! Closures may run more than once (a retried transaction): they touch nothing but the connection
//! and what they captured. They return what the database said; a decision that must leave a trace
//! is an `Ok` value, never an `Err`, because an `Err` rolls back.

mod batch;
mod connection;
mod failure;
mod free;
mod lossy;
mod measures;
mod migration;
mod moment;
mod postgresql;
pub mod schema;
mod sqlite;
mod target;
#[cfg(test)]
mod tests;
mod work;
mod writer;

pub use batch::Batch;
pub use connection::Conn;
pub(crate) use connection::each;
pub use failure::violates_unique;
pub use free::{Keyed, free};
pub use lossy::Lossy;
pub use migration::Applied;
pub use moment::Moment;
pub use target::Target;

use chrono::NaiveDateTime;
use diesel::QueryResult;
use futures_util::future::BoxFuture;
use std::sync::Arc;

use crate::clock::Time;
use crate::config;
use crate::error::{Error, Result};
use crate::measure::Collectors;

use measures::Measures;
use postgresql::Postgresql;
use sqlite::Sqlite;
use work::{Answer, Kind, Work};

/// How the process uses the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A server: on SQLite the only one on its file.
    Serve,
    /// A command beside a running server.
    Command,
}

/// The database. Clones share it.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    backend: Backend,
    measures: Measures,
}

enum Backend {
    Sqlite(Sqlite),
    Postgresql(Postgresql),
}

impl Db {
    /// Opens the database, brings its schema up to date and asserts that it keeps its promises
    /// (durability, foreign keys, a sound version). Blocks.
    ///
    /// # Errors
    /// With the remedy in the text: unknown scheme, a second server on one SQLite file, a schema
    /// newer than this program, weakened durability, an unreachable server.
    pub fn open(settings: &config::Database, access: Access) -> Result<Self> {
        let backend = match Target::parse(&settings.url)? {
            Target::Sqlite(path) => Backend::Sqlite(Sqlite::open(&path, access)?),
            Target::Postgresql(url) => Backend::Postgresql(Postgresql::open(url, settings)?),
        };
        let measures = Measures::new()?;
        Ok(Self(Arc::new(Inner { backend, measures })))
    }

    /// Runs queries that change nothing. Each statement sees the newest committed state.
    ///
    /// # Errors
    /// What the database said, as unavailable or internal; `NotFound` included, so a closure whose
    /// row may be missing says `.optional()`.
    pub async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Conn) -> QueryResult<T> + Send + 'static,
    {
        self.execute(Kind::Read, work).await
    }

    /// Runs one transaction and answers after its commit; an `Err` from the closure rolls back.
    ///
    /// # Errors
    /// As for [`Db::read`]. [`violates_unique`] tells which uniqueness a write broke. An error
    /// from the commit itself is unavailable: the write may or may not have happened.
    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Conn) -> QueryResult<T> + Send + 'static,
    {
        self.execute(Kind::Write, work).await
    }

    async fn execute<T, F>(&self, kind: Kind, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Conn) -> QueryResult<T> + Send + 'static,
    {
        work::answer(self.run(kind, work::boxed(work)).await?)
    }

    fn run(&self, kind: Kind, work: Work) -> BoxFuture<'_, Result<Answer>> {
        let Inner { backend, measures } = &*self.0;
        Box::pin(async move {
            match (backend, kind) {
                (Backend::Sqlite(sqlite), Kind::Read) => {
                    measures.read(async { sqlite.read(work) }).await
                }
                (Backend::Sqlite(sqlite), Kind::Write) => measures.write(sqlite.write(work)).await,
                (Backend::Postgresql(postgresql), Kind::Read) => {
                    measures.read(postgresql.run(kind, work)).await
                }
                (Backend::Postgresql(postgresql), Kind::Write) => {
                    measures.write(postgresql.run(kind, work)).await
                }
            }
        })
    }

    /// Has SQLite look over its whole file; PostgreSQL looks after itself. What it found, if it is
    /// not sound.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn check(&self) -> Result<Option<String>> {
        match &self.0.backend {
            Backend::Sqlite(sqlite) => sqlite.check(),
            Backend::Postgresql(_) => Ok(None),
        }
    }

    /// The kind of database, for people.
    pub fn kind(&self) -> &'static str {
        match &self.0.backend {
            Backend::Sqlite(_) => "SQLite",
            Backend::Postgresql(_) => "PostgreSQL",
        }
    }

    /// What it counts.
    ///
    /// # Errors
    /// None but a defect's.
    pub fn collectors(&self) -> Result<Collectors> {
        let Inner { backend, measures } = &*self.0;
        let mut all = measures.collectors();
        all.extend(match backend {
            Backend::Sqlite(sqlite) => sqlite.collectors(),
            Backend::Postgresql(postgresql) => postgresql.collectors()?,
        });
        Ok(all)
    }
}

/// Brings the schema up to date and says what was done. Blocks.
///
/// # Errors
/// As for [`Db::open`].
pub fn migrate(settings: &config::Database) -> Result<Applied> {
    match Target::parse(&settings.url)? {
        Target::Sqlite(path) => sqlite::migrate(&path),
        Target::Postgresql(url) => postgresql::migrate(&url),
    }
}

/// A time as the databases hold it.
pub fn stored(time: Time) -> NaiveDateTime {
    time.naive_utc()
}

/// A time as the databases gave it.
pub fn loaded(time: NaiveDateTime) -> Time {
    time.and_utc()
}

/// A broken promise of the database or its file, told to the operator.
fn refused(message: impl Into<String>) -> Error {
    Error::setup(message)
}
