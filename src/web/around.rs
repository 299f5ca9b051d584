//! What is around every route: one middleware, since each layer costs every request an allocation.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;

use super::observe::Observation;
use super::{headers, limit};

/// Limits, security headers, and outermost of all the request is observed.
///
/// # Errors
/// Whatever the inner service leaves as one.
pub async fn observed<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let observation = Observation::begin(&request);
    let mut response = guarded(request, next).await?;
    observation.end(&mut response);
    Ok(response)
}

/// Limits and security headers.
///
/// # Errors
/// Whatever the inner service leaves as one.
pub async fn guarded<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let is_https = headers::is_https(&request);
    let mut response = match limit::check(request.headers()) {
        Ok(()) => next.call(request).await?.map_into_left_body(),
        Err(error) => request.error_response(error).map_into_right_body(),
    };
    headers::secure(response.headers_mut(), is_https);
    Ok(response)
}
