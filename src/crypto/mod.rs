//! # crypto
//!
//! The only room that speaks to `ring`: randomness, digests, key derivation, sealing of secrets
//! at rest, and the `jsonwebtoken` provider with its registry of parsed keys.
//!
//! Standards: HMAC (RFC 2104), HKDF (RFC 5869), AES-256-GCM (NIST SP 800-38D), JWA (RFC 7518),
//! EdDSA in JOSE (RFC 8037).
//! Tokens: JWS compact form (RFC 7515), JWK (RFC 7517), thumbprints (RFC 7638), read with the care
//! of RFC 8725.
//! Tables, routes, settings, jobs: none.
//! It does not know what a key is for, where it is stored, or when it changes; nor what a claim
//! means.

mod algorithm;
mod compact;
mod der;
mod jwk;
mod key_file;
mod private_key;
mod provider;
mod registry;
mod seen;
mod signing_key;
#[cfg(test)]
mod token_tests;
mod verifying_key;

pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use compact::{Compact, MAX_TOKEN_BYTES, Rejected, TokenHeader, parse_header};
pub use jwk::PublicJwk;
pub use key_file::{KeyFile, MAX_KEY_FILE_BYTES};
pub use provider::install;
pub use signing_key::SigningKey;
pub use verifying_key::VerifyingKey;

mod root;
mod vault;

pub use root::{Derived, NoRootId, RootId, Roots, Version, Versions};
pub use vault::{Closed, Vault};

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::SecureRandom;
use ring::{digest, hkdf, hmac};
use subtle::ConstantTimeEq;
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// `N` bytes from the operating system's generator.
///
/// # Panics
/// If the operating system cannot give randomness. Nothing safe can be done without it.
#[expect(
    clippy::expect_used,
    reason = "a process without randomness must not go on"
)]
#[expect(
    clippy::disallowed_methods,
    reason = "this is the place the lint points to"
)]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    ring::rand::SystemRandom::new()
        .fill(&mut bytes)
        .expect("randomness from the system");
    bytes
}

/// `length` characters drawn evenly from `[0-9A-Za-z]`: 5.95 bits each.
pub fn random_base62(length: usize) -> String {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = String::with_capacity(length);
    while text.len() < length {
        // Of 256 values 248 are used: the rest would favour the first letters.
        let letters = random::<64>();
        let even = letters.iter().filter(|byte| **byte < 248);
        let drawn = even.filter_map(|byte| ALPHABET.get(usize::from(byte % 62)));
        text.extend(
            drawn
                .take(length - text.len())
                .map(|letter| char::from(*letter)),
        );
    }
    text
}

/// SHA-256 (FIPS 180-4).
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

/// HMAC-SHA-256 (RFC 2104).
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    out.copy_from_slice(hmac::sign(&key, message).as_ref());
    out
}

/// Equality whose duration tells nothing about where two byte strings differ.
pub fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

/// A 256-bit secret from which others are derived.
#[derive(Clone, ZeroizeOnDrop)]
pub struct RootSecret([u8; 32]);

impl RootSecret {
    /// Wraps existing bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for the one place that writes them to a file.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// A 256-bit key for one purpose (HKDF-SHA-256, RFC 5869): keys of different purposes tell
    /// nothing about each other.
    pub fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"signet");
        let info = [purpose.as_bytes()];
        let mut out = Zeroizing::new([0; 32]);
        // Both steps fail only for more than 255 blocks; this asks for one.
        let filled = salt
            .extract(&self.0)
            .expand(&info, hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut *out));
        debug_assert!(filled.is_ok());
        out
    }
}

/// A sealed value could not be opened: wrong key, wrong place, or altered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed value does not open with this key in this place")]
pub struct Unopenable;

/// Seals small secrets with AES-256-GCM under one key. `place` (associated data) names the row
/// and column a secret belongs to, so that a sealed value moved elsewhere does not open.
pub struct Sealer(LessSafeKey);

impl Sealer {
    /// A sealer under `key`.
    ///
    /// # Panics
    /// Never: 32 bytes are always a key.
    #[expect(clippy::expect_used, reason = "the length is in the type")]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(LessSafeKey::new(
            UnboundKey::new(&AES_256_GCM, key).expect("a 32-byte key"),
        ))
    }

    /// Nonce (96 random bits), ciphertext and tag, in this order.
    pub fn seal(&self, place: &str, plain: &[u8]) -> Vec<u8> {
        let nonce = random::<NONCE_LEN>();
        let mut sealed = plain.to_vec();
        let aad = Aad::from(place.as_bytes());
        let result =
            self.0
                .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed);
        debug_assert!(result.is_ok(), "fails only past 64 GiB");
        [nonce.as_slice(), &sealed].concat()
    }

    /// What was sealed for `place`.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unopenable> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(Unopenable)?;
        let mut buffer = Zeroizing::new(rest.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = self
            .0
            .open_in_place(nonce, Aad::from(place.as_bytes()), &mut buffer);
        Ok(Zeroizing::new(plain.map_err(|_| Unopenable)?.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_only_with_its_key_in_its_place_and_unaltered() {
        let sealer = Sealer::new(&[7; 32]);
        let sealed = sealer.seal("table|1", b"secret");
        assert_eq!(
            sealer.open("table|1", &sealed).unwrap().as_slice(),
            b"secret"
        );
        assert!(sealer.open("table|2", &sealed).is_err());
        assert!(Sealer::new(&[8; 32]).open("table|1", &sealed).is_err());
        for position in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[position] ^= 1;
            assert!(sealer.open("table|1", &altered).is_err());
            assert!(sealer.open("table|1", &sealed[..position]).is_err());
        }
        assert_ne!(sealed, sealer.seal("table|1", b"secret"));
    }

    #[test]
    fn derived_keys_differ_by_purpose_and_root() {
        let root = RootSecret::new([1; 32]);
        assert_eq!(*root.derive("a"), *root.derive("a"));
        assert_ne!(*root.derive("a"), *root.derive("b"));
        assert_ne!(*root.derive("a"), *RootSecret::new([2; 32]).derive("a"));
    }

    #[test]
    fn base62_has_the_asked_length_and_alphabet() {
        let text = random_base62(4000);
        assert_eq!(text.len(), 4000);
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert!(text.contains('0') && text.contains('z'));
    }
}
