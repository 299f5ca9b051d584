//! # Signet
//!
//! A standalone JWT identity provider: one binary that registers people, logs them in, and hands
//! out signed, expiring tokens that any backend verifies through a published JWKS.
//!
//! ## The map
//!
//! A folder is a capability (a *room*). Inside it, `mod.rs` is its card, its types and what others
//! may call; `http.rs` its routes; the files named after use cases its decisions; `store.rs` its
//! queries. A room imports only rooms of lower levels, and those only through their `mod.rs`; a
//! test holds the code to it.
//!
//! | level | rooms |
//! |---|---|
//! | 0 | [`error`] [`finding`] [`measure`] [`clock`] [`ids`] [`crypto`] |
//! | 1 | [`storage`] [`web`] [`config`] |
//! | 2 | [`event`] < [`job`] < [`limits`] < [`mail`] < [`node`] < [`keys`] < [`token`] < [`password`] |
//! | 3 | [`session`] < [`account`] |
//! | 4 | [`federation`] [`oauth`] |
//! | 5 | [`docs`] [`pages`] |
//! | 6 | [`app`] [`server`] [`jobs`] [`health`] [`metrics`] |
//! | 7 | [`cli`] |
//!
//! ## The way of one request
//!
//! `POST /auth/login/`: [`server`] has the route table and the order of the middleware, which is in
//! [`web`]. `account/http/login.rs` turns the body into domain types. `account/guess.rs` reads the
//! account and its [`limits`] and has the password verified in [`password`]'s pool;
//! `account/login.rs` decides (a pure function), has the tokens minted through [`session`] and
//! [`token`] with a key from [`keys`], and in one transaction of [`storage`] asks the limits again
//! and writes the session and the [`event`]. The answer goes out after the commit.
//!
//! Two rules of order. *Creating* a session: mint, then write. *Redeeming* anything single-use: one
//! conditional write, look at the count, then mint after the commit. And a refusal that must leave
//! a trace commits: transactions return an outcome, the use case turns it into an error afterwards.

pub mod account;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod crypto;
pub mod docs;
pub mod error;
pub mod event;
pub mod federation;
pub mod finding;
pub mod health;
pub mod ids;
pub mod job;
pub mod jobs;
pub mod keys;
pub mod limits;
pub mod mail;
pub mod measure;
pub mod metrics;
pub mod node;
pub mod oauth;
pub mod pages;
pub mod password;
#[cfg(test)]
#[path = "../tests/support/postgres.rs"]
mod postgres;
pub mod server;
pub mod session;
pub mod storage;
pub mod token;
pub mod web;
