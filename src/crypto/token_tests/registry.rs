use jsonwebtoken::{EncodingKey, Header};

use super::{claims, header, one_of_each};
use crate::crypto::registry::find;
use crate::crypto::{Algorithm, SigningKey, install, jwk, random};

#[test]
fn a_key_is_forgotten_with_its_last_clone() {
    for key in one_of_each() {
        let handle = key.encoding().as_bytes().to_vec();
        assert_eq!(handle.len(), 16);
        let clone = key.clone();
        drop(key);
        assert!(find(&handle).is_some());
        clone.encode(&header(clone.algorithm()), &claims()).unwrap();
        drop(clone);
        assert!(find(&handle).is_none());
    }
}

#[test]
fn an_unknown_handle_is_an_error_and_no_panic() {
    install();
    let handle = random::<16>();
    for (key, algorithm) in [
        (EncodingKey::from_ec_der(&handle), Algorithm::Es256),
        (EncodingKey::from_ed_der(&handle), Algorithm::EdDsa),
        (EncodingKey::from_rsa_der(&handle), Algorithm::Rs256),
        (EncodingKey::from_secret(&handle), Algorithm::Hs256),
        (EncodingKey::from_secret(&[]), Algorithm::Hs256),
    ] {
        assert!(jsonwebtoken::encode(&header(algorithm), &claims(), &key).is_err());
    }
}

#[test]
fn a_handle_signs_only_with_its_keys_algorithm() {
    use jsonwebtoken::Algorithm as Theirs;
    let all = [
        Theirs::HS256,
        Theirs::HS384,
        Theirs::HS512,
        Theirs::ES256,
        Theirs::ES384,
        Theirs::RS256,
        Theirs::RS384,
        Theirs::RS512,
        Theirs::PS256,
        Theirs::PS384,
        Theirs::PS512,
        Theirs::EdDSA,
    ];
    for key in one_of_each() {
        for algorithm in all {
            let allowed = algorithm == Theirs::from(key.algorithm());
            let result = key.encode(&Header::new(algorithm), &claims());
            assert_eq!(result.is_ok(), allowed, "{key:?} {algorithm:?}");
        }
        // Nor does another family's envelope around the handle help.
        let handle = key.encoding().as_bytes();
        for (envelope, algorithm) in [
            (EncodingKey::from_ec_der(handle), Algorithm::Es256),
            (EncodingKey::from_ed_der(handle), Algorithm::EdDsa),
            (EncodingKey::from_rsa_der(handle), Algorithm::Rs256),
            (EncodingKey::from_secret(handle), Algorithm::Hs256),
        ] {
            let result = jsonwebtoken::encode(&header(algorithm), &claims(), &envelope);
            assert_eq!(result.is_ok(), algorithm == key.algorithm());
        }
    }
}

#[test]
fn many_threads_sign_while_keys_come_and_go() {
    let keys = one_of_each();
    std::thread::scope(|scope| {
        for key in &keys {
            scope.spawn(move || {
                for _ in 0..50 {
                    let token = key.encode(&header(key.algorithm()), &claims()).unwrap();
                    let (_, read) = key.verifying_key().decode::<super::Claims>(&token).unwrap();
                    assert_eq!(read, claims());
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..200 {
                let key = SigningKey::hmac(&random());
                key.encode(&header(Algorithm::Hs256), &claims()).unwrap();
            }
        });
    });
}

#[test]
fn debug_shows_the_algorithm_only() {
    let key = SigningKey::hmac(&[7; 32]);
    assert_eq!(format!("{key:?}"), "SigningKey(HS256)");
    assert_eq!(format!("{:?}", key.verifying_key()), "VerifyingKey(HS256)");
}

#[test]
fn jsonwebtokens_key_utilities_err_instead_of_panicking() {
    for key in one_of_each() {
        let algorithm = key.algorithm().into();
        let read = jsonwebtoken::jwk::Jwk::from_encoding_key(key.encoding(), algorithm);
        // A shared secret is not parsed by jsonwebtoken: it takes the handle for the secret.
        if key.algorithm() == Algorithm::Hs256 {
            let text = serde_json::to_string(&read.unwrap()).unwrap();
            assert!(!text.contains(&jwk::encode(&[7; 32])));
        } else {
            assert!(read.is_err(), "{key:?}");
        }
    }
}
