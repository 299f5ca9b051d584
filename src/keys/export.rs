//! Public keys for verifiers that are given them in files.

use super::operate::by_name;
use super::{Jwks, Key, Keys};
use crate::error::Result;

/// A published key in PEM.
pub struct InPem {
    /// Its id.
    pub kid: String,
    /// The name of its algorithm.
    pub algorithm: &'static str,
    /// A `PUBLIC KEY` (RFC 7468, section 13).
    pub pem: String,
}

impl Keys {
    /// The JWKS of the published keys, or of the one of that name.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn export_jwks(&self, kid: Option<&str>) -> Result<Jwks> {
        self.export(kid, Jwks::new)
    }

    /// The same keys in PEM.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn export_pem(&self, kid: Option<&str>) -> Result<Vec<InPem>> {
        let in_pem = |key: &&Key| {
            Ok(InPem {
                kid: key.kid.clone(),
                algorithm: key.algorithm.name(),
                pem: key.public.to_pem()?,
            })
        };
        self.export(kid, |keys| keys.iter().map(in_pem).collect())
    }

    fn export<T>(&self, kid: Option<&str>, write: impl FnOnce(&[&Key]) -> Result<T>) -> Result<T> {
        let ring = self.ring();
        let published = ring.all_published(self.now());
        match kid {
            None => write(&published),
            Some(kid) => {
                let named = published.iter().map(|key| (key.kid.as_str(), *key));
                write(&[by_name("signing key", named, kid)?])
            }
        }
    }
}
