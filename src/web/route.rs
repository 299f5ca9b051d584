//! Routes: the methods of a path, each with its description, 405 with `Allow` for every other; and
//! the list of them all.

use actix_web::body::{BoxBody, EitherBody};
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::web::{Data, ServiceConfig};
use actix_web::{Handler, HttpRequest, Resource, Responder, guard, web};

use super::contain::contain;
use super::{Operation, method_not_allowed};

/// What is told about a method of a path.
#[derive(Clone, Debug)]
pub enum Description {
    /// To whoever reads the API's document.
    Public(Box<Operation>),
    /// Nothing, for this reason.
    Hidden(&'static str),
}

impl From<Operation> for Description {
    fn from(operation: Operation) -> Self {
        Self::Public(Box::new(operation))
    }
}

/// Not part of the API, for this reason.
pub fn hidden(reason: &'static str) -> Description {
    Description::Hidden(reason)
}

/// One method of one path, as it is mounted.
#[derive(Clone, Debug)]
pub struct Route {
    /// With variable parts in braces; with a slash at the end where that is the usual form.
    pub path: String,
    /// `HEAD` is not listed beside `GET`.
    pub method: Method,
    /// What is told about it.
    pub description: Description,
}

/// A path and its methods, on the way to being mounted.
pub struct Endpoint {
    path: String,
    resource: Resource,
    methods: Vec<Method>,
    descriptions: Vec<(Method, Description)>,
}

/// An endpoint at `path`, with and without a slash at the end.
pub fn at(path: &str) -> Endpoint {
    let bare = path.trim_end_matches('/');
    let resource = web::resource([bare.to_owned(), format!("{bare}/")]);
    Endpoint {
        path: path.to_owned(),
        resource,
        methods: Vec::new(),
        descriptions: Vec::new(),
    }
}

impl Endpoint {
    /// Answers `GET` and `HEAD`.
    #[must_use]
    pub fn get<F, Args>(mut self, handler: F, description: impl Into<Description>) -> Self
    where
        F: Handler<Args>,
        Args: actix_web::FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let get = web::route().guard(guard::Any(guard::Get()).or(guard::Head()));
        self.resource = self.resource.route(get.to(handler));
        self.methods.extend([Method::GET, Method::HEAD]);
        self.descriptions.push((Method::GET, description.into()));
        self
    }

    /// Answers `method`.
    #[must_use]
    pub fn on<F, Args>(
        mut self,
        method: Method,
        handler: F,
        description: impl Into<Description>,
    ) -> Self
    where
        F: Handler<Args>,
        Args: actix_web::FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.resource = self.resource.route(web::method(method.clone()).to(handler));
        self.descriptions.push((method.clone(), description.into()));
        self.methods.push(method);
        self
    }

    /// Answers `POST`.
    #[must_use]
    pub fn post<F, Args>(self, handler: F, description: impl Into<Description>) -> Self
    where
        F: Handler<Args>,
        Args: actix_web::FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.on(Method::POST, handler, description)
    }

    fn done(
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

/// All routes, with what is told about each: to be read, and to be mounted.
#[derive(Default)]
pub struct Routes {
    list: Vec<Route>,
    steps: Vec<Box<dyn FnOnce(&mut ServiceConfig)>>,
}

impl Routes {
    /// Adds the routes of one path.
    pub fn service(&mut self, mut endpoint: Endpoint) -> &mut Self {
        for (method, description) in std::mem::take(&mut endpoint.descriptions) {
            self.list.push(Route {
                path: endpoint.path.clone(),
                method,
                description,
            });
        }
        self.step(|table| {
            table.service(endpoint.done());
        })
    }

    /// Adds what handlers ask for.
    pub fn app_data<T: 'static>(&mut self, data: T) -> &mut Self {
        self.step(|table| {
            table.app_data(Data::new(data));
        })
    }

    fn step(&mut self, step: impl FnOnce(&mut ServiceConfig) + 'static) -> &mut Self {
        self.steps.push(Box::new(step));
        self
    }

    /// The list.
    pub fn list(&self) -> &[Route] {
        &self.list
    }

    /// Mounts them.
    pub fn mount(self, table: &mut ServiceConfig) {
        for step in self.steps {
            step(table);
        }
    }
}
