//! The README's tour is typed into a real shell, against the real binary started as the README
//! says, and must print what the README says; the code that it shows is the code that is tested.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use regex::Regex;

use crate::support::{Backend, on_both};

on_both!(the_tour_works_as_written);

const README: &str = include_str!("../../README.md");
/// Longest wait for a line of the server's.
const PATIENCE: Duration = Duration::from_mins(1);

fn the_tour_works_as_written(on: Backend) {
    let directory = tempfile::tempdir().expect("a directory");
    let mut terminals = Terminals::open(directory.path(), on);
    let blocks = blocks(section("## Five minutes with curl"));
    let mut types = 0;
    for (index, (language, text)) in blocks.iter().enumerate() {
        if *language != "sh" {
            continue;
        }
        let shown = match blocks.get(index + 1) {
            Some((language, output)) if *language != "sh" => output,
            _ => "",
        };
        let printed = terminals.enter(text);
        assert!(
            is_shown(shown, &printed),
            "{text}\nprints\n\n{printed}\nand not\n\n{shown}"
        );
        types += 1;
    }
    assert_eq!(types, 10, "blocks of the tour");
}

#[test]
fn the_readme_shows_the_code_that_is_tested() {
    for (language, code) in [
        ("python", include_str!("../verifiers/verify.py")),
        ("python", include_str!("../verifiers/settings.py")),
        ("js", include_str!("../verifiers/verify.mjs")),
        ("rust", include_str!("../verifiers/verify.rs")),
    ] {
        let block = (language, code);
        assert!(blocks(README).contains(&block), "not shown:\n{code}");
    }
}

/// The text of a section, up to the next one.
fn section(heading: &str) -> &'static str {
    let (_, rest) = README.split_once(heading).expect("the section");
    rest.split_once("\n## ").map_or(rest, |(text, _)| text)
}

/// The fenced blocks: language and text.
fn blocks(markdown: &str) -> Vec<(&str, &str)> {
    let mut parts = markdown.split("```");
    let mut blocks = Vec::new();
    while let (Some(_prose), Some(block)) = (parts.next(), parts.next()) {
        blocks.push(block.split_once('\n').expect("a language, then text"));
    }
    blocks
}

/// Whether `printed` is what is `shown`, where `…` is anything within a line but nothing.
fn is_shown(shown: &str, printed: &str) -> bool {
    let pattern = regex::escape(shown).replace('…', r#"[^"\n]+"#);
    let pattern = Regex::new(&format!("^{pattern}$")).expect("a pattern");
    pattern.is_match(printed)
}

#[test]
fn only_what_is_shown_may_be_printed() {
    let shown = "{\"a\":\"eyJ…\",\"b\":1}\n";
    assert!(is_shown(shown, "{\"a\":\"eyJx.y\",\"b\":1}\n"));
    for other in [
        "",
        "{\"a\":\"eyJ\",\"b\":1}\n",
        "{\"a\":\"eyJx\",\"c\":\"\",\"b\":1}\n",
        "{\"a\":\"eyJx\",\"b\":1}\nmore\n",
    ] {
        assert!(!is_shown(shown, other), "{other}");
    }
}

/// The first terminal, where the server prints, and the second one, where the reader types.
struct Terminals {
    server: Child,
    printed: Receiver<String>,
    shell: Child,
    keyboard: ChildStdin,
    screen: BufReader<ChildStdout>,
    base: String,
}

impl Terminals {
    /// Starts the server as `cargo run` does, but on a free port; on PostgreSQL, with one URL more.
    fn open(directory: &Path, on: Backend) -> Self {
        let mut server = Command::new(env!("CARGO_BIN_EXE_signet"));
        server
            .current_dir(directory)
            .env_clear()
            .env("SIGNET_SERVER__LISTEN", "127.0.0.1:0")
            .env("SIGNET_SERVER__ADMIN_LISTEN", "");
        if on == Backend::Postgresql {
            server.env("SIGNET_DATABASE__URL", on.database(directory));
        }
        let mut server = piped(&mut server).expect("the server");
        let (sender, printed) = mpsc::channel();
        watch(server.stdout.take().expect("a pipe"), sender.clone());
        watch(server.stderr.take().expect("a pipe"), sender);
        let mut shell = Command::new("bash");
        shell.args(["-euo", "pipefail", "-s"]).env("NO_PROXY", "*");
        let mut shell = piped(&mut shell).expect("bash");
        let mut terminals = Self {
            server,
            printed,
            keyboard: shell.stdin.take().expect("a pipe"),
            screen: BufReader::new(shell.stdout.take().expect("a pipe")),
            shell,
            base: String::new(),
        };
        terminals.base = terminals.next_with("listening on http://127.0.0.1:");
        terminals
    }

    /// Enters a block and gives what it prints. Where a link is asked for, that is pasted from the
    /// mail that the server prints.
    fn enter(&mut self, block: &str) -> String {
        let mut text = block.replace("http://127.0.0.1:8080", &self.base);
        if block == "read -r LINK\n" {
            text += &self.next_with(&format!("{}/auth/", self.base));
            text += "\n";
        }
        // The byte behind its output says that the block is done.
        text += "printf '\\0'\n";
        self.keyboard.write_all(text.as_bytes()).expect("bash");
        let mut output = Vec::new();
        self.screen.read_until(0, &mut output).expect("bash");
        if output.pop() != Some(0) {
            let mut complaint = String::new();
            let stderr = self.shell.stderr.as_mut().expect("a pipe");
            stderr.read_to_string(&mut complaint).expect("bash");
            let output = String::from_utf8_lossy(&output);
            panic!("the shell gave up in\n{block}\n{output}\n{complaint}");
        }
        String::from_utf8(output).expect("text")
    }

    /// The next URL that the server prints on a line with `mark`.
    fn next_with(&self, mark: &str) -> String {
        let mut seen = String::new();
        while let Ok(line) = self.printed.recv_timeout(PATIENCE) {
            if line.contains(mark) {
                let start = line.find("http://").unwrap_or_default();
                return line[start..].trim().to_owned();
            }
            seen += &(line + "\n");
        }
        panic!("the server does not print {mark}, only:\n{seen}");
    }
}

impl Drop for Terminals {
    fn drop(&mut self) {
        for child in [&mut self.shell, &mut self.server] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn piped(command: &mut Command) -> std::io::Result<Child> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

fn watch(stream: impl Read + Send + 'static, lines: Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let _ = lines.send(line);
        }
    });
}
