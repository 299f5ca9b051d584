//! What a token says, and whether a published key signed it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde::Deserialize;

use super::Outcome;

#[derive(Deserialize)]
pub(crate) struct Claims {
    pub(crate) sid: String,
    #[serde(rename = "gen")]
    pub(crate) generation: i64,
}

/// The claims of a refresh token.
pub(crate) fn claims(token: &str) -> Outcome<Claims> {
    let payload = token.split('.').nth(1).ok_or("not a token")?;
    Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload)?)?)
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<Key>,
}

#[derive(Deserialize)]
struct Key {
    x: String,
    y: String,
}

/// The public keys of a JWKS, as points (SEC 1, section 2.3.3).
pub(crate) fn keys(jwks: &[u8]) -> Outcome<Vec<Vec<u8>>> {
    let jwks: Jwks = serde_json::from_slice(jwks)?;
    let mut points = Vec::new();
    for key in jwks.keys {
        let mut point = vec![4];
        URL_SAFE_NO_PAD.decode_vec(key.x, &mut point)?;
        URL_SAFE_NO_PAD.decode_vec(key.y, &mut point)?;
        points.push(point);
    }
    if points.is_empty() {
        return Err("the JWKS is empty".into());
    }
    Ok(points)
}

/// Whether one of the keys signed the token (ES256).
pub(crate) fn signature(jwks: &[u8], token: &str) -> Outcome<()> {
    let (message, signature) = token.rsplit_once('.').ok_or("not a token")?;
    let signature = URL_SAFE_NO_PAD.decode(signature)?;
    let is_signed = keys(jwks)?.iter().any(|point| {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
        key.verify(message.as_bytes(), &signature).is_ok()
    });
    if is_signed {
        Ok(())
    } else {
        Err("an access token was signed by nobody".into())
    }
}
