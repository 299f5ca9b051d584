//! `signet doctor`: looks, and changes nothing.

use serde_json::json;

use super::logging::escaped;
use super::{print_json, wait_for};
use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::finding::{Finding, Verdict};
use crate::storage::{Access, Conn, Db, Target};
use crate::{job, keys, mail, node};

pub(super) fn run(config: &Config, json: bool) -> Result<()> {
    let findings = look(config)?;
    let worst = findings.iter().map(|one| one.verdict).max();
    let worst = worst.unwrap_or(Verdict::Good);
    if json {
        let list: Vec<_> = findings.iter().map(as_json).collect();
        print_json(&json!({ "verdict": worst.name(), "findings": list }));
    } else {
        findings.iter().for_each(tell);
    }
    if worst == Verdict::Bad {
        return Err(Error::setup("something does not work: see above"));
    }
    Ok(())
}

fn tell(finding: &Finding) {
    let verdict = finding.verdict.name();
    println!(
        "{verdict:8} {:13} {}",
        finding.about,
        escaped(&finding.found)
    );
    if !finding.remedy.is_empty() {
        println!("{:8} {:13} -> {}", "", "", escaped(&finding.remedy));
    }
}

fn as_json(finding: &Finding) -> serde_json::Value {
    json!({
        "about": finding.about,
        "verdict": finding.verdict.name(),
        "found": finding.found,
        "remedy": finding.remedy,
    })
}

fn look(config: &Config) -> Result<Vec<Finding>> {
    const DATABASE: &str = "database";
    let mut findings = vec![Finding::good("configuration", "is good")];
    if let Target::Sqlite(path) = Target::parse(&config.database.url)?
        && !path.exists()
    {
        let found = format!("{} will be made at the first start", path.display());
        findings.push(Finding::good(DATABASE, found));
        return Ok(findings);
    }
    let db = match Db::open(&config.database, Access::Command) {
        Ok(db) => db,
        Err(error) => {
            let remedy = "nothing else can be looked at before";
            findings.push(Finding::bad(DATABASE, error.to_string(), remedy));
            return Ok(findings);
        }
    };
    findings.push(match db.check()? {
        None => Finding::good(DATABASE, format!("{} answers", db.kind())),
        Some(found) => Finding::bad(DATABASE, found, "restore the file from a backup"),
    });
    let (clock, skew) = (Clock::system(), config.keys.clock_skew.delta());
    let now = clock.now();
    let rows = move |conn: &mut Conn| {
        let mut findings = node::diagnose(conn, now, skew)?;
        findings.extend(job::diagnose(conn, now)?);
        findings.extend(mail::diagnose(conn, now)?);
        Ok(findings)
    };
    findings.extend(wait_for(keys::diagnose(&db, &clock, config))?);
    findings.extend(wait_for(db.read(rows))?);
    Ok(findings)
}
