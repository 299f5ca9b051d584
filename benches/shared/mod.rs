//! What the benchmarks have in common. Each is a program of its own and takes what it needs.

pub(crate) mod asked;
pub(crate) mod client;
pub(crate) mod connection;
pub(crate) mod cores;
pub(crate) mod database;
pub(crate) mod latencies;
pub(crate) mod machine;
pub(crate) mod population;
pub(crate) mod process;
pub(crate) mod proof;
pub(crate) mod publish;
pub(crate) mod server;

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type Outcome<T> = Result<T, Failure>;
