//! `signet config check|show|reference`.

use std::path::Path;

use serde_json::json;

use super::arguments::{Arguments, Config as Command};
use super::{load, print_json};
use crate::config::{Config, Problem, Problems, environment};
use crate::error::{Error, Result};
use crate::storage::Target;

pub(super) fn run(command: &Command, arguments: &Arguments) -> Result<()> {
    match command {
        Command::Check { json } => check(arguments, *json),
        Command::Show { json: true } => {
            print_json(&load(arguments, &[])?.effective_json());
            Ok(())
        }
        Command::Show { json: false } => {
            print!("{}", load(arguments, &[])?.effective());
            Ok(())
        }
        Command::Reference => {
            print!("{}", Config::reference());
            Ok(())
        }
    }
}

fn check(arguments: &Arguments, json: bool) -> Result<()> {
    let found = problems(arguments.config.as_deref(), environment());
    if !json {
        found?;
        println!("The configuration is good.");
        return Ok(());
    }
    let list = found.as_ref().err().into_iter().flatten().map(|problem| {
        json!({ "place": problem.place, "wrong": problem.wrong, "remedy": problem.remedy })
    });
    print_json(&json!({ "problems": list.collect::<Vec<_>>() }));
    found.map_err(|_| Error::setup("the configuration has problems"))
}

/// Everything for which a start would refuse the settings. What only the storage knows about its
/// URL is asked once the settings are good in themselves.
fn problems(
    file: Option<&Path>,
    env: impl Iterator<Item = (String, String)>,
) -> Result<(), Problems> {
    const PLACE: &str = "[database] url";
    let config = Config::load(file, env)?;
    let refused = Target::parse(&config.database.url).err().map(|error| {
        let detail = error.detail().unwrap_or_default();
        let remedy = detail.strip_prefix(PLACE).unwrap_or(detail);
        let remedy = remedy.trim_start_matches([':', ' ']);
        Problem::new(PLACE, "no database would be opened with it", remedy)
    });
    Problems::refuse(refused.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_refuses_the_database_that_a_start_would_refuse() {
        let found = |url: &str| {
            let env = [("SIGNET_DATABASE__URL".to_owned(), url.to_owned())];
            let file = tempfile::NamedTempFile::new().unwrap();
            problems(Some(file.path()), env.into_iter()).map_err(|found| found.to_string())
        };
        assert_eq!(found("sqlite://a.db"), Ok(()));
        assert_eq!(found("postgres://u:hunter2@localhost/a"), Ok(()));
        for url in [
            "sqlite://a.db?mode=ro",
            "postgres://u:hunter2@db.example:x/a",
        ] {
            let problem = found(url).unwrap_err();
            let start = "There is a problem in the settings:\n  - [database] url: no database \
                         would be opened with it\n    ";
            let remedy = problem.strip_prefix(start).expect(&problem);
            assert!(!remedy.is_empty() && !remedy.starts_with([':', ' ', '[']));
            assert!(!problem.contains("hunter2"), "{problem}");
        }
    }
}
