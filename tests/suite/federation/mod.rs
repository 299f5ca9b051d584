//! Logins through other providers, against one inside the test process.

mod accounts;
mod away;
mod code;
mod connect;
mod forged;
mod fuzz;
mod github;
mod google;
mod leak;
mod limits;
mod login;
mod takeover;

use serde_json::{Value, json};
use signet::config::{Config, Period};

use crate::support::provider::{CLIENT, CLIENT_SECRET, Provider};
use crate::support::{Answer, Backend, Server};

/// A provider, and a server at which it is called `idp`.
struct House {
    provider: Provider,
    server: Server,
}

impl House {
    fn new(on: Backend) -> Self {
        Self::with(on, |_| {})
    }

    fn with(on: Backend, change: impl FnOnce(&mut Config)) -> Self {
        let provider = Provider::start();
        let issuer = provider.issuer.clone();
        let server = Server::with(on, |config| {
            config.federation.timeout = Period::seconds(10);
            let oidc = &mut config.federation.oidc;
            oidc.name = "idp".into();
            oidc.issuer = issuer;
            oidc.client_id = CLIENT.into();
            oidc.client_secret = CLIENT_SECRET.into();
            oidc.callback_url = "https://app.example.com/callback".into();
            change(config);
            config.validate().expect("sound");
        });
        Self { provider, server }
    }

    fn post(&self, body: &Value) -> Answer {
        self.server.anonymous().post_json("/auth/idp/", body)
    }

    /// What an ID token with these claims brings.
    fn present(&self, claims: &Value) -> Answer {
        self.post(&json!({"id_token": self.provider.sign(claims)}))
    }

    fn claims(&self, sub: &str) -> Value {
        self.provider.claims(&self.server, sub)
    }

    /// Logs in as `sub`, who is given an account the first time.
    #[track_caller]
    fn login(&self, sub: &str) -> Answer {
        let answer = self.present(&self.claims(sub));
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer
    }
}

fn incorrect() -> Value {
    json!({"non_field_errors": ["Incorrect value"]})
}
