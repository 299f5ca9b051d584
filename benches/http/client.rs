//! One client: an account and a session of its own, the requests it makes, and what it accepts as
//! an answer.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use clap::ValueEnum;
use serde::Deserialize;

use crate::connection::{Answer, Connection};
use crate::{Outcome, proof};

const PASSWORD: &str = "orbit-walnut-lantern-47";

/// What is asked of the server, over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    Jwks,
    Discovery,
    Register,
    Login,
    /// Each client has one session and always presents its newest token.
    Refresh,
    Verify,
    User,
}

impl Scenario {
    pub(crate) const ALL: [Self; 7] = [
        Self::Jwks,
        Self::Discovery,
        Self::Register,
        Self::Login,
        Self::Refresh,
        Self::Verify,
        Self::User,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Jwks => "jwks",
            Self::Discovery => "discovery",
            Self::Register => "register",
            Self::Login => "login",
            Self::Refresh => "refresh",
            Self::Verify => "token/verify",
            Self::User => "user",
        }
    }
}

/// A server and the two documents that it answers with for ever.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) jwks: Arc<[u8]>,
    pub(crate) discovery: Arc<[u8]>,
}

impl Target {
    /// Fetches the documents and sees that they make sense.
    pub(crate) async fn look_at(address: SocketAddr) -> Outcome<Self> {
        let mut connection = Connection::open(address, 0).await?;
        let jwks = fetch(&mut connection, "/.well-known/jwks.json").await?;
        proof::keys(&jwks)?;
        let discovery = fetch(&mut connection, "/.well-known/openid-configuration").await?;
        let document: serde_json::Value = serde_json::from_slice(&discovery)?;
        if document["issuer"] != format!("http://{address}") {
            return Err("the discovery document names another issuer".into());
        }
        Ok(Self {
            address,
            jwks,
            discovery,
        })
    }
}

async fn fetch(connection: &mut Connection, path: &str) -> Outcome<Arc<[u8]>> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n");
    let answer = connection.exchange(request.as_bytes()).await?;
    expect(&answer, 200)?;
    Ok(answer.body.into())
}

pub(crate) struct Client {
    number: u16,
    connection: Connection,
    target: Target,
    request: Vec<u8>,
    email: String,
    /// Accounts that this client has made.
    made: u32,
    session: Session,
}

/// What the server last gave.
#[derive(Default)]
struct Session {
    access: String,
    refresh: String,
    id: String,
    generation: i64,
}

#[derive(Deserialize)]
struct User<'a> {
    email: &'a str,
}

#[derive(Deserialize)]
struct Opened<'a> {
    access: &'a str,
    refresh: &'a str,
    #[serde(borrow)]
    user: User<'a>,
}

#[derive(Deserialize)]
struct Refreshed<'a> {
    access: &'a str,
    refresh: &'a str,
}

impl Client {
    /// A client without an account.
    pub(crate) async fn new(target: &Target, number: u16) -> Outcome<Self> {
        Ok(Self {
            number,
            connection: Connection::open(target.address, number).await?,
            target: target.clone(),
            request: Vec::new(),
            email: String::new(),
            made: 0,
            session: Session::default(),
        })
    }

    /// A client with an account and a session.
    pub(crate) async fn register(target: &Target, number: u16) -> Outcome<Self> {
        let mut client = Self::new(target, number).await?;
        client.step(Scenario::Register).await?;
        Ok(client)
    }

    /// Makes ready for a scenario: a connection that the server has not closed for idleness, and
    /// an access token that outlives it.
    pub(crate) async fn prepare(&mut self, scenario: Scenario) -> Outcome<()> {
        self.connection = Connection::open(self.target.address, self.number).await?;
        match scenario {
            Scenario::Verify | Scenario::User => self.step(Scenario::Refresh).await,
            _ => Ok(()),
        }
    }

    /// One request and its answer, checked.
    pub(crate) async fn step(&mut self, scenario: Scenario) -> Outcome<()> {
        if scenario == Scenario::Register {
            self.email = format!("c{}-{}@example.com", self.number, self.made);
            self.made += 1;
        }
        self.write(scenario)?;
        let answer = self.connection.exchange(&self.request).await?;
        expect(
            &answer,
            if scenario == Scenario::Register {
                201
            } else {
                200
            },
        )?;
        let is_right = match scenario {
            Scenario::Jwks => *answer.body == *self.target.jwks,
            Scenario::Discovery => *answer.body == *self.target.discovery,
            Scenario::Verify => answer.body == b"{}",
            Scenario::User => serde_json::from_slice::<User>(answer.body)?.email == self.email,
            Scenario::Register | Scenario::Login => {
                let opened: Opened = serde_json::from_slice(answer.body)?;
                let claims = proof::claims(opened.refresh)?;
                let is_new = claims.sid != self.session.id && claims.generation == 0;
                self.session = Session {
                    access: opened.access.to_owned(),
                    refresh: opened.refresh.to_owned(),
                    id: claims.sid,
                    generation: 0,
                };
                is_new && opened.user.email == self.email
            }
            Scenario::Refresh => {
                let refreshed: Refreshed = serde_json::from_slice(answer.body)?;
                let claims = proof::claims(refreshed.refresh)?;
                let session = &mut self.session;
                session.generation += 1;
                refreshed.access.clone_into(&mut session.access);
                refreshed.refresh.clone_into(&mut session.refresh);
                claims.sid == session.id && claims.generation == session.generation
            }
        };
        if is_right {
            Ok(())
        } else {
            Err(shown(&answer))
        }
    }

    /// Whether the last access token was signed with a key of the JWKS.
    pub(crate) fn check_signature(&self) -> Outcome<()> {
        if self.session.access.is_empty() {
            return Ok(());
        }
        proof::signature(&self.target.jwks, &self.session.access)
    }

    fn write(&mut self, scenario: Scenario) -> Outcome<()> {
        let Session {
            access, refresh, ..
        } = &self.session;
        let email = &self.email;
        let request = &mut self.request;
        request.clear();
        match scenario {
            Scenario::Jwks => get(request, "/.well-known/jwks.json", "")?,
            Scenario::Discovery => get(request, "/.well-known/openid-configuration", "")?,
            Scenario::User => get(request, "/auth/user/", access)?,
            Scenario::Register => {
                let body = format!(
                    r#"{{"username":"{name}","email":"{email}","password1":"{PASSWORD}","password2":"{PASSWORD}"}}"#,
                    name = email.replace('@', "."),
                );
                post(request, "/auth/registration/", &body)?;
            }
            Scenario::Login => {
                let body = format!(r#"{{"email":"{email}","password":"{PASSWORD}"}}"#);
                post(request, "/auth/login/", &body)?;
            }
            Scenario::Refresh => {
                let body = format!(r#"{{"refresh":"{refresh}"}}"#);
                post(request, "/auth/token/refresh/", &body)?;
            }
            Scenario::Verify => {
                let body = format!(r#"{{"token":"{access}"}}"#);
                post(request, "/auth/token/verify/", &body)?;
            }
        }
        Ok(())
    }
}

fn get(request: &mut Vec<u8>, path: &str, bearer: &str) -> std::io::Result<()> {
    write!(request, "GET {path} HTTP/1.1\r\nhost: bench\r\n")?;
    if !bearer.is_empty() {
        write!(request, "authorization: Bearer {bearer}\r\n")?;
    }
    write!(request, "\r\n")
}

fn post(request: &mut Vec<u8>, path: &str, body: &str) -> std::io::Result<()> {
    let length = body.len();
    write!(
        request,
        "POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

fn expect(answer: &Answer<'_>, status: u16) -> Outcome<()> {
    if answer.status == status {
        Ok(())
    } else {
        Err(shown(answer))
    }
}

fn shown(answer: &Answer<'_>) -> crate::Failure {
    let body = String::from_utf8_lossy(answer.body);
    format!("answered {}: {body}", answer.status).into()
}
