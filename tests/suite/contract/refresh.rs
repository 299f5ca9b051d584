//! `POST token/refresh/`: the wire. What a refresh means is in [`crate::refresh`].

use serde_json::{Value, json};

use crate::support::{Answer, Backend, Person, Server, on_both, token};

on_both!(
    gives_both_tokens_and_their_ends,
    names_what_is_missing,
    refuses_in_the_words_of_the_contract,
    a_session_ends_when_it_is_idle,
    a_session_ends_in_any_case,
    needs_no_access_token_and_minds_no_stale_one,
);

fn refresh(server: &Server, token: &str) -> Answer {
    server
        .anonymous()
        .post_json("/auth/token/refresh/", &json!({"refresh": token}))
}

fn time_after(server: &Server, seconds: i64) -> Value {
    let time = server.clock.now() + chrono::TimeDelta::seconds(seconds);
    json!(time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string())
}

fn gives_both_tokens_and_their_ends(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    server.advance(60);
    let answer = refresh(&server, &ann.refresh);
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.ok(200);
    let expected = json!({
        "access": body["access"], "access_expiration": time_after(&server, 600),
        "refresh": body["refresh"], "refresh_expiration": time_after(&server, 30 * 86_400),
    });
    assert_eq!(body, expected);
    assert_ne!(body["refresh"], ann.refresh.as_str());
    assert_ne!(body["access"], ann.access.as_str());
    let access = token::claims(body["access"].as_str().expect("text"));
    let first = token::claims(&ann.access);
    assert_eq!(
        access["auth_time"], first["auth_time"],
        "a refresh is no login"
    );
    assert_eq!(
        (&access["sid"], &access["sub"]),
        (&first["sid"], &first["sub"])
    );
    assert_ne!(access["jti"], first["jti"]);
}

fn names_what_is_missing(on: Backend) {
    let server = Server::start(on);
    let post = |body: Value| server.anonymous().post_json("/auth/token/refresh/", &body);
    let answer = post(json!({}));
    assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"api\"");
    answer.problem(
        401,
        &json!({"detail": "No valid refresh token found.", "code": "token_not_valid"}),
    );
    post(json!({"refresh": ""}))
        .problem(400, &json!({"refresh": ["This field may not be blank."]}));
    post(json!({"refresh": null}))
        .problem(400, &json!({"refresh": ["This field may not be null."]}));
    post(json!({"refresh": []})).problem(400, &json!({"refresh": ["Not a valid string."]}));
}

fn refuses_in_the_words_of_the_contract(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    for (bad, message) in [
        ("rubbish", "Token is invalid"),
        (&token::forged(&ann.refresh), "Token is invalid"),
        (&ann.access, "Token has wrong type"),
    ] {
        let answer = refresh(&server, bad);
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"api\"");
        answer.problem(401, &json!({"detail": message, "code": "token_not_valid"}));
    }
}

/// Refreshes after `days`, and gives the next refresh token.
fn refresh_after(server: &Server, token: &str, days: i64) -> Value {
    server.advance(days * 86_400);
    refresh(server, token).ok(200)
}

fn expired() -> Value {
    json!({"detail": "Token is expired", "code": "token_not_valid"})
}

fn a_session_ends_when_it_is_idle(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    server.advance(30 * 86_400 - 1);
    let next = refresh(&server, &ann.refresh).ok(200);
    server.advance(30 * 86_400);
    refresh(&server, next["refresh"].as_str().expect("text")).problem(401, &expired());
}

fn a_session_ends_in_any_case(on: Backend) {
    let server = Server::start(on);
    let Person {
        refresh: mut token, ..
    } = server.person("ann");
    let end = time_after(&server, 90 * 86_400);
    let mut last = Value::Null;
    for _ in 0..4 {
        last = refresh_after(&server, &token, 20);
        last["refresh"]
            .as_str()
            .expect("text")
            .clone_into(&mut token);
    }
    assert_eq!(last["refresh_expiration"], end);
    server.advance(10 * 86_400);
    refresh(&server, &token).problem(401, &expired());
}

fn needs_no_access_token_and_minds_no_stale_one(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    server.advance(3600);
    ann.client
        .post_json("/auth/token/refresh/", &json!({"refresh": ann.refresh}))
        .ok(200);
}
