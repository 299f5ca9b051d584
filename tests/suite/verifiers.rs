//! The README's code for Rust backends, with keys fetched over HTTP. Other languages' is tested by
//! `tests/verifiers/run`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use signet::clock::Clock;

use crate::support::{Backend, Server, on_both, token};

include!("../verifiers/verify.rs");

on_both!(a_rust_backend_accepts_access_tokens_and_nothing_else);

fn a_rust_backend_accepts_access_tokens_and_nothing_else(on: Backend) {
    let server = Server::start(on);
    // The verifier has the machine's clock.
    let now = Clock::system().now();
    server.advance((now - server.clock.now()).num_seconds());
    let ann = server.person("ann");
    let issuer = server.app.config.server.public_url.clone();
    let keys = server.anonymous().get("/.well-known/jwks.json").ok(200);
    let keys: JwkSet = serde_json::from_value(keys).expect("a JWKS");
    let claims = verify(&ann.access, &keys, &issuer).expect("a good token");
    assert_eq!(claims["sub"], json!(ann.pk));

    let refused = |what: &str, token: &str, because: &ErrorKind| {
        let refusal = verify(token, &keys, &issuer).expect_err(what);
        assert_eq!(refusal.kind(), because, "{what}");
    };
    refused("a refresh token", &ann.refresh, &ErrorKind::InvalidToken);
    refused(
        "a forged signature",
        &token::forged(&ann.access),
        &ErrorKind::InvalidSignature,
    );
    let with_header = |name: &str, value: &str| {
        let mut header = token::header(&ann.access);
        header[name] = json!(value);
        let (_, rest) = ann.access.split_once('.').expect("a header");
        format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()))
    };
    refused(
        "an unknown kid",
        &with_header("kid", "unknown"),
        &ErrorKind::InvalidToken,
    );
    refused(
        "HS256 under the public key",
        &with_header("alg", "HS256"),
        &ErrorKind::InvalidAlgorithm,
    );
    let wrong_issuer = verify(&ann.access, &keys, "https://elsewhere.example.com");
    assert_eq!(
        wrong_issuer.expect_err("a wrong issuer").kind(),
        &ErrorKind::InvalidIssuer
    );

    server.advance(-3600);
    let bob = server.person("bob");
    refused(
        "an expired token",
        &bob.access,
        &ErrorKind::ExpiredSignature,
    );
}
