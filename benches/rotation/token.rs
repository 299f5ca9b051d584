//! What a verifier does with an access token: RFC 7515 and RFC 7519, with ring and nothing of
//! Signet's own.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
    UnparsedPublicKey,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::Outcome;

/// An access token as it was given out.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) kid: String,
    pub(crate) expires_at: SystemTime,
}

/// The keys of one JWKS by their id, as points (SEC 1, section 2.3.3).
pub(crate) type Keys = HashMap<String, Vec<u8>>;

/// Why a token was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    UnknownKey,
    BadSignature,
}

#[derive(Deserialize)]
struct Header {
    kid: String,
    alg: String,
}

#[derive(Deserialize)]
struct Claims {
    exp: u64,
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kid: String,
    x: String,
    y: String,
}

impl Token {
    pub(crate) fn read(text: &str) -> Outcome<Self> {
        let mut parts = text.split('.');
        let header: Header = decoded(parts.next())?;
        let claims: Claims = decoded(parts.next())?;
        if header.alg != "ES256" {
            return Err(format!("signed with {}", header.alg).into());
        }
        Ok(Self {
            text: text.to_owned(),
            kid: header.kid,
            expires_at: SystemTime::UNIX_EPOCH + Duration::from_secs(claims.exp),
        })
    }

    /// How long it is good from now on; none if it has expired.
    pub(crate) fn remaining(&self) -> Option<Duration> {
        self.expires_at.duration_since(now()).ok()
    }

    /// Whether one of the keys signed it.
    pub(crate) fn verify(&self, keys: &Keys) -> Result<(), Refusal> {
        let point = keys.get(&self.kid).ok_or(Refusal::UnknownKey)?;
        let parts = self.text.rsplit_once('.');
        let (message, signature) = parts.ok_or(Refusal::BadSignature)?;
        let signature = URL_SAFE_NO_PAD.decode(signature);
        let signature = signature.map_err(|_| Refusal::BadSignature)?;
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .verify(message.as_bytes(), &signature)
            .map_err(|_| Refusal::BadSignature)
    }
}

fn decoded<T: DeserializeOwned>(part: Option<&str>) -> Outcome<T> {
    let part = URL_SAFE_NO_PAD.decode(part.ok_or("not a token")?)?;
    Ok(serde_json::from_slice(&part)?)
}

/// The keys of a JWKS.
pub(crate) fn keys(jwks: &[u8]) -> Outcome<Keys> {
    let jwks: Jwks = serde_json::from_slice(jwks)?;
    let mut keys = Keys::new();
    for key in jwks.keys {
        let mut point = vec![4];
        URL_SAFE_NO_PAD.decode_vec(key.x, &mut point)?;
        URL_SAFE_NO_PAD.decode_vec(key.y, &mut point)?;
        keys.insert(key.kid, point);
    }
    Ok(keys)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a verifier has no clock but that of its machine"
)]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

/// What one verification takes on this machine.
#[expect(
    clippy::disallowed_methods,
    reason = "nothing of Signet's own has a part in it"
)]
pub(crate) fn cost_of_verifying() -> Outcome<Duration> {
    const TIMES: u32 = 1000;
    let random = SystemRandom::new();
    let suite = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let private = EcdsaKeyPair::generate_pkcs8(suite, &random)?;
    let pair = EcdsaKeyPair::from_pkcs8(suite, private.as_ref(), &random)?;
    let message = "as long as the head and the payload of a token ".repeat(12);
    let signature = pair.sign(&random, message.as_bytes())?;
    let token = Token {
        text: format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)),
        kid: String::new(),
        expires_at: now(),
    };
    let keys = Keys::from([(String::new(), pair.public_key().as_ref().to_vec())]);
    let begun = Instant::now();
    for _ in 0..TIMES {
        token.verify(&keys).map_err(|_| "a good token is refused")?;
    }
    Ok(begun.elapsed() / TIMES)
}
