//! # keys
//!
//! The master key, under which secrets are sealed, and the signing keys, with which access tokens
//! are signed: rows shared by all nodes, private part sealed, public part in the clear. What a key
//! may do is a pure function of its row and the time ([`Lifetime::state`]), so nodes need not talk.
//! What is to become of the keys is a pure function, too ([`plan()`]), and no schedule breaks the
//! guards of [`Policy`]: no verifier that keeps the JWKS as it was told to meets a token it cannot
//! verify.
//!
//! Standards: JWK and JWKS (RFC 7517), thumbprints as `kid` (RFC 7638).
//! Tables: `signing_keys`, `master_keys`. Route: `/.well-known/jwks.json`. Settings: `[keys]`.
//! Jobs: `reload_signing_keys` on every node, `rotate_signing_keys` and `reseal_secrets` on one of
//! them.
//! It does not know what a token says.

mod change;
mod choice;
mod diagnose;
mod export;
pub mod http;
mod import;
mod jwks;
mod lifecycle;
mod load;
mod master;
#[cfg(test)]
mod model;
mod operate;
mod plan;
mod revoke;
mod ring;
mod schedule;
mod store;

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::clock::{Clock, Time};
use crate::config::Config;
use crate::crypto::{Algorithm, Closed, Vault};
use crate::error::{Error, Result};
use crate::storage::Db;

pub use change::Changed;
pub use diagnose::diagnose;
pub use export::InPem;
pub use jwks::Jwks;
pub use lifecycle::{Lifetime, State};
pub use master::{MasterKey, Recovered, Resealed, Revoked, Rotated, Stage, Standing, recover};
pub use operate::Start;
pub use plan::{Step, next_rotations, plan};
pub use revoke::dying;
pub use ring::{Key, Ring};
pub use schedule::{Entry, Policy, Purpose, TooSoon};

use choice::Choice;
use load::Loaded;

/// For what secrets are sealed here.
const SIGNING_KEYS: &str = "signing-keys";

/// The signing keys, as an immutable snapshot that is replaced as a whole.
#[derive(Clone)]
pub struct Keys(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    master: MasterKey,
    vault: Vault,
    /// As it is configured.
    configured: Policy,
    choice: Choice,
    ring: ArcSwap<Ring>,
    /// What the ring was made of, so that a key is opened once.
    loaded: tokio::sync::Mutex<Vec<Loaded>>,
}

impl Keys {
    /// Loads the signing keys, and changes nothing: see [`Keys::begin`].
    ///
    /// # Errors
    /// An unreadable key names the master key it needs: it is never a reason to make a new one.
    pub async fn open(db: Db, clock: Clock, master: &MasterKey, config: &Config) -> Result<Self> {
        let policy = Policy::new(config);
        let none = Ring::new(Vec::new(), clock.now(), policy.clone())?;
        let keys = Self(Arc::new(Inner {
            ring: ArcSwap::from_pointee(none),
            db,
            clock,
            vault: master.vault(SIGNING_KEYS),
            master: master.clone(),
            configured: policy,
            choice: Choice::new(&config.keys),
            loaded: tokio::sync::Mutex::default(),
        }));
        keys.refuse_unknown_master_key().await?;
        keys.reload().await?;
        Ok(keys)
    }

    /// The snapshot of the moment.
    pub fn ring(&self) -> Arc<Ring> {
        self.0.ring.load_full()
    }

    /// The master keys.
    pub fn master(&self) -> &MasterKey {
        &self.0.master
    }

    /// What every schedule keeps to, as of the snapshot.
    pub fn policy(&self) -> Arc<Policy> {
        self.ring().policy()
    }

    /// What tokens are signed with unless something else is asked for.
    pub fn default_algorithm(&self) -> Algorithm {
        self.0.choice.default
    }

    /// What tokens for a client and an audience are signed with, as the settings have it.
    pub fn algorithm_for(&self, client: &str, audience: &str) -> Algorithm {
        self.0.choice.of(client, audience)
    }

    /// Whether there is a key to sign with.
    pub fn can_sign(&self) -> bool {
        let now = self.0.clock.now();
        self.ring().signer(self.0.choice.default, now).is_some()
    }

    /// The keys as the database has them, the oldest first.
    ///
    /// # Errors
    /// The database is away.
    pub async fn entries(&self) -> Result<Vec<Entry>> {
        let mut entries = self.0.db.read(store::entries).await?;
        entries.sort_by_key(|key| (key.lifetime.activate_at, key.kid.clone()));
        Ok(entries)
    }

    /// The time, as the keys go by it.
    pub fn now(&self) -> Time {
        self.0.clock.now()
    }

    /// The snapshot, loaded again first if the job that does so is late. A database that is away
    /// does not keep anybody from the JWKS: it says itself how long it can be relied on.
    pub async fn fresh_ring(&self) -> Arc<Ring> {
        let ring = self.ring();
        let is_late = self.now() - ring.loaded_at() > self.0.configured.reload_every * 4;
        if is_late && self.0.loaded.try_lock().is_ok() {
            if let Err(error) = self.reload().await {
                log::warn!("the keys could not be loaded again: {error}");
            }
            return self.ring();
        }
        ring
    }

    /// A key that signs, or will, and was sealed under a master key that is not at hand.
    async fn refuse_unknown_master_key(&self) -> Result<()> {
        let now = self.0.clock.now();
        for row in self.0.db.read(store::list).await? {
            let opened = row.open(&self.0.vault);
            let is_needed = row.lifetime().is_to_sign(now);
            // One that never was one of ours, or is not any more, is damage, and stood in for.
            if let (Err(closed @ Closed::NeedsKey(id)), true) = (opened, is_needed)
                && self.0.master.is_known(id)
                && !self.0.master.retired().contains(&id)
            {
                return Err(unreadable(&row.kid, &closed));
            }
        }
        Ok(())
    }
}

/// Whether the database holds anything sealed: then its master key exists somewhere.
///
/// # Errors
/// The database is away.
pub async fn holds_sealed_rows(db: &Db) -> Result<bool> {
    db.read(store::any_sealed).await
}

fn unreadable(kid: &str, closed: &Closed) -> Error {
    let remedy = match closed {
        Closed::NeedsKey(id) => format!(
            "it was sealed under the master key {id}. Put that key where [keys] master_key_file \
             points; on a further node, copy the first node's file"
        ),
        Closed::Damaged(_) => "its row was altered or damaged; restore it from a backup".into(),
    };
    Error::setup(format!("the signing key {kid} cannot be read: {remedy}"))
}
