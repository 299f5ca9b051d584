//! Parsed private keys by handle.
//!
//! `jsonwebtoken` asks its provider for a signer at every `encode`, and its `EncodingKey` carries
//! only bytes: with a key in them it would be parsed for every token. So it carries a handle, and
//! the provider, whose functions cannot capture anything, finds the key here.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arc_swap::ArcSwap;

use super::private_key::PrivateKey;
use super::random;

type Handle = [u8; 16];
type Keys = HashMap<Handle, Arc<PrivateKey>>;

static KEYS: LazyLock<ArcSwap<Keys>> = LazyLock::new(ArcSwap::default);

/// A key's place in the registry, given up when this is dropped.
pub(super) struct Registration {
    handle: Handle,
}

impl Registration {
    pub(super) fn new(key: PrivateKey) -> Self {
        let handle = random();
        let key = Arc::new(key);
        change(|keys| {
            keys.insert(handle, Arc::clone(&key));
        });
        Self { handle }
    }

    pub(super) fn handle(&self) -> &[u8] {
        &self.handle
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        change(|keys| {
            keys.remove(&self.handle);
        });
    }
}

/// The key registered under `handle`. No lock, no allocation.
pub(super) fn find(handle: &[u8]) -> Option<Arc<PrivateKey>> {
    KEYS.load().get(handle).cloned()
}

/// Keys come and go a few times a day and are looked up for every token: changing copies.
fn change(edit: impl Fn(&mut Keys)) {
    KEYS.rcu(|keys| {
        let mut keys = Keys::clone(keys);
        edit(&mut keys);
        keys
    });
}
