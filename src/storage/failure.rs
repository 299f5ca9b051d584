//! What the database said, by meaning.

use diesel::result::{DatabaseErrorKind, Error as QueryError};

use crate::error::Error;

/// Seconds after which a client should come back when the database is away.
const RETRY_AFTER: u32 = 1;

impl From<QueryError> for Error {
    fn from(error: QueryError) -> Self {
        if is_passing(&error) {
            Error::unavailable(RETRY_AFTER, error)
        } else {
            Error::internal(error)
        }
    }
}

/// Whether `error` is a broken uniqueness of the named column or index.
pub fn violates_unique(error: &Error, name: &str) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref());
    match source {
        Some(QueryError::DatabaseError(DatabaseErrorKind::UniqueViolation, about)) => {
            // PostgreSQL names the constraint, SQLite the column in its message.
            about
                .constraint_name()
                .is_some_and(|constraint| constraint.contains(name))
                || about.message().contains(name)
        }
        _ => false,
    }
}

/// A failure of the environment (disk, network, server), not of the statement.
pub(super) fn is_passing(error: &QueryError) -> bool {
    let (kind, about) = match error {
        QueryError::DatabaseError(kind, about) => (kind, about),
        QueryError::RollbackErrorOnCommit { commit_error, .. } => return is_passing(commit_error),
        // What broke a transaction from outside.
        other => return matches!(other, QueryError::BrokenTransactionManager),
    };
    match kind {
        DatabaseErrorKind::ClosedConnection
        | DatabaseErrorKind::UnableToSendCommand
        | DatabaseErrorKind::SerializationFailure
        | DatabaseErrorKind::ReadOnlyTransaction => true,
        DatabaseErrorKind::Unknown => {
            let message = about.message();
            PASSING.iter().any(|text| message.contains(text))
        }
        _ => false,
    }
}

/// Texts of failures that neither driver classifies.
const PASSING: [&str; 12] = [
    "database or disk is full",
    "disk I/O error",
    "database is locked",
    "unable to open database file",
    "deadlock detected",
    "terminating connection",
    "server closed the connection",
    "connection to server",
    "no connection to the server",
    "canceling statement",
    "could not extend file",
    "the database system is",
];

/// Whether PostgreSQL undid the transaction for the sake of another one: run it again.
pub(super) fn is_retryable(error: &QueryError) -> bool {
    match error {
        QueryError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => true,
        QueryError::DatabaseError(DatabaseErrorKind::Unknown, about) => {
            about.message().contains("deadlock detected")
        }
        _ => false,
    }
}
