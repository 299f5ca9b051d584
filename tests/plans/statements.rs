//! The statements that this process has a database execute.

use std::collections::BTreeSet;
use std::sync::Mutex;

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};

use crate::support::Backend;

static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// From now on, on every connection that is opened.
pub(crate) fn watch() {
    set_default_instrumentation(note_all).expect("whole");
}

#[expect(clippy::unnecessary_wraps, reason = "diesel asks for it")]
fn note_all() -> Option<Box<dyn Instrumentation>> {
    Some(Box::new(|event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            note(&query.to_string());
        }
    }))
}

/// Only what finds rows, without what is bound to it.
fn note(text: &str) {
    let text = text.split(" -- binds:").next().unwrap_or_default().trim();
    let verbs = ["SELECT", "UPDATE", "DELETE", "INSERT"];
    if verbs.iter().any(|verb| text.starts_with(verb)) {
        SEEN.lock().expect("whole").insert(text.to_owned());
    }
}

/// Those that one of the databases was told: they quote names differently.
pub(crate) fn of(backend: Backend) -> Vec<String> {
    let quote = match backend {
        Backend::Sqlite => '`',
        Backend::Postgresql => '"',
    };
    let seen = SEEN.lock().expect("whole");
    seen.iter()
        .filter(|text| text.contains(quote))
        .cloned()
        .collect()
}

/// Whether a table is named in it.
pub(crate) fn mentions(text: &str, table: &str) -> bool {
    text.contains(&format!("`{table}`")) || text.contains(&format!("\"{table}\""))
}
