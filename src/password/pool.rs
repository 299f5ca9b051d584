//! The threads that hash: as many as cores, since more would only take memory, and apart from the
//! ones that answer requests and after them in the eyes of the system, so that a storm of logins
//! delays nothing but logins.

use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::hash::Memory;
use super::measures::{Measures, Timed};
use super::queue::{FairQueue, Full, Origin};
use crate::crypto;
use crate::error::{Error, Result, Source};
use crate::measure::Collectors;

/// Whoever waits for longer is told to come back: an answer that comes later helps nobody.
const PATIENCE: Duration = Duration::from_secs(1);

/// How far behind other threads these come where there is not enough of the processor for all, in
/// the steps of `nice`. Ten are about a tenth of a core, beside a thread that wants all of it. Five,
/// a quarter, leave the others hardly more than they need, and whoever has just that waits long.
const NICE: i32 = 10;

/// Something to be hashed or compared.
trait Job: Send {
    /// Whether nobody waits for it any more.
    fn is_abandoned(&self) -> bool;

    /// Does it, and answers.
    fn run(self: Box<Self>, memory: &mut Memory);
}

struct Hashing<T, W> {
    work: W,
    begun: Arc<AtomicBool>,
    answer: oneshot::Sender<Result<T>>,
    timed: Timed,
}

/// What a caller waits for.
#[derive(Debug)]
struct Pending<T> {
    begun: Arc<AtomicBool>,
    outcome: oneshot::Receiver<Result<T>>,
}

/// The threads' handle; they end when it is dropped.
pub(super) struct Pool {
    shared: Arc<Shared>,
    measures: Measures,
    patience: Duration,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    queue: FairQueue<Box<dyn Job>>,
    closed: bool,
}

impl Pool {
    /// Starts `threads` threads, for which `capacity` jobs may wait.
    pub(super) fn start(
        threads: usize,
        capacity: usize,
        memory: impl Fn() -> Memory,
    ) -> Result<Self> {
        let state = State {
            queue: FairQueue::new(capacity),
            closed: false,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
        });
        // Made first: dropping it ends the threads there are, if one more cannot be started.
        let measures = Measures::new(threads, capacity)?;
        let pool = Self {
            shared,
            measures,
            patience: PATIENCE,
        };
        for number in 0..threads {
            let (shared, mut memory) = (Arc::clone(&pool.shared), memory());
            let serve = move || {
                stand_back();
                while let Some(job) = shared.next() {
                    job.run(&mut memory);
                }
            };
            thread::Builder::new()
                .name(format!("password-{number}"))
                .spawn(serve)
                .map_err(|error| Error::setup(format!("cannot start a hashing thread: {error}")))?;
        }
        Ok(pool)
    }

    /// Has `work` done by one of the threads and waits for its outcome. If the caller stops
    /// waiting before its turn comes, or its turn does not come in time, it is not done.
    pub(super) async fn run<T, W>(&self, from: Option<IpAddr>, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: FnOnce(&mut Memory) -> Result<T> + Send + 'static,
    {
        self.wait(self.enqueue(from, work)?).await
    }

    /// Refuses what [`Pool::run`] would refuse now: before it is worth anything to prepare for it.
    pub(super) fn admit(&self, from: Option<IpAddr>) -> Result<()> {
        let room = room(&mut self.shared.lock().queue, from.into());
        room.map_err(|full| self.refuse(full))
    }

    async fn wait<T>(&self, pending: Pending<T>) -> Result<T> {
        let Pending { begun, mut outcome } = pending;
        let mut answer = tokio::time::timeout(self.patience, &mut outcome).await;
        if answer.is_err() {
            if !begun.load(Ordering::Relaxed) {
                return Err(self.refuse("the turn of a password hash did not come in time"));
            }
            answer = Ok(outcome.await);
        }
        let answer = answer.map_err(Error::internal)?;
        answer.unwrap_or_else(|error| Err(Error::internal(error)))
    }

    /// Puts `work` in the queue, or refuses it for want of room.
    fn enqueue<T, W>(&self, from: Option<IpAddr>, work: W) -> Result<Pending<T>>
    where
        T: Send + 'static,
        W: FnOnce(&mut Memory) -> Result<T> + Send + 'static,
    {
        let (answer, outcome) = oneshot::channel();
        let begun = Arc::new(AtomicBool::new(false));
        let job = Hashing {
            work,
            begun: begun.clone(),
            answer,
            timed: self.measures.timed(),
        };
        let pushed = self.shared.push(from.into(), Box::new(job));
        pushed.map_err(|full| self.refuse(full))?;
        self.shared.changed.notify_one();
        Ok(Pending { begun, outcome })
    }

    fn refuse(&self, why: impl Into<Source>) -> Error {
        self.measures.rejected.inc();
        Error::unavailable(seconds_until_retry(), why)
    }

    /// Jobs that wait for a thread.
    #[cfg(test)]
    pub(super) fn depth(&self) -> usize {
        self.shared.depth()
    }

    pub(super) fn collectors(&self) -> Result<Collectors> {
        let shared = Arc::clone(&self.shared);
        self.measures.collectors(move || shared.depth())
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    /// No code that can panic runs under the lock, so a poisoned one holds a sound state.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn depth(&self) -> usize {
        self.lock().queue.len()
    }

    fn push(&self, origin: Origin, job: Box<dyn Job>) -> Result<(), Full> {
        let queue = &mut self.lock().queue;
        room(queue, origin)?;
        queue.push(origin, job)
    }

    /// Waits for the next job; none once the pool is closed.
    fn next(&self) -> Option<Box<dyn Job>> {
        let idle = |state: &mut State| !state.closed && state.queue.len() == 0;
        let waited = self.changed.wait_while(self.lock(), idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return None;
        }
        state.queue.pop()
    }
}

impl<T: Send, W: FnOnce(&mut Memory) -> Result<T> + Send> Job for Hashing<T, W> {
    fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    fn run(self: Box<Self>, memory: &mut Memory) {
        if self.is_abandoned() {
            return;
        }
        let Self {
            work,
            begun,
            answer,
            timed,
        } = *self;
        begun.store(true, Ordering::Relaxed);
        // Nothing is left half-done behind a panic: the memory is overwritten by the next job.
        let done = catch_unwind(AssertUnwindSafe(|| timed.run(|| work(memory))));
        let panicked = |_| Err(Error::internal("a password hashing job panicked"));
        // Fails only if the caller went away meanwhile.
        let _ = answer.send(done.unwrap_or_else(panicked));
    }
}

/// Whether there is room for one more; what nobody waits for any more makes some.
fn room(queue: &mut FairQueue<Box<dyn Job>>, origin: Origin) -> Result<(), Full> {
    queue.room(origin).or_else(|_| {
        queue.retain(|job| !job.is_abandoned());
        queue.room(origin)
    })
}

/// Lets this thread give way to those that answer requests.
fn stand_back() {
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        log::warn!("hashing threads do not give way to others: {error}");
    }
}

/// 1 to 3 at random, so that those who were refused together do not return together.
fn seconds_until_retry() -> u32 {
    let [byte] = crypto::random::<1>();
    1 + u32::from(byte % 3)
}

#[cfg(test)]
mod tests {
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
}
