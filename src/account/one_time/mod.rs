//! One-time secrets that travel by mail. The database holds a digest only; redeeming is one
//! conditional write.

mod store;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::crypto;

pub(super) use store::{
    NewToken, Token, consume_token, delete_all_tokens, delete_tokens, find_token, insert_token,
};

/// What a one-time secret is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::account) enum Purpose {
    /// Proves that an address is its reader's.
    ConfirmEmail,
    /// Allows a new password.
    ResetPassword,
    /// Gives an account another address: the one the secret is stored with, as it was typed.
    ChangeEmail,
}

impl Purpose {
    pub(in crate::account) fn name(self) -> &'static str {
        match self {
            Self::ConfirmEmail => "confirm_email",
            Self::ResetPassword => "reset_password",
            Self::ChangeEmail => "change_email",
        }
    }
}

/// A secret in the clear: for a link, and for nothing else. No `Debug`.
#[derive(Clone)]
pub(in crate::account) struct Secret(String);

impl Secret {
    /// 43 characters of base62 are 256 bits. The dash lets it pass through the route patterns that
    /// front ends written for Django have: `[0-9A-Za-z]{1,13}-[0-9A-Za-z]{1,32}`.
    pub(in crate::account) fn generate() -> Self {
        Self(format!(
            "{}-{}",
            crypto::random_base62(11),
            crypto::random_base62(32)
        ))
    }

    pub(in crate::account) fn text(&self) -> &str {
        &self.0
    }

    pub(in crate::account) fn digest(&self) -> String {
        digest(&self.0)
    }
}

/// What the database knows of a presented secret.
pub(in crate::account) fn digest(presented: &str) -> String {
    URL_SAFE_NO_PAD.encode(crypto::sha256(presented.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_fit_the_routes_that_front_ends_have() {
        let secret = Secret::generate();
        let pattern = regex::Regex::new("^[0-9A-Za-z]{1,13}-[0-9A-Za-z]{1,32}$").unwrap();
        assert!(pattern.is_match(secret.text()));
        assert_eq!(secret.text().len(), 44);
        assert_ne!(secret.text(), Secret::generate().text());
        assert_eq!(secret.digest(), digest(secret.text()));
    }
}
