//! The first-party API as its users know it: every endpoint, every answer, every message, in the
//! default settings and in those that change the wire.

mod body;
mod compat;
mod cookie;
mod cookie_end;
mod csrf;
mod email_change;
mod leaving;
mod login;
mod logout;
mod method;
mod names;
mod page;
mod password_change;
mod password_reset;
mod reauthenticate;
mod refresh;
mod registration;
mod sessions;
mod token;
mod user;
mod verification;
