//! Signet from the outside: black-box tests over HTTP, each on SQLite and on PostgreSQL.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a broken promise here is a failed test"
)]

mod access;
mod bad_input;
mod claims;
mod command_line;
mod contract;
mod doctor;
mod durability;
mod events;
mod federation;
mod keys;
mod leak;
mod limits;
mod master_keys;
mod metrics;
mod openapi;
#[path = "../support/postgres.rs"]
mod postgres;
mod race;
mod refresh;
mod revocation;
mod support;
mod tour;
mod verifiers;

#[test]
fn a_database_is_fresh_each_time() {
    assert_ne!(postgres::database(), postgres::database());
}
