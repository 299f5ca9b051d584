//! The room as its callers see it, on both databases, with clocks that stand still.

mod clients;
mod concurrency;
mod model;
mod semantics;
mod together;
mod world;

use std::env;
use std::fmt::Debug;
use std::future::Future;
use std::sync::{Barrier, PoisonError};
use std::thread;

use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config as Runs, TestCaseResult, TestRunner};
use tempfile::TempDir;

use super::*;
use crate::app::App;
use crate::config::{Config, Period, Transport};
use crate::storage::schema::{sessions, users};
use crate::storage::stored;

/// Runs each of these on both databases.
macro_rules! on_both_databases {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[test] fn $test() { super::$test(&super::super::House::on_sqlite()); })*
        }
        mod postgresql {
            $(#[test] fn $test() { super::$test(&super::super::House::on_postgresql()); })*
        }
    };
}
use on_both_databases;

const ISSUER: &str = "http://127.0.0.1:8080";
const PASSWORD: &str = "pwd";

/// An installation without a network.
struct House {
    app: App,
    _directory: TempDir,
}

impl House {
    fn on_sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/signet.db", directory.path().display());
        Self::build(&url, directory)
    }

    fn on_postgresql() -> Self {
        Self::build(&crate::postgres::database(), tempfile::tempdir().unwrap())
    }

    fn build(url: &str, directory: TempDir) -> Self {
        let mut config = Config::default();
        config.server.public_url = ISSUER.into();
        config.database.url = url.into();
        config.database.pool_size = 16;
        config.keys.master_key_file = directory.path().join("master.key");
        config.limits.enabled = false;
        // The clocks of these tests run ahead of that of the keys.
        config.keys.jwks_max_age = Period::days(10_000);
        config.tokens.refresh_idle = seconds(model::IDLE);
        config.tokens.refresh_absolute = seconds(model::ABSOLUTE);
        config.tokens.refresh_leeway = seconds(model::LEEWAY);
        config.password.argon2_memory_kib = 8;
        config.password.pool_threads = 1;
        config.mail.transport = Transport::Memory;
        Self {
            app: App::build(config, Clock::frozen(model::start())).unwrap(),
            _directory: directory,
        }
    }

    fn policy(&self) -> Policy {
        Policy::new(&self.app.config.tokens, &self.app.config.compat)
    }

    /// The room with a clock of its own, over the same database.
    fn sessions(&self, clock: &Clock) -> Sessions {
        let app = &self.app;
        let settings = &app.config.tokens;
        let keys = app.keys.clone();
        let tokens = Tokens::new(keys, clock.clone(), ISSUER, settings);
        let (db, mail) = (app.db.clone(), app.mail.clone());
        Sessions::new(db, clock.clone(), tokens, mail, self.policy()).unwrap()
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Conn) -> QueryResult<T> + Send + 'static,
    ) -> T {
        self.app.db.write(work).await.unwrap()
    }

    /// An active account with an address of its own.
    async fn person(&self) -> Subject {
        let subject = Subject::generate(model::start());
        let made = subject.clone();
        self.write(move |conn| {
            let account = (
                users::id.eq(made.as_str()),
                users::email.eq(format!("{made}@example.com")),
                users::email_verified_at.eq(stored(model::start())),
                users::first_name.eq("Ann"),
                users::last_name.eq(""),
                users::is_active.eq(true),
                users::created_at.eq(stored(model::start())),
            );
            diesel::insert_into(users::table)
                .values(account)
                .execute(conn)
        })
        .await;
        subject
    }

    /// A session of `subject`; its id and first refresh token.
    async fn login(&self, sessions: &Sessions, subject: &Subject) -> (SessionId, String) {
        let opening = sessions.prepare(subject, PASSWORD, &nowhere()).unwrap();
        let (id, refresh) = (opening.id().clone(), opening.tokens.refresh.token.clone());
        self.write(move |conn| open(conn, &opening)).await;
        (id, refresh)
    }

    /// All sessions of `subject`, whole, as they are committed.
    async fn rows(&self, subject: &Subject) -> Vec<Row> {
        let subject = subject.clone();
        let read = self.app.db.read(move |conn| {
            let rows = sessions::table.filter(sessions::subject.eq(subject.as_str()));
            rows.select(Row::as_select()).load(conn)
        });
        read.await.unwrap()
    }
}

/// A session, with every column it has.
#[derive(Queryable, Selectable, Clone, Debug, PartialEq)]
#[diesel(table_name = sessions)]
struct Row {
    id: String,
    subject: String,
    client: String,
    generation: i64,
    rotated_at: NaiveDateTime,
    created_at: NaiveDateTime,
    idle_expires_at: NaiveDateTime,
    expires_at: NaiveDateTime,
    revoked_at: Option<NaiveDateTime>,
    revoke_reason: Option<String>,
    auth_time: NaiveDateTime,
    amr: String,
    scope: String,
    address: Option<String>,
    user_agent: Option<String>,
    epoch: i64,
}

fn nowhere() -> Facts {
    Facts {
        address: None,
        user_agent: None,
    }
}

fn seconds(delta: TimeDelta) -> Period {
    Period::seconds(delta.num_seconds().try_into().unwrap())
}

/// Waits for `future` on this thread.
fn wait_for<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(future)
}

/// Runs `work` on `count` threads that begin together.
fn at_once<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let (barrier, work) = (&Barrier::new(count), &work);
    thread::scope(|scope| {
        let start = |number| {
            scope.spawn(move || {
                barrier.wait();
                work(number)
            })
        };
        let threads: Vec<_> = (0..count).map(start).collect();
        threads.into_iter().map(|it| it.join().unwrap()).collect()
    })
}

/// Threads that play sequences side by side, so that their writes meet in the store.
const PLAYERS: u32 = 16;

/// How many sequences a property is tried with.
fn sequences() -> u32 {
    let wanted = env::var("SIGNET_SEQUENCES").ok();
    wanted.map_or(2_000, |text| {
        text.parse().expect("SIGNET_SEQUENCES is a number")
    })
}

/// Plays `count` random sequences; the smallest one found that fails, and why.
fn find_counterexample<S>(
    count: u32,
    shrink_iterations: u32,
    strategy: impl Fn() -> S + Sync,
    play: impl Fn(S::Value) -> TestCaseResult + Sync,
) -> Option<String>
where
    S: Strategy,
    S::Value: Debug,
{
    let players = PLAYERS.min(count);
    let found = std::sync::Mutex::new(None);
    at_once(players as usize, |_| {
        let mut runner = TestRunner::new(Runs {
            cases: count.div_ceil(players),
            max_shrink_iters: shrink_iterations,
            failure_persistence: None,
            ..Runs::default()
        });
        if let Err(failure) = runner.run(&strategy(), &play) {
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            found.get_or_insert(failure.to_string());
        }
    });
    found.into_inner().unwrap_or_else(PoisonError::into_inner)
}
