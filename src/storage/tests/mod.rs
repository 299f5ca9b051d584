//! The room as its callers see it, on both databases.

mod batch;
mod group;
mod opening;
mod postgresql;

use std::sync::{Barrier, mpsc};
use std::thread;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::Error as QueryError;
use tempfile::TempDir;

use super::*;

diesel::table! {
    notes (id) {
        id -> BigInt,
        text -> Text,
    }
}

/// A database of a test's own, open as a server's, with a table to write into.
struct Place {
    settings: config::Database,
    db: Db,
    _directory: TempDir,
}

impl Place {
    fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new").join("signet.db");
        Self::open(&format!("sqlite://{}", path.display()), directory)
    }

    fn postgresql() -> Self {
        Self::open(&crate::postgres::database(), tempfile::tempdir().unwrap())
    }

    fn open(url: &str, directory: TempDir) -> Self {
        let settings = settings(url);
        let db = Db::open(&settings, Access::Serve).unwrap();
        let place = Self {
            settings,
            db,
            _directory: directory,
        };
        let table = "CREATE TABLE notes (id BIGINT NOT NULL PRIMARY KEY, text TEXT NOT NULL)";
        place.outside().batch_execute(table).unwrap();
        place
    }

    /// A connection that has nothing to do with the room's own.
    fn outside(&self) -> Conn {
        match Target::parse(&self.settings.url).unwrap() {
            Target::Sqlite(path) => {
                let path = path.to_string_lossy();
                let mut conn = SqliteConnection::establish(&path).unwrap();
                conn.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
                Conn::Sqlite(conn)
            }
            Target::Postgresql(url) => {
                let url = secrecy::ExposeSecret::expose_secret(&url);
                Conn::Postgresql(PgConnection::establish(url).unwrap())
            }
        }
    }

    /// What everybody can see.
    fn notes(&self) -> Vec<i64> {
        all_notes(&mut self.outside()).unwrap()
    }
}

fn settings(url: &str) -> config::Database {
    config::Database {
        url: url.into(),
        pool_size: 4,
        ..config::Database::default()
    }
}

fn add(conn: &mut Conn, id: i64) -> QueryResult<usize> {
    let note = (notes::id.eq(id), notes::text.eq("first"));
    diesel::insert_into(notes::table).values(note).execute(conn)
}

fn all_notes(conn: &mut Conn) -> QueryResult<Vec<i64>> {
    notes::table.order(notes::id).select(notes::id).load(conn)
}

fn wait_for<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(future)
}

#[test]
fn what_was_answered_is_there_for_everybody() {
    for place in [Place::sqlite(), Place::postgresql()] {
        let together = Barrier::new(8);
        let (place, together) = (&place, &together);
        thread::scope(|scope| {
            for writer in 0..8 {
                scope.spawn(move || {
                    let mut outside = place.outside();
                    together.wait();
                    for number in 0..25 {
                        let id = writer * 100 + number;
                        wait_for(place.db.write(move |conn| add(conn, id))).unwrap();
                        let row = notes::table.find(id).select(notes::id);
                        assert_eq!(row.get_result(&mut outside), Ok(id));
                    }
                });
            }
        });
        assert_eq!(place.notes().len(), 200);
    }
}

#[test]
fn a_refused_write_leaves_nothing_and_says_why() {
    for place in [Place::sqlite(), Place::postgresql()] {
        wait_for(place.db.write(|conn| add(conn, 1))).unwrap();
        let refused = wait_for(place.db.write(|conn| {
            add(conn, 2)?;
            add(conn, 1)
        }));
        let refused = refused.unwrap_err();
        let name = if place.db.kind() == "SQLite" {
            "notes.id"
        } else {
            "notes_pkey"
        };
        assert!(violates_unique(&refused, name), "{refused:?}");
        assert!(!violates_unique(&refused, "users"), "{refused:?}");
        assert_eq!(place.notes(), [1]);
    }
}

#[test]
fn a_read_sees_what_is_committed_and_nothing_else() {
    for place in [Place::sqlite(), Place::postgresql()] {
        wait_for(place.db.write(|conn| add(conn, 1))).unwrap();
        let (written, has_written) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel();
        thread::scope(|scope| {
            let db = &place.db;
            let writer = scope.spawn(move || {
                wait_for(db.write(move |conn| {
                    add(conn, 2)?;
                    written.send(()).unwrap();
                    may_go_on.recv().unwrap();
                    Ok(())
                }))
            });
            has_written.recv().unwrap();
            assert_eq!(wait_for(db.read(all_notes)).unwrap(), [1]);
            go_on.send(()).unwrap();
            writer.join().unwrap().unwrap();
            assert_eq!(wait_for(db.read(all_notes)).unwrap(), [1, 2]);
        });
    }
}
