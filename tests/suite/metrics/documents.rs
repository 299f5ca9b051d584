//! Document, dashboard and alerts tell of the metrics that there are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use regex::Regex;
use serde_json::Value;

use crate::support::Backend;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Types by name of the metrics in `docs/metrics.md`: all, or those on one kind of database.
pub(super) fn documented(on: Option<Backend>) -> BTreeMap<String, String> {
    let row = Regex::new(r"(?m)^\| `(signet_\w+)` \| (\w+) \|.*\| (.*) \|$").expect("a pattern");
    let document = read("metrics.md");
    let foreign = match on {
        Some(Backend::Sqlite) => "(PostgreSQL)",
        Some(Backend::Postgresql) => "(SQLite)",
        None => "(nothing)",
    };
    let rows = row.captures_iter(&document);
    let mut told = BTreeMap::new();
    for found in rows.filter(|found| !found[3].starts_with(foreign)) {
        let before = told.insert(found[1].to_owned(), found[2].to_owned());
        assert_eq!(before, None, "{} is told of twice", &found[1]);
    }
    told
}

/// The metrics that a text names.
fn named(text: &str) -> BTreeSet<String> {
    let all = documented(None);
    let name = Regex::new(r"\bsignet_\w+").expect("a pattern");
    let mut names = BTreeSet::new();
    for found in name.find_iter(text).map(|found| found.as_str()) {
        let parts = ["_bucket", "_sum", "_count"];
        let whole = parts.iter().find_map(|part| found.strip_suffix(part));
        let name = match whole {
            Some(whole) if all.get(whole).is_some_and(|kind| kind == "histogram") => whole,
            _ => found,
        };
        names.insert(name.to_owned());
    }
    names
}

#[test]
fn dashboard_and_alerts_name_metrics_that_there_are() {
    let known: BTreeSet<String> = documented(None).into_keys().collect();
    let (dashboard, alerts) = (
        named(&read("grafana/signet.json")),
        named(&read("grafana/alerts.yaml")),
    );
    let unknown =
        |names: &BTreeSet<String>| -> Vec<String> { names.difference(&known).cloned().collect() };
    assert_eq!(unknown(&dashboard), [""; 0]);
    assert_eq!(unknown(&alerts), [""; 0]);
    assert_eq!(dashboard, known, "the dashboard shows them all");
    assert!(alerts.len() >= 9, "{alerts:?}");
}

#[test]
fn the_dashboard_is_one() {
    let dashboard: Value = serde_json::from_str(&read("grafana/signet.json")).expect("JSON");
    assert!(dashboard["schemaVersion"].as_u64() >= Some(39));
    let variables = dashboard["templating"]["list"].as_array().expect("a list");
    assert_eq!(variables[0]["name"], "datasource");
    assert_eq!(variables[0]["type"], "datasource");
    let panels = dashboard["panels"].as_array().expect("panels");
    let ids: BTreeSet<u64> = panels.iter().filter_map(|one| one["id"].as_u64()).collect();
    assert_eq!(ids.len(), panels.len());
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{panel}");
        let targets = panel["targets"].as_array().expect("targets");
        assert!(!targets.is_empty(), "{panel}");
        for target in targets {
            let query = target["expr"].as_str().expect("a query");
            let count = |letter| query.matches(letter).count();
            for (opening, closing) in [('(', ')'), ('{', '}'), ('[', ']')] {
                assert_eq!(count(opening), count(closing), "{query}");
            }
            assert_eq!(named(query).len(), 1, "{query}");
        }
    }
    let rows = panels.iter().filter(|panel| panel["type"] == "row");
    assert_eq!(rows.count(), 9);
}
