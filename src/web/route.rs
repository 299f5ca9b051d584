//! Routes: the methods of a path, each with its description, 405 with `Allow` for every other; and
//! the list of them all.

use actix_cors::Cors;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::{Method, header};
use actix_web::middleware::{Condition, from_fn};
use actix_web::web::{Data, ServiceConfig};
use actix_web::{Handler, HttpRequest, Resource, Responder, guard, web};

use super::contain::contain;
use super::cookies::clear_dead;
use super::{Edge, Operation, Traffic, csrf, method_not_allowed};

/// A browser asks again after this time whether a page may call us, in seconds.
const PREFLIGHT_LIFE: usize = 600;

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
    /// Where cookies speak for the caller, it is guarded against other sites' pages.
    pub is_protected: bool,
}

/// A path and its methods, on the way to being mounted.
pub struct Endpoint {
    path: String,
    resource: Resource,
    methods: Vec<Method>,
    descriptions: Vec<(Method, Description)>,
    is_protected: bool,
    origins: Vec<String>,
    takes_cookies: bool,
}

/// An endpoint at `path`, with and without a slash at the end.
pub fn at(path: &str) -> Endpoint {
    Endpoint {
        path: path.to_owned(),
        // See `slash`.
        resource: web::resource(path.trim_end_matches('/')),
        methods: Vec::new(),
        descriptions: Vec::new(),
        is_protected: false,
        origins: Vec::new(),
        takes_cookies: false,
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

    /// Scripts of the listed origins may call it (CORS).
    #[must_use]
    pub fn cross_origin(mut self, edge: &Edge) -> Self {
        self.origins.clone_from(&edge.cors_origins);
        self.takes_cookies = edge.cookies.is_some();
        self
    }

    /// Cookies may speak for who calls it: no page of an origin that is not listed can make a
    /// browser call it (CSRF), and scripts of the listed ones may.
    #[must_use]
    pub fn with_cookies(self, edge: &Edge) -> Self {
        Self {
            is_protected: true,
            ..self.cross_origin(edge)
        }
    }

    fn done(
        self,
    ) -> Resource<
        impl ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<impl MessageBody>,
            Error = actix_web::Error,
            InitError = (),
        >,
    > {
        // Where none is listed, browsers let no other origin's page in.
        let has_origins = !self.origins.is_empty();
        let reads_cookies = self.is_protected && self.takes_cookies;
        let cors = self.cors();
        let methods = self.methods;
        let other = move |request: HttpRequest| {
            let response = method_not_allowed(&request, &methods);
            async move { response }
        };
        // The last one wrapped is the first to see a request.
        self.resource
            .default_service(web::to(other))
            .wrap(from_fn(contain))
            .wrap(Condition::new(reads_cookies, from_fn(clear_dead)))
            .wrap(Condition::new(reads_cookies, from_fn(csrf::protect)))
            .wrap(Condition::new(has_origins, cors))
    }

    fn cors(&self) -> Cors {
        let cors = Cors::default()
            .allowed_methods(self.methods.clone())
            .allowed_headers([header::AUTHORIZATION, header::CONTENT_TYPE, csrf::HEADER])
            .expose_headers([header::RETRY_AFTER])
            .max_age(PREFLIGHT_LIFE);
        let origins = self.origins.iter();
        let cors = origins.fold(cors, |cors, origin| cors.allowed_origin(origin));
        if self.takes_cookies {
            cors.supports_credentials()
        } else {
            cors
        }
    }
}

/// Something that is done to the table of routes.
type Step = Box<dyn FnOnce(&mut ServiceConfig, &Traffic)>;

/// All routes, with what is told about each: to be read, and to be mounted.
#[derive(Default)]
pub struct Routes {
    list: Vec<Route>,
    steps: Vec<Step>,
}

impl Routes {
    /// Adds the routes of one path.
    pub fn service(&mut self, mut endpoint: Endpoint) -> &mut Self {
        for (method, description) in std::mem::take(&mut endpoint.descriptions) {
            self.list.push(Route {
                path: endpoint.path.clone(),
                method,
                description,
                is_protected: endpoint.is_protected,
            });
        }
        self.step(|table, traffic| {
            endpoint.resource = endpoint.resource.app_data(traffic.route(&endpoint.path));
            table.service(endpoint.done());
        })
    }

    /// Adds what handlers ask for.
    pub fn app_data<T: 'static>(&mut self, data: T) -> &mut Self {
        self.step(|table, _| {
            table.app_data(Data::new(data));
        })
    }

    fn step(&mut self, step: impl FnOnce(&mut ServiceConfig, &Traffic) + 'static) -> &mut Self {
        self.steps.push(Box::new(step));
        self
    }

    /// The list.
    pub fn list(&self) -> &[Route] {
        &self.list
    }

    /// Mounts them, in one worker; what `observe` sees is counted in `traffic`.
    pub fn mount(self, table: &mut ServiceConfig, traffic: &Traffic) {
        table.app_data(traffic.unmatched());
        for step in self.steps {
            step(table, traffic);
        }
    }
}
