//! `[keys]`.

use std::path::PathBuf;

use crate::config::Period;
use crate::crypto::Algorithm;

/// The client that our own login serves (`client_id` of RFC 9068).
pub const FIRST_PARTY: &str = "first-party";

/// Whose tokens are signed with which algorithm; written `name=ES256`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlgorithmFor {
    /// A client or an audience.
    pub name: String,
    /// What its tokens are signed with.
    pub algorithm: Algorithm,
}

/// `[keys]`: the master key and the signing keys.
#[derive(Clone, Debug)]
pub struct Keys {
    /// File with the 32 bytes under which secrets are sealed.
    pub master_key_file: PathBuf,
    /// Of which there is always a signing key.
    pub algorithms: Vec<Algorithm>,
    /// What tokens are signed with unless something else is asked for.
    pub default_algorithm: Algorithm,
    /// What tokens for a client are signed with; goes before `by_audience`.
    pub by_client: Vec<AlgorithmFor>,
    /// What tokens for an audience are signed with; goes before `default_algorithm`.
    pub by_audience: Vec<AlgorithmFor>,
    /// The signing keys' life.
    pub rotate_every: Period,
    /// From publishing a key to signing with it.
    pub announce: Period,
    /// A key is published this much longer than its tokens live.
    pub keep: Period,
    /// How long verifiers may keep the JWKS.
    pub jwks_max_age: Period,
    /// How soon a node learns of other nodes' changes.
    pub reload_every: Period,
    /// How far the nodes' clocks may be apart.
    pub clock_skew: Period,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            master_key_file: "keys/master.key".into(),
            algorithms: vec![Algorithm::Es256],
            default_algorithm: Algorithm::Es256,
            by_client: Vec::new(),
            by_audience: Vec::new(),
            rotate_every: Period::days(60),
            announce: Period::days(1),
            keep: Period::days(1),
            jwks_max_age: Period::minutes(5),
            reload_every: Period::seconds(1),
            clock_skew: Period::minutes(1),
        }
    }
}
