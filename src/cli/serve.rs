//! `signet serve`.

use std::time::Duration;

use crate::app::App;
use crate::clock::Clock;
use crate::config::{Config, Profile, Server, Transport};
use crate::error::{Error, Result};
use crate::password;
use crate::server::{self, Listeners, Signals};

pub(super) fn run(mut config: Config) -> Result<()> {
    // First of all: a start can take a while, and who stops it then is heard as well.
    let signals = Signals::listen()?;
    let listeners = Listeners::bind(&config.server)?;
    let address = listeners.public.local_addr().map_err(Error::internal)?;
    // Port 0 asks for any free one: only now it is known which.
    if config.server.listen.ends_with(":0")
        && config.server.public_url == Server::default().public_url
    {
        config.server.public_url = format!("http://{address}");
    }
    password::check_room(&config.password)?;
    let app = App::build(config, Clock::system())?;
    let config = app.config.clone();
    let database = app.db.kind();
    let running = server::spawn(app, listeners)?;
    let admin = running.admin_address();
    let admin = admin.map_or_else(String::new, |at| format!(" (metrics: http://{at}/metrics)"));
    log::info!(
        "Signet {} on {database}, listening on http://{}{admin}",
        env!("CARGO_PKG_VERSION"),
        running.address()
    );
    greet(&config);
    let delay = Duration::from_secs(config.server.drain_delay.as_secs().into());
    running.stop_on(signals, delay)?;
    log::info!("stopped");
    Ok(())
}

/// What somebody who just tries it should know.
fn greet(config: &Config) {
    if config.server.profile != Profile::Dev {
        if !config.limits.enabled {
            log::warn!(
                "[limits] is off: passwords can be guessed unless something in front limits"
            );
        }
        return;
    }
    log::info!("profile dev: fine for trying out; set [server] profile = \"production\" for real");
    if config.mail.transport == Transport::Console {
        log::info!("mail is printed here instead of being sent; see [mail] transport");
    }
    log::info!(
        "try: curl {}/.well-known/jwks.json",
        config.server.public_url
    );
}
