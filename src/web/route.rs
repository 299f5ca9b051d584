//! Routes of one path: its methods, and 405 with `Allow` for every other.

use actix_web::body::{BoxBody, EitherBody};
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::{Handler, HttpRequest, Resource, Responder, guard, web};

use super::contain::contain;
use super::method_not_allowed;

/// A path and its methods, on the way to becoming a [`Resource`].
pub struct Endpoint {
    resource: Resource,
    methods: Vec<Method>,
}

/// An endpoint at `path`, with and without a slash at the end.
pub fn at(path: &str) -> Endpoint {
    let bare = path.trim_end_matches('/');
    let resource = web::resource([bare.to_owned(), format!("{bare}/")]);
    Endpoint {
        resource,
        methods: Vec::new(),
    }
}

impl Endpoint {
    /// Answers `GET` and `HEAD`.
    #[must_use]
    pub fn get<F, Args>(mut self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: actix_web::FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let get = web::route().guard(guard::Any(guard::Get()).or(guard::Head()));
        self.resource = self.resource.route(get.to(handler));
        self.methods.extend([Method::GET, Method::HEAD]);
        self
    }

    /// Answers `method`.
    #[must_use]
    pub fn on<F, Args>(mut self, method: Method, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: actix_web::FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.resource = self.resource.route(web::method(method.clone()).to(handler));
        self.methods.push(method);
        self
    }

    /// Answers `POST`.
    #[must_use]
    pub fn post<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: actix_web::FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.on(Method::POST, handler)
    }

    /// The finished resource.
    pub fn done(
        self,
    ) -> Resource<
        impl ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<EitherBody<BoxBody>>,
            Error = actix_web::Error,
            InitError = (),
        >,
    > {
        let methods = self.methods;
        let other = move |request: HttpRequest| {
            let response = method_not_allowed(&request, &methods);
            async move { response }
        };
        self.resource
            .default_service(web::to(other))
            .wrap(from_fn(contain))
    }
}
