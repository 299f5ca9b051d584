//! `/livez` and `/readyz`: whether to restart this process, and whether to send it requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::web::{Answer, Area, Operation};

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

    /// Whether a stop has been asked for.
    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// The process answers.
#[derive(Serialize, ToSchema)]
struct Live {
    status: &'static str,
}

/// Whether the process can do its work.
#[derive(Serialize, ToSchema)]
struct Ready {
    /// `ok` or `not ready`.
    status: &'static str,
    checks: Checks,
}

/// Each is `ok` or `failing`.
#[derive(Serialize, ToSchema)]
struct Checks {
    /// No stop has been asked for.
    not_stopping: &'static str,
    /// The database answers.
    database: &'static str,
    /// There is a key to sign with.
    signing_key: &'static str,
    /// Every master key that is in use is at hand.
    master_key: &'static str,
    /// Every job has run when it should have. If not, requests are answered all the same.
    jobs: &'static str,
}

const LIVE: Live = Live { status: "ok" };

fn ready(checks: [bool; 4], are_jobs_on_time: bool) -> Ready {
    let told = |good| if good { "ok" } else { "failing" };
    let [not_stopping, database, signing_key, master_key] = checks.map(told);
    Ready {
        status: if checks == [true; 4] {
            "ok"
        } else {
            "not ready"
        },
        checks: Checks {
            not_stopping,
            database,
            signing_key,
            master_key,
            jobs: told(are_jobs_on_time),
        },
    }
}

/// What is told about `/livez`.
pub fn about_livez() -> Operation {
    Operation::new(Area::Health, "live", "Whether to restart this process").answers(Answer::json(
        200,
        "It answers",
        &LIVE,
    ))
}

/// What is told about `/readyz`.
pub fn about_readyz() -> Operation {
    let away = Answer::json(503, "Not now", &ready([true, false, true, true], true));
    Operation::new(
        Area::Health,
        "ready",
        "Whether to send this process requests",
    )
    .answers(Answer::json(200, "Yes", &ready([true; 4], true)))
    .answers(away.header("Retry-After", "Seconds after which to ask again"))
}

/// The process answers.
pub async fn livez() -> HttpResponse {
    HttpResponse::Ok().json(LIVE)
}

/// The process can do its work: its database answers, a key signs, and it knows what others sealed.
pub async fn readyz(app: web::Data<App>, draining: web::Data<Draining>) -> HttpResponse {
    let answers = tokio::time::timeout(PATIENCE, crate::keys::holds_sealed_rows(&app.db)).await;
    let checks = [
        !draining.has_begun(),
        matches!(answers, Ok(Ok(_))),
        app.keys.can_sign(),
        app.keys.master().missing().is_empty(),
    ];
    let on_time = app.board.late(app.clock.now()).is_empty();
    if checks == [true; 4] {
        HttpResponse::Ok().json(ready(checks, on_time))
    } else {
        let retry = (actix_web::http::header::RETRY_AFTER, "1");
        HttpResponse::ServiceUnavailable()
            .insert_header(retry)
            .json(ready(checks, on_time))
    }
}
