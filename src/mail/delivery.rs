//! Delivering what is due. Any number of nodes may do it at once: a row is sent by whoever holds
//! its lease, and the lease outlasts the longest sending.

use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::{oneshot, watch};

use super::letter::Content;
use super::store::{self, Claimed};
use super::transport::Failure;
use super::{Mailer, Room};
use crate::crypto;
use crate::error::Result;
use crate::ids::MessageId;

/// Nobody else touches a letter for so long after it was claimed.
const LEASE: TimeDelta = TimeDelta::seconds(120);

/// A letter that has not left by then counts as not sent. Well below the lease, so that the row is
/// still ours when this is written down. If it leaves later all the same, then the next attempt
/// repeats it under the same `Message-ID`.
const DEADLINE: Duration = Duration::from_mins(1);

/// At a stop, a letter that is being sent has this long to leave and be written down.
const GRACE: Duration = Duration::from_millis(500);

/// The outbox is looked into at least this often: another node may have filled it.
const POLL: Duration = Duration::from_secs(5);

/// Seconds to wait after the first failure, doubled with each one.
const FIRST_BACKOFF: i64 = 5;

/// Seconds to wait at most.
const LONGEST_BACKOFF: i64 = 15 * 60;

/// Dead letters are kept for the operator for this long.
const DEAD_FOR: TimeDelta = TimeDelta::days(30);

impl Mailer {
    /// Delivers until `stop` says so: at each [`Mailer::wake`], and every 5 s. No failure ends it.
    /// It returns within a second even while a mail server hangs: a letter that has not left then
    /// is sent by whoever comes after its lease.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let mut stopped = stop.clone();
        tokio::select! {
            () = self.work(stop) => {}
            () = async {
                // An error means that nobody is left to say it: a stop, too.
                drop(stopped.wait_for(|stopped| *stopped).await);
                tokio::time::sleep(GRACE).await;
            } => log::info!("stopped without waiting longer: a letter on its way is sent again later"),
        }
    }

    async fn work(&self, mut stop: watch::Receiver<bool>) {
        while !is_over(&stop) {
            if let Err(error) = self.deliver(&stop).await {
                log::error!("the outbox could not be worked on: {error}");
            }
            // A wake that came meanwhile is kept, so this returns at once.
            tokio::select! {
                () = self.0.woken.notified() => {}
                () = tokio::time::sleep(POLL) => {}
                _ = stop.wait_for(|stopped| *stopped) => {}
            }
        }
    }

    /// Sends every letter whose time has come, one after the other, and says how many were
    /// handled: sent, postponed or given up. When the mail server itself does not work, the rest
    /// stays due for the next call.
    ///
    /// # Errors
    /// Only from the database. A letter claimed then is free again after its lease.
    pub async fn deliver_due(&self) -> Result<usize> {
        let (_never, stop) = watch::channel(false);
        self.deliver(&stop).await
    }

    /// Begins with no further letter once `stop` says so.
    async fn deliver(&self, stop: &watch::Receiver<bool>) -> Result<usize> {
        let room = &*self.0;
        let owner = crypto::random_base62(22);
        let mut handled = 0;
        loop {
            let now = room.clock.now();
            let due = room.db.read(move |conn| store::due(conn, now)).await?;
            if due.is_empty() {
                return Ok(handled);
            }
            let (dead, letters): (Vec<_>, Vec<_>) = due.into_iter().partition(|one| one.dead);
            if !dead.is_empty() {
                let ids: Vec<MessageId> = dead.into_iter().map(|one| one.id).collect();
                room.db
                    .write(move |conn| store::remove(conn, &ids, now))
                    .await?;
            }
            for letter in letters {
                if is_over(stop) {
                    return Ok(handled);
                }
                let Some(claimed) = room.claim(letter.id, &owner).await? else {
                    continue; // another node was faster
                };
                let outcome = self.attempt(&claimed).await;
                let down = matches!(outcome, Err(Failure::Down(_)));
                room.settle(claimed, owner.clone(), outcome).await?;
                handled += 1;
                if down {
                    return Ok(handled);
                }
            }
        }
    }

    async fn attempt(&self, claimed: &Claimed) -> Result<(), Failure> {
        let room = &*self.0;
        if claimed.expires_at <= room.clock.now() {
            return Err(Failure::Never("expired before it could be sent".to_owned()));
        }
        let content = Content::open(&room.vault, &claimed.id, &claimed.sealed)?;
        let message = room
            .sender
            .compose(&claimed.id, claimed.created_at, &content)
            .map_err(|error| Failure::Never(error.to_string()))?;

        let (mailer, id) = (self.clone(), claimed.id.clone());
        let send = move || mailer.0.transport.send(&id, &content, &message);
        in_time(DEADLINE, send).await
    }
}

/// What `send` says, which blocks and may never end. It runs on a thread of its own, not on the
/// runtime's: those are waited for at a stop.
async fn in_time(
    deadline: Duration,
    send: impl FnOnce() -> Result<(), Failure> + Send + 'static,
) -> Result<(), Failure> {
    let (tell, hear) = oneshot::channel();
    let thread = std::thread::Builder::new()
        .name("signet-mail".to_owned())
        // Nobody may be left to hear it.
        .spawn(move || drop(tell.send(send())));
    if let Err(error) = thread {
        return Err(Failure::Down(format!("no thread to send it: {error}")));
    }
    match tokio::time::timeout(deadline, hear).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(Failure::Later("the transport panicked".to_owned())),
        Err(_) => Err(Failure::Down(format!(
            "it did not leave within {} s",
            deadline.as_secs()
        ))),
    }
}

fn is_over(stop: &watch::Receiver<bool>) -> bool {
    *stop.borrow()
}

impl Room {
    async fn claim(&self, id: MessageId, owner: &str) -> Result<Option<Claimed>> {
        let (now, owner) = (self.clock.now(), owner.to_owned());
        self.db
            .write(move |conn| store::claim(conn, &id, &owner, now, now + LEASE))
            .await
    }

    /// Writes down what became of a letter.
    async fn settle(
        &self,
        claimed: Claimed,
        owner: String,
        outcome: Result<(), Failure>,
    ) -> Result<()> {
        let now = self.clock.now();
        let Claimed {
            id, kind, attempts, ..
        } = claimed;
        let name = format!("letter {id} ({kind})");
        match outcome {
            Ok(()) => self.sent.inc(),
            Err(_) => self.failed.inc(),
        }
        let touched = match outcome {
            Ok(()) => {
                log::info!("{name} was sent");
                self.db
                    .write(move |conn| store::delete(conn, &id, &owner))
                    .await?
            }
            Err(Failure::Later(reason) | Failure::Down(reason)) => {
                let wait = backoff(attempts, u16::from_be_bytes(crypto::random()));
                log::warn!("{name} waits for {} s: {reason}", wait.num_seconds());
                self.db
                    .write(move |conn| store::postpone(conn, (&id, &owner), now + wait, &reason))
                    .await?
            }
            Err(Failure::Never(reason)) => {
                log::error!("{name} was given up: {reason}");
                self.db
                    .write(move |conn| {
                        store::bury(conn, (&id, &owner), now, now + DEAD_FOR, &reason)
                    })
                    .await?
            }
        };
        if touched == 0 {
            log::warn!("the lease on {name} ended while it was handled: it may be sent again");
        }
        Ok(())
    }
}

/// How long to wait after one more failure: 5 s doubling to 15 min, less up to a fifth of it by
/// `dice`, so that what failed together does not come back together.
pub(super) fn backoff(earlier_failures: i32, dice: u16) -> TimeDelta {
    let doublings = u32::try_from(earlier_failures).unwrap_or(0).min(16);
    let seconds = (FIRST_BACKOFF << doublings).min(LONGEST_BACKOFF);
    let spread = seconds * 200 * i64::from(dice) / i64::from(u16::MAX);
    TimeDelta::milliseconds(seconds * 1_000 - spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_off_doubles_from_five_seconds_to_fifteen_minutes() {
        let longest: Vec<i64> = (0..10).map(|n| backoff(n, 0).num_seconds()).collect();
        assert_eq!(longest, [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]);
        assert_eq!(backoff(0, u16::MAX), TimeDelta::seconds(4));
        assert_eq!(backoff(i32::MAX, u16::MAX), TimeDelta::seconds(720));
        assert_eq!(backoff(-1, 0), TimeDelta::seconds(5));
    }

    #[tokio::test]
    async fn what_does_not_end_is_not_waited_for() {
        let (release, hold) = std::sync::mpsc::channel::<()>();
        let stuck = move || {
            let _ = hold.recv();
            Ok(())
        };
        let outcome = in_time(Duration::ZERO, stuck).await;
        assert!(matches!(outcome, Err(Failure::Down(_))));
        drop(release);
        let never = Duration::MAX;
        assert!(in_time(never, || Ok(())).await.is_ok());
        let panics = in_time(never, || panic!("on purpose")).await;
        assert!(matches!(panics, Err(Failure::Later(_))));
    }
}
