//! # server
//!
//! The whole route table, the middleware and its order, listening (for everybody, and apart from it
//! for operators), and the graceful stop.
//!
//! Settings: `[server]`. No table, no job of its own. It does not know what a route does.

mod listeners;
mod signals;

use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::Receiver;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle, Service, ServiceRequest};
use actix_web::http::KeepAlive;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data};
use actix_web::{App as Application, HttpServer};
use tokio::sync::watch;

use crate::app::App;
use crate::config::Config;
use crate::docs::{self, Docs};
use crate::error::{Error, Result};
use crate::health::{self, Draining};
use crate::metrics::{self, Metrics};
use crate::session::http::Delivery;
use crate::web::route::{self, Routes};
use crate::web::{Edge, Traffic, around, not_found, slash};
use crate::{account, federation, jobs, keys, oauth, pages};

pub use listeners::Listeners;
pub use signals::Signals;

/// An idle connection is kept for its next request this long: longer than balancers keep theirs,
/// so that it is never we who close one they are about to use.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// Threads of a server that has ended have this long to end, too.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Operators are few.
const ADMIN_CONNECTIONS: usize = 64;

/// Every route there is under `config`, with what is told about it.
pub fn routes(config: &Config) -> Routes {
    let mut routes = Routes::default();
    let issuer = &config.server.public_url;
    let edge = Edge::from(config);
    // for verifiers
    let at = |path: &str| route::at(path).cross_origin(&edge);
    routes
        .service(at("/.well-known/jwks.json").get(keys::http::jwks, keys::http::about_jwks()))
        .service(at("/.well-known/openid-configuration").get(
            oauth::http::openid_configuration,
            oauth::http::about_openid_configuration(issuer),
        ))
        .service(at("/.well-known/oauth-authorization-server").get(
            oauth::http::oauth_authorization_server,
            oauth::http::about_oauth_authorization_server(issuer),
        ));
    // for apps
    account::http::mount(&mut routes, config, &edge);
    federation::http::mount(&mut routes, config, &edge);
    // for people who follow a link in a mail
    pages::mount(&mut routes, &config.account.prefix, issuer);
    // for whoever writes an app
    if config.docs.enabled {
        docs::http::mount(&mut routes, &edge);
    }
    // for whoever runs us
    health_routes(&mut routes);
    routes
}

/// What is served to operators, on a listener of its own.
fn admin_routes() -> Routes {
    let mut routes = Routes::default();
    let reason = route::hidden("it is for operators, and not on the public listener");
    routes.service(route::at("/metrics").get(metrics::http::metrics, reason));
    health_routes(&mut routes);
    routes
}

fn health_routes(routes: &mut Routes) {
    routes
        .service(route::at("/livez").get(health::livez, health::about_livez()))
        .service(route::at("/readyz").get(health::readyz, health::about_readyz()));
}

/// What describes the routes.
///
/// # Errors
/// None that input can cause.
pub fn docs(config: &Config) -> Result<Docs> {
    Docs::new(config, routes(config).list())
}

/// A running server in threads of its own.
pub struct Running {
    address: SocketAddr,
    admin_address: Option<SocketAddr>,
    handle: ServerHandle,
    draining: Draining,
    /// Turns true when the server has ended, for whatever reason.
    stopped: watch::Receiver<bool>,
    /// Says how it ended, and is closed when its thread is gone.
    ended: Mutex<Receiver<Result<()>>>,
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens for operators, if it does.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// Stops: not ready from now on; requests under way are finished; then it ends.
    ///
    /// # Errors
    /// The server had failed by itself.
    pub fn stop(self) -> Result<()> {
        self.draining.begin();
        // The order goes out at once; its fulfilment is what is heard next.
        drop(self.handle.stop(true));
        let ended = self
            .ended
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let result = ended.recv();
        // What still waits for a database that does not answer is not waited for.
        drop(ended.recv_timeout(LAST_WORDS));
        result.map_err(|_| Error::internal("the server thread panicked"))?
    }

    /// Serves until one of `signals`, then stops; between the two, balancers have `delay` to see
    /// that this node is no longer ready. Blocks.
    ///
    /// # Errors
    /// The server failed by itself.
    pub fn stop_on(self, mut signals: Signals, delay: Duration) -> Result<()> {
        let mut stopped = self.stopped.clone();
        if signals.wait_or(stopped.wait_for(|stopped| *stopped)) {
            log::info!("stopping: requests under way are finished first");
            self.draining.begin();
            signals.pause(delay);
        }
        self.stop()
    }
}

/// Serves on `listeners` until it is stopped.
///
/// # Errors
/// A listener is unusable, or threads cannot be started.
pub fn spawn(app: App, listeners: Listeners) -> Result<Running> {
    let address = listeners.public.local_addr().map_err(Error::internal)?;
    let admin_address = listeners.admin.as_ref().map(TcpListener::local_addr);
    let admin_address = admin_address.transpose().map_err(Error::internal)?;
    let draining = Draining::default();
    let (tell, hear) = std::sync::mpsc::sync_channel(1);
    let (stop, stopped) = watch::channel(false);
    let (end, ended) = std::sync::mpsc::sync_channel(1);
    let inside = (app, draining.clone(), stopped.clone());
    std::thread::Builder::new()
        .name("signet-server".into())
        .spawn(move || {
            let (app, draining, stopped) = inside;
            let system = actix_web::rt::System::new();
            let result = system.block_on(async move {
                let traffic = Traffic::new()?;
                let server = start(&app, draining.clone(), &traffic, listeners.public)?;
                let admin = listeners.admin.map(|listener| {
                    let metrics = Metrics::new(app.clone(), draining.clone(), &traffic)?;
                    start_admin(&app, draining, metrics, listener)
                });
                let admin = admin.transpose()?;
                let admin_handle = admin.as_ref().map(Server::handle);
                let admin = admin.map(actix_web::rt::spawn);
                // The other side is waiting for exactly this.
                drop(tell.send(server.handle()));
                let jobs = jobs::start(&app, &stopped);
                let ended = server.await.map_err(Error::internal);
                stop.send_replace(true);
                // Operators see it to its end.
                if let (Some(handle), Some(admin)) = (admin_handle, admin) {
                    handle.stop(true).await;
                    drop(admin.await);
                }
                for job in jobs {
                    drop(job.await);
                }
                if let Err(error) = app.node.leave().await {
                    log::warn!("could not say goodbye to the other nodes: {error}");
                }
                ended
            });
            // Before the system goes, which waits for its threads.
            drop(end.send(result));
        })
        .map_err(Error::internal)?;
    match hear.recv() {
        Ok(handle) => Ok(Running {
            address,
            admin_address,
            handle,
            draining,
            stopped,
            ended: Mutex::new(ended),
        }),
        Err(_) => match ended.recv() {
            Ok(Err(error)) => Err(error),
            _ => Err(Error::internal("the server did not start")),
        },
    }
}

fn start(
    app: &App,
    draining: Draining,
    traffic: &Traffic,
    listener: TcpListener,
) -> Result<Server> {
    let settings = app.config.server.clone();
    let workers = match settings.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    };
    let timeout = Duration::from_secs(settings.request_timeout.as_secs().into());
    let (app, traffic) = (app.clone(), traffic.clone());
    let edge = Data::new(Edge::from(app.config.as_ref()));
    let delivery = Data::new(Delivery::new(&app.config, app.clock.clone()));
    let draining = Data::new(draining);
    let docs = Data::new(docs(&app.config)?);
    let server = HttpServer::new(move || {
        Application::new()
            .app_data(edge.clone())
            .app_data(delivery.clone())
            .app_data(draining.clone())
            .app_data(docs.clone())
            .app_data(Data::new(app.clock.clone()))
            .app_data(Data::new(app.keys.clone()))
            .app_data(Data::new(app.sessions.clone()))
            .app_data(Data::new(app.accounts.clone()))
            .app_data(Data::new(app.federation.clone()))
            .app_data(Data::new(app.discovery.clone()))
            .app_data(Data::new(app.clone()))
            // The last one wrapped is the first to see a request.
            .wrap_fn(routed)
            .wrap(from_fn(around::observed))
            .configure(|table| routes(&app.config).mount(table, &traffic))
            .default_service(web::to(not_found))
    });
    let server = server
        .workers(workers)
        .max_connections(settings.max_connections.div_ceil(workers))
        .client_request_timeout(timeout)
        .client_disconnect_timeout(timeout)
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(settings.shutdown_timeout.as_secs().into())
        .disable_signals()
        .listen(listener)
        .map_err(Error::internal)?;
    Ok(server.run())
}

/// The last thing before a request is given to its route.
fn routed<S: Service<ServiceRequest>>(mut request: ServiceRequest, routes: &S) -> S::Future {
    slash::trim(&mut request);
    routes.call(request)
}

fn start_admin(
    app: &App,
    draining: Draining,
    metrics: Metrics,
    listener: TcpListener,
) -> Result<Server> {
    let settings = &app.config.server;
    let timeout = Duration::from_secs(settings.request_timeout.as_secs().into());
    let edge = Data::new(Edge::from(app.config.as_ref()));
    let (app, draining) = (Data::new(app.clone()), Data::new(draining));
    let metrics = Data::new(metrics);
    // What operators ask for is not part of what is measured.
    let uncounted = Traffic::new()?;
    let shutdown_timeout = settings.shutdown_timeout.as_secs().into();
    let server = HttpServer::new(move || {
        Application::new()
            .app_data(edge.clone())
            .app_data(draining.clone())
            .app_data(metrics.clone())
            .app_data(app.clone())
            .wrap_fn(routed)
            .wrap(from_fn(around::guarded))
            .configure(|table| admin_routes().mount(table, &uncounted))
            .default_service(web::to(not_found))
    });
    let server = server
        .workers(1)
        .max_connections(ADMIN_CONNECTIONS)
        .client_request_timeout(timeout)
        .client_disconnect_timeout(timeout)
        // One connection for each scrape: a stop then need not wait for idle ones.
        .keep_alive(KeepAlive::Disabled)
        .shutdown_timeout(shutdown_timeout)
        .disable_signals()
        .listen(listener)
        .map_err(Error::internal)?;
    Ok(server.run())
}
