//! Calls to one provider: over verified TLS, bounded in time, size and number, and never
//! redirected. A provider that hangs costs its own slots and nothing else.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Semaphore;
use ureq::Agent;
use ureq::http::{Request, header};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use url::form_urlencoded;

use crate::config;
use crate::error::{Error, Result};

/// Calls to one provider that are under way at a time.
const SLOTS: usize = 8;

/// An answer at most, in bytes.
const ANSWER_LIMIT: u64 = 256 * 1024;

/// Asks one provider. Clones share its slots.
#[derive(Clone)]
pub(super) struct Upstream {
    agent: Agent,
    slots: Arc<Semaphore>,
    timeout: Duration,
}

/// What is asked.
pub(super) struct Call {
    url: String,
    authorization: Option<String>,
    /// Media type and text; without one it is a `GET`.
    body: Option<(&'static str, String)>,
}

/// What a provider answered, whatever it is.
pub(super) struct Answered {
    status: u16,
    cache_control: String,
    body: Vec<u8>,
}

/// Why there is no answer to judge by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// It could not be asked, or said that it cannot answer now: another try may help.
    Away(String),
    /// It answered with what is no answer.
    Nonsense(String),
}

impl Call {
    /// `GET`.
    pub(super) fn get(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            authorization: None,
            body: None,
        }
    }

    /// `POST` of a form.
    pub(super) fn form(url: &str, fields: &[(&str, &str)]) -> Self {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let body = ("application/x-www-form-urlencoded", form.finish());
        Self {
            body: Some(body),
            ..Self::get(url)
        }
    }

    /// `POST` of JSON.
    pub(super) fn json(url: &str, value: &Value) -> Self {
        Self {
            body: Some(("application/json", value.to_string())),
            ..Self::get(url)
        }
    }

    /// With a bearer token (RFC 6750, section 2.1).
    pub(super) fn bearer(self, token: &str) -> Self {
        Self {
            authorization: Some(format!("Bearer {token}")),
            ..self
        }
    }

    /// As a client with a secret (RFC 6749, section 2.3.1).
    pub(super) fn basic(self, id: &str, secret: &str) -> Self {
        let encoded =
            |text: &str| -> String { form_urlencoded::byte_serialize(text.as_bytes()).collect() };
        let pair = format!("{}:{}", encoded(id), encoded(secret));
        Self {
            authorization: Some(format!("Basic {}", STANDARD.encode(pair))),
            ..self
        }
    }
}

impl Answered {
    /// The body of a `200`, if it is such JSON.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Silence> {
        if self.status != 200 {
            return Err(Silence::Nonsense(format!("status {}", self.status)));
        }
        // What serde says of it may quote it, and it may hold a token.
        serde_json::from_slice(&self.body)
            .map_err(|_| Silence::Nonsense("not the JSON that was asked for".into()))
    }

    /// It is not for whoever asks; and not because it was asked too often.
    pub(super) fn is_refused(&self) -> bool {
        let body = String::from_utf8_lossy(&self.body);
        matches!(self.status, 403 | 404) && !body.to_ascii_lowercase().contains("rate limit")
    }

    /// How long it may be kept, in seconds, if it says so (RFC 9111, section 5.2.2.1).
    pub(super) fn max_age(&self) -> Option<u32> {
        let mut directives = self.cache_control.split(',').map(str::trim);
        directives.find_map(|one| one.strip_prefix("max-age=")?.trim_matches('"').parse().ok())
    }
}

impl Silence {
    pub(super) fn reason(&self) -> &str {
        match self {
            Self::Away(reason) | Self::Nonsense(reason) => reason,
        }
    }
}

impl Upstream {
    /// With slots of its own, over the connections of `agent`.
    pub(super) fn new(agent: Agent, timeout: Duration) -> Self {
        Self {
            agent,
            slots: Arc::new(Semaphore::new(SLOTS)),
            timeout,
        }
    }

    /// One call. The slot is given back when the call has really ended, not when nobody waits for
    /// it any more.
    pub(super) async fn ask(&self, call: Call) -> Result<Answered, Silence> {
        let away = |reason: &str| Silence::Away(reason.to_owned());
        let slot = tokio::time::timeout(self.timeout, self.slots.clone().acquire_owned()).await;
        let slot = slot
            .map_err(|_| away("all its slots are taken"))?
            .map_err(|_| away("no slots"))?;
        let agent = self.agent.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let answered = exchange(&agent, call);
            drop(slot);
            answered
        });
        match tokio::time::timeout(self.timeout, asked).await {
            Ok(Ok(answered)) => answered,
            Ok(Err(_)) => Err(away("the call failed")),
            Err(_) => Err(away("no answer in time")),
        }
    }
}

/// What all providers' connections have in common.
///
/// # Errors
/// The CA file cannot be read, or holds no certificate.
pub(super) fn agent(settings: &config::Federation) -> Result<(Agent, Duration)> {
    let timeout = Duration::from_secs(settings.timeout.as_secs().into());
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::from(roots(settings)?))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    let agent = Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        // A redirect is an answer, and not one to follow with a secret in hand.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .user_agent("Signet")
        .accept("application/json")
        .build();
    Ok((agent.into(), timeout))
}

/// The machine's own roots, and the further one.
fn roots(settings: &config::Federation) -> Result<Vec<Certificate<'static>>> {
    let native = rustls_native_certs::load_native_certs().certs;
    let native = native
        .iter()
        .map(|one| Certificate::from_der(one).to_owned());
    let mut roots: Vec<_> = native.collect();
    if let Some(file) = &settings.ca_file {
        let shown = file.display();
        let pem = std::fs::read(file).map_err(|error| {
            Error::setup(format!("[federation] ca_file: {shown} cannot be read")).with_source(error)
        })?;
        let before = roots.len();
        roots.extend(parse_pem(&pem).filter_map(|item| match item {
            Ok(PemItem::Certificate(one)) => Some(one),
            _ => None,
        }));
        if roots.len() == before {
            let message = format!("[federation] ca_file: {shown} holds no certificate in PEM");
            return Err(Error::setup(message));
        }
    }
    Ok(roots)
}

/// Blocks.
fn exchange(agent: &Agent, call: Call) -> Result<Answered, Silence> {
    let mut request = Request::builder().uri(&call.url);
    if let Some(authorization) = &call.authorization {
        request = request.header(header::AUTHORIZATION, authorization);
    }
    let sent = if let Some((media_type, text)) = call.body {
        let request = request
            .method("POST")
            .header(header::CONTENT_TYPE, media_type);
        request.body(text).map(|request| agent.run(request))
    } else {
        request.body(()).map(|request| agent.run(request))
    };
    // Whatever made no request came from the caller's hands.
    let sent = sent.map_err(|_| Silence::Nonsense("cannot be put into a request".into()))?;
    let (parts, body) = sent.map_err(failure)?.into_parts();
    let status = parts.status.as_u16();
    if status >= 500 || status == 429 {
        return Err(Silence::Away(format!("status {status}")));
    }
    let cache_control = parts.headers.get(header::CACHE_CONTROL);
    let cache_control = cache_control.and_then(|value| value.to_str().ok());
    let body = body.into_with_config().limit(ANSWER_LIMIT).read_to_vec();
    Ok(Answered {
        status,
        cache_control: cache_control.unwrap_or_default().to_ascii_lowercase(),
        body: body.map_err(failure)?,
    })
}

fn failure(error: ureq::Error) -> Silence {
    use ureq::Error::{BodyExceedsLimit, Protocol};
    match error {
        BodyExceedsLimit(_) | Protocol(_) => Silence::Nonsense(error.to_string()),
        other => Silence::Away(other.to_string()),
    }
}
