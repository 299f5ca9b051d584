//! Keys that were made elsewhere, in files: PEM (RFC 7468) or JWK (RFC 7517), public or private.
//! No error has anything of a key in it.

mod jwk;
mod pem;
#[cfg(test)]
mod tests;

use std::error::Error as _;

use ring::agreement::{self, ECDH_P256, ECDH_P384, EphemeralPrivateKey};
use zeroize::Zeroizing;

use super::private_key::{PrivateKey, rng};
use super::verifying_key::point;
use super::{Algorithm, PublicJwk, SigningKey, VerifyingKey};
use crate::error::{Error, Result};

/// A longer file is no key, in bytes.
pub const MAX_KEY_FILE_BYTES: usize = 64 * 1024;

/// The one key of a file.
pub struct KeyFile {
    public: PublicJwk,
    /// PKCS#8 or PKCS#1, as [`SigningKey::from_pkcs8`] takes it.
    private: Option<Zeroizing<Vec<u8>>>,
    /// What the file calls it.
    kid: Option<String>,
    /// What the file says it is for.
    algorithm: Option<Algorithm>,
}

/// A key as a file has it.
enum Material {
    Public(PublicJwk),
    /// What it can be for, and its DER form.
    Private(Algorithm, Zeroizing<Vec<u8>>),
}

impl KeyFile {
    /// The key in `bytes`.
    ///
    /// In PEM: `PRIVATE KEY`, `EC PRIVATE KEY`, `RSA PRIVATE KEY`, `PUBLIC KEY`, `RSA PUBLIC KEY`.
    /// In JSON: a JWK, or a set of one.
    ///
    /// # Errors
    /// What is wrong with it, and what to do about it.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > MAX_KEY_FILE_BYTES {
            return Err(refused("the file has more than 64 KiB: that is no key"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| {
            refused(
                "the file is neither PEM nor JSON; if it is DER, convert it: \
                 openssl pkey -inform DER -in FILE -out NEW (-pubin for a public key)",
            )
        })?;
        let text = text.trim_start_matches('\u{feff}').trim();
        let file = if text.starts_with(['{', '[']) {
            jwk::read(text)?
        } else {
            Self::new(pem::read(text)?)?
        };
        file.check()?;
        Ok(file)
    }

    fn new(material: Material) -> Result<Self> {
        let (public, private) = match material {
            Material::Public(public) => (public, None),
            Material::Private(algorithm, der) => {
                let key = PrivateKey::parse(algorithm, &der).map_err(|error| explain(&error))?;
                let public = key.public_jwk();
                let public = public.ok_or_else(|| Error::internal("no public half"))?;
                (public, Some(der))
            }
        };
        Ok(Self {
            public,
            private,
            kid: None,
            algorithm: None,
        })
    }

    /// The public half.
    pub fn public(&self) -> &PublicJwk {
        &self.public
    }

    /// Its name, if the file gives it one.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// What it is for: as `wanted`, else as the file says, else what is usual for its kind.
    ///
    /// # Errors
    /// It cannot be for what is wanted, or the file says otherwise.
    pub fn algorithm(&self, wanted: Option<Algorithm>) -> Result<Algorithm> {
        let possible = self.public.algorithms();
        if let Some(wanted) = wanted.filter(|wanted| !possible.contains(wanted)) {
            let possible = Algorithm::names(possible);
            return Err(refused(format!(
                "the key cannot be for {wanted}: its kind is for {possible}"
            )));
        }
        match (wanted, self.algorithm) {
            (Some(wanted), Some(own)) if wanted != own => Err(refused(format!(
                "the file says that the key is for {own}, not for {wanted}: a key has one \
                 algorithm. Leave --algorithm out"
            ))),
            (wanted, own) => {
                let usual = possible.first().copied();
                wanted
                    .or(own)
                    .or(usual)
                    .ok_or_else(super::der::unknown_curve)
            }
        }
    }

    /// The private half, ready to sign with `algorithm`, and its DER form, to be sealed; none in a
    /// file of a public key.
    ///
    /// # Errors
    /// It is for another algorithm.
    pub fn signing(self, algorithm: Algorithm) -> Result<Option<(SigningKey, Zeroizing<Vec<u8>>)>> {
        let Some(private) = self.private else {
            return Ok(None);
        };
        Ok(Some((
            SigningKey::from_pkcs8(algorithm, &private)?,
            private,
        )))
    }

    /// Whether the public half is a key at all.
    fn check(&self) -> Result<()> {
        let algorithm = self.algorithm(None)?;
        if let Some(bits @ ..2048) = self.public.rsa_bits() {
            return Err(refused(format!(
                "the key is too short: it has {bits} bits, and RSA needs 2048 to verify (3072 to \
                 sign). Tokens that it signed can be forged: let them be refused"
            )));
        }
        let broken = || refused("the public key is none: it was cut short or altered");
        VerifyingKey::from_jwk(algorithm, &self.public).map_err(|_| broken())?;
        if self.public.is_sound() {
            Ok(())
        } else {
            Err(broken())
        }
    }
}

impl PublicJwk {
    /// Length of an RSA key's modulus.
    pub fn rsa_bits(&self) -> Option<usize> {
        let Self::Rsa { n, .. } = self else {
            return None;
        };
        let n = super::jwk::decode(n).unwrap_or_default();
        let leading = n.iter().take_while(|byte| **byte == 0).count();
        let first = n
            .get(leading)
            .map_or(8, |byte| byte.leading_zeros() as usize);
        Some(((n.len() - leading) * 8).saturating_sub(first))
    }

    /// Whether the numbers can be those of a key. ring looks at a point when it agrees on a secret
    /// with it.
    fn is_sound(&self) -> bool {
        let is_odd = |text: &str| {
            let bytes = super::jwk::decode(text).unwrap_or_default();
            bytes.last().is_some_and(|last| last % 2 == 1)
        };
        match self {
            Self::Ec { crv, x, y } if crv == "P-256" => {
                point(x, y, 32).is_ok_and(|point| is_on_curve(&ECDH_P256, &point))
            }
            Self::Ec { x, y, .. } => {
                point(x, y, 48).is_ok_and(|point| is_on_curve(&ECDH_P384, &point))
            }
            Self::Okp { .. } => true,
            Self::Rsa { n, e } => is_odd(n) && is_odd(e) && e != "AQ",
        }
    }
}

fn is_on_curve(curve: &'static agreement::Algorithm, point: &[u8]) -> bool {
    let peer = agreement::UnparsedPublicKey::new(curve, point);
    EphemeralPrivateKey::generate(curve, &rng())
        .is_ok_and(|own| agreement::agree_ephemeral(own, &peer, |_| ()).is_ok())
}

/// ring's refusal, for people.
fn explain(error: &Error) -> Error {
    let reason = error.source().map(ToString::to_string).unwrap_or_default();
    refused(match reason.as_str() {
        "InconsistentComponents" | "InvalidComponent" => {
            "the key's private and public halves do not belong together: take the file from where \
             it was made again"
        }
        "TooSmall" => {
            "the key is too short, or its public exponent too small: RSA needs 2048 bits to verify, \
             3072 to sign, and a private key an exponent of 65537 at least. Tokens of a key with \
             fewer bits can be forged: let them be refused. To verify with a smaller exponent, the \
             public half is enough: openssl pkey -in FILE -pubout -out NEW"
        }
        "TooLarge" | "PrivateModulusLenNotMultipleOf512Bits" => {
            "private RSA keys are taken with 2048 to 4096 bits, in steps of 512. To verify, the \
             public half is enough: openssl pkey -in FILE -pubout -out NEW"
        }
        _ => {
            "the private key cannot be read: it was cut short or altered, or is of a kind that is \
             not supported"
        }
    })
}

fn refused(message: impl Into<String>) -> Error {
    Error::setup(message)
}
