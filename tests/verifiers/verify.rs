use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};

/// The claims of a good access token. `keys` is `{issuer}/.well-known/jwks.json`.
fn verify(token: &str, keys: &JwkSet, issuer: &str) -> Result<serde_json::Value> {
    let kid = decode_header(token)?.kid.unwrap_or_default();
    let key = keys.find(&kid).ok_or(ErrorKind::InvalidToken)?;
    let mut expected = Validation::new(Algorithm::ES256);
    expected.set_issuer(&[issuer]);
    expected.set_audience(&["signet"]);
    expected.set_required_spec_claims(&["exp", "iss", "aud"]);
    Ok(decode(token, &DecodingKey::from_jwk(key)?, &expected)?.claims)
}
