//! One storm, what goes on meanwhile, and how long it takes until it is forgotten.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::time::Instant;

use crate::accounts::Accounts;
use crate::background::{self, Background};
use crate::figures::Figures;
use crate::honest::{self, Logins, Recovery};
use crate::installation::Installation;
use crate::metrics::Counted;
use crate::options::Options;
use crate::process::{self, Process};
use crate::rest::Rest;
use crate::storm::{Damage, Storm};
use crate::threads::{self, Threads};
use crate::watch::{Seen, Watch};
use crate::{Failure, Outcome};

/// It is over when a login takes less than so many times what it takes at rest.
const USUAL: u32 = 3;

/// We among the threads.
const LOAD: &str = "(the load)";

/// From where it storms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Callers {
    One,
    Many,
    Both,
}

impl Callers {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::One => "1 address",
            Self::Many => "200 addresses",
            Self::Both => "1 and 200 addresses",
        }
    }

    /// The address of one login.
    pub(crate) fn address(self, number: u64) -> Ipv4Addr {
        match self {
            Self::One => Ipv4Addr::new(198, 51, 100, 1),
            Self::Both if number % 4 < 2 => Self::One.address(number),
            Self::Both => Self::Many.address(number / 2),
            // The password is right at every second login: both come from all addresses.
            Self::Many => Ipv4Addr::new(203, 0, 113, (number / 2 % 200) as u8),
        }
    }
}

pub(crate) struct Phase {
    pub(crate) callers: Callers,
    pub(crate) length: Duration,
    pub(crate) damage: Damage,
    pub(crate) background: Background,
    pub(crate) honest: Logins,
    pub(crate) seen: Seen,
    /// What the server counted at the beginning, when the last login was due, and when all were
    /// answered.
    pub(crate) counted: [Counted; 3],
    pub(crate) recovery: Recovery,
    /// The share of the machine that the server took, we, and strangers.
    pub(crate) shares: [f64; 3],
    /// Of the server, and we ourselves, while it stormed.
    pub(crate) threads: Threads,
}

pub(crate) async fn run(
    options: &Options,
    callers: Callers,
    server: &Installation,
    accounts: &mut Accounts,
    rest: &Rest,
) -> Outcome<Phase> {
    let (rate, length) = (rest.hashes * options.times, options.length());
    let (address, admin) = (server.address(), server.admin());
    let running = background::start(accounts, rest.rates).await?;
    let watch = Watch::start(server.process(), admin);
    let before = Counted::look(admin).await?;
    let readings = readings(server)?;
    let threads = threads(server);
    let begun = Instant::now();
    let time = (begun, begun + length);
    let storm = async {
        let storm = Storm::rage(address, callers, rate, time).await;
        let at_end = Counted::look(admin).await;
        let shares = shares(readings, self::readings(server)?, begun.elapsed());
        let threads = threads::between(&threads, &self::threads(server));
        let usual = rest.login * USUAL;
        let (recovery, damage) = tokio::join!(
            honest::recovery(&mut accounts.scout, time.1, usual),
            storm.abate()
        );
        Ok::<_, Failure>((damage?, at_end?, recovery, shares, threads))
    };
    let going_on = honest::go_on(&mut accounts.honest, time.0, time.1);
    let (storm, honest) = tokio::join!(storm, going_on);
    let (damage, at_end, recovery, shares, threads) = storm?;
    let seen = watch.end().await?;
    let after = Counted::look(admin).await?;
    Ok(Phase {
        callers,
        length,
        damage,
        background: running.end(time.0..time.1, accounts).await?,
        honest,
        seen,
        counted: [before, at_end, after],
        recovery,
        shares,
        threads,
    })
}

impl Phase {
    /// Hashes per second while it stormed.
    pub(crate) fn rate(&self) -> f64 {
        let [before, at_end, _] = self.counted;
        (at_end.hashed - before.hashed) / self.length.as_secs_f64()
    }

    /// Hashes that nobody was given the outcome of; some of them were for callers who had gone.
    pub(crate) fn unaccounted(&self) -> f64 {
        let [before, _, after] = self.counted;
        let answered = self.damage.let_in + self.damage.turned_away;
        let others = self.honest.figures.count() as u64 + self.recovery.hashed;
        after.hashed - before.hashed - (answered + others) as f64
    }

    /// Refusals that the server counted.
    pub(crate) fn rejected(&self) -> f64 {
        let [before, _, after] = self.counted;
        after.rejected - before.rejected
    }

    /// Refusals that were answered.
    pub(crate) fn refused(&self) -> u64 {
        self.damage.refused() + self.honest.refused + self.recovery.refused
    }

    /// The longest that any answer took, in ms.
    pub(crate) fn longest(&self) -> f64 {
        let all = self.all().into_iter();
        all.map(|figures| figures.percentile(100))
            .fold(0.0, f64::max)
    }

    /// Whether we had to wait for the processor so long that latencies are our own.
    pub(crate) fn is_disturbed(&self) -> bool {
        let waited = self.threads.get(LOAD).map(|times| times.waited);
        waited.is_some_and(|waited| waited * 3 > self.length)
    }

    /// By how much the latest request was sent late, in ms.
    pub(crate) fn latest(&self) -> f64 {
        let late = self.damage.figures.latest.as_secs_f64();
        late * 1e3
    }

    /// What was not as it has to be.
    pub(crate) fn complaints(&self) -> impl Iterator<Item = &str> {
        let all = self.all().into_iter();
        all.flat_map(|figures| &figures.examples)
            .map(String::as_str)
    }

    pub(crate) fn wrong(&self) -> u64 {
        self.all().into_iter().map(|figures| figures.wrong).sum()
    }

    fn all(&self) -> [&Figures; 4] {
        [
            &self.damage.figures,
            &self.background.refresh,
            &self.background.jwks,
            &self.honest.figures,
        ]
    }
}

/// All of the server's, and what we take: if the load waits to run, latencies are its own.
fn threads(server: &Installation) -> Threads {
    let mut threads = threads::of(server.process());
    let ours = threads::of(Process::current());
    threads.extend(threads::together(&ours, LOAD));
    threads
}

/// Processor time of the whole machine, the server, and ourselves.
fn readings(server: &Installation) -> Outcome<[Duration; 3]> {
    Ok([
        process::cpu_of_machine()?,
        server.process().cpu()?,
        Process::current().cpu()?,
    ])
}

fn shares(before: [Duration; 3], after: [Duration; 3], length: Duration) -> [f64; 3] {
    let [all, server, ours] = [0, 1, 2].map(|of| after[of].saturating_sub(before[of]));
    let strangers = all.saturating_sub(server + ours);
    [server, ours, strangers].map(|time| process::share_of_machine(time, length))
}
