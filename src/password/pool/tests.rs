use super::*;
use crate::error::Kind;
use futures_util::FutureExt;
use std::cell::RefCell;
use std::sync::mpsc;

fn pool(threads: usize, capacity: usize) -> Pool {
    Pool::start(threads, capacity, || Memory::new(8)).unwrap()
}

/// A job that tells its name when it is done.
fn telling(
    told: &mpsc::Sender<&'static str>,
    name: &'static str,
) -> impl FnOnce(&mut Memory) -> Result<()> + Send + use<> {
    let told = told.clone();
    move |_| told.send(name).map_err(Error::internal)
}

/// Occupies one thread until the sender is dropped.
fn occupy(pool: &Pool) -> mpsc::Sender<()> {
    let (opening, gate) = mpsc::channel::<()>();
    let (arriving, arrival) = mpsc::channel();
    let wait = move |_: &mut Memory| {
        arriving.send(()).unwrap();
        let _ = gate.recv();
        Ok(())
    };
    pool.enqueue(None, wait).map(std::mem::forget).unwrap();
    arrival.recv().unwrap();
    opening
}

#[tokio::test]
async fn a_full_queue_refuses_before_any_work_and_recovers() {
    let pool = pool(1, 4);
    let gate = occupy(&pool);
    let (told, tell) = mpsc::channel();
    let enqueue = |last: u8, name| {
        let from = IpAddr::from([192, 0, 2, last]);
        pool.enqueue(Some(from), telling(&told, name))
    };
    let waiting = [enqueue(1, "a1").unwrap(), enqueue(1, "a2").unwrap()];
    let greedy = enqueue(1, "a3").unwrap_err();
    assert!(greedy.causes().contains("one address"), "{greedy}");
    let others = [enqueue(2, "b1").unwrap(), enqueue(3, "c1").unwrap()];
    let from = Some(IpAddr::from([192, 0, 2, 4]));
    for refused in [enqueue(4, "d1").unwrap_err(), pool.admit(from).unwrap_err()] {
        assert_eq!(refused.kind(), Kind::Unavailable);
        assert!((1..=3).contains(&refused.retry_after().unwrap()));
    }
    assert_eq!(pool.depth(), 4);

    drop(gate);
    for pending in waiting.into_iter().chain(others) {
        pending.outcome.await.unwrap().unwrap();
    }
    pool.admit(from).unwrap();
    enqueue(4, "d2").unwrap().outcome.await.unwrap().unwrap();
    assert_eq!(pool.depth(), 0);
    drop(told);
    let order: Vec<_> = tell.iter().collect();
    assert_eq!(order, ["a1", "b1", "c1", "a2", "d2"]);
}

#[tokio::test]
async fn the_job_of_a_caller_who_has_gone_away_is_skipped() {
    let pool = pool(1, 8);
    let gate = occupy(&pool);
    let (told, tell) = mpsc::channel();
    let gone = pool.enqueue(None, telling(&told, "gone"));
    let stayed = pool.enqueue(None, telling(&told, "stayed"));
    drop(told);
    let full = [(); 2].map(|()| pool.enqueue(None, |_| Ok(())).unwrap());
    assert!(pool.admit(None).is_err());
    drop((gone, full));
    pool.admit(None).unwrap();
    drop(gate);
    stayed.unwrap().outcome.await.unwrap().unwrap();
    assert_eq!(tell.iter().collect::<Vec<_>>(), ["stayed"]);
}

#[tokio::test]
async fn who_has_waited_too_long_is_refused_and_takes_no_room() {
    let mut pool = pool(1, 4);
    pool.patience = Duration::ZERO;
    let gate = occupy(&pool);
    let from = Some(IpAddr::from([192, 0, 2, 1]));
    for _ in 0..8 {
        let refused = pool.run(from, |_| Ok(())).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::Unavailable);
        assert!(refused.causes().contains("in time"), "{refused}");
    }
    assert!(pool.depth() <= 2, "{}", pool.depth());
    let (told, tell) = mpsc::channel();
    let pending = pool.enqueue(from, telling(&told, "in time")).unwrap();
    drop((told, gate));
    pending.outcome.await.unwrap().unwrap();
    assert_eq!(tell.iter().collect::<Vec<_>>(), ["in time"]);
}

#[tokio::test]
async fn what_has_begun_is_waited_for() {
    let mut pool = pool(1, 4);
    pool.patience = Duration::ZERO;
    let (arriving, arrival) = mpsc::channel();
    let (opening, gate) = mpsc::channel::<()>();
    let work = move |_: &mut Memory| {
        arriving.send(()).map_err(Error::internal)?;
        let _ = gate.recv();
        Ok(7)
    };
    let pending = pool.enqueue(None, work).unwrap();
    arrival.recv().unwrap();
    let mut waiting = Box::pin(pool.wait(pending));
    assert!((&mut waiting).now_or_never().is_none());
    drop(opening);
    assert_eq!(waiting.await.unwrap(), 7);
}

#[tokio::test]
async fn hashing_threads_stand_behind_the_others() {
    let pool = pool(1, 4);
    let priority =
        |_: &mut Memory| rustix::process::getpriority_process(None).map_err(Error::internal);
    let here = rustix::process::getpriority_process(None).unwrap();
    assert_eq!(
        pool.run(None, priority).await.unwrap(),
        (here + NICE).min(19)
    );
}

#[tokio::test]
async fn a_panic_is_an_internal_error_and_its_thread_goes_on() {
    let pool = pool(1, 8);
    let panicking = |_: &mut Memory| -> Result<()> { panic!("on purpose") };
    let error = pool.run(None, panicking).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Internal);
    assert_eq!(pool.run(None, |_| Ok(7)).await.unwrap(), 7);
}

#[tokio::test]
async fn the_threads_end_with_their_pool() {
    thread_local! {
        static ALIVE: RefCell<Option<mpsc::Sender<()>>> = const { RefCell::new(None) };
    }
    let (alive, ended) = mpsc::channel();
    let pool = pool(1, 8);
    let mark = move |_: &mut Memory| {
        ALIVE.set(Some(alive));
        Ok(())
    };
    pool.run(None, mark).await.unwrap();
    assert_eq!(ended.try_recv(), Err(mpsc::TryRecvError::Empty));
    drop(pool);
    // Comes back when the thread's locals are destroyed.
    assert_eq!(ended.recv(), Err(mpsc::RecvError));
}
