//! A fresh database, gone at the end.

use std::path::PathBuf;

use diesel::{Connection, PgConnection, RunQueryDsl};
use tempfile::TempDir;
use url::Url;

use super::Outcome;

pub(crate) struct Database {
    pub(crate) name: &'static str,
    /// What `signet` is told.
    pub(crate) url: String,
    /// The working directory of the server: on the disk that holds the build, never in memory.
    pub(crate) directory: TempDir,
    _created: Option<Created>,
}

struct Created {
    name: String,
    beside: String,
}

impl Database {
    pub(crate) fn sqlite() -> Outcome<Self> {
        Ok(Self {
            name: "SQLite",
            url: "sqlite://signet.db".into(),
            directory: directory()?,
            _created: None,
        })
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        self.name == "SQLite"
    }

    /// Where the database is, if it is a file.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        let file = self.url.strip_prefix("sqlite://")?;
        Some(self.directory.path().join(file))
    }

    /// A new database on the server of `beside`, whose user may create one.
    pub(crate) fn postgresql(beside: &str) -> Outcome<Self> {
        let mut url = Url::parse(beside)?;
        let name = format!("signet_bench_{}", std::process::id());
        execute(beside, &format!("CREATE DATABASE {name}"))?;
        url.set_path(&name);
        Ok(Self {
            name: "PostgreSQL",
            url: url.into(),
            directory: directory()?,
            _created: Some(Created {
                name,
                beside: beside.to_owned(),
            }),
        })
    }
}

impl Drop for Created {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        if let Err(error) = execute(&self.beside, &drop) {
            eprintln!("the database {} is left over: {error}", self.name);
        }
    }
}

fn directory() -> std::io::Result<TempDir> {
    tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
}

fn execute(url: &str, statement: &str) -> Outcome<()> {
    let mut connection = PgConnection::establish(url)?;
    diesel::sql_query(statement).execute(&mut connection)?;
    Ok(())
}
