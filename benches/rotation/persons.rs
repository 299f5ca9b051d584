//! People: each has an account, a connection to the balancer, and a session that it goes on with.

use std::sync::Arc;

use serde::Deserialize;

use crate::Outcome;
use crate::cluster::{self, Cluster};
use crate::connection::Connection;
use crate::token::Token;

const PASSWORD: &str = "orbit-walnut-lantern-47";
/// So many refreshes, then a login: hashing is a hundred times as dear.
const REFRESHES: u32 = 400;

pub(crate) struct Person {
    number: u16,
    cluster: Arc<Cluster>,
    connection: Option<Connection>,
    email: String,
    refresh: String,
    steps: u32,
}

#[derive(Deserialize)]
struct Given {
    access: String,
    refresh: String,
}

/// Registers so many people, one after the other.
pub(crate) async fn register(cluster: &Arc<Cluster>, count: u16) -> Outcome<Vec<Person>> {
    let mut crowd = Vec::new();
    for number in 0..count {
        crowd.push(Person::register(cluster, number).await?.0);
    }
    Ok(crowd)
}

/// The token of somebody new, whose number nobody else has.
pub(crate) async fn newcomer(cluster: &Arc<Cluster>) -> Outcome<Token> {
    Ok(Person::register(cluster, u16::MAX).await?.1)
}

impl Person {
    async fn register(cluster: &Arc<Cluster>, number: u16) -> Outcome<(Self, Token)> {
        let mut person = Self {
            number,
            cluster: Arc::clone(cluster),
            connection: None,
            email: format!("p{number}@example.com"),
            refresh: String::new(),
            // Not all log in at the same time.
            steps: u32::from(number) * 7,
        };
        let body = format!(
            r#"{{"username":"p{number}","email":"{}","password1":"{PASSWORD}","password2":"{PASSWORD}"}}"#,
            person.email
        );
        let token = person.ask("/auth/registration/", &body, 201).await?;
        Ok((person, token))
    }

    /// One request: a refresh, or now and then a login. What fails is tried again at the next step,
    /// with the same token: a refresh can be repeated.
    pub(crate) async fn step(&mut self) -> Outcome<Token> {
        self.steps += 1;
        if self.steps.is_multiple_of(REFRESHES) {
            let body = format!(r#"{{"email":"{}","password":"{PASSWORD}"}}"#, self.email);
            self.ask("/auth/login/", &body, 200).await
        } else {
            let body = format!(r#"{{"refresh":"{}"}}"#, self.refresh);
            self.ask("/auth/token/refresh/", &body, 200).await
        }
    }

    async fn ask(&mut self, path: &str, body: &str, expected: u16) -> Outcome<Token> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(self.cluster.public, self.number).await?,
        };
        let request = cluster::post(path, body);
        let answer = cluster::ask(&mut connection, &request).await?;
        if answer.status != expected {
            let body = String::from_utf8_lossy(answer.body);
            return Err(format!("{path} answered {}: {body}", answer.status).into());
        }
        let given: Given = serde_json::from_slice(answer.body)?;
        self.refresh = given.refresh;
        self.connection = Some(connection);
        Token::read(&given.access)
    }
}
