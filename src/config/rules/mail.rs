//! `[mail]`, `[mail.smtp]` and `[links]`: what goes out, and what it points to.

use lettre::message::Mailbox;
use secrecy::ExposeSecret as _;

use super::Rules;
use crate::config::url::{WebUrl, is_loopback_host};
use crate::config::{SmtpTls, Transport};

impl Rules<'_> {
    pub(super) fn mail(&mut self) {
        let mail = &self.config.mail;
        self.require_all(
            !self.production() || mail.transport == Transport::Smtp,
            &["mail.transport", "server.profile"],
            "delivers no mail to anybody, in profile production",
            "write smtp, and the server in [mail.smtp]",
        );
        self.require_all(
            mail.transport != Transport::Smtp || !mail.smtp.host.is_empty(),
            &["mail.smtp.host", "mail.transport"],
            "is empty, while mail.transport is smtp",
            "name the server, like mail.example.com",
        );
        self.sender();
        self.protection();
    }

    fn sender(&mut self) {
        const LIKE: &str = "write it like Signet <signet@example.com>";
        let from = &self.config.mail.from;
        let Ok(sender) = from.parse::<Mailbox>() else {
            let wrong = format!("{from:?} is not a sender");
            return self.require(false, "mail.from", &wrong, LIKE);
        };
        self.require_all(
            !self.production() || !is_loopback_host(sender.email.domain()),
            &["mail.from", "server.profile"],
            &format!("{from:?} is an address at this machine only, in profile production"),
            LIKE,
        );
    }

    /// Without TLS whoever is on the way reads the password, and the links that are as good as
    /// one.
    fn protection(&mut self) {
        let (mail, smtp) = (&self.config.mail, &self.config.mail.smtp);
        let remote = !smtp.host.is_empty() && !is_loopback_host(&smtp.host);
        if mail.transport != Transport::Smtp || smtp.tls != SmtpTls::None || !remote {
            return;
        }
        let secret = !smtp.username.is_empty() || !smtp.password.expose_secret().is_empty();
        let wrong = if secret {
            "sends user name and password in the clear over the network"
        } else {
            "sends links in the clear over the network, in profile production"
        };
        self.require_all(
            !secret && !self.production(),
            &[
                "mail.smtp.tls",
                "mail.smtp.host",
                "mail.transport",
                "server.profile",
            ],
            wrong,
            "write starttls or implicit; none is for a relay on this machine",
        );
    }

    pub(super) fn links(&mut self) {
        let links = &self.config.links;
        self.link("links.confirm_email", &links.confirm_email, &["{key}"]);
        self.link(
            "links.reset_password",
            &links.reset_password,
            &["{uid}", "{token}"],
        );
        self.link("links.change_email", &links.change_email, &["{key}"]);
    }

    /// `template` is empty, or an absolute URL with exactly these `marks` in it, after the host.
    fn link(&mut self, path: &str, template: &str, marks: &[&str]) {
        if template.is_empty() {
            return;
        }
        let like: Vec<_> = marks.iter().map(|mark| format!("/{mark}")).collect();
        let like = format!("write it like https://app.example.com/#{}", like.concat());
        for mark in marks {
            let wrong = format!("lacks {mark}");
            self.require(template.contains(mark), path, &wrong, &like);
        }
        let filled = marks
            .iter()
            .fold(template.to_owned(), |text, mark| text.replace(mark, "x"));
        let braces = filled.contains(['{', '}']);
        self.require(!braces, path, "holds braces around an unknown word", &like);
        if marks.iter().any(|mark| origin(template).contains(mark)) {
            // filled in, it is no URL that anybody meant: nothing more to say about it
            return self.require(false, path, "has a placeholder in its host", &like);
        }
        match WebUrl::parse(&filled) {
            Err(wrong) => self.require(false, path, wrong, &like),
            Ok(url) => {
                let safe = url.is_https() || url.is_loopback();
                self.require(safe, path, "is not https", &like);
            }
        }
    }
}

/// Scheme and host of a URL, if it is a whole one; else nothing.
fn origin(url: &str) -> &str {
    let Some((scheme, rest)) = url.split_once("://") else {
        return "";
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    url.get(..scheme.len() + "://".len() + host.len())
        .unwrap_or_default()
}
