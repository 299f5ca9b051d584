//! PostgreSQL: a pool with a queue before it, one transaction per write, retried when the server
//! undid it for the sake of another.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection::{Conn, Manager};
use super::failure::{is_passing, is_retryable};
use super::migration::{self, Applied};
use super::work::{Answer, Kind, Work};
use super::{measures, refused};
use crate::config;
use crate::error::{Error, Result};
use crate::measure::{self, Collectors, Held, IntCounter, IntGauge, collectors};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgresql");

/// A caller waits this long for a place, and then for a connection.
const POOL_WAIT: Duration = Duration::from_secs(1);

/// A caller who has a place waits this long, also for a server that has gone silent.
const PATIENCE: Duration = Duration::from_secs(2);

/// Runs of one transaction at most.
const ATTEMPTS: u32 = 8;

/// Each statement sees what was committed before it, whatever the database's own settings are: that
/// is what conditional updates are written for.
const SETUP: &str = "SET TIME ZONE 'UTC'; SET statement_timeout = '2s'; \
     SET lock_timeout = '1500ms'; SET idle_in_transaction_session_timeout = '30s'; \
     SET default_transaction_isolation = 'read committed'";

/// Serialises migrations of nodes that start together ("signet" in ASCII).
const MIGRATION_LOCK: i64 = 0x7369_676e_6574;

/// A migration waits so long for a table at a time ...
const TABLE_WAIT: Duration = Duration::from_millis(200);

/// ... and so long in all.
const MIGRATION_PATIENCE: Duration = Duration::from_mins(5);

type Connect = Box<dyn Fn() -> ConnectionResult<Conn> + Send + Sync>;
type Pool = r2d2::Pool<Manager<Connect>>;

pub(super) struct Postgresql {
    pool: Pool,
    places: Arc<Semaphore>,
    /// Callers without a place.
    waiting: IntGauge,
    retries: IntCounter,
}

impl Postgresql {
    pub(super) fn open(url: SecretString, settings: &config::Database) -> Result<Self> {
        migrate(&url)?;
        let mut conn = connect(&url).map_err(unreachable)?;
        assert_promises(&mut conn, settings.allow_asynchronous_commit)?;
        let manager = Manager(Box::new(move || connect(&url).map(Conn::Postgresql)) as Connect);
        let pool = r2d2::Pool::builder()
            .max_size(settings.pool_size)
            .min_idle(Some(1))
            .test_on_check_out(false)
            .connection_timeout(POOL_WAIT)
            .build(manager)
            .map_err(unreachable)?;
        let places = Arc::new(Semaphore::new(settings.pool_size as usize));
        Ok(Self {
            pool,
            places,
            waiting: measure::gauge(
                "signet_database_pool_waiting",
                "Callers that wait for a connection to PostgreSQL",
            )?,
            retries: measures::retries()?,
        })
    }

    pub(super) async fn run(&self, kind: Kind, mut work: Work) -> Result<Answer> {
        let place = self.place().await?;
        let (pool, retries) = (self.pool.clone(), self.retries.clone());
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            attempt(&pool, &retries, |conn, has_begun| match kind {
                // May always run again.
                Kind::Read => work(conn),
                Kind::Write => transact(conn, &mut work, has_begun),
            })
        });
        // Past it the thread goes on alone, and its place stays taken until it is done.
        let done = tokio::time::timeout(PATIENCE, done).await;
        let done =
            done.map_err(|_| Error::unavailable(1, "the database did not answer in time"))?;
        done.map_err(Error::internal)?
    }

    /// Waits before the pool, where waiting costs no thread.
    async fn place(&self) -> Result<OwnedSemaphorePermit> {
        let _waiting = Held::new(&self.waiting);
        let place = tokio::time::timeout(POOL_WAIT, self.places.clone().acquire_owned()).await;
        let place = place.map_err(|_| Error::unavailable(1, "no database connection was free"))?;
        place.map_err(Error::internal)
    }

    pub(super) fn collectors(&self) -> Result<Collectors> {
        let mut all = collectors![self.waiting, self.retries];
        let pool = self.pool.clone();
        all.push(measure::asked(
            "signet_database_pool_connections",
            "Connections to PostgreSQL",
            move || pool.state().connections.into(),
        )?);
        let pool = self.pool.clone();
        all.push(measure::asked(
            "signet_database_pool_idle",
            "Connections to PostgreSQL that nobody uses",
            move || pool.state().idle_connections.into(),
        )?);
        Ok(all)
    }
}

/// One run of a write, which says when its transaction has begun.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the place the lint points to"
)]
fn transact(conn: &mut Conn, work: &mut Work, has_begun: &mut bool) -> QueryResult<Answer> {
    conn.transaction(|conn| {
        *has_begun = true;
        work(conn)
    })
}

/// Runs `once` until it is neither undone for another transaction nor met by a connection that
/// had died while idle. Such a connection leaves the pool, so that there is an end to them.
fn attempt(
    pool: &Pool,
    retries: &IntCounter,
    mut once: impl FnMut(&mut Conn, &mut bool) -> QueryResult<Answer>,
) -> Result<Answer> {
    let mut tries = 0;
    loop {
        let mut conn = pool.get().map_err(|error| Error::unavailable(1, error))?;
        let mut has_begun = false;
        match once(&mut conn, &mut has_begun) {
            Err(error) if is_retryable(&error) && tries + 1 < ATTEMPTS => tries += 1,
            Err(error) if !has_begun && is_passing(&error) && is_lost(&mut conn) => {}
            outcome => return Ok(outcome?),
        }
        retries.inc();
    }
}

/// Whether the connection was closed from the other side. After a failed read only this makes
/// diesel notice it, and the pool let go of it.
fn is_lost(conn: &mut Conn) -> bool {
    match conn {
        Conn::Postgresql(pg) => diesel::r2d2::R2D2Connection::ping(pg).is_err(),
        Conn::Sqlite(_) => false,
    }
}

/// Brings the schema up to date; nodes that start together wait for each other.
///
/// Who waits for a table holds up everybody who comes to it later, and so the nodes that serve: it is
/// done for a moment only, well before these give up, and again after they had their turn.
pub(super) fn migrate(url: &SecretString) -> Result<Applied> {
    let mut conn = connect(url).map_err(unreachable)?;
    warn_of_language(&mut conn)?;
    conn.batch_execute("SET statement_timeout = 0; SET lock_timeout = 0")?;
    wait_for_other_migrations(&mut conn)?;
    conn.batch_execute(&format!("SET lock_timeout = {}", TABLE_WAIT.as_millis()))?;
    let begun = Instant::now();
    loop {
        let tried = Instant::now();
        match migration::run(&mut conn, MIGRATIONS) {
            // Whatever its language says.
            Err(error) if tried.elapsed() >= TABLE_WAIT && begun.elapsed() < MIGRATION_PATIENCE => {
                log::warn!(
                    "the schema cannot be brought up to date yet; does a long transaction, such as a \
                     backup, read a table that is to change? Trying again: {}",
                    error.causes()
                );
                conn.batch_execute("SELECT pg_sleep(2)")?;
            }
            done => return done,
        }
    }
}

/// Takes the lock, which goes with the connection.
fn wait_for_other_migrations(conn: &mut PgConnection) -> Result<()> {
    #[derive(QueryableByName)]
    struct Taken {
        #[diesel(sql_type = diesel::sql_types::Bool)]
        taken: bool,
    }
    let attempt = format!("SELECT pg_try_advisory_lock({MIGRATION_LOCK}) AS taken");
    let Taken { taken } = diesel::sql_query(attempt).get_result(conn)?;
    if !taken {
        log::info!("another node brings the schema up to date: waiting for it");
        conn.batch_execute(&format!("SELECT pg_advisory_lock({MIGRATION_LOCK})"))?;
    }
    Ok(())
}

fn connect(url: &SecretString) -> ConnectionResult<PgConnection> {
    let mut conn = PgConnection::establish(url.expose_secret())?;
    conn.batch_execute(SETUP)
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}

fn unreachable(error: impl Into<crate::error::Source>) -> Error {
    refused("cannot connect to PostgreSQL; check [database] url and that the server runs")
        .with_source(error)
}

#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = Text)]
    value: String,
}

/// With `synchronous_commit` off, PostgreSQL answers before a commit is on the disk.
fn assert_promises(conn: &mut PgConnection, allow_asynchronous: bool) -> Result<()> {
    if setting(conn, "synchronous_commit")? == "off" && !allow_asynchronous {
        return Err(refused(
            "PostgreSQL has synchronous_commit=off: acknowledged writes could be lost. Turn it \
             on, or set [database] allow_asynchronous_commit = true to accept that",
        ));
    }
    Ok(())
}

/// Failures are told apart by what PostgreSQL says in English: in another language, those that would
/// pass count as defects.
fn warn_of_language(conn: &mut PgConnection) -> Result<()> {
    let language = setting(conn, "lc_messages")?;
    let is_english = ["", "C", "POSIX"].contains(&language.as_str())
        || ["C.", "en_"]
            .iter()
            .any(|english| language.starts_with(english));
    if !is_english {
        log::warn!(
            "PostgreSQL writes its messages in {language}, and Signet reads English: an overloaded \
             database will look like a defect (500 instead of 503). As a superuser: ALTER DATABASE \
             … SET lc_messages = 'C'"
        );
    }
    Ok(())
}

fn setting(conn: &mut PgConnection, name: &str) -> Result<String> {
    let query = diesel::sql_query("SELECT current_setting($1) AS value");
    let setting: Setting = query.bind::<Text, _>(name).get_result(conn)?;
    Ok(setting.value)
}
