//! The fields of a request, checked: every field that is wrong is told at once, in the words of
//! the contract.

use serde_json::{Map, Value};

use super::Input;
use crate::error::{Error, Kind, Result};

/// What is expected of one text field. Handlers read with it, and the API's document is made of it,
/// so that the two cannot differ.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub(super) name: &'static str,
    pub(super) is_required: bool,
    pub(super) may_be_blank: bool,
    pub(super) is_trimmed: bool,
    pub(super) max: usize,
    pub(super) format: Format,
    pub(super) about: &'static str,
    pub(super) example: &'static str,
}

/// What kind of text is in a field, for who fills it in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Text,
    Email,
    Password,
}

impl Field {
    /// A field that must be there and not be blank.
    pub const fn required(name: &'static str) -> Self {
        let max = super::BODY_LIMIT;
        Self {
            name,
            is_required: true,
            may_be_blank: false,
            is_trimmed: true,
            max,
            format: Format::Text,
            about: "",
            example: "",
        }
    }

    /// A field that may be missing, and may be blank.
    pub const fn optional(name: &'static str) -> Self {
        Self {
            is_required: false,
            may_be_blank: true,
            ..Self::required(name)
        }
    }

    /// Blank is not an answer, even though missing is.
    #[must_use]
    pub const fn not_blank(self) -> Self {
        Self {
            may_be_blank: false,
            ..self
        }
    }

    /// White space around it belongs to it.
    #[must_use]
    pub const fn untrimmed(self) -> Self {
        Self {
            is_trimmed: false,
            ..self
        }
    }

    /// White space around it does not belong to it in this installation.
    #[must_use]
    pub const fn trimmed_if(self, is_trimmed: bool) -> Self {
        Self { is_trimmed, ..self }
    }

    /// At most so many characters.
    #[must_use]
    pub const fn max(self, max: usize) -> Self {
        Self { max, ..self }
    }

    /// An e-mail address. It is the handler that holds it to be one.
    #[must_use]
    pub const fn email(self) -> Self {
        Self {
            format: Format::Email,
            example: "ann@example.com",
            ..self
        }
    }

    /// A password: taken exactly as sent, and not to be shown where it is typed.
    #[must_use]
    pub const fn password(self) -> Self {
        Self {
            format: Format::Password,
            example: "correct-horse-battery",
            ..self.untrimmed()
        }
    }

    /// Says in the document what it is for.
    #[must_use]
    pub const fn about(self, about: &'static str) -> Self {
        Self { about, ..self }
    }

    /// A value that could stand in it.
    #[must_use]
    pub const fn example(self, example: &'static str) -> Self {
        Self { example, ..self }
    }
}

/// Reads fields and collects what is wrong with them.
pub struct Fields<'a> {
    input: &'a Input,
    errors: Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// Over one body.
    pub fn of(input: &'a Input) -> Self {
        Self {
            input,
            errors: Map::new(),
        }
    }

    /// The text of a field; empty when it is missing, blank or wrong.
    pub fn text(&mut self, field: Field) -> String {
        self.maybe(field).unwrap_or_default()
    }

    /// The text of a field; `None` when it is missing or wrong.
    pub fn maybe(&mut self, field: Field) -> Option<String> {
        match read(self.input.get(field.name), field) {
            Ok(text) => text,
            Err(message) => {
                self.refuse(field.name, message);
                None
            }
        }
    }

    /// Says what is wrong with a field.
    pub fn refuse(&mut self, name: &str, message: impl Into<String>) {
        let message = Value::String(message.into());
        match self.errors.get_mut(name) {
            Some(Value::Array(messages)) => messages.push(message),
            _ => {
                self.errors
                    .insert(name.to_owned(), Value::Array(vec![message]));
            }
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// Everything that was wrong, at once.
    pub fn finish(self) -> Result<()> {
        if self.errors.is_empty() {
            return Ok(());
        }
        let error = Error::bare(Kind::Invalid, "validation_error");
        Err(self
            .errors
            .into_iter()
            .fold(error, |error, (name, messages)| {
                error.with_member(&name, messages)
            }))
    }
}

fn read(value: Option<&Value>, field: Field) -> Result<Option<String>, String> {
    let text = match value {
        None if field.is_required => return Err("This field is required.".into()),
        None => return Ok(None),
        Some(Value::Null) => return Err("This field may not be null.".into()),
        Some(Value::String(text)) => text.clone(),
        // Numbers are taken as written; true, lists and objects are not texts.
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => return Err("Not a valid string.".into()),
    };
    let text = if field.is_trimmed {
        text.trim().to_owned()
    } else {
        text
    };
    if text.contains('\0') {
        return Err("Null characters are not allowed.".into());
    }
    if text.is_empty() && !field.may_be_blank {
        return Err("This field may not be blank.".into());
    }
    if text.chars().count() > field.max {
        let max = field.max;
        return Err(format!(
            "Ensure this field has no more than {max} characters."
        ));
    }
    Ok(Some(text))
}
