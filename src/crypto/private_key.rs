//! Private keys as ring holds them: parsed once, then used for every signature.

use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING as P256, ECDSA_P384_SHA384_FIXED_SIGNING as P384, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
    RsaPublicKeyComponents,
};
use ring::{error::Unspecified, hmac};
use rsa::pkcs8::EncodePrivateKey;
use zeroize::Zeroizing;

use super::jwk::encode;
use super::{Algorithm, PublicJwk};
use crate::error::{Error, Result};

/// How long the modulus of a key is that is made here, in bits: NIST SP 800-57 has this for use
/// beyond 2030.
const RSA_BITS: usize = 3072;

/// A parsed private key; its variant is its algorithm.
pub(super) enum PrivateKey {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Es384(EcdsaKeyPair),
    Rs256(Box<RsaKeyPair>),
    Ps256(Box<RsaKeyPair>),
    Hs256(hmac::Key),
}

impl PrivateKey {
    /// A new key in PKCS#8 form (RFC 5958).
    pub(super) fn generate(algorithm: Algorithm) -> Result<Zeroizing<Vec<u8>>> {
        let document = match algorithm {
            Algorithm::Es256 => EcdsaKeyPair::generate_pkcs8(&P256, &rng()),
            Algorithm::EdDsa => Ed25519KeyPair::generate_pkcs8(&rng()),
            Algorithm::Es384 => EcdsaKeyPair::generate_pkcs8(&P384, &rng()),
            Algorithm::Rs256 | Algorithm::Ps256 => return generate_rsa(),
            Algorithm::Hs256 => return Err(symmetric()),
        };
        let document = document.map_err(|_| Error::internal("key generation failed"))?;
        Ok(Zeroizing::new(document.as_ref().to_vec()))
    }

    /// The key in `der`: PKCS#8; for RSA also PKCS#1.
    pub(super) fn parse(algorithm: Algorithm, der: &[u8]) -> Result<Self> {
        let rsa = || {
            let key = RsaKeyPair::from_der(der).or_else(|_| RsaKeyPair::from_pkcs8(der));
            key.map(Box::new)
        };
        let parsed = match algorithm {
            Algorithm::Es256 => EcdsaKeyPair::from_pkcs8(&P256, der, &rng()).map(Self::Es256),
            // "Maybe unchecked": version 1 of the format, which OpenSSL writes, has no public
            // key to check against.
            Algorithm::EdDsa => Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map(Self::EdDsa),
            Algorithm::Es384 => EcdsaKeyPair::from_pkcs8(&P384, der, &rng()).map(Self::Es384),
            Algorithm::Rs256 => rsa().map(Self::Rs256),
            Algorithm::Ps256 => rsa().map(Self::Ps256),
            Algorithm::Hs256 => return Err(symmetric()),
        };
        parsed.map_err(|refusal| {
            let message = format!(
                "This is no private key for {algorithm}: DER in PKCS#8 form is expected \
                 (for RS256 and PS256 also PKCS#1, 2048 to 4096 bits)."
            );
            Error::setup(message).with_source(refusal)
        })
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Es256(_) => Algorithm::Es256,
            Self::EdDsa(_) => Algorithm::EdDsa,
            Self::Es384(_) => Algorithm::Es384,
            Self::Rs256(_) => Algorithm::Rs256,
            Self::Ps256(_) => Algorithm::Ps256,
            Self::Hs256(_) => Algorithm::Hs256,
        }
    }

    /// The signature as JWS wants it (RFC 7518 section 3): for ECDSA r and s side by side.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        match self {
            Self::Es256(key) | Self::Es384(key) => Ok(key.sign(&rng(), message)?.as_ref().to_vec()),
            Self::EdDsa(key) => Ok(key.sign(message).as_ref().to_vec()),
            Self::Rs256(key) => sign_rsa(key, &RSA_PKCS1_SHA256, message),
            Self::Ps256(key) => sign_rsa(key, &RSA_PSS_SHA256, message),
            Self::Hs256(key) => Ok(hmac::sign(key, message).as_ref().to_vec()),
        }
    }

    /// The public half; a shared secret has none.
    pub(super) fn public_jwk(&self) -> Option<PublicJwk> {
        match self {
            Self::Es256(key) => PublicJwk::ec("P-256", key.public_key().as_ref()),
            Self::Es384(key) => PublicJwk::ec("P-384", key.public_key().as_ref()),
            Self::EdDsa(key) => Some(PublicJwk::Okp {
                crv: "Ed25519".to_owned(),
                x: encode(key.public_key().as_ref()),
            }),
            Self::Rs256(key) | Self::Ps256(key) => {
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

fn sign_rsa(
    key: &RsaKeyPair,
    padding: &'static dyn RsaEncoding,
    message: &[u8],
) -> Result<Vec<u8>, Unspecified> {
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(padding, &rng(), message, &mut signature)?;
    Ok(signature)
}

/// ring makes no RSA keys. Takes seconds.
fn generate_rsa() -> Result<Zeroizing<Vec<u8>>> {
    let failed = || Error::internal("key generation failed");
    let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, RSA_BITS);
    let document = key.map_err(|_| failed())?.to_pkcs8_der();
    let document = document.map_err(|_| failed())?;
    Ok(Zeroizing::new(document.as_bytes().to_vec()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "ring asks for a generator, and this room is where it comes from"
)]
pub(super) fn rng() -> SystemRandom {
    SystemRandom::new()
}

fn symmetric() -> Error {
    Error::setup("HS256 has no key pair: its secret is 32 bytes.")
}
