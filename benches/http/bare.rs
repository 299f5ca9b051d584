//! The bare limit: actix-web with one route, no middleware, and the bytes of the JWKS. It is this
//! program again, as a process of its own.

use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use bytes::Bytes;
use tempfile::NamedTempFile;

use crate::client::Target;
use crate::connection::Connection;
use crate::cores::Cores;
use crate::shared::server::free_address;
use crate::{Outcome, Process};

/// Where the child is told to listen.
const ADDRESS: &str = "SIGNET_BENCH_BARE_ADDRESS";

pub(crate) struct Bare {
    child: Child,
    pub(crate) target: Target,
}

impl Bare {
    pub(crate) async fn start(jwks: &Arc<[u8]>, cores: &Cores) -> Outcome<Self> {
        let body = NamedTempFile::new()?;
        std::fs::write(body.path(), jwks)?;
        let address = free_address()?;
        let child = cores
            .command(std::env::current_exe()?)
            .arg("--bare-server")
            .arg(body.path())
            .env(ADDRESS, address.to_string())
            .spawn()?;
        let bare = Self {
            child,
            target: Target {
                address,
                jwks: jwks.clone(),
                discovery: jwks.clone(),
            },
        };
        for _ in 0..1000 {
            if Connection::open(address, 0).await.is_ok() {
                return Ok(bare);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Err("the bare server does not answer".into())
    }

    pub(crate) fn process(&self) -> Process {
        Process(self.child.id())
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What the child does, until it is killed.
pub(crate) fn serve(body: &Path) -> Outcome<()> {
    let body = Bytes::from(std::fs::read(body)?);
    let address = std::env::var(ADDRESS)?;
    let workers = std::thread::available_parallelism()?.get();
    actix_web::rt::System::new().block_on(async move {
        let server = HttpServer::new(move || {
            let body = body.clone();
            let answer = move || {
                let body = body.clone();
                async move {
                    HttpResponse::Ok()
                        .content_type("application/json")
                        .body(body)
                }
            };
            App::new().route("/.well-known/jwks.json", web::get().to(answer))
        });
        server.workers(workers).bind(address)?.run().await?;
        Ok(())
    })
}
