//! Tokens whose signature was found good, so that one that comes again costs a digest and no
//! arithmetic on a curve. What is remembered never becomes wrong: a token and a key fit or do not.
//! Everything else about a token (its times, its session, whether the key still counts) is judged
//! each time.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::sha256;

/// Of one key. Each takes 40 bytes.
const PLACES: usize = 4096;

/// SHA-256 of a whole token, signature and all. Who reads it from memory has no token.
type Digest = [u8; 32];

/// The newest tokens, one for each place: one that falls on another's place takes it.
pub(super) struct Seen(Vec<Mutex<Option<Digest>>>);

impl Seen {
    pub(super) fn new() -> Self {
        Self(
            std::iter::repeat_with(Mutex::default)
                .take(PLACES)
                .collect(),
        )
    }

    /// Whether the token's signature is good: remembered, or else as `check` says.
    pub(super) fn or_check(&self, token: &str, check: impl FnOnce() -> bool) -> bool {
        let digest = sha256(token.as_bytes());
        if self
            .place(digest)
            .is_some_and(|place| *place == Some(digest))
        {
            return true;
        }
        let is_good = check();
        if is_good && let Some(mut place) = self.place(digest) {
            *place = Some(digest);
        }
        is_good
    }

    fn place(&self, digest: Digest) -> Option<MutexGuard<'_, Option<Digest>>> {
        let [low, high, ..] = digest;
        let number = usize::from(u16::from_le_bytes([low, high])) % PLACES;
        let place = self.0.get(number)?;
        Some(place.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
