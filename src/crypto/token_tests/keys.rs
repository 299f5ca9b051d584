use super::vectors::{ec_pkcs8, ec384_pkcs8, ed_pkcs8_v1, rsa_pkcs1};
use super::{Claims, claims, header};
use crate::crypto::jwk::encode;
use crate::crypto::{Algorithm, PublicJwk, Rejected, SigningKey, VerifyingKey};
use crate::error::Kind;

#[test]
fn keys_are_taken_only_for_their_algorithm_and_whole() {
    let keys = [
        (Algorithm::Es256, ec_pkcs8()),
        (Algorithm::EdDsa, ed_pkcs8_v1()),
        (Algorithm::Es384, ec384_pkcs8()),
        (Algorithm::Rs256, rsa_pkcs1()),
    ];
    for (own, der) in &keys {
        for algorithm in Algorithm::ALL {
            let key = SigningKey::from_pkcs8(algorithm, der);
            // An RSA key does for either algorithm; it is up to its keeper to have it for one.
            let is_fit = algorithm == *own || algorithm.is_rsa() && own.is_rsa();
            assert_eq!(key.is_ok(), is_fit, "{own} {algorithm}");
        }
        let error = SigningKey::from_pkcs8(*own, &der[..der.len() - 1]).unwrap_err();
        assert_eq!(error.code(), "setup");
        assert!(SigningKey::from_pkcs8(*own, &[]).is_err());
    }
    let error = SigningKey::generate(Algorithm::Hs256).unwrap_err();
    assert_eq!(error.code(), "setup");
}

#[test]
fn an_ec_key_whose_halves_do_not_match_is_refused() {
    let mut der = ec_pkcs8();
    der[40] ^= 1; // inside the private scalar
    assert!(SigningKey::from_pkcs8(Algorithm::Es256, &der).is_err());
}

#[test]
fn public_keys_of_the_wrong_shape_are_refused() {
    let ec = |crv: &str, x: &[u8], y: &[u8]| PublicJwk::Ec {
        crv: crv.to_owned(),
        x: encode(x),
        y: encode(y),
    };
    let okp = |crv: &str, x: String| PublicJwk::Okp {
        crv: crv.to_owned(),
        x,
    };
    let rsa = |n: &[u8], e: &[u8]| PublicJwk::Rsa {
        n: encode(n),
        e: encode(e),
    };
    let zero_first = [&[0][..], &[0xff; 256]].concat();
    for (algorithm, jwk) in [
        (Algorithm::Es256, ec("P-384", &[1; 32], &[1; 32])),
        (Algorithm::Es256, ec("P-256", &[1; 31], &[1; 33])),
        (Algorithm::Es384, ec("P-256", &[1; 32], &[1; 32])),
        (Algorithm::Es384, ec("P-384", &[1; 32], &[1; 32])),
        (Algorithm::Ps256, rsa(&[0xff; 255], &[1, 0, 1])),
        (Algorithm::Es256, ec("P-256", &[1; 32], &[])),
        (Algorithm::Es256, okp("Ed25519", encode(&[1; 32]))),
        (Algorithm::EdDsa, okp("X25519", encode(&[1; 32]))),
        (Algorithm::EdDsa, okp("Ed25519", encode(&[1; 31]))),
        (
            Algorithm::EdDsa,
            okp("Ed25519", format!("{}=", encode(&[1; 32]))),
        ),
        (Algorithm::Rs256, rsa(&[0xff; 255], &[1, 0, 1])),
        (Algorithm::Rs256, rsa(&[0xff; 1025], &[1, 0, 1])),
        (Algorithm::Rs256, rsa(&zero_first, &[1, 0, 1])),
        (Algorithm::Rs256, rsa(&[0xff; 256], &[])),
        (Algorithm::Rs256, rsa(&[0xff; 256], &[0, 3])),
        (Algorithm::Hs256, okp("Ed25519", encode(&[1; 32]))),
    ] {
        let error = VerifyingKey::from_jwk(algorithm, &jwk).unwrap_err();
        assert_eq!(error.kind(), Kind::Invalid, "{jwk:?}");
    }
    // Off the curve: taken, and good for nothing.
    let key = VerifyingKey::from_jwk(Algorithm::Es256, &ec("P-256", &[1; 32], &[1; 32])).unwrap();
    let (signing, _) = SigningKey::generate(Algorithm::Es256).unwrap();
    let token = signing
        .encode(&header(Algorithm::Es256), &claims())
        .unwrap();
    assert_eq!(key.decode::<Claims>(&token), Err(Rejected::Signature));
}

#[test]
fn algorithm_names_are_exact() {
    for algorithm in Algorithm::ALL {
        assert_eq!(algorithm.name().parse(), Ok(algorithm));
        assert_eq!(algorithm.to_string(), algorithm.name());
        let theirs = jsonwebtoken::Algorithm::from(algorithm);
        assert_eq!(Algorithm::try_from(theirs), Ok(algorithm));
        assert!(
            algorithm
                .name()
                .to_lowercase()
                .parse::<Algorithm>()
                .is_err()
        );
    }
    assert!(Algorithm::try_from(jsonwebtoken::Algorithm::PS384).is_err());
}
