//! Signet: a standalone JWT identity provider.

pub mod account;
pub mod clock;
pub mod config;
pub mod crypto;
pub mod error;
pub mod event;
pub mod ids;
pub mod keys;
pub mod mail;
pub mod oauth;
pub mod pages;
pub mod password;
#[cfg(test)]
#[path = "../tests/support/postgres.rs"]
mod postgres;
pub mod session;
pub mod storage;
pub mod token;
pub mod web;
