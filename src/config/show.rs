//! The settings as text: what is in force, and the reference file.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json};
use toml::Value;

use super::Config;
use super::setting::{SETTINGS, Setting};

impl Config {
    /// What is in force, as a `signet.toml` with secrets masked. Reading it again gives the same
    /// config, secrets aside.
    pub fn effective(&self) -> String {
        self.render(|_| String::new())
    }

    /// What is in force, as JSON with secrets masked; nested like the sections.
    pub fn effective_json(&self) -> Json {
        let mut root = Map::new();
        for setting in SETTINGS {
            insert(&mut root, setting.path, json((setting.show)(self)));
        }
        Json::Object(root)
    }

    /// A `signet.toml` with every setting, its meaning and its default.
    pub fn reference() -> String {
        let config = Self::default();
        let head = "# Every setting of Signet with its default. A variable overrides each: for\n\
                    # [server] listen it is SIGNET_SERVER__LISTEN. Durations: 45s, 10m, 12h, 30d.\n\n";
        head.to_owned() + &config.render(|setting| comment(setting, &config))
    }

    /// Every setting in the table's order, each after the text that `before` gives.
    fn render(&self, before: impl Fn(&Setting) -> String) -> String {
        let mut text = String::new();
        let mut current = "";
        for setting in SETTINGS {
            let (section, key) = setting.section_and_key();
            if section != current {
                let gap = if current.is_empty() { "" } else { "\n" };
                // writing to a String cannot fail
                let _ = writeln!(text, "{gap}[{section}]");
                current = section;
            }
            let value: Value = (setting.show)(self);
            let _ = writeln!(text, "{}{key} = {value}", before(setting));
        }
        text
    }
}

/// What the reference says above a setting.
fn comment(setting: &Setting, config: &Config) -> String {
    let choices = match ((setting.choices)(config), (setting.show)(config)) {
        ([], _) | (_, Value::Boolean(_)) => String::new(),
        (words, _) => format!(" ({})", words.join(", ")),
    };
    let file = if setting.secret {
        format!(
            "\n# Secret: also from a file, {}_FILE=path",
            setting.variable()
        )
    } else {
        String::new()
    };
    format!("# {}{choices}.{file}\n", setting.doc)
}

fn insert(into: &mut Map<String, Json>, path: &str, value: Json) {
    match path.split_once('.') {
        None => {
            into.insert(path.to_owned(), value);
        }
        Some((section, rest)) => {
            let place = into
                .entry(section)
                .or_insert_with(|| Json::Object(Map::new()));
            if let Json::Object(section) = place {
                insert(section, rest, value);
            }
        }
    }
}

fn json(value: Value) -> Json {
    match value {
        Value::Integer(number) => number.into(),
        Value::Boolean(yes) => yes.into(),
        Value::Array(items) => items.into_iter().map(json).collect(),
        Value::String(text) => text.into(),
        // no setting has another type
        other => other.to_string().into(),
    }
}
