//! The outermost part of the middleware: gives the request its id, counts it, and writes one line when it is
//! answered. The line has the route's pattern, never the path: a path may carry a one-time secret.

use std::time::Instant;

use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpMessage, web};

use super::traffic::RouteTraffic;
use crate::clock::Clock;
use crate::error::Error;
use crate::ids::RequestId;
use crate::measure::Held;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// One request, from its headers to its answer.
pub(super) struct Observation {
    id: RequestId,
    started: Instant,
    /// Counts the request as long as it is here.
    _in_flight: Option<Held>,
}

impl Observation {
    pub(super) fn begin(request: &ServiceRequest) -> Self {
        let clock = request.app_data::<web::Data<Clock>>();
        let now = clock.map(|clock| clock.now());
        let id = RequestId::next(now.unwrap_or_default());
        request.extensions_mut().insert(id.clone());
        Self {
            id,
            started: Instant::now(),
            _in_flight: request.app_data::<RouteTraffic>().map(RouteTraffic::begin),
        }
    }

    pub(super) fn end<B>(self, response: &mut ServiceResponse<B>) {
        if let Ok(value) = HeaderValue::from_str(self.id.as_str()) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        count(response, self.started);
        write_line(response, &self.id, self.started);
    }
}

/// The data of the route that answered lies over that of the application.
fn count<B>(response: &ServiceResponse<B>, started: Instant) {
    let request = response.request();
    if let Some(traffic) = request.app_data::<RouteTraffic>() {
        traffic.answered(request.method(), response.status(), started);
    }
}

fn write_line<B>(response: &ServiceResponse<B>, id: &RequestId, started: Instant) {
    let status = response.status().as_u16();
    if status >= 500 {
        let causes = response
            .response()
            .error()
            .and_then(|error| error.as_error::<Error>());
        let causes = causes.map_or_else(String::new, Error::causes);
        log::error!(request_id = id.as_str(), status; "a request failed: {causes}");
    }
    if !log::log_enabled!(target: "signet::access", log::Level::Info) {
        return;
    }
    let request = response.request();
    let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    let address = request
        .app_data::<web::Data<super::Edge>>()
        .and_then(|edge| {
            super::address::client_address(request, &edge.trusted_proxies)
                .ok()
                .flatten()
        });
    log::info!(
        target: "signet::access",
        request_id = id.as_str(),
        method = request.method().as_str(),
        route = request.app_data::<RouteTraffic>().map_or("-", RouteTraffic::route),
        status,
        micros,
        address = address.map_or_else(|| "-".to_owned(), |address| address.to_string()).as_str();
        "request"
    );
}
