//! Keys in JSON (RFC 7517, RFC 7518 section 6, RFC 8037 section 2).

use pkcs1::RsaPrivateKey;
use pkcs8::der::Encode;
use pkcs8::der::asn1::UintRef;
use serde::Deserialize;
use serde::de::IgnoredAny;
use zeroize::Zeroizing;

use super::{KeyFile, Material, refused};
use crate::crypto::jwk::decode;
use crate::crypto::verifying_key::point;
use crate::crypto::{Algorithm, PublicJwk, der};
use crate::error::{Error, Result};

/// A key, or a set of them in `keys`.
#[derive(Deserialize)]
struct Jwk {
    keys: Option<Vec<Self>>,
    kty: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    d: Option<Zeroizing<String>>,
    p: Option<Zeroizing<String>>,
    q: Option<Zeroizing<String>>,
    dp: Option<Zeroizing<String>>,
    dq: Option<Zeroizing<String>>,
    qi: Option<Zeroizing<String>>,
    /// Further primes.
    oth: Option<IgnoredAny>,
}

/// The one key of a file.
pub(super) fn read(text: &str) -> Result<KeyFile> {
    let mut jwk: Jwk = serde_json::from_str(text).map_err(|error| {
        // Its own text may quote what it stumbled over.
        refused(format!(
            "the file is not a JWK, nor a set of them: see line {}, column {}",
            error.line(),
            error.column()
        ))
    })?;
    if let Some(keys) = jwk.keys.take() {
        let count = keys.len();
        let only = <[Jwk; 1]>::try_from(keys).map_err(|_| {
            refused(format!(
                "the file is a set of {count} keys: write the one that is meant to a file of its \
                 own, for instance with jq '.keys[] | select(.kid == \"ID\")' FILE"
            ))
        })?;
        [jwk] = only;
    }
    jwk.key()
}

impl Jwk {
    fn key(mut self) -> Result<KeyFile> {
        if self.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return Err(refused(
                "the key is not for signatures, says its member `use`: take one whose `use` is sig",
            ));
        }
        let algorithm = match &self.alg {
            Some(name) => Some(known(name)?),
            None => None,
        };
        let kid = self.kid.take();
        let mut file = KeyFile::new(self.material()?)?;
        if let Some(algorithm) = algorithm.filter(|it| !file.public.algorithms().contains(it)) {
            return Err(refused(format!(
                "the key cannot be for {algorithm}, as its member `alg` says: its kind is for {}",
                Algorithm::names(file.public.algorithms())
            )));
        }
        file.kid = kid;
        file.algorithm = algorithm;
        Ok(file)
    }

    fn material(&self) -> Result<Material> {
        match self.kty.as_deref() {
            Some("EC") => self.ec(),
            Some("OKP") => self.okp(),
            Some("RSA") => self.rsa(),
            Some("oct") => Err(refused(
                "the key is a shared secret (kty oct): it has no public half that verifiers could \
                 be given. Tokens signed with it cannot be taken over: let them expire",
            )),
            _ => Err(refused(
                "the key's type (kty) is not supported: EC, OKP and RSA are",
            )),
        }
    }

    fn ec(&self) -> Result<Material> {
        let (algorithm, length) = match self.crv.as_deref() {
            Some("P-256") => (Algorithm::Es256, 32),
            Some("P-384") => (Algorithm::Es384, 48),
            _ => return Err(der::unknown_curve()),
        };
        let (x, y) = (given(self.x.as_ref(), "x")?, given(self.y.as_ref(), "y")?);
        let Some(d) = &self.d else {
            let crv = self.crv.clone().unwrap_or_default();
            return Ok(Material::Public(PublicJwk::Ec { crv, x, y }));
        };
        let point = point(&x, &y, length).map_err(|_| unreadable("x and y"))?;
        let d = number(d, "d")?;
        let der = der::ec_pkcs8(algorithm, &d, &point)?;
        Ok(Material::Private(algorithm, der))
    }

    fn okp(&self) -> Result<Material> {
        let crv = self.crv.clone().filter(|crv| crv == "Ed25519");
        let crv = crv.ok_or_else(der::unknown_curve)?;
        let x = given(self.x.as_ref(), "x")?;
        let Some(d) = &self.d else {
            return Ok(Material::Public(PublicJwk::Okp { crv, x }));
        };
        let x = decode(&x).ok_or_else(|| unreadable("x"))?;
        let der = der::ed_pkcs8(&number(d, "d")?, &x)?;
        Ok(Material::Private(Algorithm::EdDsa, der))
    }

    fn rsa(&self) -> Result<Material> {
        let modulus = given(self.n.as_ref(), "n")?;
        let exponent = given(self.e.as_ref(), "e")?;
        if self.d.is_some() {
            return self.rsa_private(modulus, exponent);
        }
        Ok(Material::Public(PublicJwk::Rsa {
            n: modulus,
            e: exponent,
        }))
    }

    fn rsa_private(&self, modulus: String, exponent: String) -> Result<Material> {
        if self.oth.is_some() {
            return Err(refused(
                "the RSA key has more than two primes, which is not supported: to verify, leave \
                 only its public members in the file: kty, n, e, kid, alg",
            ));
        }
        let secret = |member: &Option<Zeroizing<String>>, name: &str| match member {
            Some(text) => number(text, name),
            None => Err(refused(format!(
                "the private RSA key lacks `{name}`: all of d, p, q, dp, dq and qi are needed. To \
                 verify, leave only its public members in the file: kty, n, e, kid, alg"
            ))),
        };
        // In the order of RFC 8017, appendix A.1.2.
        let numbers = [
            number(&Zeroizing::new(modulus), "n")?,
            number(&Zeroizing::new(exponent), "e")?,
            secret(&self.d, "d")?,
            secret(&self.p, "p")?,
            secret(&self.q, "q")?,
            secret(&self.dp, "dp")?,
            secret(&self.dq, "dq")?,
            secret(&self.qi, "qi")?,
        ];
        let unwritable = |_| Error::internal("a key cannot be written as DER");
        let numbers = numbers.each_ref().map(|number| UintRef::new(number));
        let [
            modulus,
            exponent,
            private,
            prime1,
            prime2,
            exponent1,
            exponent2,
            coefficient,
        ] = numbers;
        let key = RsaPrivateKey {
            modulus: modulus.map_err(unwritable)?,
            public_exponent: exponent.map_err(unwritable)?,
            private_exponent: private.map_err(unwritable)?,
            prime1: prime1.map_err(unwritable)?,
            prime2: prime2.map_err(unwritable)?,
            exponent1: exponent1.map_err(unwritable)?,
            exponent2: exponent2.map_err(unwritable)?,
            coefficient: coefficient.map_err(unwritable)?,
            other_prime_infos: None,
        };
        let der = Zeroizing::new(key.to_der().map_err(unwritable)?);
        Ok(Material::Private(Algorithm::Rs256, der))
    }
}

fn known(name: &str) -> Result<Algorithm> {
    let mut all = Algorithm::ASYMMETRIC.into_iter();
    all.find(|algorithm| algorithm.name() == name)
        .ok_or_else(|| {
            refused(format!(
                "the key is for an algorithm that is not supported, says its member `alg`: {} are",
                Algorithm::names(&Algorithm::ASYMMETRIC)
            ))
        })
}

fn given(member: Option<&String>, name: &str) -> Result<String> {
    member
        .cloned()
        .ok_or_else(|| refused(format!("the key lacks its member `{name}`")))
}

fn number(text: &Zeroizing<String>, name: &str) -> Result<Zeroizing<Vec<u8>>> {
    let bytes = decode(text).ok_or_else(|| unreadable(name))?;
    Ok(Zeroizing::new(bytes))
}

fn unreadable(name: &str) -> Error {
    refused(format!(
        "the key's member `{name}` cannot be read: base64url without padding is expected, of the \
         length that the curve asks for"
    ))
}
