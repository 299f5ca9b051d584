//! What a counter is called.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::crypto;

/// The name of a counter: 43 characters that tell nothing, and for one inside a group as many
/// again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(String);

impl Key {
    pub(super) fn new(secret: &[u8; 32], scope: &str, parts: &[&str]) -> Self {
        let mut message = Vec::new();
        for part in std::iter::once(&scope).chain(parts) {
            // The lengths keep `a|b` and `a`, `b` apart.
            message.extend_from_slice(&part.len().to_be_bytes());
            message.extend_from_slice(part.as_bytes());
        }
        Self(URL_SAFE_NO_PAD.encode(crypto::hmac_sha256(secret, &message)))
    }

    /// The same name inside the group of `group`, with which it is cleared.
    #[must_use]
    pub fn within(&self, group: &Self) -> Self {
        Self(format!("{}.{}", group.0, self.0))
    }

    /// As it stands in the table; also a name for parts of other keys.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Between these two stands everything inside this key's group: `/` is next to `.`, and
    /// neither is a character of base64url.
    pub(super) fn members(&self) -> (String, String) {
        (format!("{}.", self.0), format!("{}/", self.0))
    }
}

/// The network that an address is in, as far as one caller has it all: the address itself in IPv4,
/// the /64 in IPv6 (RFC 6177: what the smallest customer is given). Callers without an address
/// (there is none on a Unix socket) are all in one.
pub fn network(address: Option<IpAddr>) -> String {
    match address.map(|address| address.to_canonical()) {
        None => "-".to_owned(),
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => format!("{:016x}/64", u128::from(address) >> 64),
    }
}
