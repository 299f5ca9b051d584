use std::cell::Cell;

use super::{Claims, claims, header, one_of_each};
use crate::crypto::seen::Seen;
use crate::crypto::{Algorithm, Rejected, SigningKey};

#[test]
fn a_good_token_is_checked_once_and_a_bad_one_each_time() {
    let (seen, checks) = (Seen::new(), Cell::new(0));
    let ask = |token, is_good| {
        seen.or_check(token, || {
            checks.set(checks.get() + 1);
            is_good
        })
    };
    assert!(!ask("bad", false));
    assert!(!ask("bad", false));
    assert_eq!(checks.get(), 2);
    assert!(ask("good", true));
    assert!(ask("good", false), "it is not asked");
    assert_eq!(checks.get(), 3);
    assert!(!ask("good ", false));
    assert!(!Seen::new().or_check("good", || false), "nor do keys share");
}

#[test]
fn a_token_that_was_found_good_makes_no_other_one_so() {
    for key in one_of_each() {
        let (verifying, other) = (key.verifying_key().remembering(), one_of_each());
        let read = |token: &str| {
            verifying
                .decode(token)
                .map(|(_, claims): (_, Claims)| claims)
        };
        let token = key.encode(&header(key.algorithm()), &claims()).unwrap();
        assert_eq!(read(&token), Ok(claims()));
        assert_eq!(read(&token), Ok(claims()));
        for (at, old) in token.char_indices() {
            let new = if old == 'A' { 'B' } else { 'A' };
            let altered = format!("{}{new}{}", &token[..at], &token[at + 1..]);
            assert!(read(&altered).is_err(), "{at}: {altered}");
        }
        let foreign = other
            .iter()
            .find(|other| other.algorithm() == key.algorithm());
        let foreign = foreign.unwrap();
        // RSA keys and the secret are the same in both lists.
        if matches!(
            key.algorithm(),
            Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa
        ) {
            let foreign = foreign.encode(&header(key.algorithm()), &claims()).unwrap();
            assert_eq!(read(&foreign), Err(Rejected::Signature));
        }
        assert_eq!(read(&token), Ok(claims()));
    }
}

#[test]
fn more_tokens_than_are_remembered_are_verified() {
    let key = SigningKey::hmac(&[7; 32]);
    let verifying = key.verifying_key().remembering();
    let one = |number: i64| Claims {
        sub: "alice".to_owned(),
        exp: number,
    };
    let encode = |number| key.encode(&header(Algorithm::Hs256), &one(number)).unwrap();
    let tokens: Vec<String> = (0..6_000).map(encode).collect();
    for _ in 0..2 {
        for (number, token) in (0..).zip(&tokens) {
            let claims = verifying
                .decode(token)
                .map(|(_, claims): (_, Claims)| claims);
            assert_eq!(claims, Ok(one(number)));
        }
    }
}
