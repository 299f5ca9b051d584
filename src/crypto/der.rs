//! Keys in ASN.1: their kinds' identifiers, and public keys as `SubjectPublicKeyInfo`
//! (RFC 5280 section 4.1.2.7), which files in PEM hold (RFC 7468 section 13).

use pem_rfc7468::LineEnding;
use pkcs1::RsaPublicKey;
use pkcs8::der::asn1::{AnyRef, BitStringRef, UintRef};
use pkcs8::der::{Decode, Encode};
use pkcs8::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use pkcs8::{ObjectIdentifier, PrivateKeyInfo};
use sec1::EcPrivateKey;
use zeroize::Zeroizing;

use super::jwk::{decode, encode};
use super::{Algorithm, PublicJwk};
use crate::error::{Error, Result};

/// RFC 5480 section 2.1.1, its curves, and RFC 8410 section 3.
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// What a key with this identifier can be for; RS256 stands for both of RSA.
pub(super) fn algorithm(identifier: AlgorithmIdentifierRef<'_>) -> Result<Algorithm> {
    match identifier.oid {
        EC => curve(identifier.parameters_oid().ok()),
        ED25519 => Ok(Algorithm::EdDsa),
        pkcs1::ALGORITHM_OID => Ok(Algorithm::Rs256),
        _ => Err(Error::setup(
            "the key is of a kind that is not supported: RSA (not RSASSA-PSS's own kind), EC on \
             P-256 or P-384, and Ed25519 are",
        )),
    }
}

/// What a key on this named curve is for.
pub(super) fn curve(oid: Option<ObjectIdentifier>) -> Result<Algorithm> {
    match oid {
        Some(P256) => Ok(Algorithm::Es256),
        Some(P384) => Ok(Algorithm::Es384),
        _ => Err(unknown_curve()),
    }
}

pub(super) fn unknown_curve() -> Error {
    Error::setup("the key is on a curve that is not supported: P-256, P-384 and Ed25519 are")
}

/// How a key for `algorithm` is identified.
fn identifier(algorithm: Algorithm) -> AlgorithmIdentifierRef<'static> {
    let (oid, parameters) = match algorithm {
        Algorithm::Es256 => (EC, Some(AnyRef::from(&P256))),
        Algorithm::Es384 => (EC, Some(AnyRef::from(&P384))),
        Algorithm::EdDsa => (ED25519, None),
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Hs256 => return pkcs1::ALGORITHM_ID,
    };
    AlgorithmIdentifierRef { oid, parameters }
}

/// A private key on a curve in PKCS#8 form; `point` is the public half (SEC 1 section 2.3.3).
pub(super) fn ec_pkcs8(
    algorithm: Algorithm,
    private_key: &[u8],
    point: &[u8],
) -> Result<Zeroizing<Vec<u8>>> {
    let key = EcPrivateKey {
        private_key,
        parameters: None,
        public_key: Some(point),
    };
    let key = Zeroizing::new(key.to_der().map_err(unwritable)?);
    pkcs8(PrivateKeyInfo::new(identifier(algorithm), &key))
}

/// An Ed25519 key in PKCS#8 form (RFC 8410 section 7) with its public half.
pub(super) fn ed_pkcs8(seed: &[u8], public: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let header = [4, 32]; // an OCTET STRING of 32 bytes
    let key = Zeroizing::new([&header, seed].concat());
    let mut info = PrivateKeyInfo::new(identifier(Algorithm::EdDsa), &key);
    info.public_key = Some(public);
    pkcs8(info)
}

fn pkcs8(info: PrivateKeyInfo<'_>) -> Result<Zeroizing<Vec<u8>>> {
    Ok(Zeroizing::new(info.to_der().map_err(unwritable)?))
}

impl PublicJwk {
    /// The public key in a `SubjectPublicKeyInfo`.
    pub(super) fn from_spki(der: &[u8]) -> Result<Self> {
        let info = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| unreadable())?;
        let key = info.subject_public_key.as_bytes().ok_or_else(unreadable)?;
        match algorithm(info.algorithm)? {
            Algorithm::Es256 => Self::ec("P-256", key).ok_or_else(compressed),
            Algorithm::Es384 => Self::ec("P-384", key).ok_or_else(compressed),
            Algorithm::EdDsa => Ok(Self::Okp {
                crv: "Ed25519".to_owned(),
                x: encode(key),
            }),
            _ => Self::from_pkcs1(key),
        }
    }

    /// The public key in an `RSAPublicKey` (RFC 8017 appendix A.1.1).
    pub(super) fn from_pkcs1(der: &[u8]) -> Result<Self> {
        let key = RsaPublicKey::from_der(der).map_err(|_| unreadable())?;
        Ok(Self::Rsa {
            n: encode(key.modulus.as_bytes()),
            e: encode(key.public_exponent.as_bytes()),
        })
    }

    /// The key as a `SubjectPublicKeyInfo` in PEM.
    ///
    /// # Errors
    /// It is no key for anything here.
    pub fn to_pem(&self) -> Result<String> {
        let algorithm = self.algorithms().first().ok_or_else(unreadable)?;
        let bytes = |text: &str| decode(text).ok_or_else(unreadable);
        let key = match self {
            Self::Ec { x, y, .. } => [vec![4], bytes(x)?, bytes(y)?].concat(),
            Self::Okp { x, .. } => bytes(x)?,
            Self::Rsa { n, e } => RsaPublicKey {
                modulus: UintRef::new(&bytes(n)?).map_err(unwritable)?,
                public_exponent: UintRef::new(&bytes(e)?).map_err(unwritable)?,
            }
            .to_der()
            .map_err(unwritable)?,
        };
        let info = SubjectPublicKeyInfoRef {
            algorithm: identifier(*algorithm),
            subject_public_key: BitStringRef::from_bytes(&key).map_err(unwritable)?,
        };
        let der = info.to_der().map_err(unwritable)?;
        let pem = pem_rfc7468::encode_string("PUBLIC KEY", LineEnding::LF, &der);
        pem.map_err(|_| Error::internal("PEM cannot be written"))
    }
}

fn unreadable() -> Error {
    Error::setup("the key cannot be read: it was cut short or altered")
}

fn compressed() -> Error {
    Error::setup(
        "the key's point is compressed; write it in full: \
         openssl ec -pubin -in FILE -conv_form uncompressed -out NEW",
    )
}

fn unwritable(_: pkcs8::der::Error) -> Error {
    Error::internal("a key cannot be written as DER")
}
