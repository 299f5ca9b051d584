//! What a provider publishes: its metadata (OpenID Connect Discovery 1.0) and its keys, fetched
//! when they are needed and kept for as long as they may be.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::id_token::KeySet;
use super::upstream::{Answered, Call, Silence, Upstream};
use crate::clock::{Clock, Time};

/// What is published is kept this long at least, and at most, in seconds.
const LEAST: u32 = 5 * 60;
const MOST: u32 = 24 * 60 * 60;

/// A key that is not among the known ones has them fetched again, but not sooner than this: else
/// anybody could have us fetch them with every token that they make up.
const COOL_DOWN: TimeDelta = TimeDelta::seconds(60);

/// What we read of a provider's metadata (OpenID Connect Discovery 1.0, section 3).
#[derive(Clone, Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    jwks_uri: String,
    pub(super) token_endpoint: Option<String>,
    pub(super) userinfo_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

impl Metadata {
    /// Whether the client's secret goes into a header, which is what no word about it means.
    pub(super) fn takes_basic(&self) -> bool {
        let methods = self.token_endpoint_auth_methods_supported.as_ref();
        methods.is_none_or(|methods| methods.iter().any(|it| it == "client_secret_basic"))
    }
}

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<Value>,
}

struct Kept<T> {
    value: T,
    fetched_at: Time,
    until: Time,
}

/// The published documents of one issuer.
pub(super) struct Discovery {
    issuer: String,
    upstream: Upstream,
    clock: Clock,
    metadata: ArcSwapOption<Kept<Metadata>>,
    keys: ArcSwapOption<Kept<Arc<KeySet>>>,
}

impl Discovery {
    pub(super) fn new(issuer: &str, upstream: Upstream, clock: Clock) -> Self {
        Self {
            issuer: issuer.to_owned(),
            upstream,
            clock,
            metadata: ArcSwapOption::empty(),
            keys: ArcSwapOption::empty(),
        }
    }

    /// The metadata, which must name exactly the issuer that is configured (section 4.3).
    ///
    /// # Errors
    /// It cannot be had, whatever the provider said instead: nothing was said about a credential.
    pub(super) async fn metadata(&self) -> Result<Metadata, Silence> {
        if let Some(kept) = self.metadata.load_full()
            && kept.until > self.clock.now()
        {
            return Ok(kept.value.clone());
        }
        let issuer = self.issuer.trim_end_matches('/');
        let url = format!("{issuer}/.well-known/openid-configuration");
        let (answered, metadata) = self.fetch::<Metadata>(&url).await?;
        if metadata.issuer != self.issuer {
            return Err(away("its metadata names another issuer"));
        }
        let endpoints = [Some(&metadata.jwks_uri), metadata.token_endpoint.as_ref()];
        let endpoints = endpoints
            .into_iter()
            .chain([metadata.userinfo_endpoint.as_ref()]);
        if !endpoints.flatten().all(|url| self.may_be_asked(url)) {
            return Err(away("its metadata names an endpoint without TLS"));
        }
        self.metadata
            .store(Some(self.kept(&answered, metadata.clone())));
        Ok(metadata)
    }

    /// The keys.
    ///
    /// # Errors
    /// As for [`Discovery::metadata`].
    pub(super) async fn keys(&self) -> Result<Arc<KeySet>, Silence> {
        match self.keys.load_full() {
            Some(kept) if kept.until > self.clock.now() => Ok(Arc::clone(&kept.value)),
            _ => self.fetch_keys().await,
        }
    }

    /// The keys as they are now, unless they were fetched just before.
    ///
    /// # Errors
    /// As for [`Discovery::metadata`].
    pub(super) async fn newer_keys(&self) -> Result<Option<Arc<KeySet>>, Silence> {
        let kept = self.keys.load_full();
        let is_new = |kept: Arc<Kept<_>>| kept.fetched_at + COOL_DOWN > self.clock.now();
        if kept.is_some_and(is_new) {
            return Ok(None);
        }
        self.fetch_keys().await.map(Some)
    }

    async fn fetch_keys(&self) -> Result<Arc<KeySet>, Silence> {
        let metadata = self.metadata().await?;
        let (answered, set) = self.fetch::<JwkSet>(&metadata.jwks_uri).await?;
        let keys = Arc::new(KeySet::new(&set.keys));
        self.keys
            .store(Some(self.kept(&answered, Arc::clone(&keys))));
        Ok(keys)
    }

    async fn fetch<T: serde::de::DeserializeOwned>(
        &self,
        url: &str,
    ) -> Result<(Answered, T), Silence> {
        let fetched = self.upstream.ask(Call::get(url)).await;
        let read = fetched.and_then(|answered| {
            let document = answered.read()?;
            Ok((answered, document))
        });
        read.map_err(|silence| away(silence.reason()))
    }

    fn kept<T>(&self, answered: &Answered, value: T) -> Arc<Kept<T>> {
        let life = answered.max_age().unwrap_or(LEAST).clamp(LEAST, MOST);
        let fetched_at = self.clock.now();
        Arc::new(Kept {
            value,
            fetched_at,
            until: fetched_at + TimeDelta::seconds(life.into()),
        })
    }

    /// Over TLS; without it only on this machine, and only where the issuer itself is there.
    fn may_be_asked(&self, url: &str) -> bool {
        let Ok(url) = Url::parse(url) else {
            return false;
        };
        let is_local = match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        let is_plain = url.scheme() == "http" && self.issuer.starts_with("http://");
        url.scheme() == "https" || (is_plain && is_local)
    }
}

fn away(reason: &str) -> Silence {
    Silence::Away(reason.to_owned())
}
