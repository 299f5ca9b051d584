//! One client: an account and a session of its own, the requests it makes, and what it accepts as
//! an answer.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use serde::Deserialize;

use super::connection::{Answer, Connection};
use super::{Outcome, proof};

pub(crate) const PASSWORD: &str = "orbit-walnut-lantern-47";

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

    /// Whether it takes a password hash, for which only so many may wait at once.
    fn hashes(self) -> bool {
        matches!(self, Self::Register | Self::Login)
    }

    fn status(self) -> u16 {
        if self == Self::Register { 201 } else { 200 }
    }
}

/// What came of a request that was answered as it has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    Served,
    /// Too many wait for a hash: to be asked again after that time.
    Refused(Duration),
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
        client.must(Scenario::Register).await?;
        Ok(client)
    }

    /// A client that logs in to an account that is there already, and whose password is that of
    /// all clients.
    pub(crate) async fn log_in(target: &Target, email: &str) -> Outcome<Self> {
        let mut client = Self::new(target, 0).await?;
        email.clone_into(&mut client.email);
        client.must(Scenario::Login).await?;
        Ok(client)
    }

    /// The user name of the account that the client of this number makes first.
    pub(crate) fn name(number: u16) -> String {
        named(&email(number, 0))
    }

    /// Makes ready for a scenario: a connection that the server has not closed for idleness, and
    /// an access token that outlives it.
    pub(crate) async fn prepare(&mut self, scenario: Scenario) -> Outcome<()> {
        self.connection = Connection::open(self.target.address, self.number).await?;
        match scenario {
            Scenario::Verify | Scenario::User => self.must(Scenario::Refresh).await,
            _ => Ok(()),
        }
    }

    /// A request that may not be put off.
    async fn must(&mut self, scenario: Scenario) -> Outcome<()> {
        match self.step(scenario).await? {
            Done::Served => Ok(()),
            Done::Refused(_) => Err("the server refuses what it has no cause to".into()),
        }
    }

    /// One request and its answer, checked.
    pub(crate) async fn step(&mut self, scenario: Scenario) -> Outcome<Done> {
        let mut former = None;
        if scenario == Scenario::Register {
            let email = email(self.number, self.made);
            former = Some(std::mem::replace(&mut self.email, email));
            self.made += 1;
        }
        self.write(scenario)?;
        let answer = self.connection.exchange(&self.request).await?;
        if scenario.hashes()
            && let Some(wait) = refusal(&answer)
        {
            // There is no account with the new address.
            if let Some(former) = former {
                self.email = former;
            }
            return Ok(Done::Refused(wait));
        }
        expect(&answer, scenario.status())?;
        let (body, email) = (answer.body, self.email.as_str());
        let is_right = match scenario {
            Scenario::Jwks => *body == *self.target.jwks,
            Scenario::Discovery => *body == *self.target.discovery,
            Scenario::Verify => body == b"{}",
            Scenario::User => serde_json::from_slice::<User>(body)?.email == email,
            Scenario::Register | Scenario::Login => self.session.open(body, email)?,
            Scenario::Refresh => self.session.go_on(body)?,
        };
        if is_right {
            Ok(Done::Served)
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
                    name = named(email),
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

/// The e-mail address of an account that a client makes.
fn email(number: u16, made: u32) -> String {
    format!("c{number}-{made}@example.com")
}

fn named(email: &str) -> String {
    email.replace('@', ".")
}

impl Session {
    /// Takes the tokens of a new session; whether it is one, and that person's.
    fn open(&mut self, body: &[u8], email: &str) -> Outcome<bool> {
        let opened: Opened = serde_json::from_slice(body)?;
        let claims = proof::claims(opened.refresh)?;
        let is_new = claims.sid != self.id && claims.generation == 0;
        *self = Self {
            access: opened.access.to_owned(),
            refresh: opened.refresh.to_owned(),
            id: claims.sid,
            generation: 0,
        };
        Ok(is_new && opened.user.email == email)
    }

    /// Takes the successors of its tokens; whether they are.
    fn go_on(&mut self, body: &[u8]) -> Outcome<bool> {
        let refreshed: Refreshed = serde_json::from_slice(body)?;
        let claims = proof::claims(refreshed.refresh)?;
        self.generation += 1;
        refreshed.access.clone_into(&mut self.access);
        refreshed.refresh.clone_into(&mut self.refresh);
        Ok(claims.sid == self.id && claims.generation == self.generation)
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

/// For how long to stay away, where the answer says so.
fn refusal(answer: &Answer<'_>) -> Option<Duration> {
    let seconds = answer.header("retry-after")?.parse().ok()?;
    (answer.status == 503).then(|| Duration::from_secs(seconds))
}

fn shown(answer: &Answer<'_>) -> super::Failure {
    let body = String::from_utf8_lossy(answer.body);
    format!("answered {}: {body}", answer.status).into()
}
