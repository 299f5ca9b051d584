//! What requests are counted by: route, method and status, each from a short list. A path is never
//! told: it may carry a secret, and there are too many of them.

use std::cell::{OnceCell, RefCell};
use std::sync::Arc;
use std::time::Instant;

use actix_web::http::{Method, StatusCode};

use crate::error::Result;
use crate::measure::{
    self, Collectors, DURATIONS, Held, Histogram, HistogramVec, IntCounter, IntCounterVec,
    IntGauge, collectors,
};

/// In the place of a route, where there is none.
const UNMATCHED: &str = "unmatched";

/// Methods that are told by name.
const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

/// The requests of all workers. Clones share it.
#[derive(Clone)]
pub struct Traffic(Arc<Inner>);

struct Inner {
    requests: IntCounterVec,
    durations: HistogramVec,
    in_flight: IntGauge,
}

/// The requests of one route in one worker, which keeps the handles that it has used: counting
/// again is a look at a short list, without a lock.
pub(super) struct RouteTraffic {
    all: Traffic,
    route: String,
    /// A route that nobody asks for is not told of.
    durations: OnceCell<Histogram>,
    requests: RefCell<Vec<(Method, StatusCode, IntCounter)>>,
}

impl Traffic {
    /// Nothing yet.
    ///
    /// # Errors
    /// None but a defect's.
    pub fn new() -> Result<Self> {
        Ok(Self(Arc::new(Inner {
            requests: measure::counters(
                "signet_http_requests_total",
                "Requests answered",
                &["method", "route", "status"],
            )?,
            durations: measure::histograms(
                "signet_http_request_seconds",
                "Time from a request's headers to its answer",
                &DURATIONS,
                &["route"],
            )?,
            in_flight: measure::gauge(
                "signet_http_requests_in_flight",
                "Requests that are being answered",
            )?,
        })))
    }

    /// What it counts.
    pub fn collectors(&self) -> Collectors {
        let Inner {
            requests,
            durations,
            in_flight,
        } = &*self.0;
        collectors![requests, durations, in_flight]
    }

    pub(super) fn route(&self, pattern: &str) -> RouteTraffic {
        RouteTraffic {
            all: self.clone(),
            route: pattern.to_owned(),
            durations: OnceCell::new(),
            requests: RefCell::default(),
        }
    }

    /// What no route is there for.
    pub(super) fn unmatched(&self) -> RouteTraffic {
        self.route(UNMATCHED)
    }
}

impl RouteTraffic {
    /// One more request, until the guard is dropped.
    pub(super) fn begin(&self) -> Held {
        Held::new(&self.all.0.in_flight)
    }

    /// The path of the route, as it is mounted.
    pub(super) fn route(&self) -> &str {
        &self.route
    }

    /// It was answered.
    pub(super) fn answered(&self, method: &Method, status: StatusCode, started: Instant) {
        let all = &self.all.0;
        let durations = || all.durations.with_label_values(&[&self.route]);
        measure::took(self.durations.get_or_init(durations), started);
        let mut known = self.requests.borrow_mut();
        let is_it = |one: &&(Method, StatusCode, IntCounter)| one.0 == *method && one.1 == status;
        if let Some((_, _, counter)) = known.iter().find(is_it) {
            return counter.inc();
        }
        let is_named = METHODS.contains(method);
        let name = if is_named { method.as_str() } else { "other" };
        let labels = [name, &self.route, status.as_str()];
        let counter = all.requests.with_label_values(&labels);
        counter.inc();
        // Others can be made up without end: they are looked up again.
        if is_named {
            known.push((method.clone(), status, counter));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_that_are_made_up_are_one() {
        let traffic = Traffic::new().unwrap();
        let route = traffic.route("/a/{key}/");
        let now = Instant::now();
        for number in 0..100 {
            let method = Method::from_bytes(format!("M{number}").as_bytes()).unwrap();
            route.answered(&method, StatusCode::NOT_FOUND, now);
            route.answered(&Method::GET, StatusCode::OK, now);
        }
        assert_eq!(route.requests.borrow().len(), 1);
        let count = |labels: [&str; 3]| traffic.0.requests.with_label_values(&labels).get();
        assert_eq!(count(["other", "/a/{key}/", "404"]), 100);
        assert_eq!(count(["GET", "/a/{key}/", "200"]), 100);
        let families = traffic.collectors()[0].collect();
        assert_eq!(families[0].get_metric().len(), 2);
    }
}
