//! `POST logout/`

use serde_json::{Value, json};

use crate::support::{Answer, Backend, Client, Server, on_both, token};

on_both!(
    ends_the_session_of_the_refresh_token,
    ends_the_session_of_the_access_token,
    without_any_token_there_is_nothing_to_end,
    ends_no_other_session,
    refuses_a_bad_refresh_token_in_the_words_of_the_contract,
    a_stale_access_token_is_no_hindrance,
);

fn logout(client: &Client, body: &Value) -> Answer {
    client.post_json("/auth/logout/", body)
}

fn done() -> Value {
    json!({"detail": "Successfully logged out."})
}

#[track_caller]
fn assert_dead(server: &Server, access: &str, refresh: &str) {
    let blacklisted = json!({"detail": "Token is blacklisted", "code": "token_not_valid"});
    let client = server.anonymous();
    client
        .post_json("/auth/token/refresh/", &json!({"refresh": refresh}))
        .problem(401, &blacklisted);
    client
        .post_json("/auth/token/verify/", &json!({"token": access}))
        .problem(401, &blacklisted);
    let answer = client.with_bearer(access).get("/auth/user/");
    assert_eq!(answer.status, 401, "{}", answer.text);
}

fn ends_the_session_of_the_refresh_token(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    logout(&server.anonymous(), &json!({"refresh": ann.refresh})).is(200, &done());
    assert_dead(&server, &ann.access, &ann.refresh);
}

fn ends_the_session_of_the_access_token(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    logout(&ann.client, &json!({})).is(200, &done());
    assert_dead(&server, &ann.access, &ann.refresh);
    let bob = server.person("bob");
    // As browsers' clients send it: no body at all.
    bob.client
        .send("POST", "/auth/logout/", &[], Vec::new())
        .is(200, &done());
    assert_dead(&server, &bob.access, &bob.refresh);
}

fn without_any_token_there_is_nothing_to_end(on: Backend) {
    let server = Server::start(on);
    logout(&server.anonymous(), &json!({})).is(200, &done());
}

fn ends_no_other_session(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let bob = server.person("bob");
    logout(&server.anonymous(), &json!({"refresh": ann.refresh})).is(200, &done());
    bob.client.get("/auth/user/").ok(200);
    server
        .anonymous()
        .post_json("/auth/token/refresh/", &json!({"refresh": bob.refresh}))
        .ok(200);
}

fn refuses_a_bad_refresh_token_in_the_words_of_the_contract(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let client = server.anonymous();
    for (refresh, message) in [
        ("rubbish", "Token is invalid"),
        (&token::forged(&ann.refresh), "Token is invalid"),
        (&ann.access, "Token has wrong type"),
    ] {
        let answer = logout(&client, &json!({"refresh": refresh}));
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"api\"");
        answer.problem(401, &json!({"detail": message}));
    }
    logout(&client, &json!({"refresh": ann.refresh})).is(200, &done());
    logout(&client, &json!({"refresh": ann.refresh}))
        .problem(401, &json!({"detail": "Token is blacklisted"}));
    let bob = server.person("bob");
    server.advance(31 * 24 * 3600);
    logout(&client, &json!({"refresh": bob.refresh}))
        .problem(401, &json!({"detail": "Token is expired"}));
}

fn a_stale_access_token_is_no_hindrance(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    server.advance(3600);
    logout(&ann.client, &json!({"refresh": ann.refresh})).is(200, &done());
    logout(&server.anonymous().with_bearer("rubbish"), &json!({})).is(200, &done());
}
