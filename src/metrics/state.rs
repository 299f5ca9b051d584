//! What the service is like at the moment: nothing of this is counted, it is looked at.

use super::sheet::{Sheet, flag, timestamp};
use crate::app::App;
use crate::clock::Time;
use crate::error::Result;
use crate::health::Draining;
use crate::job::Board;
use crate::keys::{Keys, State};
use crate::mail::Backlog;
use crate::token::Tokens;

pub(super) fn build(sheet: &Sheet, database: &str) -> Result<()> {
    let build = sheet.gauges(
        "signet_build_info",
        "The version of this program and the kind of its database",
        &["version", "database"],
    )?;
    let labels = [env!("CARGO_PKG_VERSION"), database];
    build.with_label_values(&labels).set(1.0);
    Ok(())
}

/// What `/readyz` says. Whether the database answers was found out just now.
pub(super) fn checks(
    sheet: &Sheet,
    app: &App,
    draining: &Draining,
    is_database_there: bool,
) -> Result<()> {
    let checks = sheet.gauges(
        "signet_check_passing",
        "Whether a check of /readyz passes: 1 or 0",
        &["check"],
    )?;
    let set = |check, passes| checks.with_label_values(&[check]).set(flag(passes));
    set("not_stopping", !draining.has_begun());
    set("database", is_database_there);
    set("signing_key", app.keys.can_sign());
    set("master_key", app.keys.master().missing().is_empty());
    set("jobs", app.board.late(app.clock.now()).is_empty());
    Ok(())
}

pub(super) fn mail(sheet: &Sheet, backlog: &Backlog, now: Time) -> Result<()> {
    sheet.gauge(
        "signet_mail_waiting",
        "Letters in the outbox that are to be sent, of all nodes",
        count(backlog.waiting),
    )?;
    let age = backlog.oldest.map_or(0.0, |oldest| seconds(now - oldest));
    sheet.gauge(
        "signet_mail_oldest_waiting_seconds",
        "Age of the oldest of them; 0 without any",
        age,
    )?;
    sheet.gauge(
        "signet_mail_dead_letters",
        "Letters that were given up, kept for 30 days",
        count(backlog.dead),
    )
}

pub(super) fn jobs(sheet: &Sheet, board: &Board, now: Time) -> Result<()> {
    let succeeded = sheet.gauges(
        "signet_job_last_success_timestamp_seconds",
        "When the job last succeeded, on whatever node; at first, when this process began",
        &["job"],
    )?;
    let next = sheet.gauges(
        "signet_job_next_run_timestamp_seconds",
        "When the job is due again",
        &["job"],
    )?;
    let failures = sheet.counters(
        "signet_job_failures_total",
        "Runs of the job on this node that failed",
        &["job"],
    )?;
    let late = sheet.gauges(
        "signet_job_late",
        "Whether the job has not succeeded for two of its periods: 1 or 0",
        &["job"],
    )?;
    for (job, status) in board.list() {
        let job = [job];
        succeeded
            .with_label_values(&job)
            .set(timestamp(status.last_run_at));
        next.with_label_values(&job)
            .set(timestamp(status.next_run_at));
        failures.with_label_values(&job).inc_by(status.failures);
        late.with_label_values(&job).set(flag(status.is_late(now)));
    }
    Ok(())
}

/// The keys as this node knows them; those that were removed are of no interest any more.
pub(super) fn keys(sheet: &Sheet, keys: &Keys, now: Time) -> Result<()> {
    let ring = keys.ring();
    sheet.gauge(
        "signet_signing_keys_age_seconds",
        "Time since this node last read the signing keys",
        seconds(now - ring.loaded_at()),
    )?;
    let shown = ring
        .keys()
        .iter()
        .filter(|key| key.lifetime.state(now) != State::Removed);
    let labels = ["kid", "algorithm"];
    let states = sheet.gauges(
        "signet_signing_key_state",
        "1 for the state that the key is in",
        &["kid", "algorithm", "state"],
    )?;
    let activate = sheet.gauges(
        "signet_signing_key_activate_timestamp_seconds",
        "When the key began to sign, or will",
        &labels,
    )?;
    let retire = sheet.gauges(
        "signet_signing_key_retire_timestamp_seconds",
        "When the key signs no longer, if that is settled",
        &labels,
    )?;
    let remove = sheet.gauges(
        "signet_signing_key_remove_timestamp_seconds",
        "When the key is in no JWKS any more, if that is settled",
        &labels,
    )?;
    for key in shown {
        let labels = [key.kid.as_str(), key.algorithm.name()];
        let life = key.lifetime;
        let state = life.state(now).name();
        states
            .with_label_values(&[labels[0], labels[1], state])
            .set(1.0);
        for (gauge, at) in [
            (&activate, Some(life.activate_at)),
            (&retire, life.retire_at),
            (&remove, life.remove_at),
        ] {
            if let Some(at) = at {
                gauge.with_label_values(&labels).set(timestamp(at));
            }
        }
    }
    let rotation = sheet.gauges(
        "signet_signing_key_next_rotation_timestamp_seconds",
        "When the next key is to sign in the place of the one that does",
        &["algorithm"],
    )?;
    let policy = ring.policy();
    for algorithm in &policy.algorithms {
        let of_algorithm = ring.keys().iter().filter(|key| key.algorithm == *algorithm);
        // The newest comes first.
        let mut active = of_algorithm.filter(|key| key.lifetime.state(now) == State::Active);
        if let Some(key) = active.next() {
            let at = timestamp(policy.replaced_at(&key.lifetime));
            rotation.with_label_values(&[algorithm.name()]).set(at);
        }
    }
    Ok(())
}

pub(super) fn tokens(sheet: &Sheet, tokens: &Tokens) -> Result<()> {
    let issued = sheet.counters(
        "signet_tokens_issued_total",
        "Access tokens that this node signed",
        &["kid", "algorithm"],
    )?;
    let alive = sheet.gauges(
        "signet_tokens_alive",
        "Of these, tokens that have not expired, to a hundredth of their life",
        &["kid"],
    )?;
    for one in tokens.issued() {
        issued
            .with_label_values(&[one.kid.as_str(), one.algorithm.name()])
            .inc_by(one.total);
        let number = count(i64::try_from(one.alive).unwrap_or(i64::MAX));
        alive.with_label_values(&[&one.kid]).set(number);
    }
    Ok(())
}

/// Clocks of nodes differ: nothing is younger than nothing.
fn seconds(age: chrono::TimeDelta) -> f64 {
    age.as_seconds_f64().max(0.0)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "nothing that is counted here comes near 2^53"
)]
fn count(number: i64) -> f64 {
    number as f64
}
