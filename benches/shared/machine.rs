//! On what was measured.

use std::process::Command;

use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, sql_types::Text};

use super::{Outcome, process, server};

/// Its cores and its kernel.
pub(crate) fn describe() -> String {
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("", |name| name.trim_start_matches([' ', '\t', ':']));
    let (cores, kernel) = (
        process::cores_of_machine(),
        read("/proc/sys/kernel/osrelease"),
    );
    format!("{cores} cores, {model}, Linux {kernel}")
}

/// How busy it was (`proc(5)`).
pub(crate) fn load_average() -> String {
    read("/proc/loadavg")
}

/// The commit that was built.
pub(crate) fn commit() -> String {
    let git = Command::new("git")
        .args(["-C", env!("CARGO_MANIFEST_DIR")])
        .args(["describe", "--always", "--dirty"])
        .output();
    let text = git.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_default()
}

/// The size of the server's binary in MiB.
pub(crate) fn binary_mib() -> f64 {
    let size = std::fs::metadata(server::binary()).map_or(0, |file| file.len());
    size as f64 / f64::from(1 << 20)
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    server_version: String,
}

/// The version of the `PostgreSQL` there.
pub(crate) fn version_of_postgresql(url: &str) -> Outcome<String> {
    let mut conn = PgConnection::establish(url)?;
    let row: Row = diesel::sql_query("SHOW server_version").get_result(&mut conn)?;
    Ok(row.server_version)
}

fn read(path: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.trim().to_owned()
}
