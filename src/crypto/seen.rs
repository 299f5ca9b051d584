//! Tokens whose signature was found good, so that one that comes again costs a digest and no
//! arithmetic on a curve. What is remembered never becomes wrong: a token and a key fit or do not.
//! Everything else about a token (its times, its session, whether the key still counts) is judged
//! each time.

use std::sync::{Mutex, PoisonError};

use super::sha256;

/// Places of one key, and tokens in each: 140 KiB.
const PLACES: usize = 1024;
const TOKENS: usize = 4;

/// SHA-256 of a whole token, signature and all. Who reads it from memory has no token.
type Digest = [u8; 32];

/// The newest that fell on it come first.
type Place = [Option<Digest>; TOKENS];

/// What one key found well signed.
pub(super) struct Seen(Vec<Mutex<Place>>);

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
        let Some(place) = self.place(digest) else {
            return check();
        };
        let lock = || place.lock().unwrap_or_else(PoisonError::into_inner);
        if lock().contains(&Some(digest)) {
            return true;
        }
        let is_good = check();
        if is_good {
            let mut tokens = lock();
            tokens.rotate_right(1);
            let [newest, ..] = &mut *tokens;
            *newest = Some(digest);
        }
        is_good
    }

    fn place(&self, digest: Digest) -> Option<&Mutex<Place>> {
        let [low, high, ..] = digest;
        self.0
            .get(usize::from(u16::from_le_bytes([low, high])) % PLACES)
    }
}
