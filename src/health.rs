//! `/livez` and `/readyz`: whether to restart this process, and whether to send it requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::{HttpResponse, web};
use serde_json::json;

use crate::app::App;
use crate::crypto::Algorithm;

/// A database that does not answer by then is away.
const PATIENCE: Duration = Duration::from_secs(2);

/// Set once a stop has been asked for: balancers then send requests elsewhere.
#[derive(Clone, Debug, Default)]
pub struct Draining(Arc<AtomicBool>);

impl Draining {
    /// From now on this process is not ready.
    pub fn begin(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// The process answers.
pub async fn livez() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// The process can do its work: its database answers and a key signs.
pub async fn readyz(app: web::Data<App>, draining: web::Data<Draining>) -> HttpResponse {
    let is_draining = draining.0.load(Ordering::SeqCst);
    let answers = tokio::time::timeout(PATIENCE, crate::keys::holds_sealed_rows(&app.db)).await;
    let checks = [
        ("not_stopping", !is_draining),
        ("database", matches!(answers, Ok(Ok(_)))),
        (
            "signing_key",
            app.keys
                .ring()
                .active(Algorithm::Es256, app.clock.now())
                .is_some(),
        ),
    ];
    let is_ready = checks.iter().all(|(_, good)| *good);
    let checks: serde_json::Map<_, _> = checks
        .into_iter()
        .map(|(name, good)| (name.to_owned(), if good { "ok" } else { "failing" }.into()))
        .collect();
    if is_ready {
        HttpResponse::Ok().json(json!({ "status": "ok", "checks": checks }))
    } else {
        let retry = (actix_web::http::header::RETRY_AFTER, "1");
        let body = json!({ "status": "not ready", "checks": checks });
        HttpResponse::ServiceUnavailable()
            .insert_header(retry)
            .json(body)
    }
}
