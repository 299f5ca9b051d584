//! Guessing, enumeration, automation (security lines 15 to 24, and 40): what is limited, for whom,
//! and what that tells.

mod alike;
mod failing;
mod guessing;
mod mails;
mod networks;
mod nodes;
mod overload;

use diesel::prelude::*;
use serde_json::{Value, json};
use signet::config::Config;
use signet::storage::schema::events;

use crate::support::{Answer, Backend, Client, PASSWORD, Server};

/// Networks from which nobody has ever logged in.
const ELSEWHERE: &str = "203.0.113.9";
const FAR_AWAY: &str = "198.51.100.7";

/// Many more than any test does.
const PLENTY: u32 = 100_000;

/// A server with limits, behind a proxy that says who calls. Callers are limited by their accounts
/// alone unless `change` says something else.
fn server(on: Backend, change: impl FnOnce(&mut Config)) -> Server {
    Server::with(on, |config| {
        config.limits.enabled = true;
        config.limits.logins_per_minute = PLENTY;
        config.limits.registrations_per_hour = PLENTY;
        config.server.trusted_proxies = vec!["127.0.0.1/32".parse().expect("a network")];
        change(config);
    })
}

/// Posts JSON, as the proxy passes it on for a caller at `address`.
fn post(client: &Client, address: &str, path: &str, body: &Value) -> Answer {
    let headers = [
        ("content-type", "application/json"),
        ("x-forwarded-for", address),
    ];
    let path = format!("/auth/{path}");
    client.send("POST", &path, &headers, body.to_string().into_bytes())
}

/// A login by user name or address.
fn login(server: &Server, address: &str, name: &str, password: &str) -> Answer {
    let field = if name.contains(['@', '\u{ff20}']) {
        "email"
    } else {
        "username"
    };
    let body = json!({ field: name, "password": password });
    post(&server.anonymous(), address, "login/", &body)
}

/// Wrong logins, all of which are told to be wrong.
#[track_caller]
fn fail(server: &Server, address: &str, name: &str, times: usize) {
    for time in 0..times {
        let answer = login(server, address, name, "not this one");
        assert_eq!(answer.status, 400, "{name} {time}: {}", answer.text);
    }
}

/// Wrong logins with all the waiting that they cost: an hour each is always enough.
#[track_caller]
fn fail_patiently(server: &Server, address: &str, name: &str, times: usize) {
    for _ in 0..times {
        fail(server, address, name, 1);
        server.advance(3600);
    }
}

#[track_caller]
fn is_let_in(server: &Server, address: &str, name: &str) {
    login(server, address, name, PASSWORD).ok(200);
}

/// Holds an answer to be the contract's refusal for `seconds`.
#[track_caller]
fn is_throttled(answer: Answer, seconds: u32) {
    let unit = if seconds == 1 { "second" } else { "seconds" };
    assert_eq!(answer.header("retry-after"), seconds.to_string());
    let detail = format!("Request was throttled. Expected available in {seconds} {unit}.");
    answer.problem(429, &json!({ "detail": detail }));
}

/// Asks for a reset, opens the mail, sets `password`.
fn reset(server: &Server, address: &str, email: &str, password: &str) {
    let client = server.anonymous();
    post(
        &client,
        address,
        "password/reset/",
        &json!({"email": email}),
    )
    .ok(200);
    let (uid, token) = crate::support::link::reset_pair(&server.mail(email).text);
    let body = json!({"uid": uid, "token": token, "new_password1": password,
        "new_password2": password});
    post(&client, address, "password/reset/confirm/", &body).ok(200);
    assert!(server.mail(email).text.contains("password"));
}

/// The events of a kind, oldest first: whose, and with which details.
fn events(server: &Server, kind: &'static str) -> Vec<(Option<String>, Value)> {
    let query = events::table
        .filter(events::kind.eq(kind))
        .order(events::id)
        .select((events::subject, events::details));
    let rows: Vec<(Option<String>, String)> = server.rows(move |conn| query.load(conn));
    let parse = |text: String| serde_json::from_str(&text).expect("JSON");
    rows.into_iter()
        .map(|(subject, details)| (subject, parse(details)))
        .collect()
}
