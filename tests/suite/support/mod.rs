//! What every test stands on: databases, servers, people, mail.
//!
//! A test is a function of the [`Backend`] it runs on, listed in its file's `on_both!`. It starts
//! a [`Server`] inside the test process (frozen clock, mail in memory, cheap passwords) or, where
//! the process itself is the subject, an [`Installation`] of the real binary.

mod browser;
mod client;
mod contract;
mod installation;
pub(crate) mod link;
mod person;
pub(crate) mod provider;
pub(crate) mod raw;
mod server;
mod smtp;
pub(crate) mod token;

pub(crate) use browser::{Browser, set_cookies};
pub(crate) use client::{Answer, Client};
pub(crate) use contract::Contract;
pub(crate) use installation::{Installation, Process};
pub(crate) use person::{PASSWORD, Person};
pub(crate) use server::Server;
pub(crate) use smtp::Sink;

/// Which database is underneath.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    Sqlite,
    Postgresql,
}

impl Backend {
    /// The URL of a fresh database, which may live in `directory`.
    pub(crate) fn database(self, directory: &std::path::Path) -> String {
        match self {
            Self::Sqlite => format!("sqlite://{}", directory.join("signet.db").display()),
            Self::Postgresql => crate::postgres::database(),
        }
    }
}

/// Waits for one answer of the crate's, in a test that is not asynchronous.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(future)
}

/// Makes of each named `fn(Backend)` two tests, one per database. A function left out of the list
/// is dead code, and the build says so.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] fn $name() { super::$name($crate::support::Backend::Sqlite) })+
        }
        mod postgresql {
            $(#[test] fn $name() { super::$name($crate::support::Backend::Postgresql) })+
        }
    };
}
pub(crate) use on_both;
