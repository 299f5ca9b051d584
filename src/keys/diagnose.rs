//! What is wrong with the keys, and what to do about it. Changes nothing.

use super::load::is_given_up;
use super::{Entry, MasterKey, Policy, Purpose, Stage, Standing, State, plan, store};
use crate::clock::{Clock, Time, in_seconds};
use crate::config::Config;
use crate::crypto::{Closed, Vault};
use crate::error::Result;
use crate::finding::Finding;
use crate::node;
use crate::storage::Db;

const MASTER: &str = "master key";
const SIGNING: &str = "signing keys";

/// Looks at master keys and signing keys.
///
/// # Errors
/// The database is away.
pub async fn diagnose(db: &Db, clock: &Clock, config: &Config) -> Result<Vec<Finding>> {
    let file = &config.keys.master_key_file;
    let rows = db.read(store::list).await?;
    if rows.is_empty() && !file.exists() && !db.read(store::any_sealed).await? {
        let found = format!("{} will be made at the first start", file.display());
        return Ok(vec![Finding::good(MASTER, found)]);
    }
    let master = match MasterKey::look(db, clock, file).await {
        Ok(master) => master,
        // Says what to do, too.
        Err(error) => {
            let found = error.to_string();
            let (found, remedy) = found.split_once(". ").unwrap_or((&found, ""));
            return Ok(vec![Finding::bad(MASTER, found, remedy)]);
        }
    };
    let (vault, now) = (master.vault(super::SIGNING_KEYS), clock.now());
    let told = db.read(move |conn| node::told(conn, now)).await?;
    let policy = Policy::new(config).with(told);
    let standings = master.standings(db, &policy, now).await?;
    let findings = standings.iter().flat_map(|key| master_findings(key, now));
    let mut findings: Vec<Finding> = findings.collect();
    findings.extend(
        rows.iter()
            .flat_map(|row| row_findings(row, (&master, &vault), now)),
    );
    let entries = db.read(store::entries).await?;
    findings.extend(schedule(&entries, &policy, now));
    Ok(findings)
}

fn master_findings(key: &Standing, now: Time) -> Vec<Finding> {
    let id = key.id;
    let is_over = key.tokens_until.is_none_or(|until| until <= now);
    let own = match key.stage {
        Stage::Current => Some(Finding::good(MASTER, format!("{id} is current"))),
        Stage::Waiting => Some(Finding::warning(
            MASTER,
            format!("{id} was added and is not used"),
            "signet keys master rotate",
        )),
        Stage::Revoking => Some(Finding::bad(
            MASTER,
            format!("the revocation of {id} was begun and not finished"),
            format!("signet keys master revoke {id} --now"),
        )),
        Stage::Former if is_over => Some(Finding::warning(
            MASTER,
            format!("no token needs {id} any more"),
            format!("signet keys master retire {id}"),
        )),
        Stage::Retired if key.is_at_hand => Some(Finding::warning(
            MASTER,
            format!(
                "{id} is retired and still in the file: who can write to the database could make it \
                 count again"
            ),
            format!("signet keys master remove {id}, on every node"),
        )),
        Stage::Next | Stage::Former | Stage::Retired => None,
    };
    let is_lacked = key.stage != Stage::Retired && !key.lacking.is_empty();
    let lacked = is_lacked.then(|| {
        let found = format!("{} cannot read {id}", key.lacking.join(", "));
        Finding::bad(MASTER, found, "copy the master key file there")
    });
    own.into_iter().chain(lacked).collect()
}

fn row_findings(
    row: &store::Row,
    (master, vault): (&MasterKey, &Vault),
    now: Time,
) -> Vec<Finding> {
    if row.lifetime().gone_at(now).is_some() {
        return Vec::new();
    }
    if row.algorithm().is_none() {
        return vec![odd(&row.kid)];
    }
    let kid = &row.kid;
    let untimed = row.times().is_none().then(|| {
        let (goes_on, remedy) = match row.purpose() {
            Purpose::Sign => ("until another one signs", "a running server replaces it"),
            Purpose::Verify => (
                "verifying for good",
                "import it again to say until when, or revoke it",
            ),
        };
        let found = format!("the times of {kid} cannot be read; it goes on {goes_on}");
        Finding::warning(SIGNING, found, remedy)
    });
    let sealed = seal_finding(row, (master, vault), now);
    untimed.into_iter().chain(sealed).collect()
}

/// What is not published, and no command but one takes for a key.
fn odd(kid: &str) -> Finding {
    let remedy = if store::is_sayable(kid) {
        format!(
            "unless a later version wrote it, delete it: signet keys revoke {} --now",
            shell_word(kid)
        )
    } else {
        "restore its row from a backup, or delete it from the table signing_keys".to_owned()
    };
    let found = format!(
        "the row `{kid}` is no key of this version, and not published: its algorithm is not known, or \
         it has no name"
    );
    Finding::warning(SIGNING, found, remedy)
}

/// A name as a shell takes it for one word, whatever somebody wrote there.
fn shell_word(name: &str) -> String {
    let is_plain = |one: char| one.is_ascii_alphanumeric() || "-._".contains(one);
    if !name.is_empty() && name.chars().all(is_plain) {
        return name.to_owned();
    }
    format!("'{}'", name.replace('\'', r"'\''"))
}

fn seal_finding(
    row: &store::Row,
    (master, vault): (&MasterKey, &Vault),
    now: Time,
) -> Option<Finding> {
    let (kid, life) = (&row.kid, row.lifetime());
    let state = life.state(now);
    let closed = match row.open(vault) {
        Ok(Some(_)) => return public_finding(row, vault),
        // Nobody vouches for the public part but its seal.
        Ok(None) if matches!(row.is_public_sealed(vault), Ok(true)) => return None,
        Ok(None) => {
            return Some(Finding::bad(
                SIGNING,
                format!("{kid} is not one that was imported"),
                format!(
                    "import it again; if you never did, somebody writes to your database: signet keys \
                     revoke {} --now",
                    shell_word(kid)
                ),
            ));
        }
        // Given up with the master key: what it signed verifies, and that is all that is left.
        Err(closed) if is_given_up(row, &closed, &master.retired(), now) => return None,
        Err(closed) => closed,
    };
    let what = match closed {
        Closed::NeedsKey(id) => format!("{kid} ({}) needs the master key {id}", state.name()),
        Closed::Damaged(_) => format!(
            "{kid} ({}) was altered, cut short, or moved from another row",
            state.name()
        ),
    };
    let restore = match closed {
        Closed::NeedsKey(_) => "put that master key into the file".to_owned(),
        Closed::Damaged(_) => "restore its row from a backup".to_owned(),
    };
    Some(match state {
        State::Retired | State::Removed | State::Revoked => Finding::warning(
            SIGNING,
            format!("{what}; what it signed verifies all the same"),
            restore,
        ),
        State::Pending | State::Active => Finding::bad(
            SIGNING,
            what,
            format!(
                "{restore}, or replace it: signet keys revoke {} --now",
                shell_word(kid)
            ),
        ),
    })
}

/// Of a key that can be opened, which says itself what its public part is.
fn public_finding(row: &store::Row, vault: &Vault) -> Option<Finding> {
    matches!(row.is_public_sealed(vault), Ok(false)).then(|| {
        Finding::warning(
            SIGNING,
            format!(
                "the public part of {} was altered; the key goes on with its own",
                row.kid
            ),
            "restore its row from a backup, or replace it: signet keys rotate",
        )
    })
}

fn schedule(entries: &[Entry], policy: &Policy, now: Time) -> Vec<Finding> {
    let mut findings = Vec::new();
    if policy.told_max_age > policy.jwks_max_age {
        findings.push(Finding::good(
            SIGNING,
            format!(
                "a node has told verifiers to use a JWKS for {} seconds: schedules mind that until it \
                 has run out",
                policy.told_max_age.num_seconds()
            ),
        ));
    }
    for algorithm in &policy.algorithms {
        let of_algorithm = || entries.iter().filter(|key| key.algorithm == *algorithm);
        let signs = of_algorithm().find(|key| key.signs(now));
        let is_next = |key: &&Entry| key.is_to_sign(now);
        let will = of_algorithm()
            .filter(is_next)
            .min_by_key(|key| key.lifetime.activate_at);
        findings.push(match (signs, will) {
            (Some(key), _) => {
                Finding::good(SIGNING, format!("{algorithm} is signed by {}", key.kid))
            }
            (None, Some(key)) if !entries.iter().any(|key| key.signs(now)) => Finding::bad(
                SIGNING,
                format!(
                    "no key signs: {} does from {} on",
                    key.kid,
                    in_seconds(key.lifetime.activate_at)
                ),
                "a running server brings it forward within a minute; its log says why it does not. If \
                 this machine's clock is behind, synchronise it (NTP)",
            ),
            (None, Some(key)) => Finding::warning(
                SIGNING,
                format!(
                    "{algorithm} is signed by {} from {} on",
                    key.kid,
                    in_seconds(key.lifetime.activate_at)
                ),
                "nothing: until then other keys sign",
            ),
            (None, None) => Finding::bad(
                SIGNING,
                format!("no key signs {algorithm}"),
                "a running server makes one within a minute; its log says why it does not",
            ),
        });
    }
    // A server does what is due within a minute.
    let before = now - chrono::TimeDelta::minutes(3);
    if !plan(entries, policy, before).is_empty() && !plan(entries, policy, now).is_empty() {
        findings.push(Finding::warning(
            SIGNING,
            "the keys should have been changed before now",
            "see that a server is running, and what its log says",
        ));
    }
    for key in entries {
        let is_ahead = key.lifetime.activate_at > now && key.lifetime.is_to_sign(now);
        if let (true, Err(soon)) = (is_ahead, policy.check(&key.lifetime)) {
            findings.push(Finding::warning(
                SIGNING,
                format!("{}: {soon}", key.kid),
                format!(
                    "it was planned under other settings; it signs from {} on",
                    in_seconds(key.lifetime.activate_at)
                ),
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::shell_word;

    #[test]
    fn a_name_is_one_word_for_a_shell() {
        let table = [
            ("kX3p-_.9", "kX3p-_.9"),
            ("", "''"),
            ("a b; c", "'a b; c'"),
            ("it's", r"'it'\''s'"),
        ];
        for (name, word) in table {
            assert_eq!(shell_word(name), word);
        }
    }
}
