//! The vocabulary of the audit trail: code and document tell the same.

use std::fs;

use crate::source::regex;
use crate::tree::package;
use signet::event::Kind;

/// Names, in order, with the meanings that the docstrings give.
fn documented(text: &str) -> Vec<(String, String)> {
    let row = regex(r"(?m)^\| `([a-z_]+)` \| (.*?) \| .*\|$");
    row.captures_iter(text)
        .map(|found| (found[1].to_owned(), found[2].to_owned()))
        .collect()
}

#[test]
fn the_document_lists_every_kind_in_the_words_of_the_code() {
    let document = fs::read_to_string(package().join("docs/events.md")).unwrap();
    let code = fs::read_to_string(package().join("src/event/mod.rs")).unwrap();
    let (_, kinds) = code.split_once("pub enum Kind {").expect("the vocabulary");
    let (kinds, _) = kinds.split_once("\n}").expect("its end");
    let meaning = regex(r"(?m)^ {4}/// (.*)\n((?: {4}/// .*\n)*) {4}\w+,$");
    let meanings = meaning.captures_iter(kinds).map(|found| {
        let more = found[2].replace("    ///", "").replace('\n', "");
        format!("{}{more}", &found[1])
    });
    let names = Kind::ALL.map(|kind| kind.name().to_owned());
    let expected: Vec<_> = names.into_iter().zip(meanings).collect();
    assert_eq!(documented(&document), expected);
}

#[test]
fn all_kinds_are_listed_once_and_found_by_their_names() {
    let code = fs::read_to_string(package().join("src/event/mod.rs")).unwrap();
    let (_, kinds) = code.split_once("pub enum Kind {").expect("the vocabulary");
    let (kinds, _) = kinds.split_once("\n}").expect("its end");
    let declared = regex(r"(?m)^ {4}(\w+),$");
    let declared: Vec<String> = declared
        .captures_iter(kinds)
        .map(|found| found[1].to_owned())
        .collect();
    let all: Vec<String> = Kind::ALL.iter().map(|kind| format!("{kind:?}")).collect();
    assert_eq!(declared, all);
    for kind in Kind::ALL {
        assert_eq!(Kind::parse(kind.name()), Some(kind));
    }
    assert_eq!(Kind::parse(""), None);
}
