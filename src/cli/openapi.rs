//! `signet openapi`.

use std::path::Path;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::server;

/// Needs no database and no keys: the document is made of the settings alone.
pub(super) fn run(config: &Config, output: Option<&Path>) -> Result<()> {
    let document = server::docs(config)?.document;
    let Some(path) = output else {
        println!("{}", String::from_utf8_lossy(&document.body));
        return Ok(());
    };
    std::fs::write(path, &document.body).map_err(|error| {
        Error::setup(format!("cannot write {}", path.display())).with_source(error)
    })
}
