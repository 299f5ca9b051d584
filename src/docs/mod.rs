//! # docs
//!
//! The API, described: a document that programs read, and a page where people read it and try every
//! call.
//!
//! Standards: OpenAPI 3.1, JSON Schema 2020-12, CSP Level 3, WCAG 2.2 AA.
//! Routes: `/openapi.json`, `/docs` and what that page is made of, below it.
//! Settings: `[docs] enabled`; the document tells of the configuration that is in effect.
//! No table, no job. Both are made of what the routes say of themselves where they are mounted; it
//! knows none of them.

mod document;
pub mod http;
mod responses;
mod security;

pub use document::Document;
