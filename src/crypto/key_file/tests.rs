use pem_rfc7468::LineEnding;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{KeyFile, MAX_KEY_FILE_BYTES};
use crate::crypto::jwk::encode;
use crate::crypto::token_tests::vectors::*;
use crate::crypto::{Algorithm, SigningKey};

fn pem(label: &str, der: &[u8]) -> String {
    pem_rfc7468::encode_string(label, LineEnding::LF, der).unwrap()
}

/// The private keys of the RFCs as JWKs.
fn jwks() -> [Value; 3] {
    [
        json!({"kty": "EC", "crv": "P-256", "x": EC_X, "y": EC_Y, "d": EC_D, "kid": "ec"}),
        json!({"kty": "EC", "crv": "P-384", "x": EC384_X, "y": EC384_Y, "d": EC384_D}),
        json!({"kty": "OKP", "crv": "Ed25519", "x": ED_X, "d": ED_D, "use": "sig", "alg": "EdDSA"}),
    ]
}

fn refusal(text: &str) -> String {
    let error = KeyFile::read(text.as_bytes()).err().expect("a refusal");
    for secret in [EC_D, EC384_D, ED_D] {
        assert!(!format!("{error:?}").contains(secret));
    }
    error.to_string()
}

#[test]
fn the_same_key_comes_out_of_every_form() {
    let files = [
        (Algorithm::Es256, pem("PRIVATE KEY", &ec_pkcs8())),
        (Algorithm::Es384, pem("PRIVATE KEY", &ec384_pkcs8())),
        (Algorithm::EdDsa, pem("PRIVATE KEY", &ed_pkcs8_v1())),
        (Algorithm::Rs256, pem("PRIVATE KEY", &rsa_pkcs8())),
        (Algorithm::Ps256, pem("RSA PRIVATE KEY", &rsa_pkcs1())),
        (Algorithm::Es256, jwks()[0].to_string()),
        (Algorithm::Es384, json!({"keys": [jwks()[1]]}).to_string()),
        (Algorithm::EdDsa, jwks()[2].to_string()),
    ];
    let known = [
        (Algorithm::Es256, ec_pkcs8()),
        (Algorithm::Es384, ec384_pkcs8()),
        (Algorithm::EdDsa, ed_pkcs8_v1()),
        (Algorithm::Rs256, rsa_pkcs1()),
        (Algorithm::Ps256, rsa_pkcs1()),
    ];
    for (algorithm, text) in files {
        let (_, der) = known.iter().find(|(of, _)| *of == algorithm).unwrap();
        let known = SigningKey::from_pkcs8(algorithm, der).unwrap();
        let file = KeyFile::read(text.as_bytes()).unwrap();
        assert_eq!(file.algorithm(Some(algorithm)).unwrap(), algorithm);
        assert_eq!(Some(file.public().clone()), known.public_jwk());
        let public = file.public().clone();
        let (signing, der) = file.signing(algorithm).unwrap().unwrap();
        let again = SigningKey::from_pkcs8(algorithm, &der).unwrap();
        assert_eq!(signing.public_jwk(), again.public_jwk());
        // The public half alone, in both of its forms.
        for text in [
            serde_json::to_string(&public).unwrap(),
            public.to_pem().unwrap(),
        ] {
            let file = KeyFile::read(text.as_bytes()).unwrap();
            assert_eq!(*file.public(), public);
            assert!(file.signing(algorithm).unwrap().is_none());
        }
    }
}

#[test]
fn what_a_file_says_of_its_key_counts() {
    let read = |value: &Value| KeyFile::read(value.to_string().as_bytes()).unwrap();
    assert_eq!(read(&jwks()[0]).kid(), Some("ec"));
    let mut rsa = json!({"kty": "RSA", "n": RSA_N, "e": "AQAB"});
    assert_eq!(read(&rsa).algorithm(None).unwrap(), Algorithm::Rs256);
    rsa["alg"] = json!("PS256");
    assert_eq!(read(&rsa).algorithm(None).unwrap(), Algorithm::Ps256);
    let error = read(&rsa).algorithm(Some(Algorithm::Rs256)).unwrap_err();
    assert!(error.to_string().contains("for PS256, not for RS256"));
    let error = read(&rsa).algorithm(Some(Algorithm::Es256)).unwrap_err();
    assert!(error.to_string().contains("its kind is for RS256, PS256"));
}

#[test]
fn what_is_no_key_to_verify_with_is_refused_with_the_remedy() {
    let with = |number: usize, changes: &[(&str, Value)]| {
        let mut jwk = jwks()[number].clone();
        for (name, value) in changes {
            jwk[name] = value.clone();
        }
        jwk.to_string()
    };
    let short = json!({"kty": "RSA", "n": encode(&[0xff; 128]), "e": "AQAB"});
    let block = pem("PRIVATE KEY", &ec_pkcs8());
    let table = [
        (String::new(), "holds no key"),
        (format!("{block}{block}"), "2 things"),
        (
            block.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"),
            "openssl pkey -in",
        ),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: X\n\nAAAA\n\
             -----END RSA PRIVATE KEY-----"
                .to_owned(),
            "is encrypted",
        ),
        (block.replace("PRIVATE KEY", "CERTIFICATE"), "openssl x509"),
        (
            block.replace("PRIVATE KEY", "OPENSSH PRIVATE KEY"),
            "ssh-keygen",
        ),
        (block.replace("PRIVATE KEY", "CAT"), "something else"),
        (block.replace('\n', " "), "not well-formed PEM"),
        (
            block.replace("-----END", "-----ENDE"),
            "not well-formed PEM",
        ),
        (json!({"keys": jwks()}).to_string(), "a set of 3 keys"),
        (json!({"keys": []}).to_string(), "a set of 0 keys"),
        (json!([jwks()[0]]).to_string(), "not a JWK"),
        (
            json!({"kty": "oct", "k": "AQ"}).to_string(),
            "shared secret",
        ),
        (json!({"kty": "LMS"}).to_string(), "type (kty)"),
        (with(0, &[("crv", json!("secp256k1"))]), "on a curve"),
        (with(2, &[("crv", json!("X25519"))]), "on a curve"),
        (with(0, &[("use", json!("enc"))]), "not for signatures"),
        (with(0, &[("alg", json!("ES384"))]), "its kind is for ES256"),
        (
            with(0, &[("alg", json!("HS256"))]),
            "ES256, EdDSA, ES384, RS256, PS256 are",
        ),
        (
            with(0, &[("d", json!(encode(&[1; 32])))]),
            "do not belong together",
        ),
        (
            with(1, &[("d", json!(encode(&[1; 48])))]),
            "do not belong together",
        ),
        (
            with(2, &[("d", json!(encode(&[1; 32])))]),
            "do not belong together",
        ),
        (with(0, &[("x", Value::Null)]), "lacks its member `x`"),
        (with(0, &[("x", json!("AQ"))]), "x and y"),
        (with(0, &[("d", json!("AQ"))]), "do not belong together"),
        (with(0, &[("d", json!("!"))]), "`d` cannot be read"),
        (with(0, &[("d", json!({"a": EC_D}))]), "line 1, column"),
        (
            with(0, &[("d", Value::Null), ("y", json!(EC_X))]),
            "the public key is none",
        ),
        (
            json!({"kty": "RSA", "n": RSA_N, "e": "AQAB", "d": "AQ"}).to_string(),
            "lacks `p`",
        ),
        (short.to_string(), "it has 1024 bits"),
        (
            json!({"kty": "RSA", "n": encode(&[0xfe; 256]), "e": "AQAB"}).to_string(),
            "the public key is none",
        ),
    ];
    for (text, words) in table {
        let refusal = refusal(&text);
        assert!(refusal.contains(words), "{words}: {refusal}");
    }
    let bare = |start: &str, end: &str| [hex(start), bytes(EC_D), hex(end)].concat();
    let pkcs8 = "3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420";
    for text in [
        pem("PRIVATE KEY", &bare(pkcs8, "")),
        pem(
            "EC PRIVATE KEY",
            &bare("30310201010420", "a00a06082a8648ce3d030107"),
        ),
    ] {
        assert!(refusal(&text).contains("without its public half"));
    }
    let long = vec![b' '; MAX_KEY_FILE_BYTES + 1];
    let error = KeyFile::read(&long).err().unwrap();
    assert!(error.to_string().contains("64 KiB"));
    let error = KeyFile::read(&ed_pkcs8_v1()[..]).err().unwrap();
    assert!(error.to_string().contains("-inform DER"), "{error}");
}

/// Every good file, to be spoilt.
fn good_files() -> Vec<String> {
    let mut files: Vec<String> = jwks().iter().map(Value::to_string).collect();
    files.push(pem("PRIVATE KEY", &ec_pkcs8()));
    files.push(pem("PRIVATE KEY", &ed_pkcs8_v1()));
    files.push(pem("RSA PRIVATE KEY", &rsa_pkcs1()));
    let key = SigningKey::from_pkcs8(Algorithm::Es384, &ec384_pkcs8()).unwrap();
    files.push(key.public_jwk().unwrap().to_pem().unwrap());
    files
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = KeyFile::read(&bytes);
    }

    #[test]
    fn no_bytes_in_pem_make_it_panic(
        label in prop::sample::select(vec![
            "PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY", "PUBLIC KEY", "RSA PUBLIC KEY",
        ]),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        prop_assert!(KeyFile::read(pem(label, &bytes).as_bytes()).is_err());
    }

    #[test]
    fn no_spoilt_file_makes_it_panic(
        file in prop::sample::select(good_files()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    ) {
        let mut bytes = file.into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = KeyFile::read(&bytes);
    }

    #[test]
    fn no_json_makes_it_panic(
        members in prop::collection::hash_map(
            prop::sample::select(vec![
                "kty", "crv", "x", "y", "n", "e", "d", "p", "q", "dp", "dq", "qi", "oth", "use",
                "alg", "kid", "keys",
            ]),
            prop::sample::select(vec![
                json!("EC"), json!("RSA"), json!("OKP"), json!("P-256"), json!("Ed25519"),
                json!(""), json!("AQ"), json!(EC_X), json!(RSA_N), json!(null), json!(1),
                json!([]), json!([{}]), json!({}), json!("sig"), json!("RS256"),
            ]),
            0..12,
        ),
    ) {
        let _ = KeyFile::read(serde_json::to_string(&members).unwrap().as_bytes());
    }
}
