//! One node after another is stopped as a service manager stops it, and started again.

use std::time::{Duration, Instant};

use crate::Outcome;
use crate::cluster::Cluster;

/// What came of it.
#[derive(Default)]
pub(crate) struct Restarts {
    pub(crate) count: usize,
    /// How nodes ended that did not end with 0.
    pub(crate) bad_ends: Vec<String>,
    /// The longest from SIGTERM to the end of the process.
    pub(crate) slowest_stop: Duration,
    /// The longest from the start to ready.
    pub(crate) slowest_start: Duration,
}

/// For so long, one every `every` seconds; a node has to be ready before the next one is stopped.
pub(crate) async fn run(cluster: &Cluster, length: Duration, every: u64) -> Outcome<Restarts> {
    let begun = Instant::now();
    let mut restarts = Restarts::default();
    for node in cluster.nodes.iter().cycle() {
        let next = begun + Duration::from_secs(every) * (restarts.count as u32 + 1);
        if next > begun + length {
            break;
        }
        tokio::time::sleep_until(next.into()).await;
        let asked = Instant::now();
        let status = node.stop().await?;
        restarts.slowest_stop = restarts.slowest_stop.max(asked.elapsed());
        if status.code() != Some(0) {
            restarts.bad_ends.push(status.to_string());
        }
        let started = Instant::now();
        cluster.start_node(node)?;
        cluster.wait_until_ready(node).await?;
        restarts.slowest_start = restarts.slowest_start.max(started.elapsed());
        restarts.count += 1;
    }
    tokio::time::sleep_until((begun + length).into()).await;
    Ok(restarts)
}
