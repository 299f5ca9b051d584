//! A password as somebody typed it.

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::crypto;

/// Longer input is kept as it came. It is too long for any policy in every form: NFC makes no
/// text shorter than a third.
const LONGEST_NORMALISED: usize = 4096;

/// A password in the clear: NFC-normalised, wiped when dropped, never printed.
#[derive(Clone)]
pub struct Plaintext(Zeroizing<String>);

impl Plaintext {
    /// Takes what was typed. Composed and decomposed spellings become the same password
    /// (NIST SP 800-63B-4, section 3.1.1.2); nothing is cut off and no case is changed.
    pub fn new(typed: &str) -> Self {
        if typed.len() > LONGEST_NORMALISED {
            return Self(Zeroizing::new(typed.to_owned()));
        }
        // Room for the worst case (UAX #15: three times as long), since growing a string leaves
        // its old copy behind.
        let mut text = Zeroizing::new(String::with_capacity(typed.len() * 3));
        text.extend(typed.nfc());
        Self(text)
    }

    /// Whether both are the same password, for "repeat your password".
    pub fn is_same_as(&self, other: &Self) -> bool {
        crypto::constant_time_eq(self.expose().as_bytes(), other.expose().as_bytes())
    }

    /// The longest password, in code points after NFC. So none is longer than 512 bytes.
    pub const MOST_CHARACTERS: usize = 128;

    /// Whether it is longer than any password may be.
    pub fn is_too_long(&self) -> bool {
        self.expose().chars().nth(Self::MOST_CHARACTERS).is_some()
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plaintext(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn composed_and_decomposed_spellings_are_the_same_password() {
        let composed = Plaintext::new("caf\u{e9} au lait");
        assert!(composed.is_same_as(&Plaintext::new("cafe\u{301} au lait")));
        assert!(!composed.is_same_as(&Plaintext::new("cafe au lait")));
        assert!(!composed.is_same_as(&Plaintext::new("Caf\u{e9} au lait")));
    }

    #[test]
    fn normalising_never_outgrows_the_room_set_aside() {
        // U+1D160 has the largest growth under NFC.
        let typed = "\u{1d160}".repeat(100);
        let plaintext = Plaintext::new(&typed);
        assert_eq!(plaintext.expose().len(), 3 * typed.len());
        assert_eq!(plaintext.0.capacity(), 3 * typed.len());
    }

    #[test]
    fn printing_shows_nothing_of_it() {
        let shown = format!("{:?}", Plaintext::new("hunter2"));
        assert_eq!(shown, "Plaintext(…)");
    }
}
