//! OpenID Connect: any provider with a discovery document, Google among them.

use secrecy::ExposeSecret as _;
use serde::Deserialize;

use super::discovery::{Discovery, Metadata};
use super::id_token::{Claims, Expected, KeySet, Refused};
use super::provider::{Client, Evidence, Failure, Vouched, is_bearer};
use super::upstream::{Call, Silence, Upstream};
use crate::clock::Clock;

/// A provider of OpenID Connect.
pub(super) struct Oidc {
    pub(super) issuer: String,
    pub(super) client: Client,
    /// Where the provider says for whom an access token is. Without it none is taken: it could
    /// have been issued to any other app, which then could log in here as its users.
    pub(super) tokeninfo_url: Option<String>,
    pub(super) discovery: Discovery,
    pub(super) upstream: Upstream,
    pub(super) clock: Clock,
}

/// The answer to a code (Core 1.0, section 3.1.3.3). The access token beside it is of no use.
#[derive(Deserialize)]
struct Exchanged {
    id_token: String,
}

/// For whom an access token is.
#[derive(Deserialize)]
struct TokenInfo {
    aud: String,
    sub: String,
}

impl Oidc {
    pub(super) async fn recognise(&self, evidence: &Evidence) -> Result<Vouched, Failure> {
        let claims = match evidence {
            Evidence::IdToken(token, nonce) => self.verify(token, nonce.as_deref()).await?,
            Evidence::Code {
                code,
                verifier,
                nonce,
            } => {
                let token = self.exchange(code, verifier.as_deref()).await?;
                self.verify(&token, nonce.as_deref()).await?
            }
            Evidence::AccessToken(token) => self.ask_about(token).await?,
        };
        Vouched::from_claims(&claims).ok_or_else(|| Failure::evidence("sub"))
    }

    /// The claims of an ID token, by the known keys, or by new ones where it names a new one.
    async fn verify(&self, token: &str, nonce: Option<&str>) -> Result<Claims, Failure> {
        let verify = |keys: &KeySet| {
            let expected = Expected {
                issuer: &self.issuer,
                client_id: &self.client.id,
                // Of Google alone.
                is_for_family: self.tokeninfo_url.is_some(),
                nonce,
            };
            keys.verify(token, &expected, self.clock.now())
        };
        let mut verified = verify(&*self.discovery.keys().await?);
        if matches!(verified, Err(Refused::UnknownKey))
            && let Some(keys) = self.discovery.newer_keys().await?
        {
            verified = verify(&keys);
        }
        verified.map_err(|refused| match refused {
            Refused::UnknownKey => Failure::evidence("ID token: unknown key"),
            Refused::Because(reason) => Failure::Evidence(format!("ID token: {reason}")),
        })
    }

    /// The ID token for a code (Core 1.0, section 3.1.3).
    async fn exchange(&self, code: &str, verifier: Option<&str>) -> Result<String, Failure> {
        if self.client.callback_url.is_empty() {
            return Err(Failure::NoCallback);
        }
        let metadata = self.discovery.metadata().await?;
        let answered = self
            .upstream
            .ask(self.token_call(&metadata, code, verifier)?);
        let read = answered
            .await
            .and_then(|answered| answered.read::<Exchanged>());
        read.map(|exchanged| exchanged.id_token)
            .map_err(|silence| match silence {
                Silence::Away(reason) => Failure::Away(reason),
                Silence::Nonsense(reason) => Failure::Exchange(reason),
            })
    }

    fn token_call(
        &self,
        metadata: &Metadata,
        code: &str,
        verifier: Option<&str>,
    ) -> Result<Call, Failure> {
        let Client {
            id,
            secret,
            callback_url,
        } = &self.client;
        let secret = secret.expose_secret();
        let url = metadata.token_endpoint.as_deref();
        let url = url.ok_or_else(|| Failure::Exchange("no token_endpoint".into()))?;
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", callback_url),
        ];
        fields.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        if !secret.is_empty() && metadata.takes_basic() {
            return Ok(Call::form(url, &fields).basic(id, secret));
        }
        fields.push(("client_id", id));
        if !secret.is_empty() {
            fields.push(("client_secret", secret));
        }
        Ok(Call::form(url, &fields))
    }

    /// Whose an access token is, once the provider has said that it was issued to us.
    async fn ask_about(&self, token: &str) -> Result<Claims, Failure> {
        let Some(tokeninfo) = &self.tokeninfo_url else {
            return Err(Failure::evidence("an access token without an ID token"));
        };
        if !is_bearer(token) {
            return Err(Failure::evidence("not an access token"));
        }
        let asked = Call::form(tokeninfo, &[("access_token", token)]);
        let info: TokenInfo = self.upstream.ask(asked).await?.read()?;
        if info.aud != self.client.id {
            return Err(Failure::evidence("the access token is for another client"));
        }
        let metadata = self.discovery.metadata().await?;
        let url = metadata.userinfo_endpoint.as_deref();
        let url = url.ok_or_else(|| Failure::evidence("no userinfo_endpoint"))?;
        let answered = self.upstream.ask(Call::get(url).bearer(token)).await?;
        let claims: Claims = answered.read()?;
        // Core 1.0, section 5.3.2: else the two answers speak of two people.
        if claims.subject() != Some(&info.sub) {
            return Err(Failure::evidence("sub"));
        }
        Ok(claims)
    }
}
