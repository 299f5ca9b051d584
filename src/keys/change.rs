//! Changing the keys: decided on what the database says, under its lock, whoever asks.

use diesel::QueryResult;

use super::operate::refused;
use super::plan::{Step, endings, plan};
use super::schedule::{Entry, Policy, Purpose};
use super::store::{self, NewKey};
use super::{Keys, Lifetime, master};
use crate::clock::{Time, in_seconds};
use crate::crypto::{Algorithm, SigningKey};
use crate::error::{Error, Result};
use crate::event::{self, Event};
use crate::node::{self, Word};
use crate::storage::Conn;

/// So often is decided again when others change the keys meanwhile.
pub(super) const TRIES: usize = 5;

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

/// What is to be done about the keys as they are.
type Decide<'a> = dyn Fn(&[Entry], &Policy, Time) -> Result<Vec<Step>> + 'a;

/// What a change is decided on.
struct Seen {
    at: Time,
    keys: Vec<Entry>,
    /// What verifiers were told.
    told: Word,
}

impl Seen {
    fn read(conn: &mut Conn, at: Time) -> QueryResult<Self> {
        Ok(Self {
            at,
            keys: store::entries(conn)?,
            told: node::told(conn, at)?,
        })
    }

    fn still_holds(&self, conn: &mut Conn) -> QueryResult<bool> {
        let seen = Self::read(conn, self.at)?;
        Ok(seen.keys == self.keys && seen.told == self.told)
    }
}

/// A change, ready to be written.
enum Write {
    Insert(Box<store::Row>, Changed),
    Update(Entry),
    Delete(String),
}

impl Keys {
    /// Does what [`plan()`] says, if anything is to be done.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn maintain(&self) -> Result<Vec<Changed>> {
        self.change(|keys, policy, now| Ok(plan(keys, policy, now)))
            .await
    }

    /// Before a server serves, and before a command changes the keys: the first ones, and the first of
    /// each algorithm that is new in the settings. A start does not wait for RSA keys that others can
    /// do the work of for a while: the job that looks after the keys makes them. Who only looks
    /// changes nothing, whatever time his clock has it.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn begin(&self) -> Result<Vec<Changed>> {
        let default = self.default_algorithm();
        self.change(move |keys, policy, now| {
            let has = |algorithm: &Algorithm| {
                let mut own = keys.iter().filter(|key| key.algorithm == *algorithm);
                own.any(|key| key.is_to_sign(now))
            };
            // Keys that are all still to come are brought forward.
            let one_signs = keys.iter().any(|key| key.signs(now));
            if one_signs && policy.algorithms.iter().all(has) {
                // Tokens of this node may live longer than when ends were planned.
                return Ok(endings(keys, policy, &[], now));
            }
            let mut steps = plan(keys, policy, now);
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
        decide: impl Fn(&[Entry], &Policy, Time) -> Result<Vec<Step>>,
    ) -> Result<Vec<Changed>> {
        self.change_with(Vec::new(), &decide).await
    }

    /// The same, with a key at hand that [`Step::Create`] then means.
    pub(super) async fn change_with(
        &self,
        mut ready: Vec<NewKey>,
        decide: &Decide<'_>,
    ) -> Result<Vec<Changed>> {
        let inner = &*self.0;
        for _ in 0..TRIES {
            let (seen, steps) = self.decide(&mut ready, decide).await?;
            if steps.is_empty() {
                return Ok(Vec::new());
            }
            let writes = self.prepare(&ready, steps, &seen)?;
            let write = move |conn: &mut Conn| apply(conn, &seen, &writes);
            if let Some(changed) = inner.db.write(write).await?? {
                self.reload().await?;
                for one in &changed {
                    log::info!("{}", one.told());
                }
                return Ok(changed);
            }
            // The master keys may be others, too.
            self.reload().await?;
        }
        Err(Error::unavailable(
            1,
            "the keys are being changed by others",
        ))
    }

    /// The steps, and on what they were decided. New keys are made first, each
    /// once, and then it is decided anew: an RSA key takes seconds, and the times of a schedule
    /// count from when it is written.
    async fn decide(
        &self,
        ready: &mut Vec<NewKey>,
        decide: &Decide<'_>,
    ) -> Result<(Seen, Vec<Step>)> {
        loop {
            let now = self.0.clock.now();
            let seen = self.0.db.read(move |conn| Seen::read(conn, now)).await?;
            let policy = self.0.configured.with(seen.told);
            let steps = decide(&seen.keys, &policy, now)?;
            let wanted = steps.iter().filter_map(|step| match step {
                Step::Create(algorithm, _) => Some(*algorithm),
                _ => None,
            });
            let is_missing = |wanted: &Algorithm| !ready.iter().any(|it| it.algorithm == *wanted);
            let missing: Vec<Algorithm> = wanted.filter(is_missing).collect();
            if missing.is_empty() {
                return Ok((seen, steps));
            }
            for algorithm in missing {
                ready.push(generate(algorithm).await?);
            }
        }
    }

    fn prepare(&self, ready: &[NewKey], steps: Vec<Step>, seen: &Seen) -> Result<Vec<Write>> {
        let write = |step| {
            Ok(match step {
                Step::Create(algorithm, lifetime) => {
                    let key = ready.iter().find(|key| key.algorithm == algorithm);
                    let key = key.ok_or_else(|| Error::internal("no key is ready"))?;
                    let row = store::Row::seal(&self.0.vault, key, lifetime, seen.at)?;
                    let entry = Entry {
                        kid: key.kid.clone(),
                        thumbprint: key.public.thumbprint(),
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
                    let entry = seen.keys.iter().find(|entry| entry.kid == kid);
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
    loop {
        let made = tokio::task::spawn_blocking(move || SigningKey::generate(algorithm));
        let (signing, private) = made.await.map_err(Error::internal)??;
        let public = signing.public_jwk();
        let public = public.ok_or_else(|| Error::internal("no public part"))?;
        let kid = public.thumbprint();
        // One in 64 looks like an option at a command line.
        if !kid.starts_with('-') {
            return Ok(NewKey {
                kid,
                algorithm,
                public,
                private: Some(private),
                is_imported: false,
            });
        }
    }
}

/// None: the keys are not those that were seen.
fn apply(
    conn: &mut Conn,
    seen: &Seen,
    writes: &[Write],
) -> QueryResult<Result<Option<Vec<Changed>>>> {
    store::lock(conn)?;
    if !seen.still_holds(conn)? || !are_sealed_well(conn, writes)? {
        return Ok(Ok(None));
    }
    if let Err(refusal) = refuse_second_algorithm(conn, writes)? {
        return Ok(Err(refusal));
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
            Write::Delete(kid) if store::delete(conn, kid)? => Changed::Forgotten(kid.clone()),
            Write::Delete(_) => continue,
        };
        event::record(conn, &one.event(seen.at))?;
        changed.push(one);
    }
    Ok(Ok(Some(changed)))
}

/// Whether what is new is sealed under master keys whose word counts: one may have been revoked
/// since this process heard of them.
fn are_sealed_well(conn: &mut Conn, writes: &[Write]) -> QueryResult<bool> {
    for write in writes {
        if let Write::Insert(row, _) = write
            && !master::store::vouch(conn, row.sealers())?
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// An RSA key could be for two: who has it must have chosen one.
fn refuse_second_algorithm(conn: &mut Conn, writes: &[Write]) -> QueryResult<Result<()>> {
    for write in writes {
        let Write::Insert(row, _) = write else {
            continue;
        };
        if let Some((kid, algorithm)) = store::of_other_algorithm(conn, row)? {
            return Ok(Err(refused(format!(
                "the same key is here for {algorithm}, as {kid}: a key has one algorithm"
            ))));
        }
    }
    Ok(Ok(()))
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
            Self::Revoked(entry) if entry.purpose == Purpose::Verify => {
                format!("the key {}, which only verified, is revoked", entry.kid)
            }
            Self::Revoked(entry) => format!("the signing key {} is revoked", entry.kid),
            Self::Forgotten(kid) => format!("the signing key {kid} left the database"),
        }
    }
}
