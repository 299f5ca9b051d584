//! What was asked for, so that a reader can ask for the same again.

use super::server::BINARY;

/// Where `PostgreSQL` is, for those that measure it too.
pub(crate) const POSTGRES_URL: &str = "SIGNET_BENCH_POSTGRES_URL";

/// The command. An address of a database may hold a password, and the path to a binary says nothing
/// to others: they are left out.
pub(crate) fn command_line(bench: &str) -> String {
    let mut words = Vec::new();
    for variable in [POSTGRES_URL, BINARY] {
        if std::env::var_os(variable).is_some() {
            words.push(format!("{variable}=…"));
        }
    }
    words.push(format!("cargo bench --bench {bench} --"));
    let mut is_secret = false;
    for word in std::env::args().skip(1).filter(|word| word != "--bench") {
        let shown = match word.split_once('=') {
            _ if is_secret => "…".into(),
            Some(("--postgres", _)) => "--postgres=…".into(),
            _ => word.clone(),
        };
        is_secret = word == "--postgres";
        words.push(shown);
    }
    words.join(" ").trim_end_matches(" --").to_owned()
}
