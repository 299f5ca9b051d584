//! The room as its callers see it, on SQLite, with a clock that stands still.

mod messages;
mod outbox;
mod reseal;
mod sink;
mod submission;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta};
use diesel::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::config::Period;
use crate::crypto::{RootSecret, Roots};
use crate::storage::Access;
use crate::storage::schema::outbox as rows;

const LINK: &str = "https://id.example.com/confirm?a=1&key=SECRET";

/// A database, a clock and a vault that mailers share, as nodes would.
struct House {
    db: Db,
    clock: Clock,
    roots: Roots,
    vault: Arc<Vault>,
    directory: TempDir,
}

impl House {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/signet.db", directory.path().display());
        let settings = config::Database {
            url: url.into(),
            ..config::Database::default()
        };
        let roots = Roots::single(RootSecret::new([1; 32]));
        Self {
            db: Db::open(&settings, Access::Serve).unwrap(),
            clock: Clock::frozen(DateTime::from_timestamp(1_800_000_000, 0).unwrap()),
            vault: Arc::new(Vault::new(&roots, "outbox")),
            roots,
            directory,
        }
    }

    fn mailer(&self, settings: &config::Mail) -> Mailer {
        let (db, clock, vault) = (self.db.clone(), self.clock.clone(), self.vault.clone());
        Mailer::new(settings, db, clock, vault).unwrap()
    }

    fn in_memory(&self) -> Mailer {
        self.mailer(&settings(config::Transport::Memory))
    }

    /// Posts a confirmation to `to` that is good for an hour.
    async fn post(&self, mailer: &Mailer, to: &str) -> Letter {
        let expires_at = self.clock.now() + TimeDelta::hours(1);
        let letter = mailer.letter(to, &confirmation("ann"), expires_at).unwrap();
        let posted = letter.clone();
        let write = self.db.write(move |conn| enqueue(conn, &posted));
        write.await.unwrap();
        letter
    }

    async fn rows(&self) -> Vec<Row> {
        let read = self.db.read(|conn| {
            rows::table
                .order(rows::id)
                .select(Row::as_select())
                .load(conn)
        });
        read.await.unwrap()
    }

    async fn row(&self) -> Row {
        let mut all = self.rows().await;
        assert_eq!(all.len(), 1);
        all.remove(0)
    }
}

#[derive(Queryable, Selectable, PartialEq, Debug)]
#[diesel(table_name = rows)]
struct Row {
    id: String,
    kind: String,
    recipient: String,
    sealed_message: Vec<u8>,
    next_attempt_at: chrono::NaiveDateTime,
    attempts: i32,
    lease_owner: Option<String>,
    dead_at: Option<chrono::NaiveDateTime>,
    last_error: Option<String>,
}

fn settings(transport: config::Transport) -> config::Mail {
    config::Mail {
        transport,
        from: "Signet <signet@id.example.com>".into(),
        ..config::Mail::default()
    }
}

fn confirmation(name: &str) -> Message {
    Message::ConfirmEmail {
        name: name.into(),
        url: LINK.into(),
        expires_in: Period::days(1),
    }
}
