//! The rules that the design gives the source, held by reading it: levels, doors, cards, length,
//! and what the two databases' migrations have in common. Tests are exempt.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a broken promise here is a failed test"
)]

mod events;
mod source;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use source::{Code, regex};
use tree::{TREE, Tree, files, package};

/// Low to high. Within a level, `<` says who may import whom; over a comma nobody may.
const LEVELS: [&str; 8] = [
    "error < finding < measure < clock < crypto < ids",
    "config < storage < web",
    "event < job < limits < mail < node < keys < token < password",
    "session < mfa < account",
    "federation, oauth",
    "docs, pages, admin",
    "app < health < metrics < jobs < server",
    "cli",
];

/// A longer file has more than one subject.
const MAX_LINES: usize = 400;

/// The level of each room, and its place in the level's chain.
fn places() -> BTreeMap<&'static str, (usize, usize)> {
    let mut places = BTreeMap::new();
    for (level, rooms) in LEVELS.into_iter().enumerate() {
        for chain in rooms.split(", ") {
            for (place, room) in chain.split(" < ").enumerate() {
                places.insert(room, (level, place));
            }
        }
    }
    places
}

/// Whether code in `room` may use `other`.
fn may_import(room: &str, other: &str) -> bool {
    let places = places();
    // The program itself stands above all rooms.
    room == "main" || room == other || places[room] > places[other]
}

#[test]
fn a_room_imports_only_what_is_below_it() {
    assert!(may_import("account", "session") && may_import("server", "app"));
    assert!(!may_import("session", "account") && !may_import("storage", "event"));
    assert!(!may_import("oauth", "federation") && !may_import("federation", "oauth"));
    let tree = &*TREE;
    let rooms = tree.rooms();
    let mut breaches = BTreeSet::new();
    for module in tree.0.keys().filter(|module| !module.is_empty()) {
        let room = room_of(module);
        for target in tree.targets(module) {
            let other = target.first().map_or("", String::as_str);
            if rooms.iter().any(|room| room == other) && !may_import(room, other) {
                breaches.insert(format!("{module} imports {}", target.join("::")));
            }
        }
    }
    assert!(breaches.is_empty(), "against the levels: {breaches:#?}");
}

#[test]
fn a_room_is_entered_through_its_door() {
    let tree = &*TREE;
    let mut breaches = BTreeSet::new();
    let mut crossings = 0;
    for module in tree.0.keys() {
        for target in tree.targets(module) {
            if target.first().is_none_or(|other| other == room_of(module)) {
                continue;
            }
            crossings += 1;
            if let Some(door) = closed_door(tree, &target) {
                breaches.insert(format!("{module} enters {door}, which is not `pub mod`"));
            }
        }
    }
    assert!(crossings > 100, "the rooms seem not to know each other");
    assert!(breaches.is_empty(), "{breaches:#?}");
}

/// The first module that a path goes through, past its room, and that its parent keeps to itself.
/// The path's last name may be that of a module and of something it exports: it is no matter here.
fn closed_door(tree: &Tree, target: &[String]) -> Option<String> {
    let passed = (2..target.len()).map(|length| target.split_at(length).0);
    let mut closed = passed.filter(|path| {
        let (last, parent) = path.split_last().expect("two names at least");
        let parent = tree.0.get(&parent.join("::"));
        let mut modules = parent.into_iter().flat_map(Code::modules);
        modules.any(|(name, is_public)| name == last && !is_public)
    });
    closed.next().map(|path| path.join("::"))
}

#[test]
fn a_closed_door_is_noticed() {
    let tree = &*TREE;
    let path = |text: &str| text.split("::").map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(closed_door(tree, &path("session::http::CurrentUser")), None);
    assert_eq!(closed_door(tree, &path("session::Sessions")), None);
    let store = closed_door(tree, &path("session::store::revoke_all"));
    assert_eq!(store.as_deref(), Some("session::store"));
}

#[test]
fn the_map_in_lib_rs_tells_the_same() {
    let text = fs::read_to_string(package().join("src/lib.rs")).unwrap();
    let row = regex(r"(?m)^//! \| (\d) \| (.*) \|$");
    let name = regex(r"\[`(\w+)`\]");
    let mut mapped = BTreeMap::new();
    for line in row.captures_iter(&text) {
        for room in name.captures_iter(&line[2]) {
            mapped.insert(room[1].to_owned(), line[1].parse::<usize>().unwrap());
        }
    }
    let places = places();
    let rooms = TREE.rooms().into_iter();
    let expected: BTreeMap<String, usize> = rooms
        .map(|room| {
            let place = places.get(room.as_str());
            let (level, _) = place.unwrap_or_else(|| panic!("{room} has no level"));
            (room, *level)
        })
        .collect();
    assert_eq!(mapped, expected);
}

#[test]
fn every_room_has_its_card() {
    let src = package().join("src");
    let mut missing = Vec::new();
    for room in fs::read_dir(&src)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        if room.is_dir() {
            let name = room.file_name().unwrap().to_string_lossy().into_owned();
            let card = fs::read_to_string(room.join("mod.rs")).unwrap();
            if !card.starts_with(&format!("//! # {name}\n//!\n//! ")) {
                missing.push(name);
            }
        }
    }
    assert!(missing.is_empty(), "no card in mod.rs: {missing:?}");
    for file in files(&src, "rs") {
        let text = fs::read_to_string(&file).unwrap();
        let is_card = file.ends_with("mod.rs");
        assert!(!is_card || text.starts_with("//! "), "{}", file.display());
    }
}

#[test]
fn no_query_defeats_the_statement_cache() {
    let first = regex(r"\.first(?:::<[^(]*>)?\(");
    assert!(first.is_match("q.first(conn)") && first.is_match("q.first::<Row>(conn)"));
    let tree = &*TREE;
    let stores = tree.0.iter().filter(|(name, _)| name.ends_with("::store"));
    let stores: Vec<_> = stores.collect();
    assert!(stores.len() >= 4, "where are the stores?");
    for (name, code) in stores {
        assert!(!first.is_match(&code.text), "{name}: use get_result()");
    }
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |database: &str| -> BTreeSet<String> {
        let folder = package().join("migrations").join(database);
        let entries = fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().path());
        names
            .map(|migration| {
                for file in ["up.sql", "down.sql"] {
                    let sql = fs::read_to_string(migration.join(file));
                    let sql = sql.unwrap_or_else(|_| panic!("{}/{file}", migration.display()));
                    assert!(!sql.trim().is_empty(), "{}/{file}", migration.display());
                }
                migration
                    .file_name()
                    .unwrap()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect()
    };
    let sqlite = names("sqlite");
    assert_eq!(sqlite, names("postgresql"));
    let form = regex(r"^\d{4}-\d{2}-\d{2}-\d{6}_[a-z]+_[a-z_]+$");
    assert!(sqlite.iter().all(|name| form.is_match(name)), "{sqlite:?}");
    let versions: BTreeSet<_> = sqlite.iter().map(|name| name.split('_').next()).collect();
    assert_eq!(versions.len(), sqlite.len(), "two migrations of one moment");
}

#[test]
fn every_kind_of_event_says_what_it_means() {
    let text = fs::read_to_string(package().join("src/event/mod.rs")).unwrap();
    let (_, kinds) = text.split_once("pub enum Kind {").expect("the vocabulary");
    let (kinds, _) = kinds.split_once("\n}").expect("its end");
    let documented = regex(r"(?m)^ {4}/// \S.*\n(?: {4}///.*\n)* {4}(\w+),$");
    let documented: Vec<&str> = documented
        .captures_iter(kinds)
        .map(|found| found.get(1).unwrap().as_str())
        .collect();
    let all = regex(r"(?m)^ {4}([A-Z]\w*)");
    let all: Vec<&str> = all
        .captures_iter(kinds)
        .map(|found| found.get(1).unwrap().as_str())
        .collect();
    assert!(!all.is_empty());
    assert_eq!(documented, all);
    let named = regex(r#"Self::(\w+) => "([a-z_]+)""#);
    let names: BTreeMap<&str, String> = named
        .captures_iter(&text)
        .map(|found| (found.get(1).unwrap().as_str(), found[2].replace('_', "")))
        .collect();
    for kind in all {
        assert_eq!(
            names.get(kind),
            Some(&kind.to_lowercase()),
            "its name in the table"
        );
    }
}

#[test]
fn no_file_is_too_long() {
    let mut long = Vec::new();
    for file in files(&package().join("src"), "rs") {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        if lines > MAX_LINES {
            long.push(format!("{}: {lines}", file.display()));
        }
    }
    assert!(long.is_empty(), "make a folder of it: {long:#?}");
}

fn room_of(module: &str) -> &str {
    module.split("::").next().unwrap_or_default()
}
