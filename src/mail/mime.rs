//! A letter as an Internet message (RFC 5322, RFC 2046). Made twice from the same letter it is the
//! same, byte for byte, so a mail that was delivered twice is recognised as one.

use std::time::SystemTime;

use lettre::Message;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};

use super::letter::{Content, in_ascii};
use crate::clock::Time;
use crate::error::{Error, Result, Source};
use crate::ids::MessageId;

/// Who the mails are from.
pub(super) struct Sender(Mailbox);

impl Sender {
    /// Reads `[mail] from`.
    pub(super) fn parse(from: &str) -> Result<Self> {
        let refused = || {
            Error::setup(format!(
                "[mail] from: {from:?} is no sender; write Name <name@example.com>"
            ))
        };
        let mut mailbox: Mailbox = from.parse().map_err(|_| refused())?;
        mailbox.email = in_ascii(&mailbox.email).ok_or_else(refused)?;
        Ok(Self(mailbox))
    }

    /// The message, dated by when it was written.
    pub(super) fn compose(
        &self,
        id: &MessageId,
        written_at: Time,
        content: &Content,
    ) -> Result<Message, Source> {
        let to = Mailbox::new(None, content.to.parse()?);
        let host = self.0.email.domain();
        let body = MultiPart::alternative()
            .boundary(format!("=_{id}"))
            .singlepart(SinglePart::plain(content.text.clone()))
            .singlepart(SinglePart::html(content.html.clone()));
        let message = Message::builder()
            .from(self.0.clone())
            .to(to)
            .subject(&content.subject)
            .date(SystemTime::from(written_at))
            .message_id(Some(format!("<{id}@{host}>")))
            .raw_header(automatic())
            .multipart(body)?;
        Ok(message)
    }
}

/// Keeps vacation programs from answering (RFC 3834, section 5).
fn automatic() -> HeaderValue {
    let name = HeaderName::new_from_ascii_str("Auto-Submitted");
    HeaderValue::new(name, "auto-generated".to_owned())
}
