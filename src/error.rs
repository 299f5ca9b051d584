//! One error for the whole program: what went wrong by *meaning*, a stable code, a text for the
//! caller, and a private source for the operator. It becomes HTTP in one place only
//! (`crate::web::problem`) and an exit code in one place only (`crate::cli`).

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use serde_json::{Map, Value};

/// A private cause: shown to operators in the log, never to callers.
pub type Source = Box<dyn StdError + Send + Sync>;

/// What an error means, independent of any transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The input is not acceptable as it stands.
    Invalid,
    /// Nobody, or not provably anybody, is asking.
    Unauthenticated,
    /// Known, and not allowed.
    Forbidden,
    /// No such thing, or not for this caller.
    NotFound,
    /// The thing exists, this verb does not.
    MethodNotAllowed,
    /// The client took too long to send its request.
    RequestTimeout,
    /// The body is larger than the limit.
    TooLarge,
    /// The media type of the body is not one we read.
    UnsupportedMediaType,
    /// The header section is larger than the limit.
    HeadersTooLarge,
    /// Too many attempts; see [`Error::retry_after`].
    TooManyRequests,
    /// We cannot answer now, and could later; see [`Error::retry_after`].
    Unavailable,
    /// A defect or a broken installation.
    Internal,
}

/// An error by meaning, with what its caller may read and what only the operator may.
pub struct Error {
    kind: Kind,
    code: &'static str,
    members: Map<String, Value>,
    retry_after: Option<u32>,
    source: Option<Source>,
}

/// The program's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error whose public text is `detail`.
    pub fn new(kind: Kind, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::bare(kind, code).with_member("detail", detail.into())
    }

    /// An error without a public text of its own (its members say it all).
    pub fn bare(kind: Kind, code: &'static str) -> Self {
        Self {
            kind,
            code,
            members: Map::new(),
            retry_after: None,
            source: None,
        }
    }

    /// Input refused for one field: `400 {"<field>": ["<message>"]}`.
    pub fn field(field: &str, message: impl Into<String>) -> Self {
        let messages = Value::from(vec![message.into()]);
        Self::bare(Kind::Invalid, "validation_error").with_member(field, messages)
    }

    /// Input refused as a whole: `400 {"non_field_errors": ["<message>"]}`.
    pub fn non_field(message: impl Into<String>) -> Self {
        Self::field("non_field_errors", message)
    }

    /// A defect or a broken installation. The caller learns nothing of `source`.
    pub fn internal(source: impl Into<Source>) -> Self {
        Self::new(Kind::Internal, "internal_error", "An error has occurred.").with_source(source)
    }

    /// A passing failure of something we depend on: try again after `seconds`.
    pub fn unavailable(seconds: u32, source: impl Into<Source>) -> Self {
        let detail = "The service is busy or being restarted. Please try again.";
        Self::new(Kind::Unavailable, "unavailable", detail)
            .with_retry_after(seconds)
            .with_source(source)
    }

    /// A mistake in the installation, told to the operator: the text is meant to be read.
    pub fn setup(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, "setup", message.into())
    }

    /// Adds or replaces a public member.
    #[must_use]
    pub fn with_member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// Shows the code to callers as the member `code` (the shape simplejwt's clients read).
    #[must_use]
    pub fn with_public_code(self) -> Self {
        let code = self.code;
        self.with_member("code", code)
    }

    /// Says after how many seconds another try makes sense.
    #[must_use]
    pub fn with_retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Adds the operator's side of the story.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What it means.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The public members beside `type`, `title` and `status`.
    pub fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// Seconds after which another try makes sense.
    pub fn retry_after(&self) -> Option<u32> {
        self.retry_after
    }

    /// The public text, if there is a single one.
    pub fn detail(&self) -> Option<&str> {
        self.members.get("detail").and_then(Value::as_str)
    }

    /// The private causes, outermost first, joined for a log line.
    pub fn causes(&self) -> String {
        let mut text = String::new();
        let mut next: Option<&(dyn StdError + 'static)> = match &self.source {
            Some(source) => Some(source.as_ref()),
            None => None,
        };
        while let Some(cause) = next {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&cause.to_string());
            next = cause.source();
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.detail() {
            Some(detail) => f.write_str(detail)?,
            None if self.members.is_empty() => f.write_str(self.code)?,
            None => write!(f, "{}", Value::Object(self.members.clone()))?,
        }
        match self.causes() {
            causes if causes.is_empty() => Ok(()),
            causes => write!(f, " ({causes})"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}/{}: {self}", self.kind, self.code)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.source {
            Some(source) => Some(source.as_ref()),
            None => None,
        }
    }
}
