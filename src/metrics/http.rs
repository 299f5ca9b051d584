//! The route.

use actix_web::{HttpResponse, web};

use super::Metrics;
use crate::error::Result;

/// Everything, for Prometheus.
///
/// # Errors
/// Only a defect's.
pub async fn metrics(metrics: web::Data<Metrics>) -> Result<HttpResponse> {
    let text = metrics.scrape().await?;
    Ok(HttpResponse::Ok()
        .content_type(prometheus::TEXT_FORMAT)
        .body(text))
}
