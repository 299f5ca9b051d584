//! ID tokens (OpenID Connect Core 1.0, section 2): verified with the provider's own keys, and read
//! strictly.

use serde::Deserialize;
use serde_json::Value;

use crate::clock::Time;
use crate::crypto::{PublicJwk, TokenHeader, VerifyingKey, constant_time_eq, parse_header};

/// A provider's clock may differ from ours by this much, in seconds.
const SKEW: i64 = 60;

/// A subject at most, in bytes (OpenID Connect Core 1.0, section 2).
const SUBJECT_LIMIT: usize = 255;

/// A provider's keys for signatures.
#[derive(Default)]
pub(super) struct KeySet(Vec<Key>);

struct Key {
    kid: Option<String>,
    verifying: VerifyingKey,
}

/// What an ID token must say.
pub(super) struct Expected<'a> {
    /// As configured.
    pub(super) issuer: &'a str,
    /// Of ours, at that provider.
    pub(super) client_id: &'a str,
    /// Whether the provider makes tokens for us by way of other clients of ours: Google's of a
    /// phone's app have that client's id as `azp`.
    pub(super) is_for_family: bool,
    /// As the app gave it, if it gave one.
    pub(super) nonce: Option<&'a str>,
}

/// Why an ID token is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is signed with a key that is not among these; the provider may have newer ones.
    UnknownKey,
    /// For this reason.
    Because(&'static str),
}

/// What is used of an ID token, and of an answer about a user, which has the same claims. What
/// counts for who it is must have the right type; the rest is taken only where it has.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    sub: String,
    #[serde(default)]
    pub(super) email: Value,
    #[serde(default)]
    pub(super) email_verified: Value,
    #[serde(default)]
    pub(super) given_name: Value,
    #[serde(default)]
    pub(super) family_name: Value,
    #[serde(default)]
    pub(super) name: Value,
    #[serde(default)]
    pub(super) preferred_username: Value,
}

#[derive(Deserialize)]
struct Envelope {
    iss: String,
    aud: Audience,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    azp: Option<String>,
    nonce: Option<String>,
    /// Of logout tokens (OpenID Connect Back-Channel Logout 1.0, section 2.4).
    #[serde(default)]
    events: Value,
    /// Of access tokens (RFC 9068, section 2.2.3).
    #[serde(default)]
    scope: Value,
    /// The same, as some providers call it.
    #[serde(default)]
    scp: Value,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    /// Whether it is us; among several it must be said for whom the token was made.
    fn is_for(&self, client_id: &str, azp: Option<&str>) -> bool {
        match self {
            Self::One(one) => one == client_id,
            Self::Several(all) => {
                let is_among = all.iter().any(|one| one == client_id);
                is_among && (all.len() == 1 || azp == Some(client_id))
            }
        }
    }
}

impl Claims {
    /// Who it is, if it is somebody: no text that is empty, endless, or not one for people to
    /// see and databases to keep.
    pub(super) fn subject(&self) -> Option<&str> {
        let sub = self.sub.as_str();
        let is_text = !sub.trim().is_empty() && !sub.contains(char::is_control);
        (is_text && sub.len() <= SUBJECT_LIMIT).then_some(sub)
    }
}

impl KeySet {
    /// The keys of a JWK set (RFC 7517, section 5) that can verify a signature here; others, of
    /// which there may be some for other purposes, are left out.
    pub(super) fn new(keys: &[Value]) -> Self {
        Self(keys.iter().filter_map(key).collect())
    }

    /// The claims of a good ID token.
    pub(super) fn verify(
        &self,
        token: &str,
        expected: &Expected<'_>,
        now: Time,
    ) -> Result<Claims, Refused> {
        let header = parse_header(token).map_err(|_| Refused::Because("malformed"))?;
        if !is_id_token(header.typ.as_deref()) {
            return Err(Refused::Because("typ"));
        }
        let mut refused = Refused::UnknownKey;
        for key in self.candidates(&header) {
            match key.verifying.decode::<Envelope>(token) {
                Ok((_, envelope)) => {
                    judge(&envelope, expected, now)?;
                    return read(key, token);
                }
                Err(rejected) => {
                    log::debug!("an ID token: {rejected}");
                    refused = Refused::Because("signature, algorithm or form of a claim");
                }
            }
        }
        Err(refused)
    }

    /// The keys of that name. A token that names none is taken where there is but one it can mean.
    fn candidates(&self, header: &TokenHeader) -> Vec<&Key> {
        let all = self.0.iter();
        if header.kid.is_some() {
            return all.filter(|key| key.kid == header.kid).collect();
        }
        let fitting = all.filter(|key| key.verifying.algorithm() == header.alg);
        let fitting: Vec<_> = fitting.collect();
        if fitting.len() == 1 {
            fitting
        } else {
            Vec::new()
        }
    }
}

fn read(key: &Key, token: &str) -> Result<Claims, Refused> {
    let wrong = Refused::Because("form of a claim");
    let (_, claims): (_, Claims) = key.verifying.decode(token).map_err(|_| wrong)?;
    match claims.subject() {
        Some(_) => Ok(claims),
        None => Err(Refused::Because("sub")),
    }
}

/// What says of itself to be an access or a logout token is none (RFC 8725, section 3.11).
fn is_id_token(typ: Option<&str>) -> bool {
    typ.is_none_or(|typ| typ.eq_ignore_ascii_case("JWT"))
}

fn judge(envelope: &Envelope, expected: &Expected<'_>, now: Time) -> Result<(), Refused> {
    let now = now.timestamp();
    let late = now.saturating_add(SKEW);
    let nonce = match (expected.nonce, &envelope.nonce) {
        (Some(expected), Some(nonce)) => constant_time_eq(expected.as_bytes(), nonce.as_bytes()),
        (Some(_), None) => false,
        (None, _) => true,
    };
    let azp = envelope.azp.as_deref();
    // Made for another client, who may use it with us, but not as us.
    let is_ours = azp.is_none_or(|azp| azp == expected.client_id) || expected.is_for_family;
    let other_kinds = [&envelope.events, &envelope.scope, &envelope.scp];
    let is_id_token = other_kinds.into_iter().all(Value::is_null);
    let checks = [
        (envelope.iss == expected.issuer, "iss"),
        (envelope.aud.is_for(expected.client_id, azp), "aud or azp"),
        (is_ours, "azp"),
        (is_id_token, "events or scope"),
        (envelope.exp > now.saturating_sub(SKEW), "exp"),
        (envelope.iat <= late, "iat"),
        (envelope.nbf.is_none_or(|nbf| nbf <= late), "nbf"),
        (nonce, "nonce"),
    ];
    match checks.into_iter().find(|(holds, _)| !holds) {
        Some((_, claim)) => Err(Refused::Because(claim)),
        None => Ok(()),
    }
}

/// A key and the one algorithm it is for: the key's own word, or what its type implies. Never one
/// that a token could choose.
fn key(value: &Value) -> Option<Key> {
    let text = |member: &str| value.get(member).and_then(Value::as_str);
    if value.get("use").is_some() && text("use") != Some("sig") {
        return None;
    }
    let jwk = PublicJwk::deserialize(value).ok()?;
    let mut possible = jwk.algorithms().iter().copied();
    let algorithm = match value.get("alg") {
        Some(alg) => possible.find(|one| Some(one.name()) == alg.as_str())?,
        None => possible.next()?,
    };
    Some(Key {
        kid: text("kid").map(str::to_owned),
        verifying: VerifyingKey::from_jwk(algorithm, &jwk).ok()?,
    })
}
