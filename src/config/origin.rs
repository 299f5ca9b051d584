//! Where settings come from, and the nearest name to one that does not exist.

use std::collections::{BTreeMap, BTreeSet};

use toml::Value;

use super::setting::{SETTINGS, Setting};

/// The kind of place that gave a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// `signet.toml`.
    File,
    /// Its variable.
    Variable,
    /// The file that its `…_FILE` variable names.
    SecretFile,
    /// This command-line argument.
    Argument(&'static str),
}

impl Place {
    /// How a reader finds the setting there.
    pub(super) fn name(self, setting: &Setting) -> String {
        match self {
            Self::File => file_name(setting.path),
            Self::Variable => setting.variable(),
            Self::SecretFile => setting.variable() + "_FILE",
            Self::Argument(flag) => flag.to_owned(),
        }
    }

    /// The setting as it could be written there, taking this value.
    pub(super) fn example(self, setting: &Setting, value: &Value) -> String {
        match self {
            Self::File => format!("{} = {value}", setting.section_and_key().1),
            Self::Variable => format!("{}={}", setting.variable(), as_text(value)),
            Self::SecretFile => as_text(value),
            Self::Argument(flag) => format!("{flag} {}", as_text(value)),
        }
    }
}

/// A value as a variable would have it.
fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(as_text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// `server.listen` as a reader of the file knows it: `[server] listen`.
pub(super) fn file_name(path: &str) -> String {
    match path.rsplit_once('.') {
        Some((section, key)) => format!("[{section}] {key}"),
        None => path.to_owned(),
    }
}

/// Where each setting was last given, and which of them could not be read.
#[derive(Default)]
pub(super) struct Origins {
    places: BTreeMap<&'static str, Place>,
    broken: BTreeSet<&'static str>,
}

impl Origins {
    /// Notes that `place` gave the setting, and whether it could be read.
    pub(super) fn note(&mut self, path: &'static str, place: Place, readable: bool) {
        self.places.insert(path, place);
        if !readable {
            self.broken.insert(path);
        }
    }

    /// Whether any place gave the setting.
    pub(super) fn is_given(&self, path: &str) -> bool {
        self.places.contains_key(path)
    }

    /// Whether the setting's value means nothing, since what was given could not be read.
    pub(super) fn is_broken(&self, path: &str) -> bool {
        self.broken.contains(path)
    }

    /// How a reader finds the setting where it was given; in the file, if it was not.
    pub(super) fn name(&self, path: &str) -> String {
        match (self.places.get(path), Setting::find(path)) {
            (Some(place), Some(setting)) => place.name(setting),
            _ => file_name(path),
        }
    }
}

/// The setting that was probably meant: nearly the same name, or the same key in another section.
pub(super) fn nearest_setting(path: &str) -> Option<&'static Setting> {
    let key = path.rsplit('.').next().unwrap_or(path);
    let same_key = |setting: &&Setting| setting.section_and_key().1 == key;
    nearest(path, SETTINGS.iter().map(|setting| setting.path))
        .and_then(Setting::find)
        .or_else(|| SETTINGS.iter().find(same_key))
}

/// The section that was probably meant.
pub(super) fn nearest_section(name: &str) -> Option<&'static str> {
    nearest(
        name,
        SETTINGS.iter().map(|setting| setting.section_and_key().0),
    )
}

fn nearest(name: &str, names: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    /// Below this, a suggestion would puzzle more than help.
    const ENOUGH: f64 = 0.7;
    names
        .map(|known| (strsim::normalized_damerau_levenshtein(name, known), known))
        .filter(|(likeness, _)| *likeness >= ENOUGH)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| known)
}
