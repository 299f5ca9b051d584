//! A message on its way: addressed, rendered, and sealed for the outbox.

use lettre::Address;
use serde::{Deserialize, Serialize};

use super::message::{Message, Rendered};
use super::transport::Failure;
use crate::clock::Time;
use crate::crypto::{Closed, Vault};
use crate::error::{Error, Result};
use crate::ids::MessageId;

/// RFC 5321, section 4.5.3.1.3, less the angle brackets.
const LONGEST_ADDRESS: usize = 254;

/// A letter ready for the outbox. What it says is sealed: it may carry a secret.
#[derive(Clone)]
pub struct Letter {
    pub(super) id: MessageId,
    pub(super) kind: &'static str,
    pub(super) recipient: String,
    pub(super) sealed: Vec<u8>,
    pub(super) created_at: Time,
    pub(super) expires_at: Time,
}

impl Letter {
    /// Its name in the outbox, and the left part of its `Message-ID`.
    pub fn id(&self) -> &MessageId {
        &self.id
    }

    /// Addresses, renders and seals.
    pub(super) fn write(
        to: &str,
        message: &Message,
        service: &str,
        (now, expires_at): (Time, Time),
        vault: &Vault,
    ) -> Result<Self> {
        let to = recipient(to)?;
        let Rendered {
            subject,
            text,
            html,
        } = message.render(service)?;
        let id = MessageId::generate(now);
        let content = Content {
            to: to.to_string(),
            subject,
            text,
            html,
        };
        let plain = serde_json::to_vec(&content).map_err(Error::internal)?;
        Ok(Self {
            sealed: vault.seal(now, &place(&id), &plain),
            id,
            kind: message.kind(),
            recipient: content.to,
            created_at: now,
            expires_at,
        })
    }
}

/// What is sealed. The recipient is part of it, so that nobody who can write to the database can
/// have a link sent to another address.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Content {
    pub(super) to: String,
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

impl Content {
    /// Opens what [`Letter::write`] sealed. The error tells nothing of the content.
    pub(super) fn open(vault: &Vault, id: &MessageId, sealed: &[u8]) -> Result<Self, Failure> {
        let plain = vault.open(&place(id), sealed).map_err(|closed| {
            let reason = closed.to_string();
            match closed {
                // Another node may have it, or this one soon.
                Closed::NeedsKey(_) => Failure::Later(reason),
                Closed::Damaged(_) => Failure::Never(reason),
            }
        })?;
        let unknown = || Failure::Never("the message is not in a known form".to_owned());
        serde_json::from_slice(&plain).map_err(|_| unknown())
    }
}

/// The associated data: a sealed letter moved to another row stays closed.
pub(super) fn place(id: &MessageId) -> String {
    format!("outbox|{id}|sealed_message")
}

/// Exactly one address (RFC 5321), its domain in ASCII (RFC 5891).
fn recipient(typed: &str) -> Result<Address> {
    let refused = || Error::field("email", "Enter a valid email address.");
    if typed.len() > LONGEST_ADDRESS || typed.chars().any(char::is_control) {
        return Err(refused());
    }
    let address: Address = typed.parse().map_err(|_| refused())?;
    in_ascii(&address).ok_or_else(refused)
}

/// The address as mail servers without RFC 6531 take it, as far as its domain goes.
pub(super) fn in_ascii(address: &Address) -> Option<Address> {
    if address.domain().is_ascii() {
        return Some(address.clone());
    }
    let domain = idna::domain_to_ascii(address.domain()).ok()?;
    Address::new(address.user(), domain).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_clean_address_is_a_recipient() {
        for hostile in [
            "",
            "ann",
            "ann@",
            "@example.com",
            "ann@example.com\r\nBcc: eve@example.net",
            "ann@example.com\n",
            "\"a\r\nb\"@example.com",
            "ann\0@example.com",
            "ann@example.com, eve@example.net",
            "ann@example.com eve@example.net",
            "ann@example.com>\r\nRCPT TO:<eve@example.net",
            "Ann <ann@example.com>",
            "ann＠example.com",
            ".\r\n.\r\n@example.com",
        ] {
            assert!(recipient(hostile).is_err(), "{hostile:?}");
        }
        let long = format!("ann@{}.example.com", "a.".repeat(130));
        assert!(recipient(&long).is_err());
        assert_eq!(
            recipient("ann+x@example.com").unwrap().to_string(),
            "ann+x@example.com"
        );
    }

    #[test]
    fn an_international_domain_is_written_in_ascii() {
        assert_eq!(
            recipient("ann@bücher.example").unwrap().to_string(),
            "ann@xn--bcher-kva.example"
        );
    }
}
