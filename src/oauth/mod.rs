//! # oauth
//!
//! The installation as OAuth 2 and OpenID Connect see it. Today that is discovery: the two
//! documents by which a verifier finds the issuer's keys. They claim only what exists.
//!
//! Standards: authorization server metadata (RFC 8414), OpenID Connect Discovery 1.0.
//! Routes: `/.well-known/openid-configuration`, `/.well-known/oauth-authorization-server`.
//! No table, no settings of its own, no job. It does not know people or sessions.

mod discovery;
pub mod http;

pub use discovery::Discovery;
