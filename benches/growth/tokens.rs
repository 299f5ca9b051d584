//! The refresh tokens of sessions that nobody has opened: made as the server makes them, with the
//! master key that it made.

use chrono::{DateTime, TimeDelta};
use signet::app::App;
use signet::clock::Clock;
use signet::config::Config;
use signet::storage::Access;
use signet::token::{RefreshGrant, Tokens};

use crate::Outcome;
use crate::database::Database;
use crate::shared::population::{self, Sessions};

/// Makes tokens of an installation.
pub(crate) struct Mint(Tokens);

impl Mint {
    /// That of the installation on this database, whose server listens at `issuer`.
    pub(crate) async fn open(database: &Database, issuer: String) -> Outcome<Self> {
        let mut config = Config::default();
        let directory = database.directory.path();
        config.database.url = database.file().map_or_else(
            || database.url.clone().into(),
            |file| format!("sqlite://{}", file.display()).into(),
        );
        config.keys.master_key_file = directory.join("keys/master.key");
        config.server.public_url = issuer;
        // It waits for the database, which it may only do on a thread of its own.
        let opened = tokio::task::spawn_blocking(move || {
            let clock = Clock::system();
            let app = App::build_for(config, clock.clone(), Access::Command)?;
            let Config { server, tokens, .. } = &*app.config;
            let tokens = Tokens::new(app.keys, clock, &server.public_url, tokens);
            Ok::<_, signet::error::Error>(Self(tokens))
        });
        Ok(opened.await??)
    }

    /// The token of a session that was opened and never refreshed.
    pub(crate) fn refresh(&self, sessions: Sessions, number: u64) -> Outcome<String> {
        let opened = DateTime::from_timestamp_millis(sessions.opened(number)?);
        let opened = opened.ok_or("no such time")?;
        let minted = self.0.mint_refresh(&RefreshGrant {
            subject: &population::subject(sessions.person(number))?.into(),
            session: &sessions.id(number)?.into(),
            generation: 0,
            rotated_at: opened,
            expires_at: opened + TimeDelta::days(30),
        })?;
        Ok(minted.token)
    }
}
