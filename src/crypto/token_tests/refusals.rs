use serde_json::Value;

use super::{Claims, claims, header, one_of_each, vectors};
use crate::crypto::jwk::{decode, encode};
use crate::crypto::{
    Algorithm, MAX_TOKEN_BYTES, PublicJwk, Rejected, SigningKey, VerifyingKey, hmac_sha256,
    parse_header,
};

/// A token with this header, signed well with the secret `[7; 32]`.
fn hs256(header: &str, payload: &str) -> String {
    let message = format!(
        "{}.{}",
        encode(header.as_bytes()),
        encode(payload.as_bytes())
    );
    let signature = encode(&hmac_sha256(&[7; 32], message.as_bytes()));
    format!("{message}.{signature}")
}

fn read(token: &str) -> Result<Claims, Rejected> {
    let key = VerifyingKey::hmac(&[7; 32]);
    key.decode(token).map(|(_, claims)| claims)
}

const PAYLOAD: &str = r#"{"sub":"alice","exp":1}"#;

#[test]
fn the_hand_made_token_is_accepted() {
    assert_eq!(read(&hs256(r#"{"alg":"HS256"}"#, PAYLOAD)), Ok(claims()));
    let header = r#" {"typ":"at+jwt", "x-new":{"a":[1]}, "kid":"k1","\u0061lg":"HS256"} "#;
    let token = hs256(header, PAYLOAD);
    assert_eq!(read(&token), Ok(claims()));
    let header = parse_header(&token).unwrap();
    assert_eq!(header.typ.as_deref(), Some("at+jwt"));
    assert_eq!(header.kid.as_deref(), Some("k1"));
}

#[test]
fn algorithms_that_are_not_ours_are_refused() {
    for header in [
        "{}",
        r#"{"alg":""}"#,
        r#"{"alg":"none"}"#,
        r#"{"alg":"None"}"#,
        r#"{"alg":"nOnE"}"#,
        r#"{"alg":"hs256"}"#,
        r#"{"alg":"HS256 "}"#,
        r#"{"alg":"HS384"}"#,
        r#"{"alg":"ES512"}"#,
        r#"{"alg":"PS384"}"#,
    ] {
        assert_eq!(
            read(&hs256(header, PAYLOAD)),
            Err(Rejected::Algorithm),
            "{header}"
        );
    }
}

#[test]
fn headers_that_are_not_plain_are_refused() {
    for header in [
        r#"{"alg":null}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"alg":256}"#,
        r#"{"alg":"HS256","alg":"HS256"}"#,
        r#"{"alg":"none","alg":"HS256"}"#,
        r#"{"alg":"HS256","\u0061lg":"HS256"}"#,
        r#"{"alg":"HS256","kid":"a","kid":"b"}"#,
        r#"{"alg":"HS256","x":1,"x":2}"#,
        r#"{"alg":"HS256","typ":null}"#,
        r#"{"alg":"HS256","typ":1}"#,
        r#"{"alg":"HS256","kid":{}}"#,
        r#"{"alg":"HS256","crit":["exp"]}"#,
        r#"{"alg":"HS256","crit":[]}"#,
        r#"{"alg":"HS256","b64":true}"#,
        r#"{"alg":"HS256","jwk":{"kty":"oct","k":"AQ"}}"#,
        r#"{"alg":"HS256","jku":"https://evil.example/"}"#,
        r#"{"alg":"HS256","x5u":"https://evil.example/"}"#,
        r#"{"alg":"HS256","x5c":[]}"#,
        r#"{"alg":"HS256","zip":null}"#,
        r#"{"alg":"HS256","enc":"A128GCM"}"#,
        r#"{"alg":"HS256"}{}"#,
        r#"{"alg":"HS256"},"#,
        r#"["HS256"]"#,
        r#""HS256""#,
        "null",
        " ",
        "{",
    ] {
        assert_eq!(
            read(&hs256(header, PAYLOAD)),
            Err(Rejected::Header),
            "{header}"
        );
    }
    let not_utf8 = encode(b"{\"alg\":\"HS256\",\"x\":\"\xff\"}");
    assert_eq!(
        parse_header(&format!("{not_utf8}.AA.AA")),
        Err(Rejected::Header)
    );
}

#[test]
fn other_spellings_and_shapes_are_refused() {
    let token = hs256(r#"{"alg":"HS256"}"#, PAYLOAD);
    let parts: Vec<_> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else {
        panic!("three parts");
    };
    for bad in [
        String::new(),
        "..".to_owned(),
        header.to_owned(),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!("{header}..{signature}"),
        format!(".{payload}.{signature}"),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{signature}"),
        format!("{token}="),
        format!("{token}\n"),
        format!(" {token}"),
        format!("{header}.{payload} .{signature}"),
        format!("{header}=.{payload}.{signature}"),
        format!("{header}.{payload}.{signature}é"),
        format!("{header}.{payload}.+/{signature}"),
        format!("{header}.{payload}.{signature}AA"),
        format!(r#"{{"protected":"{header}","payload":"{payload}","signature":"{signature}"}}"#),
    ] {
        assert_eq!(read(&bad), Err(Rejected::Malformed), "{bad}");
    }
    // 32 bytes fill 42 characters and four bits: the last letter has two bits to spare.
    let (start, last) = signature.split_at(42);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let position = alphabet.find(last).unwrap();
    assert_eq!(position % 4, 0);
    for spare in 1..4 {
        let letter = &alphabet[position + spare..=position + spare];
        let respelled = format!("{header}.{payload}.{start}{letter}");
        assert_eq!(read(&respelled), Err(Rejected::Malformed));
    }
}

#[test]
fn the_longest_token_is_read_and_a_longer_one_is_not() {
    let payload = |filler: usize| format!(r#"{{"sub":"{}","exp":1}}"#, "a".repeat(filler));
    let token = |filler| hs256(r#"{"alg":"HS256"}"#, &payload(filler));
    let fits = (0..MAX_TOKEN_BYTES)
        .rev()
        .find(|filler| token(*filler).len() <= MAX_TOKEN_BYTES)
        .unwrap();
    assert!(read(&token(fits)).is_ok());
    assert_eq!(read(&token(fits + 2)), Err(Rejected::TooLong));
}

#[test]
fn repeated_and_wrongly_typed_claims_are_refused() {
    for payload in [
        r#"{"sub":"alice","sub":"bob","exp":1}"#,
        r#"{"sub":"alice","exp":1,"exp":2}"#,
        r#"{"sub":"alice","exp":"1"}"#,
        r#"{"sub":7,"exp":1}"#,
        r#"{"sub":"alice"}"#,
        r#"{"sub":"alice","exp":1}{}"#,
        "not json",
    ] {
        let token = hs256(r#"{"alg":"HS256"}"#, payload);
        assert_eq!(read(&token), Err(Rejected::Claims), "{payload}");
    }
}

#[test]
fn every_altered_character_is_refused() {
    for key in one_of_each() {
        let token = key.encode(&header(key.algorithm()), &claims()).unwrap();
        let verifying = key.verifying_key();
        verifying.decode::<Value>(&token).unwrap();
        for position in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[position] = if altered[position] == b'A' {
                b'B'
            } else {
                b'A'
            };
            let altered = String::from_utf8(altered).unwrap();
            assert!(
                verifying.decode::<Value>(&altered).is_err(),
                "{key:?} {position}"
            );
            assert!(verifying.decode::<Value>(&token[..position]).is_err());
        }
    }
}

#[test]
fn a_token_verifies_only_with_its_own_key() {
    let keys = one_of_each();
    let others = [
        SigningKey::generate(Algorithm::Es256).unwrap().0,
        SigningKey::generate(Algorithm::EdDsa).unwrap().0,
        SigningKey::hmac(&[8; 32]),
    ];
    for key in &keys {
        let token = key.encode(&header(key.algorithm()), &claims()).unwrap();
        for other in keys.iter().chain(&others) {
            let read = other.verifying_key().decode::<Claims>(&token);
            let expected = if std::ptr::eq(other, key) {
                Ok(())
            } else if other.algorithm() == key.algorithm() {
                Err(Rejected::Signature)
            } else {
                Err(Rejected::Algorithm)
            };
            assert_eq!(read.map(|_| ()), expected, "{key:?} {other:?}");
        }
    }
}

#[test]
fn a_public_key_is_no_shared_secret() {
    for key in one_of_each() {
        let Some(jwk) = key.public_jwk() else {
            continue;
        };
        let text = serde_json::to_vec(&jwk).unwrap();
        let raw = match &jwk {
            PublicJwk::Ec { x, y, .. } => {
                [vec![4], decode(x).unwrap(), decode(y).unwrap()].concat()
            }
            PublicJwk::Okp { x, .. } => decode(x).unwrap(),
            PublicJwk::Rsa { n, .. } => decode(n).unwrap(),
        };
        for (secret, name) in [&text, &raw]
            .into_iter()
            .flat_map(|secret| [(secret, "HS256"), (secret, key.algorithm().name())])
        {
            let header = encode(format!(r#"{{"alg":"{name}"}}"#).as_bytes());
            let message = format!("{header}.{}", encode(PAYLOAD.as_bytes()));
            let signature = encode(&hmac_sha256(secret, message.as_bytes()));
            let token = format!("{message}.{signature}");
            let read = key.verifying_key().decode::<Claims>(&token);
            let expected = if name == "HS256" {
                Rejected::Algorithm
            } else {
                Rejected::Signature
            };
            assert_eq!(read, Err(expected), "{key:?}");
        }
    }
}

#[test]
fn an_all_zero_ecdsa_signature_is_refused() {
    for (algorithm, length) in [(Algorithm::Es256, 64), (Algorithm::Es384, 96)] {
        let (key, _) = SigningKey::generate(algorithm).unwrap();
        let token = key.encode(&header(algorithm), &claims()).unwrap();
        let (message, _) = token.rsplit_once('.').unwrap();
        let forged = format!("{message}.{}", encode(&vec![0; length]));
        let read = key.verifying_key().decode::<Claims>(&forged);
        assert_eq!(read, Err(Rejected::Signature));
    }
}

#[test]
fn one_rsa_key_does_not_take_the_other_algorithms_signatures() {
    let rsa = |algorithm| SigningKey::from_pkcs8(algorithm, &vectors::rsa_pkcs1()).unwrap();
    let (rs256, ps256) = (rsa(Algorithm::Rs256), rsa(Algorithm::Ps256));
    for (signs, reads) in [(&rs256, &ps256), (&ps256, &rs256)] {
        let token = signs.encode(&header(signs.algorithm()), &claims()).unwrap();
        let read = reads.verifying_key().decode::<Claims>(&token);
        assert_eq!(read, Err(Rejected::Algorithm));
        // Nor when the header claims the reader's own.
        let header = format!(r#"{{"alg":"{}"}}"#, reads.algorithm());
        let message = format!(
            "{}.{}",
            encode(header.as_bytes()),
            encode(PAYLOAD.as_bytes())
        );
        let signature = jsonwebtoken::crypto::sign(
            message.as_bytes(),
            signs.encoding(),
            signs.algorithm().into(),
        );
        let forged = format!("{message}.{}", signature.unwrap());
        let read = reads.verifying_key().decode::<Claims>(&forged);
        assert_eq!(read, Err(Rejected::Signature));
    }
}
