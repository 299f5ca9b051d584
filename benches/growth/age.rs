//! Years of refreshes: what a refresh changes of a row, done by SQL, since over HTTP so many would
//! take hours. Before and after, refreshes over HTTP show what that has done to them.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};

use crate::Outcome;
use crate::load::Scenario;
use crate::options::Size;
use crate::shared::latencies::Latencies;
use crate::size;
use crate::step::Grown;

/// Of these sessions.
pub(crate) const SIZE: Size = Size {
    people: 1000,
    sessions: 10_000,
};
/// Sessions to a commit on PostgreSQL, where room is needed for the old rows beside the new ones:
/// about as many as a node writes together at most. SQLite writes over them, however many there are.
const TOGETHER: u64 = 250;

/// The size of a database that has seen so many.
pub(crate) struct Age {
    pub(crate) refreshes: u64,
    pub(crate) bytes: u64,
}

pub(crate) struct Ages {
    pub(crate) seen: Vec<Age>,
    /// How long those by SQL took.
    pub(crate) took: Duration,
    /// Over HTTP, before and after; each for a lone client and for many.
    pub(crate) before: (Latencies, Latencies),
    pub(crate) after: (Latencies, Latencies),
}

/// Grows so old, and looks each time that there have been ten times as many refreshes.
pub(crate) async fn grow_old(grown: &Grown<'_>, refreshes: u64, length: Duration) -> Outcome<Ages> {
    let before = refreshed(grown, length).await?;
    let look = |refreshes| {
        let bytes = size::of(grown.database)?;
        Outcome::Ok(Age { refreshes, bytes })
    };
    let mut seen = vec![look(0)?];
    let slices = slices(grown)?;
    let mut writer = Writer::open(grown)?;
    let begun = Instant::now();
    let (mut done, mut due) = (0, SIZE.sessions);
    while done < refreshes {
        for slice in &slices {
            writer.execute(slice)?;
        }
        done += SIZE.sessions;
        if done >= due {
            eprintln!("  {done} refreshes in {:.0?}", begun.elapsed());
            seen.push(look(done)?);
            due *= 10;
        }
    }
    let took = begun.elapsed();
    drop(writer);
    Ok(Ages {
        seen,
        took,
        before,
        after: refreshed(grown, length).await?,
    })
}

async fn refreshed(grown: &Grown<'_>, length: Duration) -> Outcome<(Latencies, Latencies)> {
    let mut server = grown.start().await?;
    let mut clients = grown.logged_in().await?;
    let (_, alone, many) = grown
        .measure_one(&mut clients, Scenario::Refresh, length)
        .await?;
    server.stop()?;
    Ok((alone, many))
}

/// The statements that refresh every session once. Neighbours are refreshed at different times.
fn slices(grown: &Grown<'_>) -> Outcome<Vec<String>> {
    let together = if grown.database.is_sqlite() {
        SIZE.sessions
    } else {
        TOGETHER
    };
    let apart = SIZE.sessions / together;
    let mut slices = Vec::new();
    for first in 1..=apart {
        let mut ids = Vec::new();
        for turn in 0..together {
            ids.push(format!("('{}')", grown.sessions.id(first + turn * apart)?));
        }
        slices.push(format!(
            "UPDATE sessions SET generation = generation + 1, \
                 rotated_at = CURRENT_TIMESTAMP, idle_expires_at = expires_at \
             WHERE id IN (VALUES {})",
            ids.join(", ")
        ));
    }
    Ok(slices)
}

enum Writer {
    Sqlite(SqliteConnection),
    Postgresql(PgConnection),
}

impl Writer {
    fn open(grown: &Grown<'_>) -> Outcome<Self> {
        let database = grown.database;
        let Some(file) = database.file() else {
            return Ok(Self::Postgresql(PgConnection::establish(&database.url)?));
        };
        let mut conn = SqliteConnection::establish(&file.to_string_lossy())?;
        conn.batch_execute("PRAGMA synchronous = FULL")?;
        Ok(Self::Sqlite(conn))
    }

    fn execute(&mut self, statement: &str) -> Outcome<()> {
        match self {
            Self::Sqlite(conn) => conn.batch_execute(statement)?,
            Self::Postgresql(conn) => conn.batch_execute(statement)?,
        }
        Ok(())
    }
}
