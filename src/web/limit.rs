//! The limit on the header section.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::HeaderMap;
use actix_web::middleware::Next;

use super::HEADER_LIMIT;
use crate::error::{Error, Kind};

/// Refuses a header section past the limit.
///
/// # Errors
/// Whatever the inner service leaves as one.
pub async fn limit<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    if size(request.headers()) > HEADER_LIMIT {
        let detail = "The request headers are larger than 16 KiB.";
        let error = Error::new(Kind::HeadersTooLarge, "headers_too_large", detail);
        return Ok(request.error_response(error).map_into_right_body());
    }
    next.call(request)
        .await
        .map(ServiceResponse::map_into_left_body)
}

fn size(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum()
}
