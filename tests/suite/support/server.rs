//! A server inside the test process: everything real but the clock, the mail and the cost of a
//! password.

use std::net::TcpListener;
use std::sync::{Arc, Barrier};

use chrono::{DateTime, TimeDelta};
use diesel::prelude::*;
use signet::app::App;
use signet::clock::Clock;
use signet::config::{Config, Transport};
use signet::mail::Captured;
use signet::server::{Listeners, Running};
use signet::storage::schema::{
    events, identities, mail_requests, one_time_tokens, outbox, sessions, users,
};
use tempfile::TempDir;

use super::{Backend, Client, Contract, Person, block_on};

/// 2026-11-23T12:00:00Z: where every test's time begins.
const BEGINNING: i64 = 1_795_435_200;

/// A running server with a database of its own. Work left in its mail queue fails the test: a
/// mail that nobody looked at is a mail that nobody expected.
pub(crate) struct Server {
    pub(crate) app: App,
    pub(crate) clock: Clock,
    pub(crate) prefix: String,
    contract: Arc<Contract>,
    running: Option<Running>,
    _directory: TempDir,
}

impl Server {
    /// With default settings.
    pub(crate) fn start(backend: Backend) -> Self {
        Self::with(backend, |_| {})
    }

    /// With settings of the test's own.
    pub(crate) fn with(backend: Backend, change: impl FnOnce(&mut Config)) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let mut config = Config::default();
        config.database.url = backend.database(directory.path()).into();
        config.keys.master_key_file = directory.path().join("master.key");
        config.mail.transport = Transport::Memory;
        config.password.argon2_memory_kib = 8;
        config.password.argon2_time = 1;
        config.server.workers = 2;
        // Most tests do more than any caller may; those about the limits put them on.
        config.limits.enabled = false;
        change(&mut config);
        let prefix = config.account.prefix.clone();
        let clock = Clock::frozen(DateTime::from_timestamp(BEGINNING, 0).expect("a time"));
        let contract = Arc::new(Contract::of(&config));
        let app = App::build(config, clock.clone()).expect("the application");
        let bind = || TcpListener::bind("127.0.0.1:0").expect("a port");
        let listeners = Listeners {
            public: bind(),
            admin: Some(bind()),
        };
        let running = signet::server::spawn(app.clone(), listeners).expect("the server");
        Self {
            app,
            clock,
            prefix,
            contract,
            running: Some(running),
            _directory: directory,
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.running.as_ref().expect("running").address()
    }

    /// A client without credentials, on a connection of its own.
    pub(crate) fn anonymous(&self) -> Client {
        let contract = Arc::clone(&self.contract);
        Client::new(&format!("http://{}", self.address())).holding_to(contract)
    }

    /// An operator, on the listener that is theirs.
    pub(crate) fn operator(&self) -> Client {
        let address = self.running.as_ref().expect("running").admin_address();
        Client::new(&format!("http://{}", address.expect("it listens")))
    }

    /// What `count` anonymous clients get who ask at the same moment, each on a connection of its
    /// own.
    pub(crate) fn at_once<T: Send>(
        &self,
        count: usize,
        ask: impl Fn(&Client, usize) -> T + Sync,
    ) -> Vec<T> {
        let start = Barrier::new(count);
        let one = |number| {
            let client = self.anonymous();
            // Connected before the start, so that the requests themselves meet.
            client.get("/livez");
            start.wait();
            ask(&client, number)
        };
        std::thread::scope(|scope| {
            let one = &one;
            let all: Vec<_> = (0..count)
                .map(|number| scope.spawn(move || one(number)))
                .collect();
            all.into_iter()
                .map(|each| each.join().expect("an answer"))
                .collect()
        })
    }

    /// Somebody who registered and logged in; her mail about it is read already.
    pub(crate) fn person(&self, name: &str) -> Person {
        Person::register(self, name)
    }

    /// Somebody whose address is confirmed, too.
    pub(crate) fn confirmed(&self, name: &str) -> Person {
        let person = self.person(name);
        let body = serde_json::json!({"key": person.confirm_key});
        let path = format!("{}/registration/verify-email/", self.prefix);
        self.anonymous().post_json(&path, &body).ok(200);
        person
    }

    /// Moves the time.
    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
        // As the job would have done all the while.
        block_on(self.app.keys.reload()).expect("the keys");
    }

    /// Delivers what waits, and gives what was delivered since the last look.
    pub(crate) fn mails(&self) -> Vec<Captured> {
        // The server's own jobs may be about a mail just now: then this finds none due, and none
        // delivered.
        for _ in 0..10_000 {
            block_on(self.app.accounts.write_mails()).expect("the requests");
            block_on(self.app.mail.deliver_due()).expect("a delivery");
            if self.waiting_mails() == 0 {
                return self.app.mail.take_captured();
            }
        }
        panic!("the outbox does not empty");
    }

    /// What an operator's command finds by a name.
    pub(crate) fn resolve(&self, name: &str) -> signet::error::Result<signet::account::User> {
        block_on(self.app.accounts.resolve(name))
    }

    /// Makes an account, as an operator's command does.
    pub(crate) fn create(&self, new: signet::account::NewUser) {
        block_on(self.app.accounts.create(new)).expect("the account");
    }

    /// Enables or disables an account, as an operator's command does.
    pub(crate) fn set_active(&self, pk: &str, is_active: bool) {
        let changed = block_on(self.app.accounts.set_active(&pk.into(), is_active));
        assert!(changed.expect("the account"), "it was in the other state");
    }

    /// Deletes an account, as an operator's command does.
    pub(crate) fn delete(&self, pk: &str) {
        assert!(block_on(self.app.accounts.delete(&pk.into())).expect("the account"));
    }

    /// Gives an account an identity at a provider, as a login through it would have.
    pub(crate) fn connect(&self, pk: &str, id: &str) {
        let (pk, id) = (pk.to_owned(), id.to_owned());
        let now = self.clock.now().naive_utc();
        let wrote = self.app.db.write(move |conn| {
            let row = (
                identities::id.eq(&id),
                identities::subject.eq(&pk),
                identities::provider.eq("keycloak"),
                identities::issuer.eq("http://127.0.0.1:1"),
                identities::external_id.eq("1"),
                identities::created_at.eq(now),
            );
            diesel::insert_into(identities::table)
                .values(row)
                .execute(conn)
        });
        assert_eq!(block_on(wrote).expect("the identity"), 1);
    }

    /// Runs the job; how many accounts it deleted.
    pub(crate) fn delete_unconfirmed(&self) -> usize {
        block_on(self.app.accounts.delete_unconfirmed()).expect("the job")
    }

    /// A number from the database.
    pub(crate) fn count<Q>(&self, query: Q) -> i64
    where
        Q: for<'query> diesel::query_dsl::LoadQuery<'query, signet::storage::Conn, i64>
            + Clone
            + Send
            + 'static,
    {
        let count = self.app.db.read(move |conn| query.clone().get_result(conn));
        block_on(count).expect("the count")
    }

    /// Rows from the database.
    pub(crate) fn load<T, Q>(&self, query: Q) -> Vec<T>
    where
        T: Send + 'static,
        Q: for<'query> diesel::query_dsl::LoadQuery<'query, signet::storage::Conn, T>
            + Clone
            + Send
            + 'static,
    {
        let rows = self.app.db.read(move |conn| query.clone().load(conn));
        block_on(rows).expect("the rows")
    }

    /// Rows of the database, or what became of changing them.
    pub(crate) fn rows<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut signet::storage::Conn) -> QueryResult<T> + Send + 'static,
    ) -> T {
        block_on(self.app.db.write(work)).expect("the database")
    }

    /// The details of the recorded events of a kind, oldest first.
    pub(crate) fn events(&self, kind: &str) -> Vec<serde_json::Value> {
        let events = events::table
            .filter(events::kind.eq(kind.to_owned()))
            .order(events::id)
            .select(events::details);
        let details = self.app.db.read(move |conn| events.clone().load(conn));
        let details: Vec<String> = block_on(details).expect("the events");
        let details = details.iter();
        details
            .map(|text| serde_json::from_str(text).expect("JSON"))
            .collect()
    }

    fn waiting_mails(&self) -> i64 {
        let count = self.app.db.read(|conn| {
            let requests: i64 = mail_requests::table.count().get_result(conn)?;
            let unsent = outbox::table.filter(outbox::dead_at.is_null()).count();
            Ok(requests + unsent.get_result::<i64>(conn)?)
        });
        block_on(count).expect("the count")
    }

    /// The one mail there is, which must be for `to`.
    #[track_caller]
    pub(crate) fn mail(&self, to: &str) -> Captured {
        let mut mails = self.mails();
        let found: Vec<(&str, &str)> = mails
            .iter()
            .map(|mail| (mail.to.as_str(), mail.subject.as_str()))
            .collect();
        assert_eq!(mails.len(), 1, "{found:?}");
        let mail = mails.remove(0);
        assert_eq!(mail.to, to);
        mail
    }

    /// How much is stored: rows of users, sessions, one-time tokens, unsent mails.
    pub(crate) fn stored(&self) -> [i64; 4] {
        let count = self.app.db.read(|conn| {
            Ok([
                users::table.count().get_result(conn)?,
                sessions::table.count().get_result(conn)?,
                one_time_tokens::table.count().get_result(conn)?,
                outbox::table.count().get_result(conn)?,
            ])
        });
        block_on(count).expect("the counts")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().expect("a graceful stop");
        }
        if !std::thread::panicking() {
            let left: Vec<String> = self.mails().into_iter().map(|mail| mail.subject).collect();
            assert!(
                left.is_empty(),
                "mails that the test did not look at: {left:?}"
            );
        }
    }
}
