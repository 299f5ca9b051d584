//! Changing the keys: decided on what the database says, under its lock, whoever asks.

use diesel::QueryResult;

use super::schedule::{Entry, Step, plan};
use super::{Keys, Lifetime, store};
use crate::clock::{Time, in_seconds};
use crate::crypto::{Algorithm, SigningKey};
use crate::error::{Error, Result};
use crate::event::{self, Event};
use crate::storage::Conn;

/// So often is decided again when others change the keys meanwhile.
const TRIES: usize = 5;

/// What became of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It is new.
    Created(Entry),
    /// It has other times than before.
    Rescheduled(Entry),
    /// It counts for nothing any more.
    Revoked(Entry),
    /// It left the database.
    Forgotten(String),
}

/// A change, ready to be written.
enum Write {
    Insert(Box<store::Row>, Entry),
    Update(Entry),
    Delete(String),
}

impl Keys {
    /// Does what [`plan`] says, if anything is to be done.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn maintain(&self) -> Result<Vec<Changed>> {
        let policy = self.policy().clone();
        self.change(move |keys, now| Ok(plan(keys, &policy, now)))
            .await
    }

    /// Does what `decide` says about the keys as they are. Were they changed meanwhile, it is asked
    /// again: two nodes that decide at once do not do the same thing twice.
    pub(super) async fn change(
        &self,
        decide: impl Fn(&[Entry], Time) -> Result<Vec<Step>>,
    ) -> Result<Vec<Changed>> {
        let inner = &*self.0;
        for _ in 0..TRIES {
            let now = inner.clock.now();
            let seen = inner.db.read(store::entries).await?;
            let steps = decide(&seen, now)?;
            if steps.is_empty() {
                return Ok(Vec::new());
            }
            let writes = self.prepare(steps, &seen, now).await?;
            let write = move |conn: &mut Conn| apply(conn, &seen, &writes, now);
            if let Some(changed) = inner.db.write(write).await? {
                self.reload().await?;
                for one in &changed {
                    log::info!("{}", one.told());
                }
                return Ok(changed);
            }
        }
        Err(Error::unavailable(
            1,
            "the keys are being changed by others",
        ))
    }

    async fn prepare(&self, steps: Vec<Step>, seen: &[Entry], now: Time) -> Result<Vec<Write>> {
        let mut writes = Vec::new();
        for step in steps {
            writes.push(match step {
                Step::Create(algorithm, lifetime) => {
                    let (signing, private) = generate(algorithm).await?;
                    let row = store::Row::seal(&self.0.vault, &signing, &private, lifetime, now)?;
                    let entry = Entry {
                        kid: row.kid.clone(),
                        algorithm,
                        lifetime,
                    };
                    Write::Insert(Box::new(row), entry)
                }
                Step::Reschedule(kid, lifetime) => {
                    let entry = seen.iter().find(|entry| entry.kid == kid);
                    let entry = entry.ok_or_else(|| Error::internal("a step for no key"))?;
                    Write::Update(Entry {
                        lifetime,
                        ..entry.clone()
                    })
                }
                Step::Forget(kid) => Write::Delete(kid),
            });
        }
        Ok(writes)
    }
}

/// On a thread of its own: some kinds of keys take long to make.
async fn generate(algorithm: Algorithm) -> Result<(SigningKey, zeroize::Zeroizing<Vec<u8>>)> {
    let made = tokio::task::spawn_blocking(move || SigningKey::generate(algorithm));
    made.await.map_err(Error::internal)?
}

/// None: the keys are not those that were seen.
fn apply(
    conn: &mut Conn,
    seen: &[Entry],
    writes: &[Write],
    now: Time,
) -> QueryResult<Option<Vec<Changed>>> {
    store::lock(conn)?;
    if store::entries(conn)? != seen {
        return Ok(None);
    }
    let mut changed = Vec::new();
    for write in writes {
        let one = match write {
            Write::Insert(row, entry) => {
                store::insert(conn, row)?;
                Changed::Created(entry.clone())
            }
            Write::Update(entry) => {
                store::update(conn, entry)?;
                match entry.lifetime.revoked_at {
                    Some(_) => Changed::Revoked(entry.clone()),
                    None => Changed::Rescheduled(entry.clone()),
                }
            }
            Write::Delete(kid) => {
                store::delete(conn, kid)?;
                Changed::Forgotten(kid.clone())
            }
        };
        event::record(conn, &one.event(now))?;
        changed.push(one);
    }
    Ok(Some(changed))
}

impl Changed {
    pub(super) fn event(&self, now: Time) -> Event {
        let (kind, entry) = match self {
            Self::Created(entry) => (event::Kind::SigningKeyCreated, entry),
            Self::Rescheduled(entry) => (event::Kind::SigningKeyRescheduled, entry),
            Self::Revoked(entry) => (event::Kind::SigningKeyRevoked, entry),
            Self::Forgotten(kid) => {
                let kind = event::Kind::SigningKeyForgotten;
                return Event::new(kind, now).with("kid", kid.as_str());
            }
        };
        let Lifetime {
            activate_at,
            retire_at,
            remove_at,
            ..
        } = entry.lifetime;
        let event = Event::new(kind, now)
            .with("kid", entry.kid.as_str())
            .with("algorithm", entry.algorithm.name())
            .with("activate_at", in_seconds(activate_at));
        let ends = [("retire_at", retire_at), ("remove_at", remove_at)];
        let ends = ends.into_iter().filter_map(|(name, at)| Some((name, at?)));
        ends.fold(event, |event, (name, at)| event.with(name, in_seconds(at)))
    }

    /// In a line, for a log.
    pub fn told(&self) -> String {
        match self {
            Self::Created(entry) => format!(
                "made the {} signing key {}, which signs from {} on",
                entry.algorithm,
                entry.kid,
                in_seconds(entry.lifetime.activate_at)
            ),
            Self::Rescheduled(entry) => match entry.lifetime.retire_at {
                Some(retire_at) => {
                    format!(
                        "the signing key {} signs until {}",
                        entry.kid,
                        in_seconds(retire_at)
                    )
                }
                None => format!(
                    "the signing key {} signs from {} on",
                    entry.kid,
                    in_seconds(entry.lifetime.activate_at)
                ),
            },
            Self::Revoked(entry) => format!("the signing key {} is revoked", entry.kid),
            Self::Forgotten(kid) => format!("the signing key {kid} left the database"),
        }
    }
}
