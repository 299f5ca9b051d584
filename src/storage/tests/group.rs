//! SQLite's writer: many writes in one commit, each for itself.

use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_util::future::join_all;

use super::*;
use crate::error::Kind;

type Pending<T> = Pin<Box<dyn Future<Output = Result<T>>>>;

/// Puts a write into the writer's queue; it is answered when it is awaited.
fn queued<T: Send + 'static>(
    db: &Db,
    work: impl FnMut(&mut Conn) -> QueryResult<T> + Send + 'static,
) -> Pending<T> {
    let db = db.clone();
    let mut write: Pending<T> = Box::pin(async move { db.write(work).await });
    assert!(!is_answered(&mut write));
    write
}

fn is_answered<T>(write: &mut Pending<T>) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    matches!(write.as_mut().poll(&mut context), Poll::Ready(_))
}

/// A write in the midst of which the writer stands still until it is released.
struct Standstill {
    write: Pending<()>,
    reached: mpsc::Receiver<()>,
    release: mpsc::Sender<()>,
}

impl Standstill {
    fn queued(db: &Db) -> Self {
        let (reach, reached) = mpsc::channel();
        let (release, released) = mpsc::channel();
        let write = queued(db, move |_| {
            reach.send(()).unwrap();
            released.recv().unwrap();
            Ok(())
        });
        Self {
            write,
            reached,
            release,
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a savepoint inside the transaction of the write"
)]
fn add_and_take_back(conn: &mut Conn, id: i64) -> QueryResult<()> {
    let taken_back = conn.transaction(|conn| {
        add(conn, id)?;
        Err::<(), _>(QueryError::RollbackTransaction)
    });
    match taken_back {
        Err(QueryError::RollbackTransaction) => Ok(()),
        other => other,
    }
}

#[tokio::test]
async fn a_failing_write_fails_alone() {
    let place = Place::sqlite();
    let busy = Standstill::queued(&place.db);
    busy.reached.recv().unwrap();
    // The writer is busy: all of these wait, and become one group.
    let group: Vec<Pending<()>> = (0..64)
        .map(|id| {
            queued(&place.db, move |conn| {
                add(conn, id)?;
                match id % 5 {
                    0 => Ok(()),
                    1 => Err(QueryError::RollbackTransaction),
                    2 => resume_unwind(Box::new("a defect")),
                    3 => add_and_take_back(conn, 1_000 + id),
                    _ => add(conn, id).map(drop),
                }
            })
        })
        .collect();
    busy.release.send(()).unwrap();
    busy.write.await.unwrap();
    let mut kept = Vec::new();
    for (id, answer) in (0_i64..).zip(join_all(group).await) {
        match id % 5 {
            0 | 3 => {
                answer.unwrap();
                kept.push(id);
            }
            1 => assert!(matches!(answer, Err(error) if error.kind() == Kind::Internal)),
            2 => assert!(answer.unwrap_err().to_string().contains("panicked")),
            _ => assert!(violates_unique(&answer.unwrap_err(), "notes.id")),
        }
    }
    assert_eq!(place.notes(), kept);
    place.db.write(|conn| add(conn, 999)).await.unwrap();
}

#[tokio::test]
async fn nobody_is_answered_before_the_commit() {
    let place = Place::sqlite();
    let busy = Standstill::queued(&place.db);
    busy.reached.recv().unwrap();
    let mut first = queued(&place.db, |conn| add(conn, 1));
    let last = Standstill::queued(&place.db);
    busy.release.send(()).unwrap();
    // Now the first of the group has run, and the last holds up the commit.
    last.reached.recv().unwrap();
    assert!(!is_answered(&mut first));
    assert!(place.notes().is_empty());
    last.release.send(()).unwrap();
    first.await.unwrap();
    assert_eq!(place.notes(), [1]);
    busy.write.await.unwrap();
    last.write.await.unwrap();
}

#[tokio::test]
async fn a_caller_who_goes_away_takes_nothing_back() {
    let place = Place::sqlite();
    let busy = Standstill::queued(&place.db);
    busy.reached.recv().unwrap();
    drop(queued(&place.db, |conn| add(conn, 1)));
    busy.release.send(()).unwrap();
    busy.write.await.unwrap();
    // The writer keeps to the order, so that this one is answered after the abandoned one.
    place.db.write(|conn| add(conn, 2)).await.unwrap();
    assert_eq!(place.notes(), [1, 2]);
}

#[tokio::test]
async fn a_full_disk_is_told_and_the_writer_goes_on() {
    let place = Place::sqlite();
    let fill = |conn: &mut Conn| {
        conn.batch_execute("PRAGMA max_page_count = 1")?; // no more than there are
        add(conn, 1)?;
        let text = "x".repeat(1 << 20);
        let note = (notes::id.eq(2), notes::text.eq(text));
        diesel::insert_into(notes::table).values(note).execute(conn)
    };
    let full = place.db.write(fill).await.unwrap_err();
    assert_eq!(full.kind(), Kind::Unavailable, "{full:?}");
    assert!(place.notes().is_empty());
    let roomy = |conn: &mut Conn| {
        conn.batch_execute("PRAGMA max_page_count = 1000000")?;
        add(conn, 3)
    };
    place.db.write(roomy).await.unwrap();
    assert_eq!(place.notes(), [3]);
}

/// SQLite may roll back a whole transaction by itself (disk full, I/O error, no memory).
#[tokio::test]
async fn a_transaction_that_ends_by_itself_fails_its_group_and_no_other() {
    let place = Place::sqlite();
    let busy = Standstill::queued(&place.db);
    busy.reached.recv().unwrap();
    let first = queued(&place.db, |conn| add(conn, 1));
    let ending = queued(&place.db, |conn| conn.batch_execute("ROLLBACK"));
    let last = queued(&place.db, |conn| add(conn, 2));
    busy.release.send(()).unwrap();
    busy.write.await.unwrap();
    assert!(first.await.is_err() && ending.await.is_err() && last.await.is_err());
    assert!(place.notes().is_empty());
    place.db.write(|conn| add(conn, 3)).await.unwrap();
    assert_eq!(place.notes(), [3]);
}
