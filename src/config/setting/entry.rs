//! What a setting is: one row of the table.

use toml::Value;

use super::SETTINGS;
use crate::config::Config;
use crate::config::form::Form;

/// What a place gave for a setting.
#[derive(Clone, Copy)]
pub(in crate::config) enum Given<'a> {
    /// A value of the file.
    Toml(&'a Value),
    /// The text of a variable or an argument.
    Text(&'a str),
}

/// One setting.
pub(in crate::config) struct Setting {
    /// `section.key`.
    pub(in crate::config) path: &'static str,
    /// Its meaning, in one line.
    pub(in crate::config) doc: &'static str,
    /// Never echoed; may come from a file of its own.
    pub(in crate::config) secret: bool,
    /// Puts what was given into the config; or says what was expected.
    pub(in crate::config) read: fn(&mut Config, Given<'_>) -> Result<(), String>,
    /// The value as it is shown, masked when secret.
    pub(in crate::config) show: fn(&Config) -> Value,
    /// The words allowed, where they are few.
    pub(in crate::config) choices: fn(&Config) -> &'static [&'static str],
}

impl Setting {
    /// The setting of this `section.key`.
    pub(in crate::config) fn find(path: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.path == path)
    }

    /// The section, `mail.smtp`, and the key in it.
    pub(in crate::config) fn section_and_key(&self) -> (&'static str, &'static str) {
        self.path.rsplit_once('.').unwrap_or(("", self.path))
    }

    /// The environment variable that sets it.
    pub(in crate::config) fn variable(&self) -> String {
        let path = self.path.to_ascii_uppercase().replace('.', "__");
        format!("SIGNET_{path}")
    }
}

pub(super) fn read<T: Form>(place: &mut T, given: Given<'_>) -> Result<(), String> {
    let value = match given {
        Given::Toml(value) => T::from_toml(value),
        Given::Text(text) => T::parse(text),
    };
    *place = value.ok_or_else(T::expects)?;
    Ok(())
}

pub(super) fn choices<T: Form>(_: &T) -> &'static [&'static str] {
    T::CHOICES
}
