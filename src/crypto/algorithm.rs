//! The signature algorithms Signet speaks.

use std::fmt;
use std::str::FromStr;

/// A JWS signature algorithm (RFC 7518 section 3.1, RFC 8037 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// RSASSA-PKCS1-v1_5 with SHA-256; 2048 bits or more.
    Rs256,
    /// RSASSA-PSS with SHA-256, and a salt of that length; 2048 bits or more.
    Ps256,
    /// HMAC with SHA-256: for tokens that only Signet itself reads.
    Hs256,
}

/// A name that is no algorithm of ours. Names are case-sensitive, and `none` is not one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown signature algorithm: use ES256, EdDSA, ES384, RS256, PS256 or HS256")]
pub struct UnknownAlgorithm;

impl Algorithm {
    /// Every algorithm, the preferred first.
    pub const ALL: [Self; 6] = [
        Self::Es256,
        Self::EdDsa,
        Self::Es384,
        Self::Rs256,
        Self::Ps256,
        Self::Hs256,
    ];

    /// Those whose keys have a public half, the preferred first.
    pub const ASYMMETRIC: [Self; 5] = [
        Self::Es256,
        Self::EdDsa,
        Self::Es384,
        Self::Rs256,
        Self::Ps256,
    ];

    /// The value of `alg`, as registered with IANA.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Es384 => "ES384",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Hs256 => "HS256",
        }
    }

    /// Names for people, in the order given: `ES256, EdDSA`.
    pub fn names<'a>(algorithms: impl IntoIterator<Item = &'a Self>) -> String {
        let names = algorithms.into_iter().map(|one| one.name());
        names.collect::<Vec<_>>().join(", ")
    }

    /// Whether its keys are RSA keys. To make one takes seconds.
    pub fn is_rsa(self) -> bool {
        matches!(self, Self::Rs256 | Self::Ps256)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
            .ok_or(UnknownAlgorithm)
    }
}

impl From<Algorithm> for jsonwebtoken::Algorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Es256 => Self::ES256,
            Algorithm::EdDsa => Self::EdDSA,
            Algorithm::Es384 => Self::ES384,
            Algorithm::Rs256 => Self::RS256,
            Algorithm::Ps256 => Self::PS256,
            Algorithm::Hs256 => Self::HS256,
        }
    }
}

impl TryFrom<jsonwebtoken::Algorithm> for Algorithm {
    type Error = UnknownAlgorithm;

    fn try_from(theirs: jsonwebtoken::Algorithm) -> Result<Self, UnknownAlgorithm> {
        Self::ALL
            .into_iter()
            .find(|ours| jsonwebtoken::Algorithm::from(*ours) == theirs)
            .ok_or(UnknownAlgorithm)
    }
}
