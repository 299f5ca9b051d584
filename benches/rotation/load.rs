//! The load: all people in a closed loop, with a pause between two requests that leaves the machine
//! the rest of its time. How long that is, is measured first.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use crate::Outcome;
use crate::persons::Person;
use crate::token::{self, Token};
use crate::verifiers::Verifiers;

/// Without pauses, to see what the machine can do.
const WARM_UP: Duration = Duration::from_secs(1);
const CALIBRATION: Duration = Duration::from_secs(3);
/// Three looks at each token, by each of the three verifiers of one policy.
const LOOKS: f64 = 9.0;

/// What people asked for, and what they got.
#[derive(Default)]
pub(crate) struct Requests {
    /// In microseconds.
    pub(crate) latencies: Vec<u32>,
    pub(crate) errors: u64,
    /// The first few.
    pub(crate) examples: Vec<String>,
    /// How long it went on.
    pub(crate) length: Duration,
    /// The key of each person's last token, and when it came.
    pub(crate) last: Vec<Option<(String, Instant)>>,
}

impl Requests {
    /// In ms, ascending by now.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let latency = self.latencies.get(last * percent / 100);
        f64::from(latency.copied().unwrap_or_default()) / 1e3
    }
}

struct Shared {
    requests: Mutex<Requests>,
    verifiers: Arc<Verifiers>,
    /// From one request of a person to the next, in microseconds.
    pace: AtomicU64,
    is_over: AtomicBool,
}

pub(crate) struct Load {
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
    begun: Instant,
}

/// Lets them loose, at `percent` of what the machine can do.
pub(crate) async fn start(
    crowd: Vec<Person>,
    verifiers: &Arc<Verifiers>,
    percent: u32,
) -> Outcome<Load> {
    let people = crowd.len();
    let shared = Arc::new(Shared {
        requests: Mutex::default(),
        verifiers: Arc::clone(verifiers),
        pace: AtomicU64::new(0),
        is_over: AtomicBool::new(false),
    });
    let mut tasks = Vec::new();
    for (number, person) in crowd.into_iter().enumerate() {
        shared.requests.lock().expect("whole").last.push(None);
        tasks.push(tokio::spawn(live(person, number, Arc::clone(&shared))));
    }
    tokio::time::sleep(WARM_UP).await;
    shared.forget();
    tokio::time::sleep(CALIBRATION).await;
    let answered = shared.forget();
    if answered == 0 {
        return Err("nobody was answered".into());
    }
    let request = CALIBRATION.as_secs_f64() / answered as f64;
    let cores = std::thread::available_parallelism()?.get() as f64;
    let verification = token::cost_of_verifying()?.as_secs_f64() / cores;
    let each = (request + LOOKS * verification) / (f64::from(percent) / 100.0);
    let pace = Duration::from_secs_f64(each * people as f64);
    shared
        .pace
        .store(pace.as_micros() as u64, Ordering::Relaxed);
    eprintln!(
        "{:.0} refreshes/s without a pause; {:.0}/s from now on, and {:.0} verifications/s",
        1.0 / request,
        1.0 / each,
        LOOKS / each
    );
    shared.forget();
    Ok(Load {
        shared,
        tasks,
        begun: Instant::now(),
    })
}

impl Shared {
    /// Starts counting anew; says how many were answered.
    fn forget(&self) -> usize {
        let mut requests = self.requests.lock().expect("whole");
        requests.errors = 0;
        requests.examples.clear();
        std::mem::take(&mut requests.latencies).len()
    }
}

impl Load {
    /// Looks at what there is so far.
    pub(crate) fn so_far<T>(&self, look: impl FnOnce(&Requests) -> T) -> T {
        look(&self.shared.requests.lock().expect("whole"))
    }

    /// Lets everybody finish.
    pub(crate) async fn end(self) -> Outcome<Requests> {
        let length = self.begun.elapsed();
        self.shared.is_over.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await?;
        }
        let mut requests = std::mem::take(&mut *self.shared.requests.lock().expect("whole"));
        requests.latencies.sort_unstable();
        requests.length = length;
        Ok(requests)
    }
}

async fn live(mut person: Person, number: usize, shared: Arc<Shared>) {
    while !shared.is_over.load(Ordering::Relaxed) {
        let asked = Instant::now();
        let answer = person.step().await;
        shared.note(number, answer, asked.elapsed());
        let pace = Duration::from_micros(shared.pace.load(Ordering::Relaxed));
        tokio::time::sleep_until((asked + pace).into()).await;
    }
}

impl Shared {
    fn note(&self, number: usize, answer: Outcome<Token>, latency: Duration) {
        let mut requests = self.requests.lock().expect("whole");
        let token = match answer {
            Ok(token) => token,
            Err(error) => {
                requests.errors += 1;
                if requests.examples.len() < 5 {
                    requests.examples.push(error.to_string());
                }
                return;
            }
        };
        let micros = latency.as_micros().try_into().unwrap_or(u32::MAX);
        requests.latencies.push(micros);
        requests.last[number] = Some((token.kid.clone(), Instant::now()));
        drop(requests);
        // While it is measured what the machine can do, nobody verifies.
        if self.pace.load(Ordering::Relaxed) > 0 {
            self.verifiers.give(token);
        }
    }
}
