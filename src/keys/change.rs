//! Changing the keys: decided on what the database says, under its lock, whoever asks.

use diesel::QueryResult;

use super::schedule::{Entry, Purpose, Step, plan};
use super::store::{self, NewKey};
use super::{Keys, Lifetime};
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
    /// It is new here, and was made elsewhere.
    Imported(Entry),
    /// It has other times than before.
    Rescheduled(Entry),
    /// It counts for nothing any more.
    Revoked(Entry),
    /// It left the database.
    Forgotten(String),
}

/// A change, ready to be written.
enum Write {
    Insert(Box<store::Row>, Changed),
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

    /// The first keys, and the first of each algorithm that is new in the settings. A start does
    /// not wait for RSA keys that others can do the work of for a while: the job that looks after
    /// the keys makes them.
    ///
    /// # Errors
    /// Only those of the database.
    pub(super) async fn begin(&self) -> Result<Vec<Changed>> {
        let (policy, default) = (self.policy().clone(), self.default_algorithm());
        self.change(move |keys, now| {
            let has = |algorithm: &Algorithm| {
                let mut own = keys.iter().filter(|key| key.algorithm == *algorithm);
                own.any(|key| key.is_to_sign(now))
            };
            if policy.algorithms.iter().all(has) {
                return Ok(Vec::new());
            }
            let mut steps = plan(keys, &policy, now);
            steps.retain(|step| match step {
                Step::Create(algorithm, _) if algorithm.is_rsa() => {
                    keys.is_empty() && *algorithm == default
                }
                _ => true,
            });
            Ok(steps)
        })
        .await
    }

    /// Does what `decide` says about the keys as they are. Were they changed meanwhile, it is asked
    /// again: two nodes that decide at once do not do the same thing twice.
    pub(super) async fn change(
        &self,
        decide: impl Fn(&[Entry], Time) -> Result<Vec<Step>>,
    ) -> Result<Vec<Changed>> {
        self.change_with(Vec::new(), decide).await
    }

    /// The same, with a key at hand that [`Step::Create`] then means.
    pub(super) async fn change_with(
        &self,
        mut ready: Vec<NewKey>,
        decide: impl Fn(&[Entry], Time) -> Result<Vec<Step>>,
    ) -> Result<Vec<Changed>> {
        let inner = &*self.0;
        for _ in 0..TRIES {
            let (now, seen, steps) = self.decide(&mut ready, &decide).await?;
            if steps.is_empty() {
                return Ok(Vec::new());
            }
            let writes = self.prepare(&ready, steps, &seen, now)?;
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

    /// The steps, and when and for which keys they were decided. New keys are made first, each
    /// once, and then it is decided anew: an RSA key takes seconds, and the times of a schedule
    /// count from when it is written.
    async fn decide(
        &self,
        ready: &mut Vec<NewKey>,
        decide: impl Fn(&[Entry], Time) -> Result<Vec<Step>>,
    ) -> Result<(Time, Vec<Entry>, Vec<Step>)> {
        loop {
            let now = self.0.clock.now();
            let seen = self.0.db.read(store::entries).await?;
            let steps = decide(&seen, now)?;
            let wanted = steps.iter().filter_map(|step| match step {
                Step::Create(algorithm, _) => Some(*algorithm),
                _ => None,
            });
            let is_missing = |wanted: &Algorithm| !ready.iter().any(|it| it.algorithm == *wanted);
            let missing: Vec<Algorithm> = wanted.filter(is_missing).collect();
            if missing.is_empty() {
                return Ok((now, seen, steps));
            }
            for algorithm in missing {
                ready.push(generate(algorithm).await?);
            }
        }
    }

    fn prepare(
        &self,
        ready: &[NewKey],
        steps: Vec<Step>,
        seen: &[Entry],
        now: Time,
    ) -> Result<Vec<Write>> {
        let write = |step| {
            Ok(match step {
                Step::Create(algorithm, lifetime) => {
                    let key = ready.iter().find(|key| key.algorithm == algorithm);
                    let key = key.ok_or_else(|| Error::internal("no key is ready"))?;
                    let row = store::Row::seal(&self.0.vault, key, lifetime, now)?;
                    let entry = Entry {
                        kid: key.kid.clone(),
                        algorithm,
                        purpose: key.purpose(),
                        lifetime,
                    };
                    let changed = if key.is_imported {
                        Changed::Imported(entry)
                    } else {
                        Changed::Created(entry)
                    };
                    Write::Insert(Box::new(row), changed)
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
            })
        };
        steps.into_iter().map(write).collect()
    }
}

/// On a thread of its own: some kinds of keys take long to make.
async fn generate(algorithm: Algorithm) -> Result<NewKey> {
    let made = tokio::task::spawn_blocking(move || SigningKey::generate(algorithm));
    let (signing, private) = made.await.map_err(Error::internal)??;
    let public = signing.public_jwk();
    let public = public.ok_or_else(|| Error::internal("no public part"))?;
    Ok(NewKey {
        kid: public.thumbprint(),
        algorithm,
        public,
        private: Some(private),
        is_imported: false,
    })
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
            Write::Insert(row, changed) => {
                store::insert(conn, row)?;
                changed.clone()
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
            Self::Imported(entry) => (event::Kind::SigningKeyImported, entry),
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
        let mut event = Event::new(kind, now)
            .with("kid", entry.kid.as_str())
            .with("algorithm", entry.algorithm.name())
            .with("activate_at", in_seconds(activate_at));
        if kind == event::Kind::SigningKeyImported {
            event = event.with("purpose", entry.purpose.name());
        }
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
            Self::Imported(entry) if entry.purpose == Purpose::Verify => format!(
                "the {} key {} verifies old tokens until {}, and signs nothing; only its public \
                 part is stored",
                entry.algorithm,
                entry.kid,
                entry
                    .lifetime
                    .remove_at
                    .map_or_else(String::new, in_seconds)
            ),
            Self::Imported(entry) => format!(
                "took over the {} signing key {}, which signs from {} on",
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
