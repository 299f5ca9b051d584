//! What the kernel says about a process (`proc(5)`).

use std::fs;
use std::time::Duration;

use super::Outcome;

/// `/proc` counts processor time in these, on every architecture.
const TICK: Duration = Duration::from_millis(10);

/// A process, by its id.
#[derive(Clone, Copy)]
pub(crate) struct Process(pub(crate) u32);

/// Resident memory in KiB.
#[derive(Clone, Copy, Default)]
pub(crate) struct Memory {
    pub(crate) now: u64,
    pub(crate) peak: u64,
}

impl Process {
    pub(crate) fn current() -> Self {
        Self(std::process::id())
    }

    /// User and system time of all its threads, to 10 ms.
    pub(crate) fn cpu(self) -> Outcome<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0))?;
        ticks(&stat).ok_or_else(|| "no times in /proc/…/stat".into())
    }

    pub(crate) fn memory(self) -> Outcome<Memory> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0))?;
        let field = |name| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        };
        match (field("VmRSS:"), field("VmHWM:")) {
            (Some(now), Some(peak)) => Ok(Memory { now, peak }),
            _ => Err("no memory in /proc/…/status".into()),
        }
    }
}

/// Processor time that this machine has spent on anything at all, over all cores.
pub(crate) fn cpu_of_machine() -> Outcome<Duration> {
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().ok_or("no times in /proc/stat")?;
    let times = line.split_whitespace().skip(1);
    let times: Vec<u32> = times.map_while(|time| time.parse().ok()).collect();
    match times[..] {
        // Not idle, not waiting for the disk; guests are counted in the first two already.
        [user, nice, system, _, _, irq, softirq, steal, ..] => {
            Ok(TICK * (user + nice + system + irq + softirq + steal))
        }
        _ => Err("no times in /proc/stat".into()),
    }
}

/// Which part `time` is of what all cores together have within `length`.
pub(crate) fn share_of_machine(time: Duration, length: Duration) -> f64 {
    time.as_secs_f64() / length.as_secs_f64() / cores_of_machine() as f64
}

/// All cores, also those that this process may not use: `/proc/stat` counts them, too.
pub(crate) fn cores_of_machine() -> usize {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let lines = stat.lines().filter_map(|line| line.strip_prefix("cpu"));
    let cores = lines.filter(|line| line.starts_with(|sign: char| sign.is_ascii_digit()));
    cores.count().max(1)
}

/// Processor time of every process of that name on this machine.
pub(crate) fn cpu_of_all(name: &str) -> Duration {
    let mut sum = Duration::ZERO;
    let name = format!("({name})");
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        // A process may end while we look at it.
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        if stat.contains(&name) {
            sum += ticks(&stat).unwrap_or_default();
        }
    }
    sum
}

fn ticks(stat: &str) -> Option<Duration> {
    // The name, in brackets, may itself hold spaces and brackets.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11);
    let user: u32 = times.next()?.parse().ok()?;
    let system: u32 = times.next()?.parse().ok()?;
    Some(TICK * (user + system))
}
