//! What callers want done, whatever it answers with: behind this, the way to either database is
//! one piece of code, not one for every query of the program.

use std::any::Any;

use diesel::QueryResult;

use super::connection::Conn;
use crate::error::{Error, Result};

/// Whether something may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing does.
    Read,
    /// A transaction.
    Write,
}

/// A caller's closure. It may run more than once.
pub(super) type Work = Box<dyn FnMut(&mut Conn) -> QueryResult<Answer> + Send>;

/// What it answered.
pub(super) type Answer = Box<dyn Any + Send>;

pub(super) fn boxed<T: Send + 'static>(
    mut work: impl FnMut(&mut Conn) -> QueryResult<T> + Send + 'static,
) -> Work {
    Box::new(move |conn| Ok(Box::new(work(conn)?)))
}

/// The answer, in the type that the closure gave it.
pub(super) fn answer<T: 'static>(answer: Answer) -> Result<T> {
    let answer = answer.downcast::<T>();
    answer
        .map(|answer| *answer)
        .map_err(|_| Error::internal("an answer of another type"))
}
