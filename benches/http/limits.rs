//! What the parts can do with nothing around them, on this machine and in this minute.

use std::fs::File;
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use diesel::connection::SimpleConnection;
use diesel::{Connection, RunQueryDsl, SqliteConnection};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
    UnparsedPublicKey,
};

use crate::Outcome;
use crate::process::{Process, cpu_of_machine, share_of_machine};

/// Rows in one commit: what 64 clients that wait for each other make of it, at most.
const GROUP: u32 = 64;

const PASSWORD: &[u8] = b"orbit-walnut";
const SALT: [u8; 16] = [7; 16];

/// All per second. What needs no disk runs on all cores that this process may use.
pub(crate) struct Limits {
    /// Argon2id at the server's parameters, in memory that is used again.
    pub(crate) hashes: f64,
    /// The same in memory that is allocated for each hash.
    pub(crate) allocating_hashes: f64,
    /// ES256 with ring.
    pub(crate) signatures: f64,
    /// Checks of such signatures.
    pub(crate) checks: f64,
    /// Syncs of a file that has just grown by a page.
    pub(crate) syncs: f64,
    /// One-row updates in SQLite, [`GROUP`] of them to a synced commit.
    pub(crate) updates: f64,
    /// The share of the machine that others took meanwhile.
    pub(crate) disturbance: f64,
}

impl Limits {
    /// Takes `time` for each.
    pub(crate) fn measure(time: Duration) -> Outcome<Self> {
        let begun = (Instant::now(), cpu_of_machine()?, Process::current().cpu()?);
        let mut limits = Self {
            hashes: on_all_cores(move || hashes(time))?,
            allocating_hashes: on_all_cores(move || allocating_hashes(time))?,
            signatures: on_all_cores(move || signatures(time))?,
            checks: on_all_cores(move || checks(time))?,
            syncs: syncs(time)?,
            updates: updates(time)?,
            disturbance: 0.0,
        };
        let machine = cpu_of_machine()?.saturating_sub(begun.1);
        let ours = Process::current().cpu()?.saturating_sub(begun.2);
        let others = machine.saturating_sub(ours);
        limits.disturbance = share_of_machine(others, begun.0.elapsed());
        Ok(limits)
    }
}

/// How often `work` can be done within `time`, per second.
fn rate(time: Duration, mut work: impl FnMut() -> Outcome<()>) -> Outcome<f64> {
    let begun = Instant::now();
    let mut done = 0_u32;
    while begun.elapsed() < time {
        work()?;
        done += 1;
    }
    Ok(f64::from(done) / begun.elapsed().as_secs_f64())
}

/// The sum of the rates that one thread for each core comes to.
fn on_all_cores(one: impl Fn() -> Outcome<f64> + Copy + Send + 'static) -> Outcome<f64> {
    let threads = 0..thread::available_parallelism()?.get();
    let threads: Vec<_> = threads.map(|_| thread::spawn(one)).collect();
    let mut sum = 0.0;
    for thread in threads {
        sum += thread.join().map_err(|_| "a thread panicked")??;
    }
    Ok(sum)
}

fn argon2id() -> Outcome<Argon2<'static>> {
    let params = Params::new(19_456, 2, 1, Some(32)).map_err(|error| error.to_string())?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hashes(time: Duration) -> Outcome<f64> {
    let argon2 = argon2id()?;
    let mut memory = vec![Block::new(); argon2.params().block_count()];
    let mut out = [0; 32];
    rate(time, || {
        argon2
            .hash_password_into_with_memory(PASSWORD, &SALT, &mut out, &mut memory)
            .map_err(|error| error.to_string().into())
    })
}

fn allocating_hashes(time: Duration) -> Outcome<f64> {
    let argon2 = argon2id()?;
    let mut out = [0; 32];
    rate(time, || {
        argon2
            .hash_password_into(PASSWORD, &SALT, &mut out)
            .map_err(|error| error.to_string().into())
    })
}

/// As long as what is signed of an access token, in bytes.
const MESSAGE: [u8; 560] = [b'a'; 560];

fn es256() -> Outcome<EcdsaKeyPair> {
    let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, randomness());
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(|_| "no key")?;
    let key = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random);
    Ok(key.map_err(|_| "no key")?)
}

#[expect(
    clippy::disallowed_methods,
    reason = "ring alone is measured here, not this project's use of it"
)]
fn randomness() -> SystemRandom {
    SystemRandom::new()
}

fn signatures(time: Duration) -> Outcome<f64> {
    let (key, random) = (es256()?, randomness());
    rate(time, || {
        let signature = key.sign(&random, &MESSAGE).map_err(|_| "no signature")?;
        std::hint::black_box(signature);
        Ok(())
    })
}

fn checks(time: Duration) -> Outcome<f64> {
    let key = es256()?;
    let signature = key
        .sign(&randomness(), &MESSAGE)
        .map_err(|_| "no signature")?;
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_key());
    rate(time, || {
        let is_good = public.verify(&MESSAGE, signature.as_ref());
        Ok(is_good.map_err(|_| "a bad signature")?)
    })
}

fn syncs(time: Duration) -> Outcome<f64> {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut file = File::create(directory.path().join("file"))?;
    let page = [1; 4096];
    rate(time, || {
        file.write_all(&page)?;
        Ok(file.sync_data()?)
    })
}

fn updates(time: Duration) -> Outcome<f64> {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let path = directory.path().join("limit.db");
    let mut conn = SqliteConnection::establish(&path.to_string_lossy())?;
    conn.batch_execute(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
         CREATE TABLE row (id TEXT PRIMARY KEY, generation INTEGER NOT NULL) WITHOUT ROWID; \
         WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < 63) \
         INSERT INTO row SELECT printf('01890a5d-ac96-774b-bcce-%012d', n), 0 FROM numbers",
    )?;
    let commits = rate(time, || {
        conn.batch_execute("BEGIN IMMEDIATE")?;
        for number in 0..GROUP {
            let id = format!("01890a5d-ac96-774b-bcce-{number:012}");
            diesel::sql_query("UPDATE row SET generation = generation + 1 WHERE id = ?")
                .bind::<diesel::sql_types::Text, _>(id)
                .execute(&mut conn)?;
        }
        Ok(conn.batch_execute("COMMIT")?)
    });
    Ok(commits? * f64::from(GROUP))
}
