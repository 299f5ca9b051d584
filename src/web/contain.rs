//! A panic in one handler is that request's failure and nobody else's.

use std::panic::AssertUnwindSafe;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use futures_util::FutureExt;

use crate::error::Error;

/// Turns a panic into an internal error. Wrapped around each endpoint: routing needs the request
/// for itself, so nobody before it may keep a copy for the answer.
pub(super) async fn contain<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let copy = request.request().clone();
    let error: actix_web::Error = match AssertUnwindSafe(next.call(request)).catch_unwind().await {
        Ok(Ok(response)) => return Ok(response.map_into_left_body()),
        Ok(Err(error)) => error,
        Err(_) => Error::internal("a handler panicked").into(),
    };
    Ok(ServiceResponse::from_err(error, copy).map_into_right_body())
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, HttpResponse};

    use crate::web::{Traffic, route};

    async fn broken() -> HttpResponse {
        panic!("as a defect would")
    }

    async fn sound() -> HttpResponse {
        HttpResponse::Ok().finish()
    }

    #[actix_web::test]
    async fn a_panic_is_an_internal_error_and_the_next_request_is_served() {
        let mut routes = route::Routes::default();
        routes
            .service(route::at("/broken").get(broken, route::hidden("a test")))
            .service(route::at("/sound").get(sound, route::hidden("a test")));
        let traffic = Traffic::new().unwrap();
        let app = App::new().configure(|table| routes.mount(table, &traffic));
        let app = init_service(app).await;
        for (path, status) in [
            ("/broken", StatusCode::INTERNAL_SERVER_ERROR),
            ("/sound", StatusCode::OK),
            ("/broken", StatusCode::INTERNAL_SERVER_ERROR),
        ] {
            let request = TestRequest::get().uri(path).to_request();
            assert_eq!(call_service(&app, request).await.status(), status, "{path}");
        }
    }
}
