//! The composition root: builds every service once, from the configuration.

use std::sync::Arc;
use std::time::Duration;

use crate::account::{self, Accounts, Links, Mailing, Settings, UsernameRules};
use crate::clock::Clock;
use crate::config::Config;
use crate::crypto;
use crate::error::{Error, Result};
use crate::federation::Federation;
use crate::job;
use crate::keys::{self, Keys, MasterKey, Revoked};
use crate::limits::Limits;
use crate::mail::{self, Mailer};
use crate::node::Node;
use crate::oauth::Discovery;
use crate::password::{Passwords, Policy};
use crate::session::{self, Sessions};
use crate::storage::{Access, Conn, Db};
use crate::token::Tokens;

/// Every service. Clones share them.
#[derive(Clone)]
pub struct App {
    /// What they were built from.
    pub config: Arc<Config>,
    /// The time.
    pub clock: Clock,
    /// The store.
    pub db: Db,
    /// Outgoing mail.
    pub mail: Mailer,
    /// Signing keys.
    pub keys: Keys,
    /// Sessions.
    pub sessions: Sessions,
    /// People.
    pub accounts: Accounts,
    /// Logins through other providers.
    pub federation: Federation,
    /// Metadata documents.
    pub discovery: Discovery,
    /// This process, among those that share the database.
    pub node: Node,
    /// Jobs that one node does for all.
    pub shared_jobs: job::Shared,
    /// When jobs last ran.
    pub board: job::Board,
}

impl App {
    /// Builds a server's services. Blocks; not to be called from async code.
    ///
    /// # Errors
    /// What is wrong with the installation, with the remedy.
    pub fn build(config: Config, clock: Clock) -> Result<Self> {
        Self::build_for(config, clock, Access::Serve)
    }

    /// Builds the services for a server, or for a command beside one. Blocks.
    ///
    /// # Errors
    /// As for [`App::build`].
    pub fn build_for(config: Config, clock: Clock, access: Access) -> Result<Self> {
        crypto::install();
        let db = Db::open(&config.database, access)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime
            .map_err(Error::internal)?
            .block_on(Self::assemble(config, clock, db, access))
    }

    /// The emergency, whole: see [`Keys::revoke_master_key`].
    ///
    /// # Errors
    /// As there.
    pub async fn revoke_master_key(&self, wanted: &str, heard: Duration) -> Result<Revoked> {
        let end_all = |conn: &mut Conn, now| {
            session::end_all(conn, now)?;
            mail::drop_all(conn)?;
            account::end_links(conn)
        };
        self.keys.revoke_master_key(wanted, heard, end_all).await
    }

    async fn assemble(config: Config, clock: Clock, db: Db, access: Access) -> Result<Self> {
        let master = MasterKey::open(&db, &clock, &config.keys.master_key_file).await?;
        let word = keys::Policy::new(&config).word();
        let node = Node::new(db.clone(), clock.clone(), &config.server.listen, word);
        if access == Access::Serve {
            master.join(&db, &node).await?;
        }
        let app = Self::with(config, clock, db, (master, node.clone())).await;
        let app = match app {
            Ok(app) if access == Access::Serve => app.keys.begin().await.map(|_| app),
            app => app,
        };
        if app.is_err() && access == Access::Serve {
            // Nobody is to wait for a process that never served.
            if let Err(error) = node.leave().await {
                log::warn!("{error}");
            }
        }
        app
    }

    async fn with(
        config: Config,
        clock: Clock,
        db: Db,
        (master, node): (MasterKey, Node),
    ) -> Result<Self> {
        let vault = Arc::new(master.vault("outbox"));
        let mail = Mailer::new(&config.mail, db.clone(), clock.clone(), vault)?;
        let keys = Keys::open(db.clone(), clock.clone(), &master, &config).await?;
        let issuer = &config.server.public_url;
        let tokens = Tokens::new(keys.clone(), clock.clone(), issuer, &config.tokens);
        let policy = session::Policy::new(&config.tokens, &config.compat);
        let sessions = Sessions::new(db.clone(), clock.clone(), tokens, mail.clone(), policy)?;
        let secrets = master.derived(|root| root.derive("limits"));
        let accounts = Accounts::new(account::Inner {
            db: db.clone(),
            clock: clock.clone(),
            settings: Settings {
                account: config.account.clone(),
                links: Links::new(&config),
                usernames: UsernameRules::new(&config.account),
                policy: Policy::new(&config.password),
                service_name: config.mail.service_name.clone(),
                is_strict: config.compat.strict,
            },
            passwords: Passwords::new(&config.password)?,
            limits: Limits::new(&config.limits, clock.clone(), secrets),
            sessions: sessions.clone(),
            mail: mail.clone(),
            mailing: Mailing::default(),
        });
        let federation = Federation::new(&config, db.clone(), clock.clone(), accounts.clone())?;
        let discovery = Discovery::new(issuer)?;
        let config = Arc::new(config);
        let shared_jobs = job::Shared::new(db.clone(), clock.clone());
        Ok(Self {
            config,
            clock,
            db,
            mail,
            keys,
            sessions,
            accounts,
            federation,
            discovery,
            node,
            shared_jobs,
            board: job::Board::default(),
        })
    }
}
