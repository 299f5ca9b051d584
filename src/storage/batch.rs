//! Work of one kind, done together.
//!
//! Whatever waits when a turn begins is done by one closure, in one transaction if it writes, and
//! everybody is answered after its commit: one statement can then do the work of many. Nobody waits
//! for company: a lone caller's turn begins at once.

use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use diesel::QueryResult;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::{Semaphore, oneshot};

use super::connection::Conn;
use super::work::Kind;
use super::{Backend, Db, Inner};
use crate::error::{self, Error, Result};

/// Callers that may wait; past it one is told to come back.
const QUEUE: usize = 8_192;

/// Done in one transaction at most: bounds how long the first of them waits.
const GROUP: usize = 256;

/// Transactions at the same time: while one waits for the disk, the next one computes.
const TURNS: u32 = 2;

/// Who has waited this long when a turn begins is told to come back: with the database away, turns
/// take as long as it takes to notice that.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is to be done with so many; an answer for each, in their order. It may run more than once.
type Work<Item, Outcome> = dyn Fn(&mut Conn, &[Item]) -> QueryResult<Vec<Outcome>> + Send + Sync;

/// Where callers ask for work of one kind.
pub struct Batch<Item, Outcome>(Way<Item, Outcome>);

enum Way<Item, Outcome> {
    Together(Sender<Asked<Item, Outcome>>),
    /// Each there and then.
    Alone(Db, Arc<Work<Item, Outcome>>),
}

struct Asked<Item, Outcome> {
    item: Item,
    since: Instant,
    reply: oneshot::Sender<Result<Outcome>>,
}

impl<Item, Outcome> Asked<Item, Outcome> {
    /// Still to be done: its caller is there, and was not told to come back.
    fn in_time(self, patience: Duration) -> Option<Self> {
        if self.reply.is_closed() {
            return None;
        }
        if self.since.elapsed() >= patience {
            let late = Error::unavailable(1, "the turn for the database did not come in time");
            drop(self.reply.send(Err(late)));
            return None;
        }
        Some(self)
    }
}

impl<Item, Outcome> Batch<Item, Outcome>
where
    Item: Clone + Send + Sync + 'static,
    Outcome: Send + 'static,
{
    /// Writes that are `work`.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn writes(
        db: &Db,
        work: impl Fn(&mut Conn, &[Item]) -> QueryResult<Vec<Outcome>> + Send + Sync + 'static,
    ) -> Result<Self> {
        Self::together(db, Kind::Write, Arc::new(work), PATIENCE)
    }

    /// Reads that are `work`. On SQLite each is done there and then: it takes less time than telling
    /// somebody else of it.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn reads(
        db: &Db,
        work: impl Fn(&mut Conn, &[Item]) -> QueryResult<Vec<Outcome>> + Send + Sync + 'static,
    ) -> Result<Self> {
        match db.0.backend {
            Backend::Sqlite(_) => Ok(Self(Way::Alone(db.clone(), Arc::new(work)))),
            Backend::Postgresql(_) => Self::together(db, Kind::Read, Arc::new(work), PATIENCE),
        }
    }

    pub(super) fn together(
        db: &Db,
        kind: Kind,
        work: Arc<Work<Item, Outcome>>,
        patience: Duration,
    ) -> Result<Self> {
        let turn = Turn {
            kind,
            work,
            patience,
        };
        Ok(Self(Way::Together(start(db, turn)?)))
    }

    /// Has one done, and answers after its commit. If the caller stops waiting before its turn comes,
    /// it is not done.
    ///
    /// # Errors
    /// As for [`Db::write`] or [`Db::read`]. A database that is away is so for all that were together.
    pub async fn ask(&self, item: Item) -> Result<Outcome> {
        let queue = match &self.0 {
            Way::Together(queue) => queue,
            Way::Alone(db, work) => return alone(db, Kind::Read, work, item).await,
        };
        let (reply, answer) = oneshot::channel();
        let since = Instant::now();
        let asked = Asked { item, since, reply };
        queue.try_send(asked).map_err(|error| match error {
            TrySendError::Full(_) => Error::unavailable(1, "the queue for the database is full"),
            TrySendError::Closed(_) => Error::internal("the thread of a batch has ended"),
        })?;
        answer
            .await
            .map_err(|_| Error::internal("a batch dropped a caller"))?
    }
}

/// What a turn does.
struct Turn<Item, Outcome> {
    kind: Kind,
    work: Arc<Work<Item, Outcome>>,
    patience: Duration,
}

impl<Item, Outcome> Clone for Turn<Item, Outcome> {
    fn clone(&self) -> Self {
        Self {
            work: self.work.clone(),
            ..*self
        }
    }
}

/// A thread of its own, since a caller may go away, and its worker's runtime with it.
fn start<Item, Outcome>(db: &Db, turn: Turn<Item, Outcome>) -> Result<Sender<Asked<Item, Outcome>>>
where
    Item: Clone + Send + Sync + 'static,
    Outcome: Send + 'static,
{
    let (queue, waiting) = channel(QUEUE);
    // Whoever lets go of the database last closes it there and then, not this thread a little later.
    let db = Arc::downgrade(&db.0);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(Error::internal)?;
    thread::Builder::new()
        .name("signet-batch".into())
        .spawn(move || runtime.block_on(run(db, waiting, turn)))
        .map_err(Error::internal)?;
    Ok(queue)
}

/// Lives until every sender is gone, and what was accepted is done.
async fn run<Item, Outcome>(
    db: Weak<Inner>,
    mut waiting: Receiver<Asked<Item, Outcome>>,
    what: Turn<Item, Outcome>,
) where
    Item: Clone + Send + Sync + 'static,
    Outcome: Send + 'static,
{
    let turns = Arc::new(Semaphore::new(TURNS as usize));
    while let Some(first) = waiting.recv().await {
        // It is never closed; nobody waits who has let go of the database.
        let turn = turns.clone().acquire_owned().await;
        let (Ok(turn), Some(db)) = (turn, db.upgrade().map(Db)) else {
            return;
        };
        let others = std::iter::from_fn(|| waiting.try_recv().ok());
        let all = std::iter::once(first).chain(others);
        let in_time = all.filter_map(|asked| asked.in_time(what.patience));
        let group: Vec<Asked<Item, Outcome>> = in_time.take(GROUP).collect();
        if group.is_empty() {
            continue;
        }
        let what = what.clone();
        tokio::spawn(async move {
            together(&db, what, group).await;
            drop(turn);
        });
    }
    drop(turns.acquire_many(TURNS).await);
}

async fn together<Item, Outcome>(
    db: &Db,
    what: Turn<Item, Outcome>,
    group: Vec<Asked<Item, Outcome>>,
) where
    Item: Clone + Send + Sync + 'static,
    Outcome: Send + 'static,
{
    let (items, replies): (Vec<_>, Vec<_>) = group
        .into_iter()
        .map(|asked| (asked.item, asked.reply))
        .unzip();
    let items: Arc<[Item]> = items.into();
    let Turn {
        kind,
        work,
        patience,
    } = what;
    let (all, together) = (items.clone(), work.clone());
    let begun = Instant::now();
    match db.execute(kind, move |conn| together(conn, &all)).await {
        // A caller may have gone away; what was written stands all the same.
        Ok(outcomes) => {
            for (reply, outcome) in replies.into_iter().zip(outcomes) {
                drop(reply.send(Ok(outcome)));
            }
        }
        // It may even be done, and another try would meet the same; what took so long once would do
        // so once for each.
        Err(error) if error.kind() == error::Kind::Unavailable || begun.elapsed() >= patience => {
            for reply in replies {
                drop(reply.send(Err(Error::unavailable(1, error.to_string()))));
            }
        }
        Err(error) if items.len() == 1 => {
            if let Some(reply) = replies.into_iter().next() {
                drop(reply.send(Err(error)));
            }
        }
        // Undone: the one that it failed for is not to fail the others.
        Err(error) => {
            log::warn!("{} callers are served one by one: {error}", items.len());
            for (item, reply) in items.iter().zip(replies) {
                drop(reply.send(alone(db, kind, &work, item.clone()).await));
            }
        }
    }
}

async fn alone<Item, Outcome>(
    db: &Db,
    kind: Kind,
    work: &Arc<Work<Item, Outcome>>,
    item: Item,
) -> Result<Outcome>
where
    Item: Clone + Send + Sync + 'static,
    Outcome: Send + 'static,
{
    let work = work.clone();
    let one = move |conn: &mut Conn| work(conn, std::slice::from_ref(&item));
    let outcome = db.execute(kind, one).await?.into_iter().next();
    outcome.ok_or_else(|| Error::internal("a batch left a caller out"))
}
