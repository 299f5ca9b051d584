//! A provider of logins inside the test process: publishes keys, signs what a test wants signed,
//! and misbehaves where it is told to.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Header;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use signet::clock::Time;
use signet::crypto::{Algorithm, SigningKey};

use super::Server;

/// Who we are to it.
pub(crate) const CLIENT: &str = "signet-client";
/// A canary: it is in no log.
pub(crate) const CLIENT_SECRET: &str = "canary-client-4711";

/// How it answers at one path.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Json(u16, Value),
    /// These bytes, and the connection closed.
    Raw(Vec<u8>),
    /// Nothing, for as long as the other side waits or until it is released.
    Hang,
}

/// One request that it got.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) authorization: String,
    pub(crate) body: String,
}

/// Listens on a port of its own for as long as the process lives.
#[derive(Clone)]
pub(crate) struct Provider {
    pub(crate) issuer: String,
    state: Arc<Mutex<State>>,
    arrived: Arc<Condvar>,
}

#[derive(Default)]
struct State {
    replies: BTreeMap<String, Reply>,
    cache_control: String,
    asked: Vec<Asked>,
    keys: Vec<(String, SigningKey)>,
    /// Connections on which nothing is said.
    held: Vec<Box<dyn Send>>,
}

impl Provider {
    pub(crate) fn start() -> Self {
        Self::listen("http://127.0.0.1", Some)
    }

    /// Over TLS, with a certificate for `name` that nobody issued; and that in PEM.
    pub(crate) fn start_tls(name: &str) -> (Self, String) {
        let certified = rcgen::generate_simple_self_signed(vec![name.to_owned()]);
        let certified = certified.expect("a certificate");
        let pem = certified.cert.pem();
        let key = PrivateKeyDer::Pkcs8(certified.signing_key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key);
        let config = Arc::new(config.expect("a configuration"));
        let wrap = move |stream: TcpStream| {
            let connection = ServerConnection::new(Arc::clone(&config)).ok()?;
            Some(StreamOwned::new(connection, stream))
        };
        (Self::listen("https://localhost", wrap), pem)
    }

    fn listen<S: Read + Write + Send + 'static>(
        base: &str,
        wrap: impl Fn(TcpStream) -> Option<S> + Clone + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let provider = Self {
            issuer: format!("{base}:{port}"),
            state: Arc::default(),
            arrived: Arc::default(),
        };
        provider.cache("max-age=3600");
        provider.publish(&[]);
        provider.add_key("one", Algorithm::Es256);
        let serving = provider.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (serving, wrap) = (serving.clone(), wrap.clone());
                std::thread::spawn(move || serving.converse(wrap(stream)?));
            }
        });
        provider
    }

    /// Publishes its metadata, with some of them changed.
    pub(crate) fn publish(&self, changes: &[(&str, Value)]) {
        let at = |path: &str| format!("{}{path}", self.issuer);
        let mut metadata = json!({
            "issuer": self.issuer, "jwks_uri": at("/jwks"), "token_endpoint": at("/token"),
            "userinfo_endpoint": at("/userinfo"),
        });
        for (name, value) in changes {
            metadata[name] = value.clone();
        }
        self.replies(
            "/.well-known/openid-configuration",
            Reply::Json(200, metadata),
        );
    }

    /// Makes a key and publishes it beside the others.
    pub(crate) fn add_key(&self, kid: &str, algorithm: Algorithm) {
        let key = match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => {
                SigningKey::from_pkcs8(algorithm, &rsa()).expect("a key")
            }
            _ => SigningKey::generate(algorithm).expect("a key").0,
        };
        self.state
            .lock()
            .expect("the state")
            .keys
            .push((kid.into(), key));
        self.replies("/jwks", Reply::Json(200, self.jwks()));
    }

    pub(crate) fn jwks(&self) -> Value {
        let state = self.state.lock().expect("the state");
        let keys = state.keys.iter().map(|(kid, key)| {
            let mut jwk = serde_json::to_value(key.public_jwk().expect("public")).expect("JSON");
            jwk["kid"] = json!(kid);
            jwk["use"] = json!("sig");
            jwk["alg"] = json!(key.algorithm().name());
            jwk
        });
        json!({ "keys": keys.collect::<Vec<_>>() })
    }

    pub(crate) fn replies(&self, path: &str, reply: Reply) {
        let mut state = self.state.lock().expect("the state");
        state.replies.insert(path.into(), reply);
    }

    pub(crate) fn cache(&self, cache_control: &str) {
        self.state.lock().expect("the state").cache_control = cache_control.into();
    }

    /// All it was asked at a path.
    pub(crate) fn asked(&self, path: &str) -> Vec<Asked> {
        let state = self.state.lock().expect("the state");
        let asked = state.asked.iter();
        let path = format!(" {path} ");
        asked
            .filter(|one| one.line.contains(&path))
            .cloned()
            .collect()
    }

    /// Waits until so many connections hang.
    pub(crate) fn wait_for_held(&self, count: usize) {
        let guard = self.state.lock().expect("the state");
        let limit = Duration::from_mins(1);
        let waited = self
            .arrived
            .wait_timeout_while(guard, limit, |state| state.held.len() < count);
        let (guard, _) = waited.expect("the state");
        assert!(guard.held.len() >= count, "{} hang", guard.held.len());
    }

    /// Ends those that hang; how many did.
    pub(crate) fn release(&self) -> usize {
        let mut state = self.state.lock().expect("the state");
        std::mem::take(&mut state.held).len()
    }

    /// Claims that are good for an hour.
    pub(crate) fn claims(&self, server: &Server, sub: &str) -> Value {
        self.claims_at(server.clock.now(), sub)
    }

    pub(crate) fn claims_at(&self, now: Time, sub: &str) -> Value {
        let now = now.timestamp();
        json!({
            "iss": self.issuer, "aud": CLIENT, "sub": sub, "iat": now, "exp": now + 3600,
            "email": format!("{sub}@example.com"), "email_verified": true,
            "given_name": "Ada", "family_name": "Lovelace",
        })
    }

    /// An ID token with these claims, signed with its newest key.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_as("JWT", claims)
    }

    /// Signs what its header calls so.
    pub(crate) fn sign_as(&self, typ: &str, claims: &Value) -> String {
        let (kid, key) = {
            let state = self.state.lock().expect("the state");
            state.keys.last().expect("a key").clone()
        };
        let mut header = Header::new(key.algorithm().into());
        header.kid = Some(kid);
        header.typ = Some(typ.to_owned());
        key.encode(&header, claims).expect("a token")
    }

    /// A good ID token for `sub`.
    pub(crate) fn id_token(&self, server: &Server, sub: &str) -> String {
        self.sign(&self.claims(server, sub))
    }

    /// One connection with one request; a broken one ends it.
    fn converse(&self, stream: impl Read + Write + Send + 'static) -> Option<()> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let (mut length, mut authorization) = (0, String::new());
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            let Some((name, value)) = header.trim_end().split_once(": ") else {
                break;
            };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().ok()?,
                "authorization" => authorization = value.into(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let path = line.split(' ').nth(1)?.to_owned();
        let (reply, cache_control) = {
            let mut state = self.state.lock().expect("the state");
            state.asked.push(Asked {
                line,
                authorization,
                body: String::from_utf8_lossy(&body).into_owned(),
            });
            let reply = state.replies.get(&path).cloned();
            (reply, state.cache_control.clone())
        };
        match reply.unwrap_or(Reply::Json(404, json!({"error": "not_found"}))) {
            Reply::Json(status, value) => {
                let body = value.to_string();
                let answer = format!(
                    "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nConnection: close\r\n\
                     Cache-Control: {cache_control}\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                );
                reader.get_mut().write_all(answer.as_bytes()).ok()
            }
            Reply::Raw(bytes) => reader.get_mut().write_all(&bytes).ok(),
            Reply::Hang => {
                self.state
                    .lock()
                    .expect("the state")
                    .held
                    .push(Box::new(reader));
                self.arrived.notify_all();
                Some(())
            }
        }
    }
}

/// An answer with any status line and headers.
pub(crate) fn raw(head: &str, body: &[u8]) -> Reply {
    let head = format!(
        "HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    Reply::Raw([head.as_bytes(), body].concat())
}

/// The private key of RFC 7515, appendix A.2.
fn rsa() -> Vec<u8> {
    let text = "MIIEowIBAAKCAQEAofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qP\
    CJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0\
    LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qC\
    o5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRW\
    yuXpoQIDAQABAoIBABKucaRpzQorw35SbEUAVx8dYXUdZOlJcHtiWQ-dC6V8ljxAHj_PLyzTveyI5QO_xkObCyjI\
    L303l2cfUhPu2MFaJdjVzqACXuOrLot_eSFvxjvqVidTtAZExqFRJ9mylUVAoLvhowVWmC1On95fZCXxTUtxNEG1\
    Xcc7m0rtzJKs45J-N_V9DP1edYH6USyPSWGp6wuA-KgHRnKKVf9GRx80JQY7nVNkL17eHoTWEwga-lwi0FEoW9Y7\
    lDtWXYmKBWhUE-U8PGxlJf8f40493HDw1WRQ_aSLoS4QTp3rn7gYgeHEvfJdkkf0UMhlknlo53M09EFPdadQ4TlU\
    bjqKc50CgYEA4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3Khoo\
    KeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y\
    2XDwGUcCgYEAuQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zF\
    YHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-TnBA-njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rjcJID\
    Ez9RWdcCgYAHAp9XcCSrn8wVkMVkKdb7DOX4IKjzdahm-ctDAJN4O_y7OW5FKebvUjdAIt2GuoTZ71iTG-7F0F-l\
    P88jtjP4U4qe7VHoewl4MKOfXZKTe-YCS1XbNvfgwJ3Ltyl1OH9hWvu2yza7q-d5PCsDzqtm27kxuvULVeya-TEd\
    AB1ijQKBgQCH_3r6YrVH_uCWGy6bzV1nGNOdjKc9tmkfOJmN54dxdixdpozCQ6U4OxZrsj3FcOhHBsqAHvX2uuYj\
    agqvo3cOj1TRqNocX40omfCCMx3bD1yPPf_6TI2XECva_ggqEY2mYzmIiA5LVVmc5nrybr-lssFKneeyxN2Wq93S\
    0iJMdQKBgCGHewxzoa1r8ZMD0LETNrToK423K377UCYqXfg5XMclbrjPbEC3YI1ZNqMtuhdBJqUnBi6tjKMF-34X\
    f0CUN8ncuXGO2CAYvO8PdyCixHX52ybaDjy1FtCE6yUXjoKNXKvUm7MWGsAYH6f4IegOetN5NvmUMFStCSkh7ixZ\
    LkN1";
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}
