//! Keys that were made elsewhere: to verify the tokens of a service before this one, or to sign from
//! here on.

use chrono::TimeDelta;

use super::operate::{refused, rotation};
use super::store::NewKey;
use super::{Changed, Entry, Keys, Lifetime, Purpose, Start, Step};
use crate::crypto::{Algorithm, KeyFile};
use crate::error::Result;

/// A longer id is none, in bytes.
const MAX_KID_BYTES: usize = 128;

/// In the ids of keys, beside letters and digits: those of Base64, URLs and mail addresses.
const KID_SIGNS: &str = "-._~:/+=@";

/// A shorter RSA key does not sign here, in bits: it would be in use beyond 2030 (NIST SP 800-57).
const MIN_SIGNING_BITS: usize = 3072;

impl Keys {
    /// Publishes a key for tokens that were signed elsewhere, from now on and for so long as `keep`
    /// says. It never signs: of a private key only the public part is stored. `kid` is what the
    /// tokens call it; without one, what the file does, else its thumbprint. What that id had before
    /// gives way if it is the same key, or one that nobody vouches for.
    ///
    /// # Errors
    /// It cannot be for `algorithm`; there is another key of that id, or the same one for
    /// another algorithm; it was revoked; it would be removed while tokens live.
    pub async fn import_to_verify(
        &self,
        file: KeyFile,
        algorithm: Option<Algorithm>,
        kid: Option<&str>,
        keep: TimeDelta,
    ) -> Result<Vec<Changed>> {
        let algorithm = file.algorithm(algorithm)?;
        let public = file.public().clone();
        let (named, thumbprint) = (kid.or(file.kid()), public.thumbprint());
        if named.is_some_and(|kid| kid != thumbprint && !is_name(kid)) {
            return Err(refused(format!(
                "the key's id is not 1 to {MAX_KID_BYTES} letters, digits and {KID_SIGNS}, not \
                 beginning with -; --kid gives it another: the one that old tokens have in their \
                 header"
            )));
        }
        // One thumbprint in 64 begins with -, and is the key's id all the same.
        let kid = named.unwrap_or(&thumbprint).to_owned();
        let least = self.policy().least_rest();
        if keep < least {
            return Err(refused(format!(
                "the key would be gone while tokens live: keep it for {} seconds at least",
                least.num_seconds()
            )));
        }
        let strays = self.strays().await?;
        let new = NewKey {
            kid: kid.clone(),
            algorithm,
            public,
            private: None,
            is_imported: true,
        };
        self.change_with(vec![new], &|keys, policy, now| {
            refuse_revoked(keys, &thumbprint)?;
            let before = give_way(keys, (&kid, &thumbprint), &strays)?;
            // It never signs, not even by a clock that is behind.
            let begun = now - policy.clock_skew;
            let lifetime = Lifetime {
                retire_at: Some(begun),
                remove_at: Some(now + keep),
                ..Lifetime::first(begun)
            };
            let new = Step::Create(algorithm, lifetime);
            Ok(before.into_iter().chain([new]).collect())
        })
        .await
    }

    /// Makes a private key the next one that signs, as if it had been made by a rotation. Its id is
    /// its thumbprint.
    ///
    /// # Errors
    /// It has no private half, cannot be for `algorithm`, or is too short; keys for it are not
    /// wanted here; it is here already; another one is about to sign.
    pub async fn import_to_sign(
        &self,
        file: KeyFile,
        algorithm: Option<Algorithm>,
    ) -> Result<Vec<Changed>> {
        let algorithm = file.algorithm(algorithm)?;
        let policy = self.policy();
        if !policy.algorithms.contains(&algorithm) {
            return Err(refused(format!(
                "{algorithm} is none of [keys] algorithms ({}): add it there first, or leave \
                 --sign out to only verify with the key",
                Algorithm::names(&policy.algorithms)
            )));
        }
        let public = file.public().clone();
        if let Some(bits @ ..MIN_SIGNING_BITS) = public.rsa_bits() {
            return Err(refused(format!(
                "the key has {bits} bits, and RSA needs {MIN_SIGNING_BITS} to sign here: leave \
                 --sign out to only verify with it"
            )));
        }
        let (_, private) = file.signing(algorithm)?.ok_or_else(|| {
            let message = "the file has the public half of a key, which cannot sign: name the \
                           file of the private one, or leave --sign out to only verify with it";
            refused(message.to_owned())
        })?;
        let kid = public.thumbprint();
        let new = NewKey {
            kid: kid.clone(),
            algorithm,
            public,
            private: Some(private),
            is_imported: true,
        };
        self.change_with(vec![new], &|keys, policy, now| {
            refuse_revoked(keys, &kid)?;
            if let Some(known) = keys.iter().find(|key| key.kid == kid) {
                return Err(refused(known_already(known)));
            }
            let is_next = |key: &&Entry| key.algorithm == algorithm && key.is_next(now);
            if let Some(next) = keys.iter().find(is_next) {
                return Err(refused(format!(
                    "the next {algorithm} key, {}, is published already: wait until it signs, or \
                     take it back with `signet keys revoke {} --now`, which harms no token",
                    next.kid, next.kid
                )));
            }
            rotation(keys, policy, (algorithm, Start::Announced), now)
        })
        .await
    }
}

/// Nothing that a shell, a log or a command line would take for something else.
fn is_name(kid: &str) -> bool {
    let is_plain = |one: char| one.is_ascii_alphanumeric() || KID_SIGNS.contains(one);
    (1..=MAX_KID_BYTES).contains(&kid.len()) && !kid.starts_with('-') && kid.chars().all(is_plain)
}

/// What was revoked may be known to somebody, under any id.
fn refuse_revoked(keys: &[Entry], thumbprint: &str) -> Result<()> {
    let is_revoked = |key: &&Entry| key.lifetime.revoked_at.is_some();
    let mut same = keys.iter().filter(|key| key.thumbprint == thumbprint);
    match same.find(is_revoked) {
        Some(revoked) => Err(refused(format!(
            "this key was revoked, as {}: somebody else may sign with it",
            revoked.kid
        ))),
        None => Ok(()),
    }
}

/// How what has the id `kid` makes room for the key of that thumbprint.
fn give_way(
    keys: &[Entry],
    (kid, thumbprint): (&str, &str),
    strays: &[String],
) -> Result<Option<Step>> {
    let Some(before) = keys.iter().find(|key| key.kid == kid) else {
        return Ok(None);
    };
    let is_revoked = before.lifetime.revoked_at.is_some();
    let is_same = before.purpose == Purpose::Verify && before.thumbprint == thumbprint;
    let is_stray = strays.iter().any(|stray| stray == kid);
    if is_revoked || !(is_same || is_stray) {
        return Err(refused(format!(
            "{}; another id can be given with --kid, if tokens have it",
            known_already(before)
        )));
    }
    Ok(Some(Step::Forget(before.kid.clone())))
}

fn known_already(key: &Entry) -> String {
    let only = match key.purpose {
        Purpose::Sign => "",
        Purpose::Verify => ", which only verifies",
    };
    format!(
        "there is a key {} already{only}: see `signet keys list`",
        key.kid
    )
}
