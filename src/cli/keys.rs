//! `signet keys …`.

mod transfer;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::arguments::{Keys as Command, Next};
use super::logging::escaped;
use super::print_json;
use crate::app::App;
use crate::clock::{Time, in_seconds};
use crate::crypto::Algorithm;
use crate::error::{Error, Result};
use crate::keys::{self, Changed, Entry, Keys, Policy, Purpose, Start, State};

pub(super) async fn run(command: Command, app: App) -> Result<()> {
    let now = app.clock.now();
    let keys = &app.keys;
    let only_looks = matches!(
        command,
        Command::List { .. } | Command::Plan { .. } | Command::Export(_) | Command::Master(_)
    );
    // What is asked for but not meant changes nothing either.
    let is_meant = !matches!(command, Command::Revoke { now: false, .. });
    if !only_looks && is_meant {
        keys.begin().await?;
    }
    match command {
        Command::List { json } => list(&keys.entries().await?, now, json),
        Command::Plan { json } => plan(keys, now, json).await?,
        Command::Generate(next) => {
            let algorithm = algorithm(keys, &next)?;
            tell(keys, &keys.rotate(algorithm, Start::Due).await?, next.json);
        }
        Command::Rotate { next, earliest } => {
            let start = if earliest {
                Start::Earliest
            } else {
                Start::Announced
            };
            let algorithm = algorithm(keys, &next)?;
            tell(keys, &keys.rotate(algorithm, start).await?, next.json);
        }
        Command::Master(command) => super::master::run(command, &app).await?,
        Command::Activate(one) => tell(keys, &keys.activate(&one.kid).await?, one.json),
        Command::Retire(one) => tell(keys, &keys.retire(&one.kid).await?, one.json),
        Command::Revoke { key, now: is_meant } => {
            if !is_meant {
                return Err(Error::setup(
                    "this ends every token that the key has signed, and verifiers that do not \
                     fetch an unknown key at once refuse the next ones until their JWKS is fresh; \
                     say --now if you mean it",
                ));
            }
            tell(keys, &keys.revoke(&key.kid).await?, key.json);
        }
        Command::Import(import) => transfer::import(keys, import).await?,
        Command::Export(export) => transfer::export(keys, &export)?,
    }
    Ok(())
}

fn algorithm(keys: &Keys, next: &Next) -> Result<Algorithm> {
    let Some(name) = &next.algorithm else {
        return Ok(keys.default_algorithm());
    };
    let policy = keys.policy();
    let wanted = policy.algorithms.as_slice();
    named(name, wanted).ok_or_else(|| {
        let known = Algorithm::names(wanted);
        Error::setup(format!("`{name}` is none of [keys] algorithms: {known}"))
    })
}

/// Any that a key can have.
fn any_algorithm(name: &str) -> Result<Algorithm> {
    named(name, &Algorithm::ASYMMETRIC).ok_or_else(|| {
        let known = Algorithm::names(&Algorithm::ASYMMETRIC);
        Error::setup(format!("`{name}` is no algorithm of a key: {known} are"))
    })
}

/// Case does not matter at a command line.
fn named(name: &str, among: &[Algorithm]) -> Option<Algorithm> {
    let mut among = among.iter().copied();
    among.find(|one| one.name().eq_ignore_ascii_case(name))
}

fn list(entries: &[Entry], now: Time, json: bool) {
    if json {
        return print_json(&entries.iter().map(|entry| as_json(entry, now)).collect());
    }
    if entries.is_empty() {
        println!("No signing key yet: the server makes the first one when it starts.");
        return;
    }
    println!(
        "{:43}  {:9}  {:8}  {:20}  {:20}  {:20}  REMOVED",
        "KID", "ALGORITHM", "STATE", "PUBLISHED", "SIGNS FROM", "SIGNS UNTIL"
    );
    for entry in entries {
        let life = &entry.lifetime;
        let gone = life.revoked_at.or(life.remove_at);
        println!(
            "{:43}  {:9}  {:8}  {:20}  {:20}  {:20}  {}",
            entry.kid,
            entry.algorithm.name(),
            life.state(now).name(),
            in_seconds(life.publish_at),
            signs(entry, Some(life.activate_at)),
            signs(entry, life.retire_at),
            gone.map_or_else(|| "-".to_owned(), in_seconds),
        );
    }
}

/// When it begins or ends to sign; not at all, if it only verifies.
fn signs(entry: &Entry, at: Option<Time>) -> String {
    match (entry.purpose, at) {
        (Purpose::Sign, Some(at)) => in_seconds(at),
        (Purpose::Sign, None) | (Purpose::Verify, _) => "-".to_owned(),
    }
}

/// What the server will do by itself, and when.
async fn plan(keys: &Keys, now: Time, json: bool) -> Result<()> {
    let entries = keys.entries().await?;
    let policy = &*keys.policy();
    let mut ahead: Vec<(Time, Value, String)> = Vec::new();
    for entry in &entries {
        let life = &entry.lifetime;
        let moments = [
            (Some(life.activate_at), "activate", "begins to sign"),
            (life.retire_at, "retire", "signs no longer"),
            (life.remove_at, "remove", "is in no JWKS any more"),
        ];
        if life.revoked_at.is_some() {
            continue;
        }
        for (at, act, words) in moments {
            if let Some(at) = at.filter(|at| *at > now) {
                let value = json!({"at": in_seconds(at), "act": act, "kid": entry.kid,
                    "algorithm": entry.algorithm.name()});
                ahead.push((
                    at,
                    value,
                    format!("{} {} {words}", entry.algorithm, entry.kid),
                ));
            }
        }
    }
    for (at, algorithm) in keys::next_rotations(&entries, policy, now) {
        let value = json!({"at": in_seconds(at), "act": "create", "algorithm": algorithm.name()});
        ahead.push((
            at,
            value,
            format!("{algorithm} the next key is made and published"),
        ));
    }
    ahead.sort_by_key(|(at, ..)| *at);
    if json {
        let values: Vec<&Value> = ahead.iter().map(|(_, value, _)| value).collect();
        print_json(&json!({ "now": in_seconds(now), "steps": values, "guards": guards(policy) }));
        return Ok(());
    }
    println!("{}  now", in_seconds(now));
    for (at, _, words) in ahead {
        println!("{}  {words}", in_seconds(at));
    }
    println!(
        "\nA key is published {} before it signs ({} at least), and {} after it signed last.",
        period(policy.lead()),
        period(policy.least_lead()),
        period(policy.rest()),
    );
    Ok(())
}

fn guards(policy: &Policy) -> Value {
    json!({
        "least_lead_seconds": policy.least_lead().num_seconds(),
        "lead_seconds": policy.lead().num_seconds(),
        "least_rest_seconds": policy.least_rest().num_seconds(),
        "rest_seconds": policy.rest().num_seconds(),
    })
}

/// What was changed, what comes of it when, and who notices.
fn tell(keys: &Keys, changed: &[Changed], json: bool) {
    let (policy, now) = (&*keys.policy(), keys.now());
    if json {
        let changes: Vec<Value> = changed.iter().map(|one| change_as_json(one, now)).collect();
        return print_json(&json!({ "changed": changes, "notes": notes(policy, changed, now) }));
    }
    if changed.is_empty() {
        println!("Nothing is to be done.");
    }
    for one in changed {
        println!("{}", escaped(&one.told()));
    }
    for note in notes(policy, changed, now) {
        println!("{note}");
    }
}

fn notes(policy: &Policy, changed: &[Changed], now: Time) -> Vec<String> {
    let mut notes = Vec::new();
    let is_revoked = |one: &&Changed| matches!(one, Changed::Revoked(_));
    if changed.iter().filter(is_revoked).count() > 1 {
        notes.push("They are the same key, under several ids.".to_owned());
    }
    for one in changed {
        match one {
            Changed::Revoked(entry) if entry.purpose == Purpose::Verify => notes.push(format!(
                "Tokens that it signed, elsewhere, are refused by verifiers when their JWKS is \
                 fresh, within {}.",
                period(policy.jwks_max_age + policy.reload_every),
            )),
            Changed::Imported(entry) if entry.purpose == Purpose::Verify => notes.push(format!(
                "Verifiers know it when their JWKS is fresh, within {}; no token of this service \
                 is affected.",
                period(policy.jwks_max_age + policy.reload_every),
            )),
            Changed::Revoked(entry) => {
                if let Some(since) = keys::dying(policy, &entry.lifetime, now) {
                    notes.push(format!(
                        "Tokens that it signed are refused by this service at once: those of the \
                         last {} (since {}). Verifiers refuse them when their JWKS is fresh, \
                         within {}. Sessions go on: a refresh gets a token of another key.",
                        period(policy.token_life),
                        in_seconds(since),
                        period(policy.jwks_max_age + policy.reload_every),
                    ));
                }
            }
            Changed::Created(entry) | Changed::Rescheduled(entry)
                if entry.lifetime.state(now) == State::Active
                    && entry.lifetime.retire_at.is_none()
                    && policy.check(&entry.lifetime).is_err() =>
            {
                notes.push(format!(
                    "{} signs from now on. Verifiers that do not fetch an unknown key at once \
                     refuse its tokens until their JWKS is fresh, within {}.",
                    entry.kid,
                    period(policy.jwks_max_age + policy.reload_every),
                ));
            }
            _ => {}
        }
    }
    notes
}

fn change_as_json(changed: &Changed, now: Time) -> Value {
    let (what, entry) = match changed {
        Changed::Created(entry) => ("created", entry),
        Changed::Imported(entry) => ("imported", entry),
        Changed::Rescheduled(entry) => ("rescheduled", entry),
        Changed::Revoked(entry) => ("revoked", entry),
        Changed::Forgotten(kid) => return json!({"change": "forgotten", "kid": kid}),
    };
    let mut value = as_json(entry, now);
    if let Value::Object(members) = &mut value {
        members.insert("change".to_owned(), what.into());
    }
    value
}

fn as_json(entry: &Entry, now: Time) -> Value {
    let life = &entry.lifetime;
    json!({
        "kid": entry.kid,
        "algorithm": entry.algorithm.name(),
        "purpose": entry.purpose.name(),
        "state": life.state(now).name(),
        "publish_at": in_seconds(life.publish_at),
        "activate_at": in_seconds(life.activate_at),
        "retire_at": life.retire_at.map(in_seconds),
        "remove_at": life.remove_at.map(in_seconds),
        "revoked_at": life.revoked_at.map(in_seconds),
    })
}

/// As in the settings: the two largest units.
fn period(delta: TimeDelta) -> String {
    let seconds = delta.num_seconds();
    let units = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (size, name) in units {
        if rest >= size && parts.len() < 2 {
            parts.push(format!("{}{name}", rest / size));
            rest %= size;
        }
    }
    if parts.is_empty() {
        "0s".to_owned()
    } else {
        parts.join(" ")
    }
}
