//! Tests of the tokens' cryptography as a whole: published answers, other implementations, and
//! everything that must be refused.

mod interop;
mod keys;
mod known_answers;
mod refusals;
mod registry;
mod seen;
pub(super) mod vectors;

use jsonwebtoken::Header;
use serde::{Deserialize, Serialize};

use super::{Algorithm, SigningKey};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Claims {
    sub: String,
    exp: i64,
}

/// Long expired: nothing in this room looks at it.
fn claims() -> Claims {
    Claims {
        sub: "alice".to_owned(),
        exp: 1,
    }
}

fn header(algorithm: Algorithm) -> Header {
    Header::new(algorithm.into())
}

/// One signing key of every algorithm.
fn one_of_each() -> Vec<SigningKey> {
    vec![
        SigningKey::generate(Algorithm::Es256).unwrap().0,
        SigningKey::generate(Algorithm::EdDsa).unwrap().0,
        SigningKey::generate(Algorithm::Es384).unwrap().0,
        SigningKey::from_pkcs8(Algorithm::Rs256, &vectors::rsa_pkcs1()).unwrap(),
        // The same RSA key, for the other algorithm.
        SigningKey::from_pkcs8(Algorithm::Ps256, &vectors::rsa_pkcs1()).unwrap(),
        SigningKey::hmac(&[7; 32]),
    ]
}
