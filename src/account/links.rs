//! Where the links in mails lead: the app's own pages if it has any, else ours. They are made from
//! the configuration alone, never from a request.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::one_time::Secret;
use crate::config::Config;
use crate::ids::Subject;

/// Templates of links.
#[derive(Clone, Debug)]
pub struct Links {
    confirm_email: String,
    reset_password: String,
    change_email: String,
}

impl Links {
    /// From `[links]`, or our own pages.
    pub fn new(config: &Config) -> Self {
        let ours = format!("{}{}", config.server.public_url, config.account.prefix);
        let or_ours = |own: &str, path: &str| {
            if own.is_empty() {
                format!("{ours}{path}")
            } else {
                own.to_owned()
            }
        };
        let links = &config.links;
        Self {
            confirm_email: or_ours(
                &links.confirm_email,
                "/registration/account-confirm-email/{key}/",
            ),
            reset_password: or_ours(
                &links.reset_password,
                "/password/reset/confirm/{uid}/{token}/",
            ),
            change_email: or_ours(&links.change_email, "/email/change/confirm/{key}/"),
        }
    }

    pub(super) fn confirm_email(&self, secret: &Secret) -> String {
        self.confirm_email.replace("{key}", secret.text())
    }

    pub(super) fn change_email(&self, secret: &Secret) -> String {
        self.change_email.replace("{key}", secret.text())
    }

    pub(super) fn reset_password(&self, subject: &Subject, secret: &Secret) -> String {
        self.reset_password
            .replace("{uid}", &uid(subject))
            .replace("{token}", secret.text())
    }
}

/// The subject as a path segment.
fn uid(subject: &Subject) -> String {
    URL_SAFE_NO_PAD.encode(subject.as_str())
}

/// The subject that a `uid` names.
pub(super) fn subject(uid: &str) -> Option<Subject> {
    let bytes = URL_SAFE_NO_PAD.decode(uid).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    // PostgreSQL has no text with a NUL, and no subject has any control character.
    (!text.contains(char::is_control)).then(|| Subject::from(text))
}
