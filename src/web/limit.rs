//! The limit on the header section.

use actix_web::http::header::HeaderMap;

use super::HEADER_LIMIT;
use crate::error::{Error, Kind, Result};

/// Refuses a header section past the limit.
///
/// # Errors
/// It is too large.
pub(super) fn check(headers: &HeaderMap) -> Result<()> {
    if size(headers) <= HEADER_LIMIT {
        return Ok(());
    }
    let detail = "The request headers are larger than 16 KiB.";
    Err(Error::new(
        Kind::HeadersTooLarge,
        "headers_too_large",
        detail,
    ))
}

fn size(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum()
}
