//! The blocklist: is the whole password something people commonly use?
//!
//! The lists (30,000 passwords, dictionary words, names) and the ways of writing them (backwards,
//! `p4ssw0rd`) are `zxcvbn`'s, which also sees repetitions, sequences, keyboard walks and dates.

use zxcvbn::matching::patterns::MatchPattern;

/// A password that zxcvbn explains as one single thing is common if guessing takes at most this
/// many attempts. Its lists are 30,000 long; the rest leaves room for their disguises.
const GUESSES: u64 = 100_000;

/// The work we let zxcvbn do, as substrings × ways to read them. Nothing in its list of passwords
/// needs more than 7,200, and 10,000 take it a few milliseconds; 64 characters chosen to be read
/// in thousands of ways take it 0.6 s (measured), which a stranger could have us do for free.
const LONGEST: usize = 64;
const BUDGET: usize = 10_000;

/// Whether `lower` (lower case) as a whole is a common password. A long passphrase may well
/// contain one.
///
/// zxcvbn prefers to explain a string as several things when that takes fewer guesses, so of its
/// own list the first 3,800 of 8 or more characters are certain to be found (NIST SP 800-63B
/// wants the likely ones, ASVS 6.2.4 the first 3,000); nine in ten of the others are.
pub(super) fn is_common(lower: &str) -> bool {
    let length = lower.chars().count();
    if length > LONGEST || length * (length + 1) / 2 * (2 + readings(lower)) > BUDGET {
        return false;
    }
    let estimate = zxcvbn::zxcvbn(lower, &[]);
    match estimate.sequence() {
        [whole] => whole.pattern != MatchPattern::BruteForce && estimate.guesses() <= GUESSES,
        _ => false,
    }
}

/// At most how many ways zxcvbn will read `text` with signs standing for letters: the product
/// over its letters of the signs present. One that can be two letters counts for each, twice.
fn readings(text: &str) -> usize {
    const SIGNS: [&str; 12] = [
        "4@", "8", "({[<", "3", "69", "1!|", "1|7", "0", "$5", "+7", "%", "2",
    ];
    let weight = |sign| if "1|7".contains(sign) { 2 } else { 1 };
    SIGNS
        .iter()
        .map(|signs| signs.chars().filter(|sign| text.contains(*sign)))
        .map(|present| present.map(weight).sum::<usize>().max(1))
        .product()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_strings_that_people_use_are_common_in_every_disguise() {
        for password in [
            "password",
            "12345678",
            "iloveyou",
            "princess",
            "trustno1",
            "qwertyuiop",
            "letmein1",
            "1q2w3e4r",
            "11111111",
            "abcdefgh",
            "19871987",
            "drowssap",
            "p@ssw0rd",
            "pa$$word",
            "aaaaaaaaaaaaaaaaaaaaaaaa",
            "12345678900987654321",
            "q1w2e3r4t5y6u7i8o9p0",
            "zaq1zaq1zaq1",
            "13.12.1987",
            "extraordinary",
        ] {
            assert!(is_common(password), "{password}");
        }
    }

    #[test]
    fn longer_things_that_contain_them_are_not() {
        for password in [
            "password under the doormat",
            "correct horse battery staple",
            "my iloveyou princess 12345678",
            "violet-harbour",
            "tangerine kettle",
            "8302957164403",
        ] {
            assert!(!is_common(password), "{password}");
        }
    }

    #[test]
    fn what_would_cost_too_much_is_not_looked_at() {
        let costly = "4@8({[<369!1|70$5+%2".repeat(3);
        assert!(readings(&costly) > 1000);
        assert!(!is_common(&costly));
        assert!(!is_common(&"password".repeat(9)));
        assert_eq!(readings("plain words"), 1);
        assert_eq!(readings("p4$$w0rd"), 1);
        assert_eq!(readings("4@"), 2);
    }
}
