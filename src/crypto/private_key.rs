//! Private keys as ring holds them: parsed once, then used for every signature.

use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair, RsaPublicKeyComponents,
};
use ring::{error::Unspecified, hmac};
use zeroize::Zeroizing;

use super::jwk::encode;
use super::{Algorithm, PublicJwk};
use crate::error::{Error, Result};

/// A parsed private key; its variant is its algorithm.
pub(super) enum PrivateKey {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(Box<RsaKeyPair>),
    Hs256(hmac::Key),
}

impl PrivateKey {
    /// A new key in PKCS#8 form (RFC 5958).
    pub(super) fn generate(algorithm: Algorithm) -> Result<Zeroizing<Vec<u8>>> {
        let document = match algorithm {
            Algorithm::Es256 => {
                EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &rng())
            }
            Algorithm::EdDsa => Ed25519KeyPair::generate_pkcs8(&rng()),
            Algorithm::Rs256 => {
                return Err(Error::setup(
                    "RS256 keys are not generated here: import one, e.g. made with \
                     `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -outform DER`.",
                ));
            }
            Algorithm::Hs256 => return Err(symmetric()),
        };
        let document = document.map_err(|_| Error::internal("key generation failed"))?;
        Ok(Zeroizing::new(document.as_ref().to_vec()))
    }

    /// The key in `der`: PKCS#8; for RSA also PKCS#1.
    pub(super) fn parse(algorithm: Algorithm, der: &[u8]) -> Result<Self> {
        let parsed = match algorithm {
            Algorithm::Es256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, &rng())
                    .map(Self::Es256)
            }
            // "Maybe unchecked": version 1 of the format, which OpenSSL writes, has no public
            // key to check against.
            Algorithm::EdDsa => Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map(Self::EdDsa),
            Algorithm::Rs256 => RsaKeyPair::from_der(der)
                .or_else(|_| RsaKeyPair::from_pkcs8(der))
                .map(|key| Self::Rs256(Box::new(key))),
            Algorithm::Hs256 => return Err(symmetric()),
        };
        parsed.map_err(|refusal| {
            let message = format!(
                "This is no private key for {algorithm}: DER in PKCS#8 form is expected \
                 (for RS256 also PKCS#1, 2048 to 4096 bits)."
            );
            Error::setup(message).with_source(refusal)
        })
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Es256(_) => Algorithm::Es256,
            Self::EdDsa(_) => Algorithm::EdDsa,
            Self::Rs256(_) => Algorithm::Rs256,
            Self::Hs256(_) => Algorithm::Hs256,
        }
    }

    /// The signature as JWS wants it (RFC 7518 section 3): for ES256 r and s side by side.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        match self {
            Self::Es256(key) => Ok(key.sign(&rng(), message)?.as_ref().to_vec()),
            Self::EdDsa(key) => Ok(key.sign(message).as_ref().to_vec()),
            Self::Rs256(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &rng(), message, &mut signature)?;
                Ok(signature)
            }
            Self::Hs256(key) => Ok(hmac::sign(key, message).as_ref().to_vec()),
        }
    }

    /// The public half; a shared secret has none.
    pub(super) fn public_jwk(&self) -> Option<PublicJwk> {
        match self {
            Self::Es256(key) => {
                // An uncompressed point (SEC 1 section 2.3.3): 4, x, y.
                let point = key.public_key().as_ref();
                let coordinates = point.strip_prefix(&[4]).unwrap_or_default();
                let (x, y) = coordinates.split_at(coordinates.len() / 2);
                Some(PublicJwk::Ec {
                    crv: "P-256".to_owned(),
                    x: encode(x),
                    y: encode(y),
                })
            }
            Self::EdDsa(key) => Some(PublicJwk::Okp {
                crv: "Ed25519".to_owned(),
                x: encode(key.public_key().as_ref()),
            }),
            Self::Rs256(key) => {
                let public: RsaPublicKeyComponents<Vec<u8>> = key.public().into();
                Some(PublicJwk::Rsa {
                    n: encode(&public.n),
                    e: encode(&public.e),
                })
            }
            Self::Hs256(_) => None,
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "ring asks for a generator, and this room is where it comes from"
)]
fn rng() -> SystemRandom {
    SystemRandom::new()
}

fn symmetric() -> Error {
    Error::setup("HS256 has no key pair: its secret is 32 bytes.")
}
