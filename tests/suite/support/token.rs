//! Tokens as anybody can read them: decoded, not verified.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// The header of a JWS in compact form.
#[track_caller]
pub(crate) fn header(token: &str) -> Value {
    part(token, 0)
}

/// The claims of a JWT.
#[track_caller]
pub(crate) fn claims(token: &str) -> Value {
    part(token, 1)
}

#[track_caller]
fn part(token: &str, index: usize) -> Value {
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(parts.len(), 3, "{token}");
    let bytes = URL_SAFE_NO_PAD.decode(parts[index]).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// The token with its signature's last-but-one letter changed: well-formed, and forged.
pub(crate) fn forged(token: &str) -> String {
    let at = token.len() - 2;
    let other = if &token[at..=at] == "A" { "B" } else { "A" };
    format!("{}{other}{}", &token[..at], &token[at + 1..])
}

/// The token with another header, and what was its signature.
pub(crate) fn with_header(token: &str, header: &str) -> String {
    let (_, rest) = token.split_once('.').expect("parts");
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header))
}
