//! Whether a new password is good enough: length, blocklist, likeness to its owner's data.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::{Plaintext, common};
use crate::config;

/// More of a name or an address is not looked at (RFC 5321: an address has at most 254).
const LONGEST_ATTRIBUTE: usize = 254;
/// Shorter parts (`de`, `co`) are in many good passwords.
const SHORTEST_PART: usize = 3;

/// What the server knows about the person who chooses a password. Unknown: empty.
#[derive(Clone, Copy, Default)]
pub struct PersonalData<'a> {
    /// The user name.
    pub username: &'a str,
    /// The e-mail address.
    pub email: &'a str,
    /// The first name.
    pub first_name: &'a str,
    /// The last name.
    pub last_name: &'a str,
    /// The name of the service, as in its mails.
    pub service_name: &'a str,
}

/// The rules for new passwords. Existing ones are never held against them.
#[derive(Clone, Debug)]
pub struct Policy {
    min_length: usize,
}

impl Policy {
    /// The rules `settings` ask for.
    pub fn new(settings: &config::Password) -> Self {
        Self {
            min_length: settings.min_length,
        }
    }

    /// The shortest accepted password, in code points.
    pub fn min_length(&self) -> usize {
        self.min_length
    }

    /// Every reason to refuse `password`, as Django words them and in its order; none: accepted.
    pub fn check(&self, password: &Plaintext, about: &PersonalData<'_>) -> Vec<String> {
        let likeness = self.check_likeness(password, about);
        likeness
            .into_iter()
            .chain(self.check_strength(password, about))
            .collect()
    }

    /// The attribute the password is too similar to, in Django's words.
    pub fn check_likeness(&self, password: &Plaintext, about: &PersonalData<'_>) -> Option<String> {
        if password.is_too_long() {
            return None;
        }
        let lower = Zeroizing::new(password.expose().to_lowercase());
        let attribute = similar_attribute(&lower, about)?;
        Some(format!("The password is too similar to the {attribute}."))
    }

    /// What is wrong with the password itself. One that is too long is not looked at any further.
    pub fn check_strength(&self, password: &Plaintext, about: &PersonalData<'_>) -> Vec<String> {
        if password.is_too_long() {
            let most = Plaintext::MOST_CHARACTERS;
            return vec![format!(
                "Ensure this field has no more than {most} characters."
            )];
        }
        let lower = Zeroizing::new(password.expose().to_lowercase());
        let mut refusals = Vec::new();
        if password.expose().chars().count() < self.min_length {
            let least = self.min_length;
            refusals.push(format!(
                "This password is too short. It must contain at least {least} characters."
            ));
        }
        if is_expected_here(&lower, about) || common::is_common(&lower) {
            refusals.push("This password is too common.".to_owned());
        }
        refusals
    }
}

/// The password is the name of the service or what stands before the `@`: the first things to
/// try at this place (NIST SP 800-63B-4: "context-specific words").
fn is_expected_here(lower: &str, about: &PersonalData<'_>) -> bool {
    let local_part = about.email.rsplit_once('@').map_or("", |(local, _)| local);
    [about.service_name, local_part]
        .into_iter()
        .map(comparable)
        .any(|word| !word.is_empty() && word == lower)
}

/// The first attribute the password is too similar to, whole or in one of its parts.
fn similar_attribute(lower: &str, about: &PersonalData<'_>) -> Option<&'static str> {
    let attributes = [
        ("username", about.username),
        ("first name", about.first_name),
        ("last name", about.last_name),
        ("email address", about.email),
    ];
    let is_similar_to = |value: &str| {
        let whole = comparable(value);
        std::iter::once(whole.as_str())
            .chain(whole.split(|sign: char| !sign.is_alphanumeric()))
            .any(|part| part.chars().count() >= SHORTEST_PART && are_similar(lower, part))
    };
    attributes
        .into_iter()
        .find(|(_, value)| is_similar_to(value))
        .map(|(name, _)| name)
}

/// A value in the form passwords are compared in.
fn comparable(value: &str) -> String {
    let start: String = value.nfc().take(LONGEST_ATTRIBUTE).collect();
    start.to_lowercase()
}

/// Python's `SequenceMatcher.quick_ratio() >= 0.7`, as in Django: the characters both have in
/// common, twice, are at least 70 % of the characters of both. `strsim`'s measures are no
/// substitute: bigrams let `alice1234` pass for `alice`, edit distance lets `lovelaceada` pass
/// for `adalovelace`.
fn are_similar(left: &str, right: &str) -> bool {
    let mut counts: HashMap<char, usize> = HashMap::new();
    for sign in left.chars() {
        *counts.entry(sign).or_default() += 1;
    }
    let is_shared = |sign: &char| {
        counts.get_mut(sign).is_some_and(|left_over| {
            let is_left = *left_over > 0;
            *left_over -= usize::from(is_left);
            is_left
        })
    };
    let shared = right.chars().filter(is_shared).count();
    20 * shared >= 7 * (left.chars().count() + right.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: &str = "This password is too short. It must contain at least 8 characters.";
    const COMMON: &str = "This password is too common.";
    const LONG: &str = "Ensure this field has no more than 128 characters.";

    const ADA: PersonalData<'_> = PersonalData {
        username: "countess_15",
        email: "enchantress@analytical.example",
        first_name: "Ada Augusta",
        last_name: "Lovelace",
        service_name: "Bernoulli",
    };

    fn check(min_length: usize, password: &str) -> Vec<String> {
        let settings = config::Password {
            min_length,
            ..config::Password::default()
        };
        Policy::new(&settings).check(&Plaintext::new(password), &ADA)
    }

    #[test]
    fn every_refusal_has_its_message() {
        let table: [(&str, &[&str]); 14] = [
            ("tk4;Vq", &[SHORT]),
            ("", &[SHORT]),
            ("Password", &[COMMON]),
            ("1234", &[SHORT, COMMON]),
            ("BERNOULLI", &[COMMON]),
            (
                "Countess_15",
                &["The password is too similar to the username."],
            ),
            (
                "countess1",
                &["The password is too similar to the username."],
            ),
            (
                "augusta12",
                &["The password is too similar to the first name."],
            ),
            (
                "Lovelace1815",
                &["The password is too similar to the last name."],
            ),
            (
                "valoleec",
                &["The password is too similar to the last name."],
            ),
            (
                "analytical!",
                &["The password is too similar to the email address."],
            ),
            (
                "enchantress",
                &["The password is too similar to the email address.", COMMON],
            ),
            (
                "lovela",
                &["The password is too similar to the last name.", SHORT],
            ),
            (&"a".repeat(129), &[LONG]),
        ];
        for (password, expected) in table {
            assert_eq!(check(8, password), expected, "{password}");
        }
    }

    #[test]
    fn good_passwords_of_every_composition_pass() {
        for password in [
            "violet harbour",
            "VIOLETHARBOUR!",
            "the lovelace family and its password",
            "8302957164403",
            "  spaces  outside  ",
            "пароль для почты",
            "🦀🐙🦑🐡🐠🐟🐬🐳",
            "new\0line\nand tab\t",
        ] {
            assert_eq!(check(8, password), [""; 0], "{password}");
        }
    }

    #[test]
    fn length_counts_code_points_after_nfc() {
        for (fourteen, fifteen) in [
            ("tk4;Vq-zu7#Wpe", "tk4;Vq-zu7#Wpel"),
            (
                "🦀🐙🦑🐡🐠🐟🐬🐳🦞🦐🐚🪸🐋🦈",
                "🦀🐙🦑🐡🐠🐟🐬🐳🦞🦐🐚🪸🐋🦈🐊",
            ),
            ("tk4;Vq-zu7#Wpe\u{301}", "tk4;Vq-zu7#Wpe\u{301}x"),
        ] {
            assert!(
                check(15, fourteen)
                    .iter()
                    .any(|why| why.contains("at least 15"))
            );
            assert_eq!(check(15, fifteen), [""; 0], "{fifteen}");
        }
    }

    #[test]
    fn up_to_128_code_points_are_accepted_of_any_kind() {
        let text = "tk4;Vq-zu7#Wpel ".repeat(9);
        for length in [64, 128] {
            assert_eq!(check(8, &text[..length]), [""; 0]);
        }
        assert_eq!(check(8, &text[..129]), [LONG]);
        let crabs = "🦀🐙🦑🐡".repeat(32);
        assert_eq!(check(8, &crabs), [""; 0]);
        assert_eq!(check(8, &format!("{crabs}🦀")), [LONG]);
    }

    #[test]
    fn a_megabyte_is_too_long_and_nothing_more_is_asked() {
        assert_eq!(check(8, &"lovelace".repeat(1 << 17)), [LONG]);
    }

    #[test]
    fn likeness_needs_something_to_be_like() {
        let policy = Policy::new(&config::Password::default());
        let nobody = PersonalData::default();
        let short = PersonalData {
            username: "ab",
            email: "@",
            first_name: "-",
            last_name: "\u{301}",
            service_name: "",
        };
        for about in [nobody, short] {
            let refusals = policy.check(&Plaintext::new("abababcab-"), &about);
            assert_eq!(refusals, [""; 0]);
        }
    }

    #[test]
    fn the_measure_is_pythons() {
        // difflib.SequenceMatcher(a=…, b=…).quick_ratio(): 0.71, 0.67, 1, 0.7, 0.69…
        assert!(are_similar("alice1234", "alice"));
        assert!(!are_similar("alice12345", "alice"));
        assert!(are_similar("lovelaceada", "adalovelace"));
        assert!(are_similar("abcdefgxyz", "abcdefgrst"));
        assert!(!are_similar("abcdefgxyz", "abcdefgrstu"));
    }
}
