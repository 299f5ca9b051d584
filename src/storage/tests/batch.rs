//! Writes of one kind, done together where that is cheaper.

use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::*;
use crate::error::Kind;

type Pending = Pin<Box<dyn Future<Output = Result<i64>>>>;

/// Adds notes and answers with twice their numbers.
#[derive(Clone)]
struct Adding {
    batch: Arc<Batch<i64, i64>>,
    /// While the test has it, no run goes on.
    gate: Arc<Mutex<()>>,
    /// How many were in each run that began.
    runs: Arc<Mutex<Vec<usize>>>,
}

impl Adding {
    /// What is to happen after a note was added.
    fn new(
        db: &Db,
        then: impl Fn(&mut Conn, i64) -> QueryResult<()> + Send + Sync + 'static,
    ) -> Self {
        Self::patient(db, Duration::from_mins(1), then)
    }

    fn patient(
        db: &Db,
        patience: Duration,
        then: impl Fn(&mut Conn, i64) -> QueryResult<()> + Send + Sync + 'static,
    ) -> Self {
        let gate = Arc::new(Mutex::new(()));
        let runs = Arc::new(Mutex::new(Vec::new()));
        let (closed, count) = (gate.clone(), runs.clone());
        let work = move |conn: &mut Conn, ids: &[i64]| {
            count.lock().unwrap().push(ids.len());
            drop(closed.lock().unwrap_or_else(PoisonError::into_inner));
            let one = |id: &i64| {
                add(conn, *id)?;
                then(conn, *id)?;
                Ok(id * 2)
            };
            ids.iter().map(one).collect()
        };
        let batch = Batch::together(db, work::Kind::Write, Arc::new(work), patience);
        let batch = Arc::new(batch.unwrap());
        Self { batch, gate, runs }
    }

    /// In the queue by now.
    fn asked(&self, id: i64) -> Pending {
        let batch = self.batch.clone();
        let mut asked: Pending = Box::pin(async move { batch.ask(id).await });
        assert!(!is_answered(&mut asked));
        asked
    }

    fn runs(&self) -> Vec<usize> {
        self.runs.lock().unwrap().clone()
    }
}

fn is_answered(asked: &mut Pending) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    matches!(asked.as_mut().poll(&mut context), Poll::Ready(_))
}

fn places() -> [Place; 2] {
    [Place::sqlite(), Place::postgresql()]
}

#[tokio::test]
async fn each_gets_its_own_answer() {
    for place in places() {
        let adding = Adding::new(&place.db, |_, _| Ok(()));
        let gate = adding.gate.lock().unwrap();
        let asked: Vec<Pending> = (0..200).map(|id| adding.asked(id)).collect();
        drop(gate);
        for (id, answer) in (0..).zip(join_all(asked).await) {
            assert_eq!(answer.unwrap(), id * 2);
        }
        assert_eq!(place.notes(), (0..200).collect::<Vec<_>>());
        let runs = adding.runs();
        // Those that began at once, and all that waited.
        assert!(runs.len() <= 3, "{runs:?}");
    }
}

#[tokio::test]
async fn one_that_fails_does_so_alone() {
    for place in places() {
        let adding = Adding::new(&place.db, |conn, id| match id % 20 {
            3 => Err(QueryError::RollbackTransaction),
            5 => resume_unwind(Box::new("a defect")),
            7 => add(conn, id).map(drop),
            _ => Ok(()),
        });
        let gate = adding.gate.lock().unwrap();
        let asked: Vec<Pending> = (0..40).map(|id| adding.asked(id)).collect();
        drop(gate);
        let mut kept = Vec::new();
        for (id, answer) in (0_i64..).zip(join_all(asked).await) {
            match id % 20 {
                3 | 5 => assert_eq!(answer.unwrap_err().kind(), Kind::Internal),
                7 => {
                    let error = answer.unwrap_err();
                    assert!(
                        ["notes.id", "notes_pkey"]
                            .iter()
                            .any(|key| violates_unique(&error, key))
                    );
                }
                _ => {
                    assert_eq!(answer.unwrap(), id * 2);
                    kept.push(id);
                }
            }
        }
        assert_eq!(place.notes(), kept);
    }
}

#[tokio::test]
async fn nobody_is_answered_before_the_commit() {
    for place in places() {
        let (reach, reached) = mpsc::channel();
        let (release, released) = mpsc::channel();
        let (reach, released) = (Mutex::new(reach), Mutex::new(released));
        let adding = Adding::new(&place.db, move |_, _| {
            reach.lock().unwrap().send(()).unwrap();
            released.lock().unwrap().recv().unwrap();
            Ok(())
        });
        let mut asked = adding.asked(1);
        reached.recv().unwrap();
        assert!(!is_answered(&mut asked));
        assert!(place.notes().is_empty());
        release.send(()).unwrap();
        assert_eq!(asked.await.unwrap(), 2);
        assert_eq!(place.notes(), [1]);
    }
}

#[tokio::test]
async fn who_goes_away_takes_back_what_has_not_begun_and_nothing_else() {
    // Here two run at a time, so that it is known when both turns are taken.
    let place = Place::postgresql();
    let adding = Adding::new(&place.db, |_, _| Ok(()));
    let gate = adding.gate.lock().unwrap();
    let begin = |id: i64, running: usize| {
        let asked = adding.asked(id);
        while adding.runs().len() < running {
            thread::yield_now();
        }
        asked
    };
    let first = begin(1, 1);
    drop(begin(2, 2));
    drop(adding.asked(3));
    let last = adding.asked(4);
    drop(gate);
    assert_eq!((first.await.unwrap(), last.await.unwrap()), (2, 8));
    // What began without a caller may be the last to be committed.
    while place.notes().len() < 3 {
        tokio::task::yield_now().await;
    }
    assert_eq!(place.notes(), [1, 2, 4]);
    assert_eq!(adding.runs(), [1, 1, 1]);
}

#[tokio::test]
async fn who_has_waited_too_long_is_told_to_come_back() {
    let place = Place::sqlite();
    let work = Arc::new(|_: &mut Conn, _: &[i64]| panic!("it is not done"));
    let batch =
        Batch::<i64, i64>::together(&place.db, work::Kind::Write, work, Duration::ZERO).unwrap();
    let refused = batch.ask(1).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Unavailable);
    assert!(refused.causes().contains("in time"), "{refused}");
}

#[tokio::test]
async fn a_connection_that_is_lost_is_told_to_all_and_nothing_is_tried_again() {
    let place = Place::postgresql();
    let adding = Adding::new(&place.db, |conn, id| {
        if id < 100 {
            conn.batch_execute("SELECT pg_terminate_backend(pg_backend_pid())")?;
        }
        Ok(())
    });
    let gate = adding.gate.lock().unwrap();
    let asked: Vec<Pending> = (0..40).map(|id| adding.asked(id)).collect();
    drop(gate);
    for answer in join_all(asked).await {
        assert_eq!(answer.unwrap_err().kind(), Kind::Unavailable);
    }
    assert!(adding.runs().len() <= 3, "{:?}", adding.runs());
    assert!(place.notes().is_empty());
    assert_eq!(adding.batch.ask(100).await.unwrap(), 200);
}

#[tokio::test]
async fn who_finds_the_queue_full_is_told_to_come_back() {
    let place = Place::postgresql();
    let refused = AtomicUsize::new(0);
    let adding = Adding::new(&place.db, |_, _| Ok(()));
    let gate = adding.gate.lock().unwrap();
    let mut waiting = Vec::new();
    for id in 0..10_000 {
        let batch = adding.batch.clone();
        let mut asked: Pending = Box::pin(async move { batch.ask(id).await });
        let mut context = Context::from_waker(Waker::noop());
        match asked.as_mut().poll(&mut context) {
            Poll::Ready(answer) => {
                assert_eq!(answer.unwrap_err().kind(), Kind::Unavailable);
                refused.fetch_add(1, Ordering::SeqCst);
            }
            Poll::Pending => waiting.push(asked),
        }
    }
    drop(gate);
    let accepted = join_all(waiting).await;
    assert!(accepted.iter().all(Result::is_ok));
    let refused = refused.into_inner();
    assert!((1..2_000).contains(&refused), "{refused}");
    assert_eq!(place.notes().len() + refused, 10_000);
}

#[tokio::test]
async fn what_failed_after_long_is_not_tried_by_each() {
    for place in places() {
        let patience = Duration::from_millis(100);
        let adding = Adding::patient(&place.db, patience, move |_, _| {
            let begun = Instant::now();
            while begun.elapsed() < patience {
                thread::yield_now();
            }
            Err(QueryError::RollbackTransaction)
        });
        let refused = adding.batch.ask(1).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::Unavailable);
        assert_eq!(adding.runs(), [1]);
    }
}
