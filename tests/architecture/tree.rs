//! The files under `src` that are not tests, each as the module it is.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::source::Code;

/// The crate, by module path (`session::http`); the root's is empty.
pub(crate) struct Tree(pub(crate) BTreeMap<String, Code>);

/// As it is on the disk.
pub(crate) static TREE: LazyLock<Tree> = LazyLock::new(Tree::read);

impl Tree {
    fn read() -> Self {
        let root = package().join("src");
        let mut modules = BTreeMap::new();
        for file in files(&root, "rs") {
            let text = fs::read_to_string(&file).expect("a source file");
            let path = module_path(file.strip_prefix(&root).expect("a file under src"));
            modules.insert(path, Code::read(&text));
        }
        Self(modules).without_tests()
    }

    fn without_tests(mut self) -> Self {
        let tests: Vec<String> = self
            .0
            .iter()
            .flat_map(|(module, code)| {
                let names = code.test_modules.iter();
                names.map(move |name| join(module, name))
            })
            .collect();
        self.0.retain(|module, _| {
            let inside = |test: &String| module == test || module.starts_with(&format!("{test}::"));
            !tests.iter().any(inside)
        });
        self
    }

    /// The rooms: what `lib.rs` declares.
    pub(crate) fn rooms(&self) -> Vec<String> {
        let modules = self.0.get("").expect("lib.rs").modules();
        modules.map(|(name, _)| name.to_owned()).collect()
    }

    /// Where the paths of a module lead, from the root of the crate.
    pub(crate) fn targets(&self, module: &str) -> Vec<Vec<String>> {
        let paths = self.0[module].paths();
        paths
            .iter()
            .filter_map(|path| resolve(path, module))
            .collect()
    }
}

/// The package's folder.
pub(crate) fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files of a kind under a folder, at any depth.
pub(crate) fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files(&path, extension)
            } else if path.extension().is_some_and(|found| found == extension) {
                vec![path]
            } else {
                Vec::new()
            }
        })
        .collect()
}

fn module_path(file: &Path) -> String {
    let path = file.with_extension("");
    let names = path.iter().map(|name| name.to_string_lossy());
    let names: Vec<_> = names
        .filter(|name| name != "mod" && name != "lib")
        .collect();
    names.join("::")
}

fn join(module: &str, name: &str) -> String {
    if module.is_empty() {
        name.to_owned()
    } else {
        format!("{module}::{name}")
    }
}

/// A path as seen from the root of the crate; `None` if it leads out of it.
pub(crate) fn resolve(path: &str, module: &str) -> Option<Vec<String>> {
    let mut segments = path.split("::").peekable();
    let mut base: Vec<String> = Vec::new();
    match segments.next()? {
        "crate" | "signet" => {}
        start @ ("super" | "self") => {
            base.extend(module.split("::").map(str::to_owned));
            if start == "super" {
                base.pop();
            }
            while segments.next_if_eq(&"super").is_some() {
                base.pop();
            }
        }
        _ => return None,
    }
    base.extend(segments.map(str::to_owned));
    Some(base)
}

#[test]
fn paths_are_resolved_from_the_module_they_stand_in() {
    let resolved = |path, module| resolve(path, module).map(|path| path.join("::"));
    let some = |path: &str| Some(path.to_owned());
    assert_eq!(resolved("crate::a::B", "x::y"), some("a::B"));
    assert_eq!(resolved("super::B", "x::y"), some("x::B"));
    assert_eq!(resolved("super::super::a::B", "x::y"), some("a::B"));
    assert_eq!(resolved("super::a::B", "x"), some("a::B"));
    assert_eq!(resolved("std::fs", "x"), None);
}
