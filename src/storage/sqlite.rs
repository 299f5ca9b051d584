//! SQLite: one file, one server process, many readers, one writer that groups.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use super::connection::{Conn, Manager};
use super::migration::{self, Applied};
use super::work::{Answer, Work};
use super::writer::Writer;
use super::{Access, refused};
use crate::error::{Error, Result};
use crate::measure::{Collectors, collectors};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// Connections for reading: reads run on the callers' threads, of which there are few.
const READERS: u32 = 16;

/// WAL with a sync at every commit: an acknowledged write survives a power cut.
const SETUP: &str = "PRAGMA busy_timeout = 2000; PRAGMA journal_mode = WAL; \
     PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; \
     PRAGMA wal_autocheckpoint = 1000; PRAGMA journal_size_limit = 67108864;";

type Connect = Box<dyn Fn() -> ConnectionResult<Conn> + Send + Sync>;

pub(super) struct Sqlite {
    readers: r2d2::Pool<Manager<Connect>>,
    writer: Writer,
    /// Held for as long as this process serves the file.
    _lock: Option<File>,
}

impl Sqlite {
    pub(super) fn open(path: &Path, access: Access) -> Result<Self> {
        let lock = match access {
            Access::Serve => Some(lock(path)?),
            Access::Command => None,
        };
        migrate_locked(path, lock.is_some())?;
        let mut conn = connect(path).map_err(|error| cannot_open(path, error))?;
        assert_promises(&mut conn)?;
        let owned = path.to_owned();
        let manager = Manager(Box::new(move || connect(&owned).map(Conn::Sqlite)) as Connect);
        let readers = r2d2::Pool::builder()
            .max_size(READERS)
            .min_idle(Some(1))
            .test_on_check_out(false)
            .connection_timeout(std::time::Duration::from_secs(2))
            .build(manager)
            .map_err(|error| cannot_open(path, error))?;
        Ok(Self {
            readers,
            writer: Writer::start(conn)?,
            _lock: lock,
        })
    }

    /// Runs inline: a point read costs less than a change of threads.
    pub(super) fn read<T>(&self, mut work: impl FnMut(&mut Conn) -> QueryResult<T>) -> Result<T> {
        let mut conn = self
            .readers
            .get()
            .map_err(|error| Error::unavailable(1, error))?;
        Ok(work(&mut conn)?)
    }

    pub(super) fn check(&self) -> Result<Option<String>> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            quick_check: String,
        }
        let rows: Vec<Row> =
            self.read(|conn| diesel::sql_query("PRAGMA quick_check(5)").load(conn))?;
        let found: Vec<String> = rows.into_iter().map(|row| row.quick_check).collect();
        Ok((found != ["ok"]).then(|| found.join("; ")))
    }

    pub(super) async fn write(&self, work: Work) -> Result<Answer> {
        self.writer.write(work).await
    }

    pub(super) fn collectors(&self) -> Collectors {
        collectors![self.writer.groups]
    }
}

/// Brings the file's schema up to date.
pub(super) fn migrate(path: &Path) -> Result<Applied> {
    let _lock = lock(path)?;
    migrate_locked(path, true)
}

/// Without the lock nothing is changed: an old schema under a running server stays as it is.
fn migrate_locked(path: &Path, locked: bool) -> Result<Applied> {
    use diesel_migrations::MigrationHarness;
    make(path)?;
    let mut conn = connect(path).map_err(|error| cannot_open(path, error))?;
    if conn
        .has_pending_migration(MIGRATIONS)
        .map_err(Error::internal)?
        && !locked
    {
        let _lock = lock(path)?;
        return migration::run(&mut conn, MIGRATIONS);
    }
    migration::run(&mut conn, MIGRATIONS)
}

/// Makes the file, and the folder it is in, where there is none: for its owner's eyes only. SQLite
/// gives the files beside it the same permissions.
fn make(path: &Path) -> Result<()> {
    if let Some(parent) = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        std::fs::create_dir_all(parent).map_err(|error| cannot_open(path, error))?;
    }
    match OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
    {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(cannot_open(path, error)),
        _ => Ok(()),
    }
}

/// Takes the file for this process: two writers that group would starve each other, and the
/// second one's jobs would run beside the first one's.
fn lock(path: &Path) -> Result<File> {
    make(path)?;
    // By the file's own name, whatever link leads to it.
    let path = path
        .canonicalize()
        .map_err(|error| cannot_open(path, error))?;
    let name = path.with_added_extension("lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&name);
    let file = file.map_err(|error| cannot_open(&name, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(refused(format!(
            "{} is in use by another signet process. Stop that one first; several nodes need \
             PostgreSQL",
            path.display()
        ))),
        Err(TryLockError::Error(error)) => Err(cannot_open(&name, error)),
    }
}

fn connect(path: &Path) -> ConnectionResult<SqliteConnection> {
    let mut conn = SqliteConnection::establish(&path.to_string_lossy())?;
    conn.batch_execute(SETUP)
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}

fn cannot_open(path: &Path, error: impl Into<crate::error::Source>) -> Error {
    refused(format!("cannot open {}", path.display())).with_source(error)
}

#[derive(QueryableByName)]
struct Promises {
    #[diesel(sql_type = Text)]
    version: String,
    #[diesel(sql_type = Text)]
    journal_mode: String,
    #[diesel(sql_type = Integer)]
    synchronous: i32,
    #[diesel(sql_type = Integer)]
    foreign_keys: i32,
}

/// The settings that durability and consistency rest on, as the database itself reports them.
fn assert_promises(conn: &mut SqliteConnection) -> Result<()> {
    let found: Promises = diesel::sql_query(
        "SELECT sqlite_version() AS version, journal_mode, synchronous, foreign_keys \
         FROM pragma_journal_mode, pragma_synchronous, pragma_foreign_keys",
    )
    .get_result(conn)?;
    let version: Vec<u32> = found
        .version
        .split('.')
        .filter_map(|part| part.parse().ok())
        .collect();
    // Older versions, and 3.52.0, can lose a commit when a checkpoint races a writer.
    if version < vec![3, 51, 3] || version == [3, 52, 0] {
        return Err(refused(format!(
            "SQLite {} is not sound; 3.51.3 or newer",
            found.version
        )));
    }
    if (
        found.journal_mode.as_str(),
        found.synchronous,
        found.foreign_keys,
    ) != ("wal", 2, 1)
    {
        return Err(refused(format!(
            "SQLite does not keep its promises here (journal_mode={}, synchronous={}, \
             foreign_keys={}): is the file on a network file system?",
            found.journal_mode, found.synchronous, found.foreign_keys
        )));
    }
    Ok(())
}
