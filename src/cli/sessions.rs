//! `signet sessions …`.

use serde_json::json;

use super::arguments::Sessions as Command;
use super::print_json;
use crate::app::App;
use crate::error::{Error, Result};

pub(super) async fn run(command: Command, app: App) -> Result<()> {
    let Command::EndAll { yes, json } = command;
    if !yes {
        return Err(Error::setup(
            "this logs everybody out; say --yes if you mean it",
        ));
    }
    let epoch = app.sessions.end_all().await?;
    if json {
        print_json(&json!({ "epoch": epoch }));
    } else {
        println!("Every session from before now has ended (epoch {epoch}).");
    }
    Ok(())
}
