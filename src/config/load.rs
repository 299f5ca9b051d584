//! Laying the layers over one another: defaults, file, variables, arguments.

use std::fs::File;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use toml::{Table, Value};

use super::origin::{Origins, Place, file_name, nearest_section, nearest_setting};
use super::setting::{Given, SETTINGS, Setting};
use super::url::WebUrl;
use super::{Config, Problem, Problems, Profile, rules};

/// The file that is read when none is named.
const FILE: &str = "signet.toml";

/// A setting given on the command line; it wins over all others. Has no `Debug`, since the value
/// may be secret.
pub struct Argument {
    /// As people type it: `--listen`.
    pub flag: &'static str,
    /// The setting: `server.listen`.
    pub path: &'static str,
    /// What was typed.
    pub value: String,
}

/// The environment of this process. Unlike [`std::env::vars`] it does not panic on variables that
/// are not UTF-8; their bad bytes become U+FFFD.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().map(|(name, value)| {
        let text = |os: std::ffi::OsString| os.to_string_lossy().into_owned();
        (text(name), text(value))
    })
}

impl Config {
    /// Defaults, then `file` (or `signet.toml` in the current directory, if there is one), then
    /// variables `SIGNET_<SECTION>__<KEY>`.
    pub fn load(
        file: Option<&Path>,
        env: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, Problems> {
        Self::load_with(file, env, &[])
    }

    /// Like [`Config::load`], with the settings given on the command line over all others.
    pub fn load_with(
        file: Option<&Path>,
        env: impl Iterator<Item = (String, String)>,
        arguments: &[Argument],
    ) -> Result<Self, Problems> {
        let mut loader = Loader::default();
        match read_file(file, Path::new("")) {
            Ok((text, mode)) => loader.file(file.unwrap_or(Path::new(FILE)), &text, mode),
            Err(problem) => loader.unread(problem),
        }
        loader.environment(env);
        loader.arguments(arguments);
        loader.finish()
    }
}

/// Text and permission bits of `file`, which then must exist, or else of `signet.toml` in
/// `directory`, if any.
pub(super) fn read_file(file: Option<&Path>, directory: &Path) -> Result<(String, u32), Problem> {
    let path = file.map_or_else(|| directory.join(FILE), Path::to_owned);
    match read_text(&path) {
        Ok(found) => Ok(found),
        Err(error) if file.is_none() && error.kind() == io::ErrorKind::NotFound => {
            Ok((String::new(), 0))
        }
        Err(error) => Err(Problem::new(
            path.to_string_lossy(),
            format!("the file cannot be read: {error}"),
            "name a readable TOML file, or none",
        )),
    }
}

/// A config under way.
#[derive(Default)]
pub(super) struct Loader {
    config: Config,
    pub(super) origins: Origins,
    problems: Vec<Problem>,
    /// The file could not be read: what the settings are is not known, so no rule can judge them.
    unread: bool,
    /// The file holds these secrets.
    secrets: Vec<&'static Setting>,
    /// Secrets in files that everybody can read; production refuses them.
    exposed: Vec<Problem>,
}

impl Loader {
    /// The layer of the file of this name and these permission bits.
    pub(super) fn file(&mut self, name: &Path, text: &str, mode: u32) {
        match toml::from_str::<Table>(text) {
            Ok(table) => {
                self.section("", &table);
                for setting in std::mem::take(&mut self.secrets) {
                    self.keep_private(Place::File.name(setting), name, mode);
                }
            }
            Err(error) => {
                // the error's own text quotes the line, which may hold a secret
                let start = error.span().map_or(0, |span| span.start);
                let line = text
                    .bytes()
                    .take(start)
                    .filter(|byte| *byte == b'\n')
                    .count()
                    + 1;
                self.unread(Problem::new(
                    format!("{}, line {line}", name.display()),
                    format!("is not TOML: {}", error.message()),
                    "write it like [server] and, below, listen = \"127.0.0.1:8080\"",
                ));
            }
        }
    }

    /// The file's layer could not be had.
    fn unread(&mut self, problem: Problem) {
        self.problems.push(problem);
        self.unread = true;
    }

    fn section(&mut self, section: &str, table: &Table) {
        for (key, value) in table {
            let path = match section {
                "" => key.clone(),
                section => format!("{section}.{key}"),
            };
            if let Some(setting) = Setting::find(&path) {
                self.give(setting, Place::File, Given::Toml(value));
                // what is masked when shown is worth hiding: a URL without a password is not
                let shown = (setting.show)(&self.config);
                if setting.secret && shown != *value {
                    self.secrets.push(setting);
                }
            } else if is_section(&path) {
                match value {
                    Value::Table(table) => self.section(&path, table),
                    _ => self.problem(&path, "is a section", &format!("write it like [{path}]")),
                }
            } else if value.is_table() {
                self.unknown_section(&path);
            } else {
                self.unknown(&path, file_name(&path), Place::File);
            }
        }
    }

    /// Notes the secret at `place` if everybody can read the file that holds it.
    pub(super) fn keep_private(&mut self, place: String, file: &Path, mode: u32) {
        if mode & 0o004 != 0 {
            let file = file.display();
            self.exposed.push(Problem::new(
                place,
                format!("everybody on this machine can read {file}"),
                format!("chmod o-r {file}"),
            ));
        }
    }

    pub(super) fn problem(&mut self, place: &str, wrong: &str, remedy: &str) {
        self.problems.push(Problem::new(place, wrong, remedy));
    }

    fn unknown_section(&mut self, path: &str) {
        let place = format!("[{path}]");
        let remedy = match nearest_section(path) {
            Some(near) => format!("did you mean [{near}]?"),
            None => "remove it; `signet config show` prints all sections".into(),
        };
        self.problem(&place, "there is no such section", &remedy);
    }

    /// `path` names no setting; `place` is its name where it was given.
    pub(super) fn unknown(&mut self, path: &str, name: String, place: Place) {
        let remedy = match nearest_setting(path) {
            Some(near) => format!("did you mean {}?", place.name(near)),
            None => "remove it; `signet config show` prints all settings".into(),
        };
        self.problem(&name, "there is no such setting", &remedy);
    }

    /// The command line's layer.
    pub(super) fn arguments(&mut self, arguments: &[Argument]) {
        for Argument { flag, path, value } in arguments {
            match Setting::find(path) {
                Some(setting) => self.give(setting, Place::Argument(flag), Given::Text(value)),
                None => self.unknown(path, (*flag).to_owned(), Place::Argument(flag)),
            }
        }
    }

    pub(super) fn give(&mut self, setting: &'static Setting, place: Place, given: Given<'_>) {
        let outcome = (setting.read)(&mut self.config, given);
        self.origins.note(setting.path, place, outcome.is_ok());
        if let Err(expects) = outcome {
            let shown = match given {
                _ if setting.secret => "the value".to_owned(),
                Given::Toml(Value::Table(_)) => "a section".to_owned(),
                Given::Toml(value) => value.to_string(),
                Given::Text(text) => format!("{text:?}"),
            };
            let example = place.example(setting, &(setting.show)(&Config::default()));
            self.problem(
                &place.name(setting),
                &format!("{shown} is not {expects}"),
                &format!("write it like {example}"),
            );
        }
    }

    /// The config, if there was no problem and the rules hold.
    pub(super) fn finish(mut self) -> Result<Config, Problems> {
        let server = &mut self.config.server;
        if !self.origins.is_given("server.public_url") && is_loopback_port(&server.listen) {
            // Who only says where to listen means to be called there.
            server.public_url = format!("http://{}", server.listen);
        }
        match WebUrl::parse(&self.config.server.public_url) {
            Ok(url) if !url.has_extras() => {
                self.config.server.public_url = url.without_trailing_slash();
            }
            // left as it was given, for the rules to refuse
            _ => {}
        }
        if !self.unread {
            if self.config.server.profile == Profile::Production {
                self.problems.append(&mut self.exposed);
            }
            self.problems
                .extend(rules::check(&self.config, &self.origins));
        }
        Problems::refuse(self.problems)?;
        Ok(self.config)
    }
}

fn is_loopback_port(listen: &str) -> bool {
    let address: Option<SocketAddr> = listen.parse().ok();
    address.is_some_and(|address| address.ip().is_loopback() && address.port() != 0)
}

/// A file's text and permission bits.
pub(super) fn read_text(path: &Path) -> io::Result<(String, u32)> {
    let mut file = File::open(path)?;
    let mode = file.metadata()?.permissions().mode();
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok((text, mode))
}

fn is_section(path: &str) -> bool {
    is_within(SETTINGS.iter().map(|setting| setting.path), path)
}

/// Whether one of `paths` lies in the section `section`.
fn is_within<'a>(mut paths: impl Iterator<Item = &'a str>, section: &str) -> bool {
    paths.any(|path| {
        path.strip_prefix(section)
            .is_some_and(|rest| rest.starts_with('.'))
    })
}
