//! Reading Rust as text: just enough of it to see what a file imports.

use std::sync::LazyLock;

use regex::Regex;

type Pattern = LazyLock<Regex>;

/// Comments and literals: text that is not code.
static NOT_CODE: Pattern = LazyLock::new(|| {
    regex(concat!(
        r"(?s)//[^\n]*|/\*.*?\*/",
        r###"|[bc]?r##".*?"##|[bc]?r#".*?"#|[bc]?r".*?""###,
        r#"|[bc]?"(?:[^"\\]|\\.)*""#,
        r"|b?'(?:[^'\\]|\\x[0-9a-fA-F]{2}|\\u\{[^}]*\}|\\[^xu])'",
    ))
});
static TEST_ONLY: Pattern = LazyLock::new(|| regex(r"#\[cfg\(test\)\]\s*(?:#\[[^\]]*\]\s*)*"));
static USE: Pattern = LazyLock::new(|| regex(r"\buse\s+([^;]+);"));
static PATH: Pattern = LazyLock::new(|| regex(r"\b(?:crate|super|signet)(?:::\w+)+"));
static MODULE: Pattern = LazyLock::new(|| regex(r"((?:\bpub(?:\([^)]*\))?\s+)?)\bmod\s+(\w+)\s*;"));

/// The code of a file, without comments, literals and whatever is marked `#[cfg(test)]`.
pub(crate) struct Code {
    pub(crate) text: String,
    /// Modules in files of their own that are marked `#[cfg(test)]`.
    pub(crate) test_modules: Vec<String>,
}

impl Code {
    pub(crate) fn read(source: &str) -> Self {
        let text = NOT_CODE.replace_all(source, "\"\"").into_owned();
        let mut code = Self {
            text,
            test_modules: Vec::new(),
        };
        code.drop_tests();
        code
    }

    fn drop_tests(&mut self) {
        while let Some(mark) = TEST_ONLY.find(&self.text) {
            let item = &self.text[mark.end()..];
            let item = &item[..item_length(item)];
            if let Some(found) = MODULE.captures(item) {
                self.test_modules.push(found[2].to_owned());
            }
            let range = mark.start()..mark.end() + item.len();
            self.text.replace_range(range, "");
        }
    }

    /// Every path that starts at `crate`, `super`, `self` or `signet`, in `use` and elsewhere.
    pub(crate) fn paths(&self) -> Vec<String> {
        let imported = USE.captures_iter(&self.text);
        let imported = imported.flat_map(|found| expand(&found[1]));
        let rest = USE.replace_all(&self.text, "");
        let written = PATH.find_iter(&rest).map(|path| path.as_str().to_owned());
        imported.chain(written).collect()
    }

    /// The modules in files of their own, and whether everybody may enter them.
    pub(crate) fn modules(&self) -> impl Iterator<Item = (&str, bool)> {
        MODULE.captures_iter(&self.text).map(|found| {
            let (_, [visibility, name]) = found.extract();
            (name, visibility.trim() == "pub")
        })
    }
}

/// Up to the semicolon, or the brace that closes the first one.
fn item_length(item: &str) -> usize {
    let mut depth = 0;
    for (at, character) in item.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ';' => {}
            _ => continue,
        }
        if depth == 0 {
            return at + 1;
        }
    }
    item.len()
}

/// `a::{b, c::d}` → `a::b`, `a::c::d`.
fn expand(tree: &str) -> Vec<String> {
    let Some((prefix, group)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        return vec![path.split_whitespace().collect()];
    };
    let group = group.rsplit_once('}').map_or(group, |(inner, _)| inner);
    let mut depth = 0;
    let branches = group.split(|character| {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        character == ',' && depth == 0
    });
    branches
        .filter(|branch| !branch.trim().is_empty())
        .flat_map(|branch| expand(&format!("{prefix}{branch}")))
        .collect()
}

pub(crate) fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a regular expression")
}

#[test]
fn paths_are_found_wherever_they_are_written() {
    let source = r##"
        //! crate::comment::Text
        use crate::clock::{self, Time};
        pub use crate::storage::{Conn, schema::{users, events as log}};
        fn f<'a>(x: &'a str) -> char { super::g("crate::literal::X \" {", r#"crate::raw"#); '{' }
        #[cfg(test)]
        mod tests { use crate::app::App; fn g() { if true {} } }
        #[cfg(test)]
        #[expect(dead_code)]
        mod more;
        const X: crate::error::Kind = crate::error::Kind::Invalid;
    "##;
    let code = Code::read(source);
    assert_eq!(
        code.paths(),
        [
            "crate::clock::self",
            "crate::clock::Time",
            "crate::storage::Conn",
            "crate::storage::schema::users",
            "crate::storage::schema::events",
            "super::g",
            "crate::error::Kind",
            "crate::error::Kind::Invalid",
        ]
    );
    assert_eq!(code.test_modules, ["more"]);
}
