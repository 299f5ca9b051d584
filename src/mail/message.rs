//! The mails there are. Their words are written once and shown twice, as text and as HTML.

use std::net::IpAddr;

use askama::Template;

use super::words::Words;
use crate::clock::Time;
use crate::config::Period;
use crate::error::{Error, Result};

/// A mail, by its reason. Names may be anything a person typed, and may be empty; links are whole
/// URLs made from the configured public URL. There is no `Debug`: links carry secrets.
pub enum Message {
    /// Somebody registered with this address, or asked for the mail again.
    ConfirmEmail {
        /// How to greet the reader.
        name: String,
        /// Opens the page that confirms.
        url: String,
        /// How long the link works.
        expires_in: Period,
    },
    /// Somebody asked for a new password.
    ResetPassword {
        /// How to greet the reader: the user name, which some will have forgotten too.
        name: String,
        /// Opens the page that asks for the new password.
        url: String,
        /// How long the link works.
        expires_in: Period,
    },
    /// Somebody registered with an address that has an account: only its owner learns of it.
    AlreadyRegistered {
        /// How to greet the reader.
        name: String,
        /// Where a new password can be asked for.
        reset_url: Option<String>,
    },
    /// A person wants this address for the account.
    ConfirmNewEmail {
        /// How to greet the reader.
        name: String,
        /// Opens the page that changes the address.
        url: String,
        /// How long the link works.
        expires_in: Period,
    },
    /// Another account wanted an address that has one: only its owner learns of it.
    AddressInUse {
        /// How to greet the reader.
        name: String,
    },
    /// To the old address: another one was asked for.
    EmailChangeRequested {
        /// How to greet the reader.
        name: String,
        /// When it was asked for.
        when: Time,
        /// From where, if known.
        address: Option<IpAddr>,
    },
    /// To the old address: the account has another one now.
    EmailChanged {
        /// How to greet the reader.
        name: String,
        /// When it was changed.
        when: Time,
        /// From where, if known.
        address: Option<IpAddr>,
    },
    /// The account is gone.
    AccountDeleted {
        /// How to greet the reader.
        name: String,
        /// When it was deleted.
        when: Time,
        /// From where, if known.
        address: Option<IpAddr>,
    },
    /// Another provider's word opens the account from now on.
    ProviderConnected {
        /// How to greet the reader.
        name: String,
        /// The provider's name.
        provider: String,
        /// When it was connected.
        when: Time,
        /// From where, if known.
        address: Option<IpAddr>,
    },
    /// The password is another one now.
    PasswordChanged {
        /// How to greet the reader.
        name: String,
        /// When it was changed.
        when: Time,
        /// From where, if known.
        address: Option<IpAddr>,
    },
    /// An old refresh token came back (RFC 9700, section 4.14.2): its session was ended.
    SessionEnded {
        /// How to greet the reader.
        name: String,
        /// When it was used.
        when: Time,
        /// From where, if known.
        address: Option<IpAddr>,
    },
}

/// A message in its final words.
pub(super) struct Rendered {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

#[derive(Template)]
#[template(path = "message.txt", config = "src/mail/askama.toml")]
struct Text<'a> {
    greeting: &'a str,
    service: &'a str,
    words: &'a Words,
}

#[derive(Template)]
#[template(path = "message.html", config = "src/mail/askama.toml")]
struct Html<'a> {
    greeting: &'a str,
    service: &'a str,
    words: &'a Words,
}

impl Message {
    /// The stable name of the reason, as the outbox keeps it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ConfirmEmail { .. } => "confirm_email",
            Self::ResetPassword { .. } => "reset_password",
            Self::AlreadyRegistered { .. } => "already_registered",
            Self::ConfirmNewEmail { .. } => "confirm_new_email",
            Self::AddressInUse { .. } => "address_in_use",
            Self::EmailChangeRequested { .. } => "email_change_requested",
            Self::EmailChanged { .. } => "email_changed",
            Self::AccountDeleted { .. } => "account_deleted",
            Self::ProviderConnected { .. } => "provider_connected",
            Self::PasswordChanged { .. } => "password_changed",
            Self::SessionEnded { .. } => "session_ended",
        }
    }

    /// The message as `service` sends it.
    pub(super) fn render(&self, service: &str) -> Result<Rendered> {
        let service = &one_line(service);
        let greeting = &match one_line(self.name()) {
            name if name.is_empty() => "Hello,".to_owned(),
            name => format!("Hello {name},"),
        };
        let words = &self.words(service);
        let text = Text {
            greeting,
            service,
            words,
        };
        let html = Html {
            greeting,
            service,
            words,
        };
        Ok(Rendered {
            subject: words.subject.clone(),
            text: text.render().map_err(Error::internal)?,
            html: html.render().map_err(Error::internal)?,
        })
    }

    fn name(&self) -> &str {
        match self {
            Self::ConfirmEmail { name, .. }
            | Self::ResetPassword { name, .. }
            | Self::AlreadyRegistered { name, .. }
            | Self::ConfirmNewEmail { name, .. }
            | Self::AddressInUse { name }
            | Self::EmailChangeRequested { name, .. }
            | Self::EmailChanged { name, .. }
            | Self::AccountDeleted { name, .. }
            | Self::ProviderConnected { name, .. }
            | Self::PasswordChanged { name, .. }
            | Self::SessionEnded { name, .. } => name,
        }
    }
}

/// What people typed, as part of a line: nothing in it can start a new line, turn the direction of
/// the text, or push the message out of sight.
fn one_line(typed: &str) -> String {
    const LONGEST: usize = 64;
    let mut line = String::new();
    for word in typed.split(|c: char| c.is_whitespace() || c.is_control()) {
        let visible = word.chars().filter(|c| !is_invisible(*c));
        let visible: String = visible.collect();
        if !line.is_empty() && !visible.is_empty() {
            line.push(' ');
        }
        line.push_str(&visible);
    }
    if line.chars().count() > LONGEST {
        line = line.chars().take(LONGEST).chain(['…']).collect();
    }
    line
}

/// Directional and zero-width formatting characters.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_name_stays_one_short_line() {
        assert_eq!(one_line("  Ann \r\n\t Lee "), "Ann Lee");
        assert_eq!(one_line("a\u{202e}b\u{2028}c\u{0}d"), "ab c d");
        assert_eq!(one_line("\u{1b}[2J"), "[2J");
        assert_eq!(one_line(&"x".repeat(500)).chars().count(), 65);
        assert_eq!(one_line("\u{200b} \n"), "");
    }
}
