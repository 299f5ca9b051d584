//! What is told about the API.

/// `[docs]`: the API's description.
#[derive(Clone, Debug)]
pub struct Docs {
    /// Serve `/openapi.json` and `/docs`.
    pub enabled: bool,
}

impl Default for Docs {
    fn default() -> Self {
        Self { enabled: true }
    }
}
