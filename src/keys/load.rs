//! From rows to keys that are ready for use.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::{Key, Keys, Purpose, Ring, State, master, store, unreadable};
use crate::clock::Time;
use crate::crypto::{Closed, RootId, SigningKey};
use crate::error::{Error, Result};
use crate::node;
use crate::storage::Conn;

/// A row, and what could be made of it.
#[derive(Clone)]
pub(super) struct Loaded {
    row: store::Row,
    key: Option<Arc<Key>>,
    /// What is wrong with it, as it was said in the log.
    wrong: Vec<String>,
}

impl Loaded {
    /// Whether there is no point in another try.
    fn is_whole(&self) -> bool {
        let key = self.key.as_ref();
        key.is_some_and(|key| key.purpose == Purpose::Verify || key.signing.is_some())
    }
}

impl Keys {
    /// Takes over what other nodes or the operator changed.
    ///
    /// # Errors
    /// The database is away; the old snapshot then stays in force.
    pub async fn reload(&self) -> Result<()> {
        let mut loaded = self.0.loaded.lock().await;
        // Before the rows are read: what is written from now on is not known.
        let now = self.0.clock.now();
        let read = move |conn: &mut Conn| {
            let told = node::told(conn, now)?;
            Ok((master::store::list(conn)?, store::list(conn)?, told))
        };
        let (registered, rows, told) = self.0.db.read(read).await?;
        self.0.master.adopt(registered);
        let of_use = rows
            .into_iter()
            // Of a revoked one nothing is left but its name.
            .filter(|row| row.lifetime().state(now) != State::Revoked);
        let news = of_use.map(|row| {
            let before = loaded.iter().find(|before| before.row.kid == row.kid);
            self.load(row, before)
        });
        *loaded = news.collect();
        let keys = loaded.iter().filter_map(|one| one.key.clone()).collect();
        let ring = Ring::new(keys, now, self.0.configured.with(told))?;
        self.0.ring.store(Arc::new(ring));
        Ok(())
    }

    /// Opens a row, unless that was done `before`; says what is wrong with it once.
    fn load(&self, row: store::Row, before: Option<&Loaded>) -> Loaded {
        let said = before.map_or(&[][..], |before| &before.wrong);
        // What a retired master key sealed counts for nothing, were it as good as this a moment ago.
        let retired = self.0.master.retired();
        let is_void = row.sealers().any(|id| retired.contains(&id));
        let before = before.filter(|_| !is_void);
        if let Some(before) = before.filter(|before| before.row == row && before.is_whole()) {
            return before.clone();
        }
        let mut wrong = Vec::new();
        if row.times().is_none() {
            wrong.push(untimed(&row).to_string());
        }
        let private = row.open(&self.0.vault);
        if let Err(closed) = &private
            && !is_given_up(&row, closed, &retired, self.now())
        {
            wrong.push(unreadable(&row.kid, closed).to_string());
        }
        let key = self.key(
            &row,
            private,
            before.and_then(|before| before.key.as_deref()),
        );
        wrong.extend(key.as_ref().err().map(Error::to_string));
        for news in wrong.iter().filter(|one| !said.contains(one)) {
            log::error!("{news}");
        }
        Loaded {
            row,
            key: key.ok().map(Arc::new),
            wrong,
        }
    }

    /// A key as its row says. A private part that does not open is no reason to keep the public
    /// one from verifiers: tokens that it signed are as good as ever. One that was opened `before`,
    /// and is now sealed under a master key that is not at hand here, goes on.
    fn key(
        &self,
        row: &store::Row,
        private: Result<Option<Zeroizing<Vec<u8>>>, Closed>,
        before: Option<&Key>,
    ) -> Result<Key> {
        let algorithm = row.algorithm().ok_or_else(|| nobodys(&row.kid))?;
        let signing = match private {
            Ok(Some(private)) => Some(SigningKey::from_pkcs8(algorithm, &private)?),
            Err(Closed::NeedsKey(_)) => before.and_then(|key| key.signing.clone()),
            Ok(None) | Err(Closed::Damaged(_)) => None,
        };
        // A private part says what belongs to it, whatever became of the public one in the row;
        // without one, only what we sealed is published.
        let own = signing.as_ref().and_then(SigningKey::public_jwk);
        let public = own.map_or_else(|| row.public(), Ok)?;
        if signing.is_none() {
            let is_known = before.is_some_and(|key| key.public == public);
            match row.is_public_sealed(&self.0.vault) {
                Ok(true) => {}
                Err(Closed::NeedsKey(_)) if is_known => {}
                _ => return Err(forged(&row.kid)),
            }
        }
        Key::new(
            (row.kid.clone(), row.purpose(), row.lifetime()),
            (algorithm, public),
            signing,
        )
    }
}

/// Whether it was sealed under a master key that is not used any more, and signs no longer itself:
/// nobody misses its private part.
pub(super) fn is_given_up(
    row: &store::Row,
    closed: &Closed,
    retired: &[RootId],
    now: Time,
) -> bool {
    let Closed::NeedsKey(id) = closed else {
        return false;
    };
    row.lifetime().state(now) == State::Retired && retired.contains(id)
}

fn untimed(row: &store::Row) -> Error {
    let goes_on = match row.purpose() {
        Purpose::Sign => "as the oldest one that signs, and is replaced in good order",
        Purpose::Verify => "verifying; import it again to say until when, or revoke it",
    };
    Error::setup(format!(
        "the times of the key {} cannot be read: its row was damaged. It goes on {goes_on}",
        row.kid
    ))
}

fn nobodys(kid: &str) -> Error {
    Error::setup(format!(
        "the row `{kid}` is no key of this version, and is not published: its algorithm is not known, or \
         it has no name"
    ))
}

fn forged(kid: &str) -> Error {
    Error::setup(format!(
        "the key {kid} is not published: its public part is not the one that was sealed, so somebody \
         else put it into the database. If it is one that was imported, import it again"
    ))
}
