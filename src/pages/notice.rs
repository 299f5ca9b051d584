//! Pages that only say something.

use askama::Template;

use super::page::STYLE;
use crate::error::Kind;

/// What a notice is about, for its sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Done,
    Mail,
    Problem,
}

/// A page that only says something.
#[derive(Template)]
#[template(path = "notice.html", config = "src/pages/askama.toml")]
pub(super) struct Notice<'a> {
    pub(super) service: &'a str,
    pub(super) sign: Sign,
    pub(super) title: &'static str,
    pub(super) paragraphs: &'static [&'static str],
    /// Whether opening the same address again may help.
    pub(super) may_retry: bool,
}

impl<'a> Notice<'a> {
    pub(super) fn mail_sent(service: &'a str) -> Self {
        Self {
            service,
            sign: Sign::Mail,
            title: "Check your mail",
            paragraphs: &[
                "We have sent you a message with a link. Open it to confirm your address.",
                "Nothing there after a few minutes? Look in the spam folder, or ask for another \
                 message in the app.",
            ],
            may_retry: false,
        }
    }

    pub(super) fn email_confirmed(service: &'a str) -> Self {
        Self {
            service,
            sign: Sign::Done,
            title: "Your address is confirmed",
            paragraphs: &["Thank you. You can close this page and go back to the app."],
            may_retry: false,
        }
    }

    pub(super) fn email_changed(service: &'a str) -> Self {
        Self {
            service,
            sign: Sign::Done,
            title: "Your address is changed",
            paragraphs: &[
                "From now on messages go to the new address. If you log in with your address, use \
                 the new one.",
                "You can close this page and go back to the app.",
            ],
            may_retry: false,
        }
    }

    pub(super) fn password_set(service: &'a str) -> Self {
        Self {
            service,
            sign: Sign::Done,
            title: "Your password is changed",
            paragraphs: &[
                "You have been logged out everywhere.",
                "Go back to the app and log in with the new password.",
            ],
            may_retry: false,
        }
    }

    pub(super) fn dead_confirmation(service: &'a str) -> Self {
        Self {
            service,
            sign: Sign::Problem,
            title: "This link does not work",
            paragraphs: &[
                "It may be too old or incomplete, or a newer one has taken its place.",
                "Open the link in the latest message, or go back to the app and ask for another \
                 message.",
            ],
            may_retry: false,
        }
    }

    pub(super) fn dead_change(service: &'a str) -> Self {
        Self {
            service,
            sign: Sign::Problem,
            title: "This link does not work",
            paragraphs: &[
                "It may be too old or incomplete, a newer one may have taken its place, or the \
                 password was changed since.",
                "Open the link in the latest message, or go back to the app and ask for the \
                 change again.",
            ],
            may_retry: false,
        }
    }

    pub(super) fn dead_reset(service: &'a str) -> Self {
        Self {
            service,
            sign: Sign::Problem,
            title: "This link does not work",
            paragraphs: &[
                "A link for a new password works once and only for a short time. This one has \
                 been used, is too old, or is incomplete.",
                "Go back to the app and ask for a new link with \u{201c}Forgot \
                 password\u{201d}.",
            ],
            may_retry: false,
        }
    }

    pub(super) fn of_failure(service: &'a str, kind: Kind) -> Self {
        let (title, paragraphs, may_retry): (_, &[_], _) = match kind {
            Kind::Unavailable => (
                "We are busy right now",
                &["Please wait a few seconds and try again."],
                true,
            ),
            Kind::TooManyRequests => (
                "Too many attempts",
                &["Please wait a few minutes and try again."],
                true,
            ),
            Kind::Internal => (
                "Something went wrong",
                &["The fault is ours, not yours. Please try again later."],
                true,
            ),
            _ => (
                "That did not work",
                &["What your browser sent could not be read. Please try again."],
                true,
            ),
        };
        Self {
            service,
            sign: Sign::Problem,
            title,
            paragraphs,
            may_retry,
        }
    }
}
