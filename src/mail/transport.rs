//! The ways out of the house.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::letter::Content;
use super::smtp::Smtp;
use crate::config;
use crate::error::{Error, Result};
use crate::ids::MessageId;

/// Why a letter did not leave. The texts are for the operator and hold nothing of the letter.
pub(super) enum Failure {
    /// Not now; others may have more luck.
    Later(String),
    /// The transport does not work now: no other letter would leave either.
    Down(String),
    /// It never will.
    Never(String),
}

/// A letter as the memory transport keeps it, for tests.
#[derive(Clone, PartialEq, Eq)]
pub struct Captured {
    /// The one recipient.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
}

/// How letters leave.
pub(super) enum Transport {
    Console,
    File(PathBuf),
    Memory(Mutex<Vec<Captured>>),
    Smtp(Smtp),
}

impl Transport {
    /// Prepares what `[mail]` asks for; no connection is made.
    pub(super) fn open(settings: &config::Mail) -> Result<Self> {
        Ok(match settings.transport {
            config::Transport::Console => Self::Console,
            config::Transport::Memory => Self::Memory(Mutex::default()),
            config::Transport::Smtp => Self::Smtp(Smtp::new(&settings.smtp)?),
            config::Transport::File => {
                let directory = settings.directory.clone();
                std::fs::create_dir_all(&directory).map_err(|error| {
                    let place = directory.display();
                    Error::setup(format!("[mail] directory: cannot make {place}"))
                        .with_source(error)
                })?;
                Self::File(directory)
            }
        })
    }

    /// Sends one letter. Blocks.
    pub(super) fn send(
        &self,
        id: &MessageId,
        content: &Content,
        message: &lettre::Message,
    ) -> Result<(), Failure> {
        let cannot_write = |error: std::io::Error| Failure::Down(error.to_string());
        match self {
            Self::Console => std::io::stdout()
                .lock()
                .write_all(readable(content).as_bytes())
                .map_err(cannot_write),
            Self::File(directory) => {
                write_file(directory, id, &message.formatted()).map_err(cannot_write)
            }
            Self::Memory(captured) => {
                lock(captured).push(Captured::from(content));
                Ok(())
            }
            Self::Smtp(smtp) => smtp.send(message),
        }
    }

    /// What was captured so far; nothing, if this is not the memory transport.
    pub(super) fn captured(&self) -> Vec<Captured> {
        match self {
            Self::Memory(captured) => lock(captured).clone(),
            _ => Vec::new(),
        }
    }

    /// As [`Transport::captured`], and forgets it.
    pub(super) fn take_captured(&self) -> Vec<Captured> {
        match self {
            Self::Memory(captured) => std::mem::take(&mut *lock(captured)),
            _ => Vec::new(),
        }
    }
}

impl From<&Content> for Captured {
    fn from(content: &Content) -> Self {
        let Content {
            to,
            subject,
            text,
            html,
        } = content.clone();
        Self {
            to,
            subject,
            text,
            html,
        }
    }
}

fn lock(captured: &Mutex<Vec<Captured>>) -> MutexGuard<'_, Vec<Captured>> {
    captured.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A letter for a person at a terminal.
fn readable(content: &Content) -> String {
    let Content {
        to, subject, text, ..
    } = content;
    let rule = "-".repeat(72);
    let text = text.trim_end();
    format!("{rule}\nTo: {to}\nSubject: {subject}\n\n{text}\n{rule}\n")
}

/// Whoever watches the directory never sees half a message.
fn write_file(directory: &Path, id: &MessageId, message: &[u8]) -> std::io::Result<()> {
    let unfinished = directory.join(format!("{id}.part"));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&unfinished)?.write_all(message)?;
    std::fs::rename(unfinished, directory.join(format!("{id}.eml")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newcomer_sees_the_link_on_the_console() {
        let shown = readable(&Content {
            to: "ann@example.com".into(),
            subject: "Hello".into(),
            text: "Open:\n\nhttp://127.0.0.1:8080/x\n\n".into(),
            html: "<p>".into(),
        });
        assert!(shown.contains("\nTo: ann@example.com\nSubject: Hello\n\nOpen:"));
        assert!(shown.contains("\nhttp://127.0.0.1:8080/x\n-"));
        assert!(!shown.contains("<p>"));
    }
}
