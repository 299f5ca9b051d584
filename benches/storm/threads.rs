//! Which threads had the processor, and which waited for it (`schedstat`).

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use crate::process::Process;

/// Of all threads of one name.
#[derive(Clone, Copy, Default)]
pub(crate) struct Times {
    pub(crate) ran: Duration,
    /// Ready to run, while another one did.
    pub(crate) waited: Duration,
}

pub(crate) type Threads = BTreeMap<String, Times>;

/// Since each of them began. Numbers at the end of a name are left out.
pub(crate) fn of(process: Process) -> Threads {
    let mut threads = Threads::new();
    let tasks = fs::read_dir(format!("/proc/{}/task", process.0));
    for task in tasks.into_iter().flatten().flatten() {
        let read = |file| fs::read_to_string(task.path().join(file)).unwrap_or_default();
        let (name, stat) = (read("comm"), read("schedstat"));
        let nanos: Vec<u64> = stat
            .split_whitespace()
            .map_while(|nanos| nanos.parse().ok())
            .collect();
        if let [ran, waited, ..] = nanos[..] {
            let times = threads.entry(kind(name.trim()).to_owned()).or_default();
            times.ran += Duration::from_nanos(ran);
            times.waited += Duration::from_nanos(waited);
        }
    }
    threads
}

/// Of all threads together, under this name.
pub(crate) fn together(threads: &Threads, name: &str) -> Threads {
    let mut sum = Times::default();
    for times in threads.values() {
        sum.ran += times.ran;
        sum.waited += times.waited;
    }
    Threads::from([(name.to_owned(), sum)])
}

fn kind(name: &str) -> &str {
    name.trim_end_matches(|sign: char| sign.is_ascii_digit() || sign == '-' || sign == ':')
}

/// What came to them between two looks.
pub(crate) fn between(before: &Threads, after: &Threads) -> Threads {
    let difference = |(name, after): (&String, &Times)| {
        let before = before.get(name).copied().unwrap_or_default();
        let times = Times {
            ran: after.ran.saturating_sub(before.ran),
            waited: after.waited.saturating_sub(before.waited),
        };
        (name.clone(), times)
    };
    after.iter().map(difference).collect()
}
