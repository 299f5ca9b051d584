//! The writer of SQLite: one thread, one connection, group commit.
//!
//! A durable commit costs a sync of the disk, and a connection can do one at a time. So whatever
//! waits when the writer comes around is done inside one transaction, each closure in a savepoint
//! of its own, and everybody is answered after the one commit. Nobody waits for company: a lone
//! write is committed at once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::result::Error as QueryError;
use diesel::{QueryResult, SqliteConnection};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;

use super::connection::Conn;
use super::measures;
use super::work::{Answer, Work};
use crate::error::{Error, Result};
use crate::measure::Histogram;

/// Writes that may wait; past it the caller is told to come back.
const QUEUE: usize = 8_192;

/// Writes in one commit at most: bounds how long the first of them waits.
const GROUP: usize = 512;

type Transactions = AnsiTransactionManager;

pub(super) struct Writer {
    queue: Sender<Write>,
    /// Writes in one commit.
    pub(super) groups: Histogram,
}

impl Writer {
    pub(super) fn start(conn: SqliteConnection) -> Result<Self> {
        // Takes memory only for what is in it.
        let (queue, waiting) = channel(QUEUE);
        let groups = measures::groups()?;
        let sizes = groups.clone();
        thread::Builder::new()
            .name("signet-writer".into())
            .spawn(move || run(Conn::Sqlite(conn), waiting, &sizes))
            .map_err(Error::internal)?;
        Ok(Self { queue, groups })
    }

    pub(super) async fn write(&self, work: Work) -> Result<Answer> {
        let (reply, answer) = oneshot::channel();
        let write = Write {
            work,
            outcome: None,
            reply,
        };
        self.queue.try_send(write).map_err(|error| match error {
            TrySendError::Full(_) => Error::unavailable(1, "the queue of writes is full"),
            TrySendError::Closed(_) => Error::internal("the writer has stopped"),
        })?;
        answer
            .await
            .map_err(|_| Error::internal("the writer dropped a write"))?
    }
}

/// A write on its way through the group.
struct Write {
    work: Work,
    outcome: Option<Result<Answer>>,
    reply: oneshot::Sender<Result<Answer>>,
}

impl Write {
    /// Runs the closure; whether its changes are to be kept.
    fn run(&mut self, conn: &mut Conn) -> bool {
        let outcome = match catch_unwind(AssertUnwindSafe(|| (self.work)(conn))) {
            Ok(outcome) => outcome.map_err(Error::from),
            Err(_) => Err(Error::internal("a write panicked and was undone")),
        };
        self.outcome.insert(outcome).is_ok()
    }

    /// Tells the caller, once the fate of the group is known.
    fn answer(self, commit: &QueryResult<()>) {
        let result = match (self.outcome, commit) {
            (Some(Err(error)), _) => Err(error),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (_, Err(error)) => Err(Error::unavailable(1, error.to_string())),
            (None, Ok(())) => Err(Error::internal("a write was not run")),
        };
        // The caller may have gone away; its write stands all the same.
        drop(self.reply.send(result));
    }
}

/// Lives until every sender is gone, so what was accepted is written before a stop.
fn run(mut conn: Conn, mut waiting: Receiver<Write>, sizes: &Histogram) {
    while let Some(first) = waiting.blocking_recv() {
        let mut group = vec![first];
        group.extend(std::iter::from_fn(|| waiting.try_recv().ok()).take(GROUP - 1));
        sizes.observe(f64::from(u16::try_from(group.len()).unwrap_or(u16::MAX)));
        let commit = commit(&mut conn, &mut group);
        if let Err(error) = &commit {
            log::error!(
                "a group of {} writes was not committed: {error}",
                group.len()
            );
        }
        for write in group {
            write.answer(&commit);
        }
    }
}

/// One transaction for the whole group. Every answer is given after this has returned.
fn commit(conn: &mut Conn, group: &mut [Write]) -> QueryResult<()> {
    Transactions::begin_transaction_sql(bare(conn)?, "BEGIN IMMEDIATE")?;
    let done = group
        .iter_mut()
        .try_for_each(|write| run_alone(conn, write));
    let done = done.and_then(|()| Transactions::commit_transaction(bare(conn)?));
    if done.is_err() {
        // Whatever is left open (a failed commit, a savepoint) must not reach the next group.
        while depth(conn) > 0 && Transactions::rollback_transaction(bare(conn)?).is_ok() {}
    }
    done
}

/// One closure in a savepoint: its failure undoes its own changes and nobody else's.
fn run_alone(conn: &mut Conn, write: &mut Write) -> QueryResult<()> {
    Transactions::begin_transaction(bare(conn)?)?;
    if write.run(conn) {
        Transactions::commit_transaction(bare(conn)?)
    } else {
        Transactions::rollback_transaction(bare(conn)?)
    }
}

fn bare(conn: &mut Conn) -> QueryResult<&mut SqliteConnection> {
    match conn {
        Conn::Sqlite(sqlite) => Ok(sqlite),
        Conn::Postgresql(_) => Err(QueryError::NotInTransaction),
    }
}

fn depth(conn: &mut Conn) -> u32 {
    let status = bare(conn).map(Transactions::transaction_manager_status_mut);
    status
        .ok()
        .and_then(|status| status.transaction_depth().ok().flatten())
        .map_or(0, u32::from)
}
