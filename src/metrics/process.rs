//! What the operating system says about this process. Only Linux is asked; elsewhere, and where
//! `/proc` is hidden, there is nothing but the time of the start.

use std::fs;

use super::sheet::{Sheet, timestamp};
use crate::clock::Time;
use crate::error::Result;

/// `/proc` counts CPU time in hundredths of a second, whatever the kernel's own tick is.
const TICKS_PER_SECOND: f64 = 100.0;

pub(super) fn tell(sheet: &Sheet, started_at: Time) -> Result<()> {
    sheet.gauge(
        "signet_process_start_time_seconds",
        "When this process began to serve",
        timestamp(started_at),
    )?;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(kib) = field(&status, "VmRSS:") {
        sheet.gauge(
            "signet_process_resident_memory_bytes",
            "Memory of this process",
            kib * 1024.0,
        )?;
    }
    if let Some(threads) = field(&status, "Threads:") {
        sheet.gauge("signet_process_threads", "Threads of this process", threads)?;
    }
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    if let Some(seconds) = cpu_seconds(&stat) {
        sheet.counter(
            "signet_process_cpu_seconds_total",
            "CPU time of this process, user and system",
            seconds,
        )?;
    }
    if let Ok(entries) = fs::read_dir("/proc/self/fd") {
        // One of them is that of the look itself.
        let open = entries.count().saturating_sub(1);
        sheet.gauge(
            "signet_process_open_fds",
            "Open file descriptors of this process",
            f64::from(u32::try_from(open).unwrap_or(u32::MAX)),
        )?;
    }
    Ok(())
}

fn field(status: &str, name: &str) -> Option<f64> {
    let mut lines = status.lines();
    let value = lines.find_map(|line| line.strip_prefix(name))?;
    value.split_whitespace().next()?.parse().ok()
}

/// Fields 14 and 15 of `proc_pid_stat(5)`. The second one is the program's name and may hold anything.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_program_does_not_confuse() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4 9 0 0 0 250 50 0 0 20 0 3 0 99 1 1";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(cpu_seconds("7 (a) S 1"), None);
        assert_eq!(cpu_seconds(""), None);
    }

    #[test]
    fn fields_are_found_by_name() {
        let status = "Name:\tsignet\nVmRSS:\t   2048 kB\nThreads:\t9\n";
        assert_eq!(field(status, "VmRSS:"), Some(2048.0));
        assert_eq!(field(status, "Threads:"), Some(9.0));
        assert_eq!(field(status, "VmSwap:"), None);
    }
}
