//! The layer of the environment variables, and of the files that they name.

use std::collections::BTreeMap;
use std::path::Path;

use super::load::{Loader, read_text};
use super::origin::Place;
use super::setting::{Given, SETTINGS, Setting};

const PREFIX: &str = "SIGNET_";

impl Loader {
    /// The variables' layer. Variables with one underscore throughout may be anybody's, like those
    /// that Kubernetes makes of a service's name, unless they are nearly the name of a setting's.
    pub(super) fn environment(&mut self, env: impl Iterator<Item = (String, String)>) {
        let variables: BTreeMap<String, String> =
            env.filter(|(name, _)| name.starts_with(PREFIX)).collect();
        for (name, text) in &variables {
            let base = name.strip_suffix("_FILE").and_then(named);
            if let Some(setting) = named(name) {
                self.give(setting, Place::Variable, Given::Text(text));
            } else if let Some(setting) = base.filter(|setting| setting.secret) {
                if variables.contains_key(&setting.variable()) {
                    let wrong = format!("{} is set too", setting.variable());
                    self.problem(name, &wrong, "set one of the two");
                } else {
                    self.secret_file(setting, Path::new(text));
                }
            } else if let Some(setting) = base {
                let remedy = format!("set {} itself", setting.variable());
                self.problem(name, "only secrets are read from files", &remedy);
            } else if let Some(meant) = with_underscores(name) {
                let remedy = format!("did you mean {meant}?");
                self.problem(name, "there is no such setting", &remedy);
            } else if name.contains("__") {
                let path = name.strip_prefix(PREFIX).unwrap_or(name);
                let path = path.to_ascii_lowercase().replace("__", ".");
                self.unknown(&path, name.clone(), Place::Variable);
            }
        }
    }

    /// Reads a secret from the file that its `…_FILE` variable names.
    fn secret_file(&mut self, setting: &'static Setting, path: &Path) {
        let place = Place::SecretFile.name(setting);
        match read_text(path) {
            Ok((mut text, mode)) => {
                if text.ends_with('\n') {
                    text.pop();
                    if text.ends_with('\r') {
                        text.pop();
                    }
                }
                self.keep_private(place, path, mode);
                self.give(setting, Place::SecretFile, Given::Text(&text));
            }
            Err(error) => {
                self.origins.note(setting.path, Place::SecretFile, false);
                self.problem(
                    &place,
                    &format!("{} cannot be read: {error}", path.display()),
                    "name a text file that this user may read",
                );
            }
        }
    }
}

/// The setting of a variable of exactly this name.
fn named(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.variable() == name)
}

/// The variable that differs from `name` by its underscores only: `SIGNET_DATABASE_URL` was meant
/// to be `SIGNET_DATABASE__URL`.
fn with_underscores(name: &str) -> Option<String> {
    let bare = |name: &str| name.replace('_', "");
    let plain = SETTINGS.iter().map(Setting::variable);
    let secrets = SETTINGS.iter().filter(|setting| setting.secret);
    let files = secrets.map(|setting| Place::SecretFile.name(setting));
    plain.chain(files).find(|known| bare(known) == bare(name))
}
