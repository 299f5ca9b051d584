//! What was asked for, so that a reader can ask for the same again.

use super::Outcome;
use super::database::Database;
use super::server::BINARY;

/// Where `PostgreSQL` is, for those that measure it too.
pub(crate) const POSTGRES_URL: &str = "SIGNET_BENCH_POSTGRES_URL";

/// What each benchmark may be asked that measures several databases.
#[derive(clap::Args)]
pub(crate) struct Asked {
    /// Measures PostgreSQL too, in a database of its own beside the one named here
    #[arg(long, env = POSTGRES_URL, hide_env_values = true)]
    postgres: Option<String>,
    /// Leaves SQLite out
    #[arg(long)]
    no_sqlite: bool,
    /// What cargo says to every benchmark; without it, it is `cargo test` that runs us
    #[arg(long, hide = true)]
    bench: bool,
}

impl Asked {
    /// Whether it is only to be seen that everything works.
    pub(crate) fn is_trial(&self) -> bool {
        !self.bench
    }

    pub(crate) fn postgres(&self) -> Option<&str> {
        self.postgres.as_deref()
    }

    /// What makes a fresh one of each database that was asked for.
    pub(crate) fn databases(&self) -> Vec<Box<dyn Fn() -> Outcome<Database> + '_>> {
        let mut makers: Vec<Box<dyn Fn() -> Outcome<Database> + '_>> = Vec::new();
        if !self.no_sqlite {
            makers.push(Box::new(Database::sqlite));
        }
        if let Some(url) = &self.postgres {
            makers.push(Box::new(|| Database::postgresql(url)));
        }
        makers
    }
}

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
