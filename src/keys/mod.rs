//! # keys
//!
//! The master key, under which secrets are sealed, and the signing keys, with which access tokens
//! are signed: rows shared by all nodes, private part sealed, public part in the clear. What a key
//! may do is a pure function of its row and the time ([`Lifetime::state`]), so nodes need not talk.
//!
//! Standards: JWK and JWKS (RFC 7517), thumbprints as `kid` (RFC 7638).
//! Table: `signing_keys`. Route: `/.well-known/jwks.json`. Settings: `[keys]`.
//! Job: `reload_signing_keys`. It does not know what a token says.

pub mod http;
mod jwks;
mod lifecycle;
mod master;
mod ring;
mod store;

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::clock::{Clock, Time};
use crate::config;
use crate::crypto::{Algorithm, Closed, SigningKey, Vault};
use crate::error::{Error, Result};
use crate::event::{self, Event};
use crate::storage::Db;

pub use jwks::Jwks;
pub use lifecycle::{Lifetime, State};
pub use master::MasterKey;
pub use ring::{Key, Ring};

/// What a signing key is for.
const ACCESS_TOKENS: &str = "access";

/// The signing keys, as an immutable snapshot that is replaced as a whole.
#[derive(Clone)]
pub struct Keys(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    vault: Vault,
    settings: config::Keys,
    ring: ArcSwap<Ring>,
}

impl Keys {
    /// Loads the signing keys; a database without any gets its first.
    ///
    /// # Errors
    /// An unreadable key names the master key it needs: it is never a reason to make a new one.
    pub async fn open(
        db: Db,
        clock: Clock,
        master: &MasterKey,
        settings: &config::Keys,
    ) -> Result<Self> {
        let inner = Inner {
            db,
            clock,
            vault: master.vault("signing-keys"),
            settings: settings.clone(),
            ring: ArcSwap::from_pointee(Ring::default()),
        };
        let keys = Self(Arc::new(inner));
        keys.reload().await?;
        let now = keys.0.clock.now();
        if keys.ring().active(Algorithm::Es256, now).is_none() {
            keys.create_first(now).await?;
            keys.reload().await?;
        }
        Ok(keys)
    }

    /// The snapshot of the moment.
    pub fn ring(&self) -> Arc<Ring> {
        self.0.ring.load_full()
    }

    /// Takes over what other nodes or the operator changed.
    ///
    /// # Errors
    /// The database is away, or a key does not open; the old snapshot then stays in force.
    pub async fn reload(&self) -> Result<()> {
        let rows = self.0.db.read(store::list).await?;
        let now = self.0.clock.now();
        let keys: Result<Vec<Key>> = rows.iter().map(|row| self.unseal(row)).collect();
        let ring = Ring::new(keys?, now, self.0.settings.jwks_max_age)?;
        self.0.ring.store(Arc::new(ring));
        Ok(())
    }

    fn unseal(&self, row: &store::Row) -> Result<Key> {
        let algorithm: Algorithm = row.algorithm.parse().map_err(Error::internal)?;
        let private = self.0.vault.open(&row.place(), &row.sealed_private);
        let private = private.map_err(|closed| unreadable(&row.kid, &closed))?;
        let signing = SigningKey::from_pkcs8(algorithm, &private)?;
        Key::new(row.kid.clone(), signing, row.lifetime())
    }

    /// The very first key signs at once: no verifier can hold a JWKS from before it.
    async fn create_first(&self, now: Time) -> Result<()> {
        let (signing, private) = SigningKey::generate(Algorithm::Es256)?;
        let row = store::Row::seal(&self.0.vault, &signing, &private, Lifetime::first(now), now)?;
        let created = self.0.db.write(move |conn| {
            // Another node may have been quicker: decided again under the lock.
            if !store::lock_and_is_empty(conn)? {
                return Ok(false);
            }
            store::insert(conn, &row)?;
            let event = Event::new(event::Kind::SigningKeyCreated, now);
            event::record(conn, &event.with("kid", row.kid.as_str()))?;
            Ok(true)
        });
        if created.await? {
            log::info!("made the first signing key (ES256)");
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
