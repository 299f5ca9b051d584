//! ID tokens that are not to be believed (security lines 64 to 71, 125, 126).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::{Value, json};
use signet::crypto::{Algorithm, SigningKey};
use signet::storage::schema::users;

use diesel::prelude::*;

use super::{House, incorrect};
use crate::support::provider::{CLIENT, Provider};
use crate::support::{Backend, on_both, token};

on_both!(
    no_forged_signature_passes,
    no_wrong_claim_passes,
    nobody_is_no_subject,
    times_count_by_our_clock_with_a_minute_of_grace,
    a_nonce_that_is_given_must_be_in_the_token,
    an_access_token_without_an_id_token_is_anybodys,
);

/// Every one of these gets the same answer, and nothing is written.
#[track_caller]
fn refused(house: &House, tokens: &[(&str, String)]) {
    for (what, id_token) in tokens {
        let answer = house.post(&json!({"id_token": id_token}));
        assert_eq!(answer.status, 400, "{what}: {}", answer.text);
        answer.problem(400, &incorrect());
    }
    assert_eq!(house.server.count(users::table.count()), 0);
    assert_eq!(house.server.stored()[1], 0, "sessions");
}

fn no_forged_signature_passes(on: Backend) {
    let house = House::new(on);
    let good = house.provider.id_token(&house.server, "ada");
    let claims = house.claims("ada");
    let unsigned = |header: Value, signature: &str| {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.{signature}", part(&header), part(&claims))
    };
    let hs256 = |secret: &[u8]| {
        let message = unsigned(json!({"alg": "HS256", "kid": "one"}), "");
        let message = message.trim_end_matches('.');
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let signature = hmac::sign(&key, message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    };
    let jwk = house.provider.jwks()["keys"][0].clone();
    let x = URL_SAFE_NO_PAD
        .decode(jwk["x"].as_str().expect("x"))
        .expect("base64url");
    let signed = |kid: Option<&str>, more: Value| {
        let key = SigningKey::generate(Algorithm::Es256).expect("a key").0;
        let mut header = jsonwebtoken::Header::new(Algorithm::Es256.into());
        header.kid = kid.map(str::to_owned);
        let token = key.encode(&header, &claims).expect("a token");
        let mut header = token::header(&token);
        for (name, value) in more.as_object().expect("members") {
            header[name] = value.clone();
        }
        token::with_header(&token, &header.to_string())
    };
    let mut tokens = vec![
        ("forged", token::forged(&good)),
        ("another's key of that name", signed(Some("one"), json!({}))),
        ("another's key without a name", signed(None, json!({}))),
        (
            "the key in the token",
            signed(Some("one"), json!({"jwk": jwk})),
        ),
        (
            "a link to the key",
            signed(Some("one"), json!({"jku": house.provider.issuer})),
        ),
        (
            "HS256, the public key as JSON",
            hs256(jwk.to_string().as_bytes()),
        ),
        ("HS256, the public key's x", hs256(&x)),
        ("HS256, no key", hs256(b"")),
        (
            "RS256",
            token::with_header(&good, r#"{"alg":"RS256","kid":"one"}"#),
        ),
        (
            "no algorithm",
            token::with_header(&good, r#"{"kid":"one"}"#),
        ),
        ("not a token", "x".into()),
        ("two parts", good.rsplit_once('.').expect("parts").0.into()),
        ("four parts", format!("{good}.x")),
        ("padded", format!("{good}=")),
        ("too long", format!("{good}{}", "A".repeat(9000))),
        ("not base64", "é.é.é".into()),
    ];
    for none in ["none", "None", "NONE", "nOnE", ""] {
        tokens.push((none, unsigned(json!({"alg": none, "kid": "one"}), "")));
        tokens.push((none, unsigned(json!({"alg": none, "kid": "one"}), "AAAA")));
    }
    refused(&house, &tokens);
    // Our own tokens are nobody's ID tokens.
    let person = house.server.person("grace");
    for own in [&person.access, &person.refresh] {
        house
            .post(&json!({"id_token": own}))
            .problem(400, &incorrect());
    }
}

fn no_wrong_claim_passes(on: Backend) {
    let house = House::new(on);
    let foreign = Provider::start();
    let good = house.claims("ada");
    let now = good["iat"].as_i64().expect("iat");
    let mut tokens = Vec::new();
    let wrong = [
        ("iss", json!(foreign.issuer)),
        ("iss", json!(format!("{}/", house.provider.issuer))),
        ("iss", json!(house.provider.issuer.to_uppercase())),
        ("iss", json!(null)),
        ("iss", json!([house.provider.issuer])),
        ("aud", json!("another")),
        ("aud", json!("")),
        ("aud", json!([])),
        ("aud", json!(["another"])),
        ("aud", json!(["another", CLIENT])),
        // Made for another client, to be used with us, or no ID token at all.
        ("azp", json!("another")),
        ("azp", json!("")),
        ("scope", json!("openid")),
        ("scp", json!(["read"])),
        (
            "events",
            json!({"http://schemas.openid.net/event/backchannel-logout": {}}),
        ),
        ("aud", json!([CLIENT, 1])),
        ("aud", json!({"aud": CLIENT})),
        ("aud", json!(null)),
        ("aud", json!(CLIENT.to_uppercase())),
        ("exp", json!(now - 61)),
        ("exp", json!((now + 3600).to_string())),
        ("exp", json!(1e300)),
        ("exp", json!(-1)),
        ("exp", json!(null)),
        ("exp", json!([now + 3600])),
        ("exp", json!(true)),
        ("iat", json!(now + 61)),
        ("iat", json!("now")),
        ("iat", json!(null)),
        ("nbf", json!(now + 61)),
        ("nbf", json!("now")),
        ("azp", json!(1)),
        ("nonce", json!(1)),
    ];
    for (claim, value) in wrong {
        let mut claims = good.clone();
        claims[claim] = value;
        tokens.push((claim, house.provider.sign(&claims)));
    }
    for claim in ["iss", "aud", "exp", "iat"] {
        let mut claims = good.clone();
        claims.as_object_mut().expect("claims").remove(claim);
        tokens.push((claim, house.provider.sign(&claims)));
    }
    let mut several = good.clone();
    several["aud"] = json!(["another", CLIENT]);
    several["azp"] = json!("another");
    tokens.push(("azp", house.provider.sign(&several)));
    tokens.push(("claims", house.provider.sign(&json!([1]))));
    // Good keys, of an issuer that is not configured.
    tokens.push(("foreign", foreign.sign(&good)));
    tokens.push(("foreign", foreign.id_token(&house.server, "ada")));
    refused(&house, &tokens);
}

/// Line 125.
fn nobody_is_no_subject(on: Backend) {
    let house = House::new(on);
    let good = house.claims("ada");
    let mut tokens = Vec::new();
    for sub in [
        json!(null),
        json!(""),
        json!("  "),
        json!(0),
        json!(1),
        json!(1.5),
        json!(true),
        json!(false),
        json!([]),
        json!(["ada"]),
        json!({}),
        json!({"sub": "ada"}),
        json!("a\u{0}a"),
        json!("x".repeat(256)),
    ] {
        let mut claims = good.clone();
        claims["sub"] = sub;
        tokens.push(("sub", house.provider.sign(&claims)));
    }
    let mut claims = good.clone();
    claims.as_object_mut().expect("claims").remove("sub");
    tokens.push(("sub", house.provider.sign(&claims)));
    refused(&house, &tokens);
}

fn times_count_by_our_clock_with_a_minute_of_grace(on: Backend) {
    let house = House::new(on);
    let claims = house.claims("ada");
    house.server.advance(3600 + 59);
    assert_eq!(house.present(&claims).status, 200);
    house.server.advance(1);
    house.present(&claims).problem(400, &incorrect());
    let mut early = house.claims("ada");
    early["iat"] = json!(early["iat"].as_i64().expect("iat") + 60);
    assert_eq!(house.present(&early).status, 200);
}

fn a_nonce_that_is_given_must_be_in_the_token(on: Backend) {
    let house = House::new(on);
    let mut claims = house.claims("ada");
    let bare = house.provider.sign(&claims);
    claims["nonce"] = json!("n-1");
    let with = house.provider.sign(&claims);
    let cases = [
        (&bare, None, 200),
        (&bare, Some("n-1"), 400),
        (&with, Some("n-1"), 200),
        (&with, Some("n-2"), 400),
        (&with, Some("n-11"), 400),
        (&with, None, 200),
    ];
    for (id_token, nonce, status) in cases {
        let answer = house.post(&match nonce {
            Some(nonce) => json!({"id_token": id_token, "nonce": nonce}),
            None => json!({"id_token": id_token}),
        });
        assert_eq!(answer.status, status, "{nonce:?}: {}", answer.text);
    }
}

/// Token substitution: it may have been issued to any other app.
fn an_access_token_without_an_id_token_is_anybodys(on: Backend) {
    let house = House::new(on);
    house
        .post(&json!({"access_token": "ya29.good"}))
        .problem(400, &incorrect());
    assert!(
        house.provider.asked("/userinfo").is_empty(),
        "nobody is even asked"
    );
    let forged = token::forged(&house.provider.id_token(&house.server, "ada"));
    let both = json!({"access_token": "ya29.good", "id_token": forged, "code": "good"});
    house.post(&both).problem(400, &incorrect());
}
