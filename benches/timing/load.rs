//! Other people's logins meanwhile, enough to keep the server half busy.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::connection::Connection;
use crate::installation::Installation;
use crate::people::{Class, People, RIGHT};
use crate::statistics::Random;

/// Runs on a thread of its own until it is dropped: what it does must not delay our clock.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Load {
    pub(crate) fn start(installation: &Installation<'_>, random: &mut Random) -> Outcome<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let [people, _] = People::of([Class::Known, Class::Unknown], 4, installation, random)?;
        let requests: Vec<Vec<u8>> = people.names().map(request).collect();
        let stop = Arc::new(AtomicBool::new(false));
        let (address, stopped) = (installation.address(), Arc::clone(&stop));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = std::thread::Builder::new()
            .name("load".into())
            .spawn(move || {
                let callers = (0..cores).map(|number| {
                    let request = requests[number % requests.len()].clone();
                    call(address, 100 + number, request, &stopped)
                });
                runtime.block_on(futures_util::future::join_all(callers));
            })?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Asks, and then rests for as long as the answer took: one for each core keep half of them busy.
async fn call(address: SocketAddr, number: usize, request: Vec<u8>, stop: &AtomicBool) {
    let number = u16::try_from(number).unwrap_or(u16::MAX);
    let outcome = async {
        let mut connection = Connection::open(address, number).await?;
        while !stop.load(Ordering::Relaxed) {
            let asked = Instant::now();
            connection.exchange(&request).await?;
            let rest = asked.elapsed().min(Duration::from_secs(1));
            tokio::time::sleep(rest).await;
        }
        Outcome::Ok(())
    };
    if let Err(error) = outcome.await {
        eprintln!("the load ended: {error}");
    }
}

fn request(name: &str) -> Vec<u8> {
    let body = format!(r#"{{"email":"{name}@example.com","password":"{RIGHT}"}}"#);
    let length = body.len();
    format!(
        "POST /auth/login/ HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
