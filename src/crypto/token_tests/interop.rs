use ed25519_dalek::{Signer as _, Verifier as _};

use super::{claims, header};
use crate::crypto::jwk::{decode, encode};
use crate::crypto::{Algorithm, PublicJwk, SigningKey, VerifyingKey, random};

/// Message and signature of a token.
fn split(token: &str) -> (&str, Vec<u8>) {
    let (message, signature) = token.rsplit_once('.').unwrap();
    (message, decode(signature).unwrap())
}

fn message(algorithm: Algorithm) -> String {
    let header = serde_json::to_vec(&header(algorithm)).unwrap();
    let claims = serde_json::to_vec(&claims()).unwrap();
    format!("{}.{}", encode(&header), encode(&claims))
}

#[test]
fn p256_verifies_ours() {
    let (key, _) = SigningKey::generate(Algorithm::Es256).unwrap();
    let Some(PublicJwk::Ec { x, y, .. }) = key.public_jwk() else {
        panic!("an EC key");
    };
    let point = [vec![4], decode(&x).unwrap(), decode(&y).unwrap()].concat();
    let theirs = p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).unwrap();
    for _ in 0..16 {
        let token = key.encode(&header(Algorithm::Es256), &claims()).unwrap();
        let (message, signature) = split(&token);
        let signature = p256::ecdsa::Signature::from_slice(&signature).unwrap();
        theirs.verify(message.as_bytes(), &signature).unwrap();
    }
}

#[test]
fn ours_verifies_p256() {
    let theirs = p256::ecdsa::SigningKey::from_slice(&random::<32>()).unwrap();
    let point = theirs.verifying_key().to_sec1_point(false);
    let (x, y) = point.as_bytes()[1..].split_at(32);
    let jwk = PublicJwk::Ec {
        crv: "P-256".to_owned(),
        x: encode(x),
        y: encode(y),
    };
    let ours = VerifyingKey::from_jwk(Algorithm::Es256, &jwk).unwrap();
    let message = message(Algorithm::Es256);
    let signature: p256::ecdsa::Signature = theirs.sign(message.as_bytes());
    let token = format!("{message}.{}", encode(&signature.to_bytes()));
    assert_eq!(ours.decode::<super::Claims>(&token).unwrap().1, claims());

    // The other encoding of the same signature, ASN.1, is not JWS (RFC 7518 section 3.4).
    let token = format!("{message}.{}", encode(signature.to_der().as_bytes()));
    assert!(ours.decode::<super::Claims>(&token).is_err());
}

#[test]
fn dalek_verifies_ours_and_ours_verifies_dalek() {
    let (key, _) = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let Some(PublicJwk::Okp { x, .. }) = key.public_jwk() else {
        panic!("an octet key pair");
    };
    let public = decode(&x).unwrap().try_into().unwrap();
    let theirs = ed25519_dalek::VerifyingKey::from_bytes(&public).unwrap();
    let token = key.encode(&header(Algorithm::EdDsa), &claims()).unwrap();
    let (message, signature) = split(&token);
    let signature = ed25519_dalek::Signature::from_slice(&signature).unwrap();
    theirs.verify(message.as_bytes(), &signature).unwrap();

    let theirs = ed25519_dalek::SigningKey::from_bytes(&random());
    let jwk = PublicJwk::Okp {
        crv: "Ed25519".to_owned(),
        x: encode(theirs.verifying_key().as_bytes()),
    };
    let ours = VerifyingKey::from_jwk(Algorithm::EdDsa, &jwk).unwrap();
    let message = self::message(Algorithm::EdDsa);
    let signature = theirs.sign(message.as_bytes());
    let token = format!("{message}.{}", encode(&signature.to_bytes()));
    assert_eq!(ours.decode::<super::Claims>(&token).unwrap().1, claims());
}

#[test]
fn a_generated_key_comes_back_from_its_pkcs8_form() {
    for algorithm in Algorithm::ASYMMETRIC {
        let (key, pkcs8) = SigningKey::generate(algorithm).unwrap();
        let again = SigningKey::from_pkcs8(algorithm, &pkcs8).unwrap();
        assert_eq!(key.public_jwk(), again.public_jwk());
        let token = again.encode(&header(algorithm), &claims()).unwrap();
        key.verifying_key().decode::<super::Claims>(&token).unwrap();
        if let Some(PublicJwk::Rsa { n, .. }) = key.public_jwk() {
            let n = decode(&n).unwrap();
            assert_eq!((n.len() * 8, n[0] >> 7), (3072, 1), "its length in bits");
        }
    }
}
