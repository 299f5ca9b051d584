//! The tables, in Markdown.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::accounts::BUSY;
use crate::cores::Cores;
use crate::figures::Figures;
use crate::goals::{self, Given, Goal};
use crate::options::Options;
use crate::phase::Phase;
use crate::rest::Rest;
use crate::shared::{asked, machine};

pub(crate) struct Report {
    pub(crate) database: &'static str,
    /// At rest, in KiB.
    pub(crate) resident: u64,
    pub(crate) rest: Rest,
    pub(crate) phases: Vec<Phase>,
    /// Hashing threads of a server as delivered.
    pub(crate) threads: u32,
}

pub(crate) fn print_conditions(options: &Options, cores: &Cores) {
    println!("- `{}`", asked::command_line("storm"));
    println!("- commit {}", machine::commit());
    println!("- machine: {}; {}", machine::describe(), cores.describe());
    println!(
        "- each storm: 2,000 logins in 1 s, then {} × capacity, {} s in all\n",
        options.times,
        options.length().as_secs()
    );
}

impl Report {
    pub(crate) fn goals(&self) -> Vec<Goal> {
        let given = Given {
            rest: &self.rest,
            resident: self.resident,
            threads: self.threads,
        };
        let phases = self.phases.iter();
        phases.flat_map(|phase| goals::of(phase, &given)).collect()
    }

    pub(crate) fn print(&self) {
        println!("## {}\n", self.database);
        self.print_rest();
        self.print_logins();
        self.print_traffic();
        self.print_server();
        self.print_threads();
        self.print_complaints();
    }

    /// The first few of each kind.
    fn print_complaints(&self) {
        let all = self.phases.iter().flat_map(Phase::complaints);
        let kinds: BTreeSet<_> = all.collect();
        for complaint in &kinds {
            println!("- wrong: {complaint}");
        }
        if !kinds.is_empty() {
            println!();
        }
    }

    fn print_rest(&self) {
        let Rest {
            hashes,
            calibrated,
            taken,
            most,
            rates,
            background,
            login,
        } = &self.rest;
        println!("| before the storm | figure |\n|---|--:|");
        println!("| Argon2id alone on the server's cores (\"capacity\") | {hashes:.1}/s |");
        for (name, most, rate, figures) in [
            ("refresh", most.refresh, rates.refresh, &background.refresh),
            ("JWKS", most.jwks, rates.jwks, &background.jwks),
        ] {
            println!("| {name} that the server's cores can answer | {most:.0}/s |");
            println!("| {name} from now on, open loop | {rate:.0}/s |");
            println!("| {name} at rest, p50 and p99 | {} ms |", spread(figures));
        }
        println!(
            "| processor that both take of the server | {:.0} % of a core |",
            taken * 100.0
        );
        println!(
            "| logins beside them, {BUSY} always waiting (\"calibrated\") | {calibrated:.1}/s |"
        );
        let login = login.as_secs_f64() * 1e3;
        println!("| login beside the traffic | {login:.0} ms |");
        println!(
            "| memory at rest | {:.1} MiB |\n",
            self.resident as f64 / 1024.0
        );
    }

    fn print_logins(&self) {
        println!(
            "| storm from | logins | let in | wrong password | refused | no answer | wrong | \
             hashes/s | of calibrated | of capacity | hashed p50, max ms | refused p50, max ms |"
        );
        println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
        for phase in &self.phases {
            let damage = &phase.damage;
            println!(
                "| {} | {} | {} | {} | {} | {} | {} | {:.1} | {:.0} % | {:.0} % | {} | {} |",
                phase.callers.name(),
                damage.figures.count(),
                damage.let_in,
                damage.turned_away,
                damage.refused(),
                damage.unanswered,
                damage.figures.wrong,
                phase.rate(),
                phase.rate() / self.rest.calibrated * 100.0,
                phase.rate() / self.rest.hashes * 100.0,
                range(&damage.hashed),
                range(&damage.refusals),
            );
        }
        println!();
    }

    fn print_traffic(&self) {
        println!(
            "| storm from | refreshes | wrong | p50 ms | p99 ms | max ms | JWKS | wrong | p50 ms \
             | p99 ms | max ms | logins sent late by at most ms |"
        );
        println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
        for phase in &self.phases {
            println!(
                "| {} | {} | {} | {:.0} |",
                phase.callers.name(),
                row(&phase.background.refresh),
                row(&phase.background.jwks),
                phase.latest(),
            );
        }
        println!();
    }

    fn print_server(&self) {
        println!(
            "| storm from | hashing threads | places in the queue | of them taken | memory MiB | \
             honest logins | refused | p50, max ms | recovery ms | server | load | others |"
        );
        println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
        for phase in &self.phases {
            let [server, load, others] = phase.shares.map(|share| share * 100.0);
            let after = phase.recovery.after.map(|after| after.as_millis());
            println!(
                "| {} | {} | {} | {} | {:.1} | {} | {} | {} | {} | {server:.0} % | {load:.0} % \
                 | {others:.0} % |",
                phase.callers.name(),
                phase.counted[0].threads,
                phase.counted[0].room,
                phase.seen.queued,
                phase.seen.resident as f64 / 1024.0,
                phase.honest.figures.count(),
                phase.honest.refused,
                range(&phase.honest.figures),
                after.map_or_else(|| "not seen".into(), |after| after.to_string()),
            );
        }
        println!();
    }

    /// Of those that ran for more than a hundredth of the time.
    fn print_threads(&self) {
        println!("| storm from | thread | ran | waited to run |\n|---|---|--:|--:|");
        for phase in &self.phases {
            let share = |time: Duration| time.as_secs_f64() / phase.length.as_secs_f64() * 100.0;
            for (name, times) in &phase.threads {
                let (ran, waited) = (share(times.ran), share(times.waited));
                if ran >= 1.0 {
                    let callers = phase.callers.name();
                    let name = name.replace('|', "/");
                    println!("| {callers} | {name} | {ran:.0} % | {waited:.0} % |");
                }
            }
        }
        println!();
    }
}

fn row(figures: &Figures) -> String {
    let [half, most, all] = [50, 99, 100].map(|percent| figures.percentile(percent));
    let (count, wrong) = (figures.count(), figures.wrong);
    format!("{count} | {wrong} | {half:.1} | {most:.1} | {all:.0}")
}

/// Median and 99 %.
fn spread(figures: &Figures) -> String {
    format!(
        "{:.1}, {:.1}",
        figures.percentile(50),
        figures.percentile(99)
    )
}

/// Median and longest.
fn range(figures: &Figures) -> String {
    format!(
        "{:.0}, {:.0}",
        figures.percentile(50),
        figures.percentile(100)
    )
}
