//! Log lines, for people or as JSON. Control characters are escaped: nobody writes a line of their
//! own into the log.

use std::io::Write;

use chrono::SecondsFormat;
use env_logger::fmt::Formatter;
use log::kv::{self, Key, Value as LogValue, VisitSource};
use log::{LevelFilter, Record};
use serde_json::{Map, Value};

use crate::clock::Clock;
use crate::config::{Log, LogFormat};

/// These write the bytes that they send and receive, secrets among them: never mind the filter.
const QUIET: [&str; 2] = ["ureq", "ureq_proto"];

/// Starts the logger; a second start changes nothing.
pub(super) fn start(settings: &Log) {
    let mut builder = env_logger::Builder::new();
    builder.parse_filters(&settings.filter);
    for module in QUIET {
        builder.filter_module(module, LevelFilter::Info);
    }
    match settings.format {
        LogFormat::Text => builder.format(text),
        LogFormat::Json => builder.format(json),
    };
    drop(builder.try_init());
    // Where, and no more: the message of a panic may carry what it stumbled over.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map_or_else(String::new, ToString::to_string);
        log::error!("a panic at {place}");
    }));
}

fn text(out: &mut Formatter, record: &Record<'_>) -> std::io::Result<()> {
    let message = escaped(&record.args().to_string());
    write!(out, "{} {:5} {message}", timestamp(), record.level())?;
    for (name, value) in members(record) {
        match value {
            Value::String(value) => write!(out, " {name}={}", escaped(&value))?,
            value => write!(out, " {name}={value}")?,
        }
    }
    writeln!(out)
}

fn json(out: &mut Formatter, record: &Record<'_>) -> std::io::Result<()> {
    let mut line = Map::new();
    line.insert("time".into(), timestamp().into());
    line.insert("level".into(), record.level().as_str().into());
    line.insert("target".into(), record.target().into());
    line.insert("message".into(), record.args().to_string().into());
    line.extend(members(record));
    writeln!(out, "{}", Value::Object(line))
}

fn timestamp() -> String {
    Clock::system()
        .now()
        .to_rfc3339_opts(SecondsFormat::Micros, true)
}

pub(super) fn escaped(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() {
            line.extend(letter.escape_default());
        } else {
            line.push(letter);
        }
    }
    line
}

fn members(record: &Record<'_>) -> Map<String, Value> {
    let mut members = Members(Map::new());
    // Fails only if the visitor does.
    drop(record.key_values().visit(&mut members));
    members.0
}

struct Members(Map<String, Value>);

impl<'kvs> VisitSource<'kvs> for Members {
    fn visit_pair(&mut self, key: Key<'kvs>, value: LogValue<'kvs>) -> Result<(), kv::Error> {
        let value = match (value.to_u64(), value.to_i64(), value.to_bool()) {
            (Some(number), _, _) => number.into(),
            (_, Some(number), _) => number.into(),
            (_, _, Some(truth)) => truth.into(),
            _ => value.to_string().into(),
        };
        self.0.insert(key.as_str().to_owned(), value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_starts_a_line_of_their_own() {
        assert_eq!(
            escaped("a\r\nERROR b\u{1b}[31m é"),
            "a\\r\\nERROR b\\u{1b}[31m é"
        );
    }
}
