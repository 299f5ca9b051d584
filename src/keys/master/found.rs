//! What there is before any master key is in use: a file, or none, and what the database says.

use std::path::Path;

use diesel::QueryResult;

use super::{Registered, current, file, gone, store};
use crate::clock::{Clock, Time};
use crate::crypto::{RootId, RootSecret};
use crate::error::Result;
use crate::keys::store as keys;
use crate::storage::{Conn, Db};

/// File and database as they were found.
pub(super) struct Found {
    /// None: there is no file, and none is needed yet.
    pub(super) secrets: Option<Vec<RootSecret>>,
    pub(super) registered: Vec<Registered>,
    /// Under which keys the signing keys are sealed.
    pub(super) sealing: Vec<RootId>,
}

impl Found {
    pub(super) async fn read(db: &Db, clock: &Clock, file: &Path) -> Result<Self> {
        let read = |conn: &mut Conn| {
            let is_used = keys::any_sealed(conn)?;
            Ok((store::list(conn)?, store::sealing(conn)?, is_used))
        };
        let (registered, sealing, is_used) = db.read(read).await?;
        let secrets = if file.exists() {
            Some(file::read(file)?)
        } else if is_used || !registered.is_empty() {
            let needed = current(&registered, clock.now()).or(sealing.first().copied());
            return Err(gone(file, needed));
        } else {
            None
        };
        Ok(Self {
            secrets,
            registered,
            sealing,
        })
    }
}

/// Whoever comes first says which key is the first.
pub(super) fn register_first(
    conn: &mut Conn,
    first: RootId,
    now: Time,
) -> QueryResult<Vec<Registered>> {
    keys::lock(conn)?;
    if store::list(conn)?.is_empty() {
        store::register(conn, first, now, now)?;
    }
    store::list(conn)
}

/// The key of an installation that has not registered one yet: what something is sealed under, or
/// the first in the file.
pub(super) fn first(secrets: &[RootSecret], sealing: &[RootId]) -> Option<RootId> {
    let mut ids = secrets.iter().map(RootSecret::id);
    if sealing.is_empty() {
        ids.next()
    } else {
        ids.find(|id| sealing.contains(id))
    }
}
