//! What a mail says. The words are written once and shown twice, as text and as HTML.

use std::net::IpAddr;

use askama::Template;

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

/// What differs between messages; the templates hold what does not.
struct Words {
    subject: String,
    paragraphs: Vec<String>,
    /// A label and a URL.
    link: Option<(&'static str, String)>,
    /// What to do if it was not the reader.
    precaution: &'static str,
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
            | Self::PasswordChanged { name, .. }
            | Self::SessionEnded { name, .. } => name,
        }
    }

    fn words(&self, service: &str) -> Words {
        match self {
            Self::ConfirmEmail {
                url, expires_in, ..
            } => Words {
                subject: format!("{service}: confirm your e-mail address"),
                paragraphs: vec![
                    format!("This address was given for an account at {service}."),
                    format!(
                        "Please confirm that it is yours. The link works once, for {}.",
                        spoken(*expires_in)
                    ),
                ],
                link: Some(("Confirm this address", url.clone())),
                precaution: "If it was not you, ignore this message: without a confirmation the \
                             address is not trusted.",
            },
            Self::ResetPassword {
                url, expires_in, ..
            } => Words {
                subject: format!("{service}: choose a new password"),
                paragraphs: vec![
                    format!("A new password was asked for, for your account at {service}."),
                    format!("The link works once, for {}.", spoken(*expires_in)),
                ],
                link: Some(("Choose a new password", url.clone())),
                precaution: "If it was not you, ignore this message: your password stays as it \
                             is. Give this link to nobody.",
            },
            Self::AlreadyRegistered { reset_url, .. } => Words {
                subject: format!("{service}: you already have an account"),
                paragraphs: vec![
                    format!("Somebody tried to register at {service} with this address."),
                    "There is an account with it already, so nothing was changed. Log in as \
                     usual; if you do not remember the password, ask for a new one."
                        .to_owned(),
                ],
                link: reset_url.clone().map(|url| ("Ask for a new password", url)),
                precaution: "If it was not you, ignore this message: nobody got into your account.",
            },
            Self::PasswordChanged { when, address, .. } => Words {
                subject: format!("{service}: your password was changed"),
                paragraphs: vec![format!(
                    "The password of your account at {service} was changed {}.",
                    occasion(*when, *address)
                )],
                link: None,
                precaution: "If it was not you, ask for a new password at once (“forgot \
                             password”): that also ends every session. Then make sure that nobody \
                             else reads your mail.",
            },
            Self::SessionEnded { when, address, .. } => Words {
                subject: format!("{service}: a session was ended for your safety"),
                paragraphs: vec![
                    format!(
                        "Somebody used an old sign-in of yours at {service} {}.",
                        occasion(*when, *address)
                    ),
                    "It may have been copied from one of your devices, so that session was \
                     ended. On that device you have to log in again."
                        .to_owned(),
                ],
                link: None,
                precaution: "If you do not know why this happened, change your password and look \
                             through your devices for software that does not belong there.",
            },
        }
    }
}

/// When and from where.
fn occasion(when: Time, address: Option<IpAddr>) -> String {
    let when = when.format("on %-d %B %Y at %H:%M UTC");
    match address {
        Some(address) => format!("{when} from the address {address}"),
        None => when.to_string(),
    }
}

/// A period in the largest unit that holds it without a rest.
fn spoken(period: Period) -> String {
    const UNITS: [(u32, &str); 3] = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    let seconds = period.as_secs();
    let whole = UNITS.iter().find(|(size, _)| seconds.is_multiple_of(*size));
    let (count, unit) = whole.map_or((seconds, "second"), |(size, unit)| (seconds / size, unit));
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
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
    fn periods_are_spoken_in_their_largest_whole_unit() {
        assert_eq!(spoken(Period::days(1)), "1 day");
        assert_eq!(spoken(Period::seconds(7_200)), "2 hours");
        assert_eq!(spoken(Period::minutes(30)), "30 minutes");
        assert_eq!(spoken(Period::seconds(90)), "90 seconds");
    }

    #[test]
    fn a_typed_name_stays_one_short_line() {
        assert_eq!(one_line("  Ann \r\n\t Lee "), "Ann Lee");
        assert_eq!(one_line("a\u{202e}b\u{2028}c\u{0}d"), "ab c d");
        assert_eq!(one_line("\u{1b}[2J"), "[2J");
        assert_eq!(one_line(&"x".repeat(500)).chars().count(), 65);
        assert_eq!(one_line("\u{200b} \n"), "");
    }
}
