use serde_json::{Value, json};

use super::vectors::*;
use crate::crypto::{Algorithm, PublicJwk, SigningKey, VerifyingKey};

fn sign(key: &SigningKey, message: &str) -> String {
    jsonwebtoken::crypto::sign(message.as_bytes(), key.encoding(), key.algorithm().into()).unwrap()
}

fn verify(key: &VerifyingKey, message: &str, signature: &str) -> bool {
    let algorithm = key.algorithm().into();
    jsonwebtoken::crypto::verify(signature, message.as_bytes(), key.decoding(), algorithm).unwrap()
}

#[test]
fn rfc_7515_a1_hs256() {
    let key = SigningKey::from_secret(&bytes(HS256_KEY));
    let message = format!("{HS256_HEADER}.{PAYLOAD}");
    assert_eq!(sign(&key, &message), HS256_SIGNATURE);

    let token = format!("{message}.{HS256_SIGNATURE}");
    let (header, claims) = key.verifying_key().decode::<Value>(&token).unwrap();
    assert_eq!(header.alg, Algorithm::Hs256);
    assert_eq!(header.typ.as_deref(), Some("JWT"));
    assert_eq!(
        claims,
        json!({"iss": "joe", "exp": 1_300_819_380, "http://example.com/is_root": true})
    );
}

#[test]
fn rfc_7515_a2_rs256() {
    let jwk = PublicJwk::Rsa {
        n: RSA_N.to_owned(),
        e: "AQAB".to_owned(),
    };
    let message = format!("{RS256_HEADER}.{PAYLOAD}");
    for der in [rsa_pkcs1(), rsa_pkcs8()] {
        let key = SigningKey::from_pkcs8(Algorithm::Rs256, &der).unwrap();
        assert_eq!(key.public_jwk().as_ref(), Some(&jwk));
        assert_eq!(sign(&key, &message), RS256_SIGNATURE);
    }
    let key = VerifyingKey::from_jwk(Algorithm::Rs256, &jwk).unwrap();
    let (header, claims) = key
        .decode::<Value>(&format!("{message}.{RS256_SIGNATURE}"))
        .unwrap();
    assert_eq!(header.alg, Algorithm::Rs256);
    assert_eq!(claims["iss"], "joe");
}

#[test]
fn rfc_7515_a3_es256() {
    let jwk = PublicJwk::Ec {
        crv: "P-256".to_owned(),
        x: EC_X.to_owned(),
        y: EC_Y.to_owned(),
    };
    let key = SigningKey::from_pkcs8(Algorithm::Es256, &ec_pkcs8()).unwrap();
    assert_eq!(key.public_jwk().as_ref(), Some(&jwk));

    let message = format!("{ES256_HEADER}.{PAYLOAD}");
    let verifying = VerifyingKey::from_jwk(Algorithm::Es256, &jwk).unwrap();
    let (header, claims) = verifying
        .decode::<Value>(&format!("{message}.{ES256_SIGNATURE}"))
        .unwrap();
    assert_eq!(header.alg, Algorithm::Es256);
    assert_eq!(claims["exp"], 1_300_819_380);
    assert!(verify(&verifying, &message, &sign(&key, &message)));
}

#[test]
fn openssl_ps256() {
    let jwk = PublicJwk::Rsa {
        n: RSA_N.to_owned(),
        e: "AQAB".to_owned(),
    };
    let message = format!("{PS256_HEADER}.{PAYLOAD}");
    let verifying = VerifyingKey::from_jwk(Algorithm::Ps256, &jwk).unwrap();
    let (header, claims) = verifying
        .decode::<Value>(&format!("{message}.{PS256_SIGNATURE}"))
        .unwrap();
    assert_eq!(header.alg, Algorithm::Ps256);
    assert_eq!(claims["iss"], "joe");
    // RFC 7518 section 3.5: the salt is as long as the hash.
    assert!(!verify(&verifying, &message, PS256_SHORT_SALT));
    let key = SigningKey::from_pkcs8(Algorithm::Ps256, &rsa_pkcs1()).unwrap();
    assert_eq!(key.public_jwk().as_ref(), Some(&jwk));
    assert!(verify(&verifying, &message, &sign(&key, &message)));
}

#[test]
fn openssl_es384() {
    let jwk = PublicJwk::Ec {
        crv: "P-384".to_owned(),
        x: EC384_X.to_owned(),
        y: EC384_Y.to_owned(),
    };
    let key = SigningKey::from_pkcs8(Algorithm::Es384, &ec384_pkcs8()).unwrap();
    assert_eq!(key.public_jwk().as_ref(), Some(&jwk));
    let message = format!("{ES384_HEADER}.{PAYLOAD}");
    let verifying = VerifyingKey::from_jwk(Algorithm::Es384, &jwk).unwrap();
    let (header, claims) = verifying
        .decode::<Value>(&format!("{message}.{ES384_SIGNATURE}"))
        .unwrap();
    assert_eq!(header.alg, Algorithm::Es384);
    assert_eq!(claims["iss"], "joe");
    assert!(verify(&verifying, &message, &sign(&key, &message)));
}

#[test]
fn rfc_8037_a1_to_a5_ed25519() {
    let key = SigningKey::from_pkcs8(Algorithm::EdDsa, &ed_pkcs8_v1()).unwrap();
    let jwk = key.public_jwk().unwrap();
    let expected = PublicJwk::Okp {
        crv: "Ed25519".to_owned(),
        x: ED_X.to_owned(),
    };
    assert_eq!(jwk, expected);
    assert_eq!(jwk.thumbprint(), ED_THUMBPRINT);
    assert_eq!(sign(&key, ED_MESSAGE), ED_SIGNATURE);

    let verifying = VerifyingKey::from_jwk(Algorithm::EdDsa, &jwk).unwrap();
    assert!(verify(&verifying, ED_MESSAGE, ED_SIGNATURE));
    assert!(!verify(&verifying, "another message", ED_SIGNATURE));
}

#[test]
fn rfc_7638_thumbprint_counts_only_required_members() {
    let text = json!({
        "kty": "RSA", "n": THUMBPRINT_N, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
    });
    let jwk: PublicJwk = serde_json::from_value(text).unwrap();
    assert_eq!(jwk.thumbprint(), THUMBPRINT);
}

#[test]
fn a_thumbprint_agrees_with_jsonwebtokens_own() {
    for key in super::one_of_each() {
        let Some(jwk) = key.public_jwk() else {
            assert_eq!(key.algorithm(), Algorithm::Hs256);
            continue;
        };
        let text = serde_json::to_string(&jwk).unwrap();
        let theirs: jsonwebtoken::jwk::Jwk = serde_json::from_str(&text).unwrap();
        let hash = jsonwebtoken::jwk::ThumbprintHash::SHA256;
        assert_eq!(theirs.thumbprint(hash).unwrap(), jwk.thumbprint());
    }
}

#[test]
fn a_thumbprint_keeps_quotes_inside_their_member() {
    let forged = PublicJwk::Okp {
        crv: r#"Ed25519","kty":"OKP"#.to_owned(),
        x: ED_X.to_owned(),
    };
    assert_ne!(forged.thumbprint(), ED_THUMBPRINT);
}

#[test]
fn a_jwk_reads_back_and_refuses_repeated_members() {
    for key in super::one_of_each() {
        if let Some(jwk) = key.public_jwk() {
            let text = serde_json::to_string(&jwk).unwrap();
            assert_eq!(serde_json::from_str::<PublicJwk>(&text).unwrap(), jwk);
        }
    }
    let read = |text: &str| serde_json::from_str::<PublicJwk>(text);
    assert!(read(r#"{"kty":"RSA","n":"AQ","e":"AQAB","kid":"k"}"#).is_ok());
    for text in [
        r#"{"kty":"RSA","n":"AQ","n":"AQ","e":"AQAB"}"#,
        r#"{"kty":"RSA","kty":"RSA","n":"AQ","e":"AQAB"}"#,
        r#"{"kty":"oct","k":"AQ"}"#,
        r#"{"kty":"RSA","n":"AQ"}"#,
        r#"{"n":"AQ","e":"AQAB"}"#,
    ] {
        assert!(read(text).is_err(), "{text}");
    }
}
