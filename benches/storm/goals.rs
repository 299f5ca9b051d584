//! What has to hold, and whether it does.

use crate::background::Background;
use crate::capacity::MEMORY_KIB;
use crate::phase::{Callers, Phase};
use crate::rest::Rest;

const REFRESH_P99_MS: f64 = 50.0;
const JWKS_P99_MS: f64 = 20.0;
const ANSWER_MS: f64 = 2000.0;
const RECOVERY_MS: f64 = 2000.0;
/// Of what the traffic leaves room for.
const THROUGHPUT: f64 = 0.9;
/// Memory that anything but hashing may take, in KiB.
const ELSE_KIB: u64 = 32 * 1024;

pub(crate) struct Goal {
    storm: &'static str,
    what: String,
    measured: String,
    pub(crate) is_met: bool,
}

/// What a run is judged by.
pub(crate) struct Given<'a> {
    pub(crate) rest: &'a Rest,
    /// Resident at rest, in KiB.
    pub(crate) resident: u64,
    /// Hashing threads of a server as delivered.
    pub(crate) threads: u32,
}

impl Given<'_> {
    /// In KiB.
    fn cap(&self) -> u64 {
        self.resident + u64::from(self.threads * MEMORY_KIB) + ELSE_KIB
    }
}

/// Whether nothing is late, be there a storm or not.
pub(crate) fn is_calm(background: &Background) -> bool {
    let Background { refresh, jwks } = background;
    refresh.percentile(99) <= REFRESH_P99_MS && jwks.percentile(99) <= JWKS_P99_MS
}

/// All goals of one storm.
pub(crate) fn of(phase: &Phase, given: &Given<'_>) -> Vec<Goal> {
    let mut goals = vec![
        at_most(
            "refresh p99",
            phase.background.refresh.percentile(99),
            REFRESH_P99_MS,
        ),
        at_most(
            "JWKS p99",
            phase.background.jwks.percentile(99),
            JWKS_P99_MS,
        ),
        answers(phase),
        memory(phase, given),
        refusals(phase),
        before_hashing(phase),
        throughput(phase, given.rest),
        recovery(phase),
        nothing_wrong(phase),
    ];
    if phase.callers == Callers::One {
        goals.extend([half(phase), let_in(phase)]);
    }
    for goal in &mut goals {
        goal.storm = phase.callers.name();
    }
    goals
}

fn goal(what: impl Into<String>, measured: String, is_met: bool) -> Goal {
    Goal {
        storm: "",
        what: what.into(),
        measured,
        is_met,
    }
}

/// In ms.
fn at_most(what: &str, measured: f64, most: f64) -> Goal {
    let what = format!("{what} ≤ {most:.0} ms");
    goal(what, format!("{measured:.1} ms"), measured <= most)
}

fn answers(phase: &Phase) -> Goal {
    let (longest, unanswered) = (phase.longest(), phase.damage.unanswered);
    goal(
        format!("every answer ≤ {ANSWER_MS:.0} ms"),
        format!("{longest:.0} ms, {unanswered} without an answer"),
        unanswered == 0 && longest <= ANSWER_MS,
    )
}

fn memory(phase: &Phase, given: &Given<'_>) -> Goal {
    let mib = |kib: u64| kib as f64 / 1024.0;
    goal(
        format!("memory ≤ {:.0} MiB", mib(given.cap())),
        format!("{:.1} MiB", mib(phase.seen.resident)),
        phase.seen.resident <= given.cap(),
    )
}

/// That each says 503 with 1 to 5 is seen when it comes; here, that they do not all say the same.
fn refusals(phase: &Phase) -> Goal {
    let counts = &phase.damage.refused;
    let kinds = counts.iter().filter(|count| **count > 0).count();
    let shown: Vec<_> = (1..).zip(&counts[1..]).collect();
    let shown: Vec<_> = shown
        .into_iter()
        .filter(|(_, count)| **count > 0)
        .map(|(seconds, count): (usize, _)| format!("{seconds} s: {count}"))
        .collect();
    goal(
        "refused with 503 and Retry-After 1 – 5 s, jittered",
        shown.join(", "),
        kinds > 1,
    )
}

/// Every hash that was done belongs to an answer that needed it, and each refusal to none.
fn before_hashing(phase: &Phase) -> Goal {
    let (extra, rejected, refused) = (phase.unaccounted(), phase.rejected(), phase.refused());
    goal(
        "refused before any hashing",
        format!("{refused} refused, {rejected:.0} counted, {extra:.0} hashes without an answer"),
        extra <= phase.damage.unanswered as f64 && rejected >= refused as f64,
    )
}

fn throughput(phase: &Phase, rest: &Rest) -> Goal {
    let share = phase.rate() / rest.calibrated;
    goal(
        format!("hashes ≥ {:.0} % of calibrated", THROUGHPUT * 100.0),
        format!("{:.1}/s, {:.0} %", phase.rate(), share * 100.0),
        share >= THROUGHPUT,
    )
}

fn recovery(phase: &Phase) -> Goal {
    let after = phase.recovery.after.map(|after| after.as_secs_f64() * 1e3);
    goal(
        format!("recovery ≤ {RECOVERY_MS:.0} ms"),
        after.map_or_else(|| "not seen".into(), |after| format!("{after:.0} ms")),
        after.is_some_and(|after| after <= RECOVERY_MS),
    )
}

fn nothing_wrong(phase: &Phase) -> Goal {
    let wrong = phase.wrong();
    goal("no wrong answer", wrong.to_string(), wrong == 0)
}

/// The honest one may wait, too.
fn half(phase: &Phase) -> Goal {
    let half = (phase.counted[0].room / 2.0).floor();
    let queued = phase.seen.queued;
    goal(
        format!("one address holds ≤ {half:.0} places in the queue (and another one 1)"),
        format!("{queued:.0}"),
        queued <= half + 1.0,
    )
}

fn let_in(phase: &Phase) -> Goal {
    let (honest, refused) = (&phase.honest.figures, phase.honest.refused);
    let longest = honest.percentile(100);
    goal(
        format!("another address is always let in ≤ {ANSWER_MS:.0} ms"),
        format!(
            "{} times, {longest:.0} ms; refused {refused} times",
            honest.count()
        ),
        honest.count() > 0 && refused == 0 && honest.wrong == 0 && longest <= ANSWER_MS,
    )
}

pub(crate) fn print(goals: &[Goal]) {
    println!("| storm from | goal | measured | verdict |\n|---|---|---|---|");
    for goal in goals {
        let verdict = if goal.is_met { "pass" } else { "**fail**" };
        println!(
            "| {} | {} | {} | {verdict} |",
            goal.storm, goal.what, goal.measured
        );
    }
    println!();
}
