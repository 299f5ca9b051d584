//! The addresses of a server.

use std::net::TcpListener;

use crate::config;
use crate::error::{Error, Result};

/// Where a server listens, bound already.
pub struct Listeners {
    /// For everybody.
    pub public: TcpListener,
    /// For operators.
    pub admin: Option<TcpListener>,
}

impl Listeners {
    /// Binds what the settings say. Several servers on a developer's machine are fine: if the
    /// operators' port is taken, and nobody chose it, there are no metrics.
    ///
    /// # Errors
    /// An address that cannot be had, with the remedy.
    pub fn bind(settings: &config::Server) -> Result<Self> {
        let public = TcpListener::bind(&settings.listen).map_err(|error| {
            Error::setup(format!("cannot listen on {}", settings.listen)).with_source(error)
        })?;
        let admin = &settings.admin_listen;
        let admin = match (!admin.is_empty()).then(|| TcpListener::bind(admin)) {
            None => None,
            Some(Ok(listener)) => Some(listener),
            Some(Err(error)) if *admin == config::Server::default().admin_listen => {
                log::warn!(
                    "no metrics: cannot listen on {admin} ({error}); let [server] admin_listen \
                     name another port, or leave it empty"
                );
                None
            }
            Some(Err(error)) => {
                let message = format!(
                    "cannot listen on {admin} for operators; let [server] admin_listen name \
                     another port, or leave it empty"
                );
                return Err(Error::setup(message).with_source(error));
            }
        };
        Ok(Self { public, admin })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Server as Settings;

    fn settings(admin_listen: &str) -> Settings {
        Settings {
            listen: "127.0.0.1:0".into(),
            admin_listen: admin_listen.into(),
            ..Settings::default()
        }
    }

    #[test]
    fn a_taken_port_is_an_error_only_where_it_was_chosen() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let chosen = taken.local_addr().unwrap().to_string();
        let refused = Listeners::bind(&settings(&chosen)).err().unwrap();
        let message = refused.to_string();
        assert!(
            message.contains(&chosen) && message.contains("admin_listen"),
            "{message}"
        );
        // If this one is not to be had, somebody else has it, which is as good.
        let default = Settings::default().admin_listen;
        let _holder = TcpListener::bind(&default);
        let listeners = Listeners::bind(&settings(&default)).unwrap();
        assert!(listeners.admin.is_none());
    }

    #[test]
    fn operators_have_a_listener_if_there_is_an_address_for_it() {
        assert!(Listeners::bind(&settings("")).unwrap().admin.is_none());
        let listeners = Listeners::bind(&settings("127.0.0.1:0")).unwrap();
        assert!(listeners.admin.is_some());
    }
}
