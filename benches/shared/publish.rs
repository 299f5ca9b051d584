//! Where a report stays: in a page of `docs/`, between two lines that name its benchmark.

use std::fs;
use std::path::{Path, PathBuf};

use super::Outcome;

/// The place of a benchmark's report.
pub(crate) struct Place {
    page: PathBuf,
    begin: String,
}

const END: &str = "<!-- end -->\n";

impl Place {
    /// In `docs/<page>`, from `<!-- begin: cargo bench --bench <bench> -->` on. Without such a place
    /// there is an error: better known before than after the measuring.
    pub(crate) fn find(page: &str, bench: &str) -> Outcome<Self> {
        let place = Self {
            page: docs().join(page),
            begin: format!("<!-- begin: cargo bench --bench {bench} -->\n"),
        };
        place.replaced("").map(|_| place)
    }

    /// Puts a report in the place of the last one.
    pub(crate) fn fill(&self, report: &str) -> Outcome<()> {
        let page = self.replaced(&format!("\n{report}\n"))?;
        Ok(fs::write(&self.page, page)?)
    }

    fn replaced(&self, report: &str) -> Outcome<String> {
        let page = fs::read_to_string(&self.page)?;
        let parts = page.split_once(&self.begin).and_then(|(before, rest)| {
            let (_, after) = rest.split_once(END)?;
            Some((before, after))
        });
        let (before, after) =
            parts.ok_or_else(|| format!("no place for a report in {}", self.page.display()))?;
        Ok([before, &self.begin, report, END, after].concat())
    }
}

/// Where a picture beside a page is.
pub(crate) fn picture(name: &str) -> PathBuf {
    docs().join(name)
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}
