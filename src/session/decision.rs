//! What a presented refresh token means, as a pure function.

use chrono::TimeDelta;

use super::Session;
use crate::clock::Time;

/// The answer to a generation that the conditional update did not rotate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// It is the live one: the update must have met it in between; rotate again.
    Rotate,
    /// The immediate predecessor within the leeway: the same successor again, nothing written.
    Replay,
    /// An old token: the session ends.
    Reuse,
    /// A token the database has not given out: it is an older copy; the session ends.
    FromTheFuture,
    /// Nothing to give, nothing to write.
    Ended,
}

/// The table of the design, row by row. `presented` is the token's generation.
pub(super) fn decide(
    session: &Session,
    epoch: i64,
    presented: i64,
    now: Time,
    leeway: TimeDelta,
) -> Decision {
    if !is_live(session, epoch, now) {
        Decision::Ended
    } else if presented == session.generation {
        Decision::Rotate
    } else if presented > session.generation {
        Decision::FromTheFuture
    } else if presented == session.generation - 1 && now < session.rotated_at + leeway {
        Decision::Replay
    } else {
        Decision::Reuse
    }
}

/// Neither ended nor expired nor from before all were ended.
fn is_live(session: &Session, epoch: i64, now: Time) -> bool {
    session.revoked_at.is_none() && session.ends_at() > now && session.epoch == epoch
}
