//! Keys in PEM.

use pkcs8::PrivateKeyInfo;
use pkcs8::der::Decode;
use sec1::{EcParameters, EcPrivateKey};
use zeroize::Zeroizing;

use super::{Material, refused};
use crate::crypto::{Algorithm, PublicJwk, der};
use crate::error::{Error, Result};

const BEGIN: &str = "-----BEGIN ";

/// One block of a file.
struct Block<'a> {
    label: &'a str,
    /// From BEGIN to END.
    text: &'a str,
}

/// The one key of a file.
pub(super) fn read(text: &str) -> Result<Material> {
    let mut blocks = blocks(text)?;
    // OpenSSL writes the curve's name before the key, which says it again.
    blocks.retain(|block| block.label != "EC PARAMETERS");
    match blocks.as_slice() {
        [block] => key(block),
        [] => Err(refused(
            "the file holds no key: PEM (-----BEGIN …) or a JWK in JSON is expected",
        )),
        several => Err(refused(format!(
            "the file holds {} things in PEM: leave in it the one key that is meant",
            several.len()
        ))),
    }
}

fn blocks(text: &str) -> Result<Vec<Block<'_>>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(BEGIN) {
        let block = rest.split_at(start).1;
        let label = block
            .strip_prefix(BEGIN)
            .and_then(|after| after.split_once("-----"));
        let (label, _) = label.ok_or_else(malformed)?;
        let end = format!("-----END {label}-----");
        let length = block.find(&end).ok_or_else(malformed)? + end.len();
        let (text, after) = block.split_at(length);
        found.push(Block { label, text });
        rest = after;
    }
    Ok(found)
}

fn key(block: &Block<'_>) -> Result<Material> {
    if block.label == "ENCRYPTED PRIVATE KEY" || block.text.contains("\nProc-Type:") {
        return Err(refused(
            "the key is encrypted; this asks for its password and decrypts it: \
             openssl pkey -in FILE -out NEW. Delete the new file afterwards",
        ));
    }
    let read = match block.label {
        "PRIVATE KEY" => private,
        "EC PRIVATE KEY" => ec_private,
        "RSA PRIVATE KEY" => |der: &[u8]| Ok(private_of(Algorithm::Rs256, der)),
        "PUBLIC KEY" => |der: &[u8]| PublicJwk::from_spki(der).map(Material::Public),
        "RSA PUBLIC KEY" => |der: &[u8]| PublicJwk::from_pkcs1(der).map(Material::Public),
        "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => {
            return Err(refused(
                "this is a certificate; import the public key in it: \
                 openssl x509 -in FILE -pubkey -noout -out NEW",
            ));
        }
        "OPENSSH PRIVATE KEY" => {
            return Err(refused(
                "the key is in the form of OpenSSH; in a copy of the file, convert it: \
                 ssh-keygen -p -m PKCS8 -f COPY",
            ));
        }
        _ => {
            return Err(refused(
                "the file holds something else than a key: PRIVATE KEY, EC PRIVATE KEY, RSA \
                 PRIVATE KEY, PUBLIC KEY and RSA PUBLIC KEY are taken",
            ));
        }
    };
    let (_, der) = pem_rfc7468::decode_vec(block.text.as_bytes()).map_err(|_| malformed())?;
    read(&Zeroizing::new(der))
}

/// PKCS#8 (RFC 5958).
fn private(der: &[u8]) -> Result<Material> {
    let info = PrivateKeyInfo::from_der(der).map_err(|_| malformed())?;
    let algorithm = der::algorithm(info.algorithm)?;
    if matches!(algorithm, Algorithm::Es256 | Algorithm::Es384) {
        let key = EcPrivateKey::from_der(info.private_key).map_err(|_| malformed())?;
        key.public_key.ok_or_else(half)?;
    }
    Ok(private_of(algorithm, der))
}

/// SEC 1 (RFC 5915).
fn ec_private(der: &[u8]) -> Result<Material> {
    let key = EcPrivateKey::from_der(der).map_err(|_| malformed())?;
    let curve = key.parameters.and_then(EcParameters::named_curve);
    let algorithm = der::curve(curve)?;
    let point = key.public_key.ok_or_else(half)?;
    let der = der::ec_pkcs8(algorithm, key.private_key, point)?;
    Ok(Material::Private(algorithm, der))
}

fn private_of(algorithm: Algorithm, der: &[u8]) -> Material {
    Material::Private(algorithm, Zeroizing::new(der.to_vec()))
}

fn half() -> Error {
    refused("the key comes without its public half; this adds it: openssl pkey -in FILE -out NEW")
}

fn malformed() -> Error {
    refused(
        "the file is not well-formed PEM; this may write it anew: openssl pkey -in FILE -out NEW \
         (with -pubin and -pubout for a public key)",
    )
}
