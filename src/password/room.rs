//! Whether what hashing takes fits into the memory that the process may have: better no start than
//! an end in the first storm of logins.

use std::fs;
use std::path::{Path, PathBuf};

use super::threads;
use crate::config;
use crate::error::{Error, Result};

/// What everything but hashing takes, in KiB: 16 MiB at rest, and 32 for what is under way.
const REST: u64 = 48 * 1024;

/// Refuses settings with which the hashing threads could take more than a control group allows, as
/// containers have one.
///
/// # Errors
/// With the remedy in the text.
pub fn check_room(settings: &config::Password) -> Result<()> {
    let cgroups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    match limit(&cgroups, Path::new("/sys/fs/cgroup")) {
        Some(limit) => check(settings, limit / 1024),
        None => Ok(()),
    }
}

fn check(settings: &config::Password, limit: u64) -> Result<()> {
    let threads = u64::try_from(threads(settings)).unwrap_or(u64::MAX);
    let each = u64::from(settings.argon2_memory_kib);
    let needed = threads.saturating_mul(each).saturating_add(REST);
    if needed <= limit {
        return Ok(());
    }
    let mib = |kib: u64| kib.div_ceil(1024);
    Err(Error::setup(format!(
        "{threads} threads that hash passwords in {} MiB each can take {} MiB with everything else, and \
         this process may have {} MiB: lower [password] pool_threads or argon2_memory_kib, or allow it more",
        mib(each),
        mib(needed),
        limit / 1024
    )))
}

/// The least that a control group of this process, or one around it, may take, in bytes: of version
/// 2 (`memory.max`), or 1.
fn limit(cgroups: &str, root: &Path) -> Option<u64> {
    let files = cgroups.lines().flat_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        match (fields.next(), fields.next()) {
            (Some(""), Some(path)) => upwards(root, path, "memory.max"),
            (Some("memory"), Some(path)) => {
                upwards(&root.join("memory"), path, "memory.limit_in_bytes")
            }
            _ => Vec::new(),
        }
    });
    files
        .filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok())
        .min()
}

fn upwards(root: &Path, path: &str, name: &str) -> Vec<PathBuf> {
    let own = root.join(path.trim_start_matches('/'));
    let groups = own.ancestors().take_while(|group| group.starts_with(root));
    groups.map(|group| group.join(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_group_around_counts() {
        let root = tempfile::tempdir().unwrap();
        let write = |group: &str, file: &str, text: &str| {
            let group = root.path().join(group);
            fs::create_dir_all(&group).unwrap();
            fs::write(group.join(file), text).unwrap();
        };
        let limit = |cgroups| limit(cgroups, root.path());
        assert_eq!(limit("0::/a/b\n"), None);
        write("a/b", "memory.max", "max\n");
        assert_eq!(limit("0::/a/b\n"), None);
        write("a", "memory.max", "268435456\n");
        write("", "memory.max", "536870912\n");
        assert_eq!(limit("0::/a/b\n"), Some(268_435_456));
        assert_eq!(limit("0::/\n"), Some(536_870_912));
        write("memory/c", "memory.limit_in_bytes", "1048576\n");
        assert_eq!(limit("5:memory:/c\n1:cpu:/\n"), Some(1_048_576));
        assert_eq!(limit(""), None);
    }

    #[test]
    fn what_does_not_fit_is_refused_with_the_remedy() {
        let settings = config::Password {
            pool_threads: 8,
            argon2_memory_kib: 19 * 1024,
            ..config::Password::default()
        };
        check(&settings, 256 * 1024).unwrap();
        check(&settings, 200 * 1024).unwrap();
        let refused = check(&settings, 199 * 1024).unwrap_err().to_string();
        for part in ["8 threads", "19 MiB each", "200 MiB", "199", "pool_threads"] {
            assert!(refused.contains(part), "{refused}");
        }
    }
}
