//! # config
//!
//! Typed settings: built-in defaults, then `signet.toml`, then environment variables, then
//! command-line arguments; every problem is reported at once, each with its remedy.
//!
//! - **Owns:** the [`Config`] and its sections, the one table of settings (`setting.rs`) from which
//!   loading, unknown-name checks, `config show` and the reference file all come, the form of each
//!   type of value (`form.rs`), and the rules across settings (`rules.rs`).
//! - **Standards:** TOML 1.1, RFC 3986 (URLs), RFC 5322 (the sender), RFC 4632 (networks).
//! - **Tables, routes, jobs:** none.
//! - **Settings:** all of them. Variables are `SIGNET_<SECTION>__<KEY>`; secrets also
//!   `…_FILE`, which names a file to read.
//! - **Refuses to know:** what a setting does; opening databases, reading keys, sending mail.
//!
//! A secret's value never appears in a problem, nor in what [`Config::effective`] shows.

mod form;
mod load;
mod origin;
mod period;
mod problem;
mod rules;
mod sections;
mod setting;
mod show;
#[cfg(test)]
mod tests;
mod url;
mod variables;

pub use load::{Argument, environment};
pub use period::{InvalidPeriod, Period};
pub use problem::{Problem, Problems};
pub use sections::*;
