//! GitHub: OAuth 2 and an API of its own, without ID tokens.

use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::provider::{Client, Evidence, Failure, Vouched, is_bearer, names, text};
use super::upstream::{Call, Silence, Upstream};
use crate::account::Email;

/// GitHub, or a server of one's own.
pub(super) struct Github {
    pub(super) client: Client,
    pub(super) api_url: String,
    pub(super) token_url: String,
    pub(super) upstream: Upstream,
}

/// The answer to a code: also a refusal is a `200`, without a token.
#[derive(Deserialize)]
struct Exchanged {
    access_token: String,
}

/// What is said of a token to the client it was issued to, and to no other.
#[derive(Deserialize)]
struct Checked {
    app: App,
    user: Id,
}

#[derive(Deserialize)]
struct App {
    client_id: String,
}

#[derive(Deserialize)]
struct Id {
    id: u64,
}

#[derive(Deserialize)]
struct User {
    id: u64,
    #[serde(default)]
    login: Value,
    #[serde(default)]
    name: Value,
}

#[derive(Deserialize)]
struct Address {
    email: String,
    primary: bool,
    #[serde(default)]
    verified: Value,
}

impl Github {
    pub(super) async fn recognise(&self, evidence: &Evidence) -> Result<Vouched, Failure> {
        match evidence {
            // It is for us: it was given for our secret.
            Evidence::Code { code, verifier, .. } => {
                let token = self.exchange(code, verifier.as_deref()).await?;
                self.describe(&token, None).await
            }
            Evidence::AccessToken(token) => {
                let id = self.check(token).await?;
                self.describe(token, Some(id)).await
            }
            Evidence::IdToken(..) => Err(Failure::evidence("GitHub has no ID tokens")),
        }
    }

    async fn exchange(&self, code: &str, verifier: Option<&str>) -> Result<String, Failure> {
        let Client {
            id,
            secret,
            callback_url,
        } = &self.client;
        if callback_url.is_empty() {
            return Err(Failure::NoCallback);
        }
        let mut fields = vec![
            ("client_id", id.as_str()),
            ("client_secret", secret.expose_secret()),
            ("code", code),
            ("redirect_uri", callback_url),
        ];
        fields.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        let answered = self
            .upstream
            .ask(Call::form(&self.token_url, &fields))
            .await;
        let read = answered.and_then(|answered| answered.read::<Exchanged>());
        let token = read.map(|exchanged| exchanged.access_token);
        match token {
            Ok(token) if is_bearer(&token) => Ok(token),
            Ok(_) => Err(Failure::Exchange("not an access token".into())),
            Err(Silence::Away(reason)) => Err(Failure::Away(reason)),
            Err(Silence::Nonsense(reason)) => Err(Failure::Exchange(reason)),
        }
    }

    /// Whose a token is, if it was issued to us (REST API, "check a token").
    async fn check(&self, token: &str) -> Result<u64, Failure> {
        if !is_bearer(token) {
            return Err(Failure::evidence("not an access token"));
        }
        let id = &self.client.id;
        let url = self.at(&format!("/applications/{id}/token"));
        let call = Call::json(&url, &json!({ "access_token": token }));
        let call = call.basic(id, self.client.secret.expose_secret());
        let checked: Checked = self.upstream.ask(call).await?.read()?;
        if checked.app.client_id != *id {
            return Err(Failure::evidence("the access token is for another client"));
        }
        Ok(checked.user.id)
    }

    async fn describe(&self, token: &str, id: Option<u64>) -> Result<Vouched, Failure> {
        let call = Call::get(&self.at("/user")).bearer(token);
        let user: User = self.upstream.ask(call).await?.read()?;
        if user.id == 0 || id.is_some_and(|id| id != user.id) {
            return Err(Failure::evidence("id"));
        }
        let (email, is_email_verified) = self.address(token).await?;
        let (first_name, last_name) = names(&user.name);
        Ok(Vouched {
            external_id: user.id.to_string(),
            email,
            is_email_verified,
            first_name,
            last_name,
            username: text(&user.login),
        })
    }

    /// The primary address and whether it is verified. That the token does not allow to ask for it
    /// (scope `user:email`) is no hindrance: then there is none.
    async fn address(&self, token: &str) -> Result<(Option<Email>, bool), Failure> {
        let call = Call::get(&self.at("/user/emails")).bearer(token);
        let answered = self.upstream.ask(call).await?;
        if answered.is_refused() {
            return Ok((None, false));
        }
        // Anything else is no word about the address: else an account without one came of it.
        let listed: Vec<Address> = answered
            .read()
            .map_err(|silence| Failure::Away(silence.reason().to_owned()))?;
        let primary = listed.into_iter().find(|it| it.primary);
        let Some(primary) = primary else {
            return Ok((None, false));
        };
        let email = Email::parse(&primary.email);
        let is_verified = email.is_some() && primary.verified == Value::Bool(true);
        Ok((email, is_verified))
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.api_url.trim_end_matches('/'))
    }
}
