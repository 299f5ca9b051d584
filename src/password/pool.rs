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

/// How far behind our other threads these come where there is not enough of the processor for all, in
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
    if let Err(error) = rustix::process::nice(NICE) {
        log::warn!("hashing threads do not give way to others: {error}");
    }
}

/// 1 to 3 at random, so that those who were refused together do not return together.
fn seconds_until_retry() -> u32 {
    let [byte] = crypto::random::<1>();
    1 + u32::from(byte % 3)
}

#[cfg(test)]
mod tests;
