//! `cargo bench --bench signing`: how long it takes to sign and to verify an access token, by
//! algorithm.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a program for people at a terminal: it prints, and ends where something is wrong"
)]

use std::time::{Duration, Instant};

use jsonwebtoken::Header;
use serde_json::{Value, json};
use signet::crypto::{Algorithm, SigningKey};

/// Rounds of so many calls each; the quickest counts, since others were disturbed.
const ROUNDS: u32 = 10;
const CALLS: u32 = 200;

fn main() {
    println!("algorithm   sign (µs)   verify (µs)");
    for algorithm in Algorithm::ASYMMETRIC {
        let (key, _) = SigningKey::generate(algorithm).expect("a key");
        let header = Header::new(algorithm.into());
        let claims =
            json!({"iss": "https://login.example.com", "sub": "ann", "exp": 1, "jti": "1"});
        let sign = || key.encode(&header, &claims).expect("a token");
        let (token, verifying) = (sign(), key.verifying_key());
        let signs = quickest(|| drop(sign()));
        let verifies = quickest(|| drop(verifying.decode::<Value>(&token).expect("claims")));
        let micros = |one: Duration| one.as_secs_f64() * 1e6;
        println!(
            "{:9} {:11.0} {:13.0}",
            algorithm.name(),
            micros(signs),
            micros(verifies)
        );
    }
}

/// How long one call takes.
fn quickest(call: impl Fn()) -> Duration {
    let round = |_| {
        let start = Instant::now();
        (0..CALLS).for_each(|_| call());
        start.elapsed() / CALLS
    };
    (0..ROUNDS).map(round).min().unwrap_or_default()
}
