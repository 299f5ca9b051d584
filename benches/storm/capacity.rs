//! How many passwords the server's cores can hash: this program again, as a process there.

use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};

use crate::Outcome;
use crate::cores::Cores;
use crate::process::Process;

/// What one hash costs, as delivered: `[password] argon2_memory_kib` and `argon2_time`.
pub(crate) const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;

/// Hashes per second on the server's cores, with one thread for each.
pub(crate) async fn measure(cores: &Cores, length: Duration) -> Outcome<f64> {
    let child = cores
        .command(std::env::current_exe()?)
        .args(["--hash-for", &length.as_millis().to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let output = tokio::task::spawn_blocking(move || child.wait_with_output()).await??;
    if !output.status.success() {
        return Err(format!("hashing alone failed: {}", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// What the child does: hashes on all cores that it may use, in memory that is used again. It says
/// how many hashes a second they do if nobody else is there: what strangers take is not counted.
pub(crate) fn hash_for(millis: u64) -> Outcome<()> {
    let length = Duration::from_millis(millis);
    let cores = thread::available_parallelism()?.get();
    let before = Process::current().cpu()?;
    let threads = (0..cores).map(|_| thread::spawn(move || hashes(length)));
    let threads: Vec<_> = threads.collect();
    let mut sum = 0;
    for thread in threads {
        sum += thread.join().map_err(|_| "a thread panicked")??;
    }
    let took = Process::current().cpu()?.saturating_sub(before);
    println!("{}", f64::from(sum) / took.as_secs_f64() * cores as f64);
    Ok(())
}

fn hashes(length: Duration) -> Outcome<u32> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, Some(32)).map_err(|error| error.to_string())?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut memory = vec![Block::new(); argon2.params().block_count()];
    let mut out = [0; 32];
    let begun = Instant::now();
    let mut done = 0_u32;
    while begun.elapsed() < length {
        argon2
            .hash_password_into_with_memory(b"orbit-walnut", &[7; 16], &mut out, &mut memory)
            .map_err(|error| error.to_string())?;
        done += 1;
    }
    Ok(done)
}
