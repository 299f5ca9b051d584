//! `signet keys master …`.

use std::time::Duration;

use serde_json::{Value, json};

use super::arguments::Master as Command;
use super::logging::escaped;
use super::{print_json, wait_for};
use crate::app::App;
use crate::clock::{Clock, in_seconds};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::keys::{self, Changed, Stage, Standing};
use crate::session;
use crate::storage::{Access, Conn, Db};

/// An emergency does not wait any longer for servers.
const MOST_PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn run(command: Command, app: &App) -> Result<()> {
    match command {
        Command::Status { json } => list(&app.keys.master_keys().await?, json),
        Command::Add { json } => add(app, json)?,
        Command::Rotate { to, json } => rotate(app, to, json).await?,
        Command::Retire(key) => {
            let id = app.keys.retire_master_key(&key.id).await?.to_string();
            if key.json {
                print_json(&json!({ "retired": id }));
            } else {
                println!(
                    "The master key {id} is not used any more. On every node: signet keys master \
                     remove {id}"
                );
            }
        }
        Command::Remove(key) => remove(app, &key.id, key.json).await?,
        Command::Revoke { key, now: is_meant } => {
            if !is_meant {
                return Err(Error::setup(
                    "this ends every session, so that people have to log in again, and every link that \
                     was mailed, and replaces every signing key, with all access tokens that they \
                     signed; say --now if you mean it (a key that was only added: signet keys master \
                     remove)",
                ));
            }
            revoke(app, &key.id, key.json).await?;
        }
        // Where it is needed, there is no `App`.
        Command::Recover { .. } => {}
    }
    Ok(())
}

fn list(standings: &[Standing], json: bool) {
    if json {
        return print_json(&standings.iter().map(as_json).collect());
    }
    println!(
        "{:16}  {:13}  {:20}  {:20}  HERE  MISSING ON",
        "ID", "STATE", "CURRENT FROM", "TOKENS UNTIL"
    );
    for one in standings {
        let time = |time: Option<_>| time.map_or_else(|| "-".to_owned(), in_seconds);
        println!(
            "{:16}  {:13}  {:20}  {:20}  {:4}  {}",
            one.id.to_string(),
            one.stage.name(),
            time(one.current_from),
            time(one.tokens_until),
            if one.is_at_hand { "yes" } else { "no" },
            missing_on(one),
        );
    }
}

fn missing_on(one: &Standing) -> String {
    if one.stage == Stage::Retired || one.lacking.is_empty() {
        "-".to_owned()
    } else {
        one.lacking.join(", ")
    }
}

fn as_json(one: &Standing) -> Value {
    json!({
        "id": one.id.to_string(),
        "state": one.stage.name(),
        "current_from": one.current_from.map(in_seconds),
        "retired_at": one.retired_at.map(in_seconds),
        "tokens_until": one.tokens_until.map(in_seconds),
        "at_hand": one.is_at_hand,
        "missing_on": one.lacking,
    })
}

fn add(app: &App, json: bool) -> Result<()> {
    let id = app.keys.add_master_key()?.to_string();
    let file = app.config.keys.master_key_file.display().to_string();
    if json {
        print_json(&json!({ "added": id, "file": file }));
    } else {
        println!(
            "Added the master key {id} to {file}; it is used for nothing yet. Back the file up, copy \
             it to every other node, and then: signet keys master rotate"
        );
    }
    Ok(())
}

async fn remove(app: &App, id: &str, json: bool) -> Result<()> {
    let id = app.keys.remove_master_key(id).await?.to_string();
    let file = app.config.keys.master_key_file.display().to_string();
    if json {
        print_json(&json!({ "removed": id, "file": file }));
    } else {
        println!(
            "The master key {id} is not in {file} any more. A server that runs forgets it within a \
             second."
        );
    }
    Ok(())
}

async fn rotate(app: &App, to: Option<String>, json: bool) -> Result<()> {
    let rotated = app.keys.rotate_master_key(to).await?;
    let resealed = app.keys.reseal(&app.mail, rotated.current_from).await?;
    let (id, from) = (rotated.id.to_string(), in_seconds(rotated.current_from));
    if json {
        print_json(&json!({
            "current": id,
            "current_from": from,
            "resealed": { "signing_keys": resealed.signing_keys, "mails": resealed.mails },
        }));
    } else {
        println!(
            "The master key {id} is current from {from} on. {} signing keys and {} mails are sealed \
             under it already; the servers do the rest, and nobody notices. Keep the former key until \
             its refresh tokens have lived out (signet keys master status), then: signet keys master \
             retire ID",
            resealed.signing_keys, resealed.mails
        );
    }
    Ok(())
}

async fn revoke(app: &App, id: &str, json: bool) -> Result<()> {
    // Until the servers have heard of it they seal mails under the old key, which are lost after.
    let heard = app.config.keys.reload_every.delta().to_std();
    let heard = heard.unwrap_or_default() + Duration::from_millis(500);
    let heard = heard.min(MOST_PATIENCE);
    let revoked = app.revoke_master_key(id, heard).await?;
    let told: Vec<String> = revoked
        .signing_keys
        .iter()
        .map(keys::Changed::told)
        .collect();
    let (id, current) = (revoked.id.to_string(), revoked.current.to_string());
    if json {
        print_json(&json!({
            "revoked": id, "current": current, "signing_keys": told,
            "import_again": left(&revoked.signing_keys),
        }));
        return Ok(());
    }
    println!(
        "The master key {id} counts for nothing any more; {current} is current. On every node: \
         signet keys master remove {id}"
    );
    for line in told {
        println!("{}", escaped(&line));
    }
    tell_left(&revoked.signing_keys);
    println!(
        "Everybody has to log in again, and mails that waited are dropped; links that were mailed \
         lead nowhere any more, and who needs one asks again. Verifiers that do not fetch an unknown \
         key at once refuse new access tokens until their JWKS is fresh."
    );
    Ok(())
}

/// Keys that were imported, and left with the master key that vouched for them.
fn left(changed: &[Changed]) -> Vec<&str> {
    let left = changed.iter().filter_map(|one| match one {
        // What has no name was never imported.
        Changed::Forgotten(kid) => Some(kid.as_str()).filter(|kid| !kid.is_empty()),
        _ => None,
    });
    left.collect()
}

fn tell_left(changed: &[Changed]) {
    let left = left(changed);
    if !left.is_empty() {
        println!(
            "Nobody vouches any more for keys that only verified. Import them again, from where you \
             had them, if old tokens need them (one that you never had was somebody else's): {}",
            escaped(&left.join(", "))
        );
    }
}

/// `signet keys master recover`: the one that runs without a usable master key.
pub(super) fn recover(config: Config, is_meant: bool, json: bool) -> Result<()> {
    if !is_meant {
        return Err(Error::setup(
            "this gives up what only a lost master key opens: its signing keys sign no longer (their \
             tokens live out), mails that wait are dropped, and everybody has to log in again; say \
             --yes if no backup has the key",
        ));
    }
    let clock = Clock::system();
    let db = Db::open(&config.database, Access::Command)?;
    let end_sessions = |conn: &mut Conn, now| session::end_all(conn, now).map(drop);
    let recovered = wait_for(keys::recover(&db, &clock, &config, end_sessions))?;
    drop(db);
    let app = App::build_for(config, clock, Access::Command)?;
    let made = wait_for(app.keys.maintain())?;
    let lost: Vec<String> = recovered.lost.iter().map(ToString::to_string).collect();
    let changed = recovered.signing_keys.iter().chain(&made);
    let told: Vec<String> = changed.map(keys::Changed::told).collect();
    let (current, mails) = (recovered.current.to_string(), recovered.mails);
    if json {
        print_json(&json!({
            "lost": lost, "current": current, "signing_keys": told, "mails_dropped": mails,
            "import_again": left(&recovered.signing_keys),
        }));
        return Ok(());
    }
    if lost.is_empty() {
        println!("No master key was in use; {current} is current.");
    } else {
        println!(
            "Gave up the master key {}; {current} is current.",
            lost.join(", ")
        );
    }
    for line in told {
        println!("{}", escaped(&line));
    }
    tell_left(&recovered.signing_keys);
    println!(
        "{mails} mails were dropped: whoever waits for one has to ask again. All sessions ended: \
         everybody has to log in again. Back {} up.",
        app.config.keys.master_key_file.display()
    );
    Ok(())
}
