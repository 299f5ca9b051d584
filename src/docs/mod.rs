//! # docs
//!
//! The API, described: a document that programs read, and a page where people read it and try every
//! call.
//!
//! Standards: OpenAPI 3.1, JSON Schema 2020-12, CSP Level 3, WCAG 2.2 AA.
//! Routes: `/openapi.json`, `/docs`.
//! Settings: `[docs] enabled`; the document tells of the configuration that is in effect.
//! No table, no job. Both are made of what the routes say of themselves where they are mounted; it
//! knows none of them. The page is made of the document, and loads nothing from anywhere else.

mod document;
pub mod http;
mod page;
mod responses;
mod security;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;

use crate::config::Config;
use crate::crypto;
use crate::error::{Error, Result};
use crate::web::route::Route;

/// Document and page, made once.
#[derive(Clone, Debug)]
pub struct Docs {
    /// The document, as JSON.
    pub document: Kept,
    /// The page, as HTML.
    page: Kept,
    /// The page's content security policy.
    policy: String,
}

/// Bytes that are sent as they are.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The text.
    pub body: Bytes,
    /// A strong entity tag (RFC 9110, section 8.8.3).
    etag: String,
}

impl Docs {
    /// Those of `routes` under `config`.
    ///
    /// # Errors
    /// A description that cannot be written (a defect).
    pub fn new(config: &Config, routes: &[Route]) -> Result<Self> {
        let document = document::describe(config, routes);
        let document = serde_json::to_vec(&document).map_err(Error::internal)?;
        let (page, policy) = page::render(config)?;
        Ok(Self {
            document: Kept::new(document.into()),
            page: Kept::new(page.into()),
            policy,
        })
    }
}

impl Kept {
    fn new(body: Bytes) -> Self {
        let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(crypto::sha256(&body)));
        Self { body, etag }
    }
}
