//! `signet events …`.

use std::io::{self, Write};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::arguments::Events as Command;
use super::logging::escaped;
use crate::app::App;
use crate::clock::{Time, in_seconds};
use crate::config::Period;
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::event::{self, Follower, Kind, Query, Recorded};
use crate::ids::Subject;

/// Events that a tail begins with.
const TAIL: u32 = 20;

/// How often a follower looks.
const PERIOD: Duration = Duration::from_secs(1);

/// From when on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Since {
    Ago(Period),
    At(Time),
}

/// A duration back from now, or a time (RFC 3339).
pub(super) fn since(text: &str) -> Result<Since, String> {
    if let Ok(period) = text.parse() {
        return Ok(Since::Ago(period));
    }
    let time = DateTime::parse_from_rfc3339(text);
    time.map(|time| Since::At(time.with_timezone(&Utc)))
        .map_err(|_| "write a duration, like 24h, or a time, like 2026-11-23T12:00:00Z".to_owned())
}

/// A kind by its name.
pub(super) fn kind(text: &str) -> Result<Kind, String> {
    Kind::parse(text).ok_or_else(|| {
        let like = |kind: &Kind| strsim::normalized_damerau_levenshtein(text, kind.name());
        let nearest = Kind::ALL
            .into_iter()
            .max_by(|one, other| like(one).total_cmp(&like(other)));
        let nearest = nearest.map_or("", Kind::name);
        format!("no such kind; did you mean {nearest}? docs/events.md lists them all")
    })
}

pub(super) async fn run(command: Command, app: App) -> Result<()> {
    match command {
        Command::List {
            since,
            kind: kinds,
            subject,
            limit,
            json,
        } => {
            let now = app.clock.now();
            let since = since.map(|since| match since {
                Since::Ago(period) => now - period.delta(),
                Since::At(time) => time,
            });
            let subject = match subject {
                Some(name) => Some(person(&app, &name).await?),
                None => None,
            };
            let query = Query {
                since,
                kinds,
                subject,
                limit,
            };
            let events = event::recent(&app.db, &query).await?;
            quietly(print(&events, json, true))
        }
        Command::Tail { follow, json } => tail(&app, follow, json).await,
    }
}

/// Somebody whose account is there, or the id of somebody whose account is gone.
async fn person(app: &App, name: &str) -> Result<Subject> {
    let error = match app.accounts.resolve(name).await {
        Ok(user) => return Ok(user.subject),
        Err(error) if error.kind() == ErrorKind::NotFound => error,
        Err(error) => return Err(error),
    };
    let subject = Subject::from(name);
    let query = Query {
        subject: Some(subject.clone()),
        limit: 1,
        ..Query::default()
    };
    if event::recent(&app.db, &query).await?.is_empty() {
        return Err(error);
    }
    Ok(subject)
}

async fn tail(app: &App, follow: bool, json: bool) -> Result<()> {
    let mut follower = Follower::start(&app.db, app.clock.now()).await?;
    let query = Query {
        limit: TAIL,
        ..Query::default()
    };
    let events = event::recent(&app.db, &query).await?;
    follower.has_met(&events);
    let mut printed = print(&events, json, true);
    while follow && printed.is_ok() {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => break,
            () = tokio::time::sleep(PERIOD) => {}
        }
        let events = follower.next(&app.db, app.clock.now()).await?;
        printed = print(&events, json, false);
    }
    quietly(printed)
}

/// Whoever reads may stop reading: that is no failure.
fn quietly(printed: io::Result<()>) -> Result<()> {
    match printed {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed.map_err(Error::internal),
    }
}

fn print(events: &[Recorded], json: bool, with_head: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if with_head && !json {
        writeln!(
            out,
            "{:20}  {:29}  {:36}  {:15}  DETAILS",
            "TIME", "KIND", "SUBJECT", "ADDRESS"
        )?;
    }
    for event in events {
        if json {
            writeln!(out, "{}", as_json(event))?;
        } else {
            writeln!(out, "{}", as_text(event))?;
        }
    }
    out.flush()
}

fn as_json(event: &Recorded) -> Value {
    json!({
        "id": event.id.as_str(),
        "at": event.at.to_rfc3339_opts(SecondsFormat::Micros, true),
        "kind": event.kind,
        "subject": event.subject,
        "session": event.session,
        "address": event.address,
        "details": event.details,
    })
}

fn as_text(event: &Recorded) -> String {
    let at = in_seconds(event.at);
    let subject = event.subject.as_ref().map_or("-", Subject::as_str);
    let address = event.address.as_deref().unwrap_or("-");
    let session = event
        .session
        .iter()
        .map(|session| format!("session={session}"));
    let details = event
        .details
        .iter()
        .map(|(name, value)| format!("{name}={}", spoken(value)));
    let details: Vec<String> = session.chain(details).collect();
    let kind = &event.kind;
    let details = details.join(" ");
    let line = format!("{at:20}  {kind:29}  {subject:36}  {address:15}  {details}");
    escaped(line.trim_end())
}

/// A detail without the quotes and brackets that only programs need.
fn spoken(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(spoken).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_kind_is_told_the_nearest() {
        assert_eq!(kind("login_succeeded"), Ok(Kind::LoginSucceeded));
        let error = kind("login_suceeded").unwrap_err();
        assert!(error.contains("did you mean login_succeeded?"), "{error}");
        assert!(kind("LoggedOut").unwrap_err().contains("logged_out"));
    }

    #[test]
    fn a_time_is_a_duration_or_a_moment() {
        assert!(matches!(since("24h"), Ok(Since::Ago(period)) if period == Period::days(1)));
        let Ok(Since::At(time)) = since("2026-11-23T13:00:00+01:00") else {
            panic!("a time");
        };
        assert_eq!(time.to_rfc3339(), "2026-11-23T12:00:00+00:00");
        for text in ["", "yesterday", "24", "-1h", "2026-11-23"] {
            assert!(since(text).is_err(), "{text:?}");
        }
    }
}
