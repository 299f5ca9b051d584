//! Where a report stays: between two lines of `docs/performance.md`, and in a picture beside it.

use std::fs;

use crate::Outcome;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/performance.md");
const PICTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/performance.svg");
const BEGIN: &str = "<!-- begin: cargo bench --bench http -->\n";
const END: &str = "<!-- end -->\n";

/// Whether there is a place for a report: better known before than after the measuring.
pub(crate) fn check() -> Outcome<()> {
    replaced(&fs::read_to_string(DOCUMENT)?, "").map(drop)
}

/// Puts the report in the place of the last one.
pub(crate) fn publish(report: &str, picture: &str, caption: &str) -> Outcome<()> {
    let shown = format!("\n![{caption}](performance.svg)\n\n{report}\n");
    let document = replaced(&fs::read_to_string(DOCUMENT)?, &shown)?;
    fs::write(PICTURE, picture)?;
    Ok(fs::write(DOCUMENT, document)?)
}

fn replaced(document: &str, report: &str) -> Outcome<String> {
    let parts = document.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some((before, after))
    });
    let (before, after) = parts.ok_or("docs/performance.md has no place for a report")?;
    Ok([before, BEGIN, report, END, after].concat())
}
