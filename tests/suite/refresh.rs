//! What a refresh means: it can be repeated, it cannot be forked, and a thief is caught.

use serde_json::{Value, json};
use signet::config::Period;

use crate::support::{
    Answer, Backend, Client, Installation, PASSWORD, Person, Server, on_both, token,
};

on_both!(
    many_tabs_at_once_get_one_successor,
    many_tabs_at_once_through_many_generations,
    the_predecessor_gets_the_same_successor_within_the_leeway,
    after_the_leeway_the_predecessor_ends_the_session,
    without_leeway_a_token_works_once,
    two_generations_back_ends_the_session,
    reuse_is_told_to_the_owner,
    other_sessions_are_not_touched,
    a_dead_session_stays_dead_through_kill_and_restart,
);

const TABS: usize = 64;

fn refresh(client: &Client, token: &str) -> Answer {
    client.post_json("/auth/token/refresh/", &json!({"refresh": token}))
}

#[track_caller]
fn next(client: &Client, token: &str) -> String {
    let answer = refresh(client, token);
    answer.member("refresh")
}

fn blacklisted() -> Value {
    json!({"detail": "Token is blacklisted", "code": "token_not_valid"})
}

/// What `TABS` clients get that present one token at the same moment.
fn refresh_at_once(server: &Server, token: &str) -> Vec<Answer> {
    server.at_once(TABS, |client, _| refresh(client, token))
}

/// Holds that all got the same successor, and gives it.
#[track_caller]
fn one_successor(answers: Vec<Answer>) -> String {
    let successors: Vec<String> = answers
        .iter()
        .map(|answer| answer.member("refresh"))
        .collect();
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert!(
        successors
            .iter()
            .all(|successor| successor == &successors[0]),
        "{successors:?}"
    );
    successors[0].clone()
}

fn many_tabs_at_once_get_one_successor(on: Backend) {
    let server = Server::start(on);
    let ann = server.confirmed("ann");
    let answers = refresh_at_once(&server, &ann.refresh);
    assert_eq!(answers.len(), TABS);
    let successor = one_successor(answers);
    assert_ne!(successor, ann.refresh);
    assert_eq!(token::claims(&successor)["gen"], 1);
    refresh(&server.anonymous(), &successor).ok(200);
}

fn many_tabs_at_once_through_many_generations(on: Backend) {
    let server = Server::start(on);
    let Person {
        refresh: mut token, ..
    } = server.confirmed("ann");
    for generation in 1..=5 {
        token = one_successor(refresh_at_once(&server, &token));
        assert_eq!(token::claims(&token)["gen"], generation);
        server.advance(31);
    }
}

fn the_predecessor_gets_the_same_successor_within_the_leeway(on: Backend) {
    let server = Server::start(on);
    let client = server.anonymous();
    let ann = server.confirmed("ann");
    server.advance(100);
    let successor = next(&client, &ann.refresh);
    for _ in 0..3 {
        server.advance(9);
        assert_eq!(next(&client, &ann.refresh), successor);
    }
    server.advance(2);
    assert_eq!(next(&client, &ann.refresh), successor, "29 seconds after");
    server.advance(1);
    // Repeating does not extend the leeway.
    refresh(&client, &ann.refresh).problem(401, &blacklisted());
    server.mail(&ann.email);
}

fn after_the_leeway_the_predecessor_ends_the_session(on: Backend) {
    let server = Server::start(on);
    let client = server.anonymous();
    let ann = server.confirmed("ann");
    let successor = next(&client, &ann.refresh);
    server.advance(30);
    refresh(&client, &ann.refresh).problem(401, &blacklisted());
    refresh(&client, &successor).problem(401, &blacklisted());
    let access = ann.client.get("/auth/user/");
    assert_eq!(access.status, 401, "{}", access.text);
    server.mail(&ann.email);
}

fn without_leeway_a_token_works_once(on: Backend) {
    let server = Server::with(on, |config| {
        config.tokens.refresh_leeway = Period::seconds(0);
    });
    let ann = server.confirmed("ann");
    let answers = refresh_at_once(&server, &ann.refresh);
    let winners: Vec<&Answer> = answers
        .iter()
        .filter(|answer| answer.status == 200)
        .collect();
    assert_eq!(winners.len(), 1);
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer.status, 200 | 401))
    );
    // The losers were reuse, and reuse ends the session: for the winner too.
    refresh(&server.anonymous(), &winners[0].member("refresh")).problem(401, &blacklisted());
    server.mail(&ann.email);
}

fn two_generations_back_ends_the_session(on: Backend) {
    let server = Server::start(on);
    let client = server.anonymous();
    let ann = server.confirmed("ann");
    let second = next(&client, &ann.refresh);
    let third = next(&client, &second);
    refresh(&client, &ann.refresh).problem(401, &blacklisted());
    for token in [&second, &third] {
        refresh(&client, token).problem(401, &blacklisted());
    }
    let verify = client.post_json("/auth/token/verify/", &json!({"token": ann.access}));
    verify.problem(401, &blacklisted());
    server.mail(&ann.email);
}

fn reuse_is_told_to_the_owner(on: Backend) {
    let server = Server::start(on);
    let client = server.anonymous();
    let ann = server.confirmed("ann");
    let second = next(&client, &ann.refresh);
    next(&client, &second);
    for _ in 0..3 {
        refresh(&client, &ann.refresh).problem(401, &blacklisted());
    }
    let notice = server.mail(&ann.email);
    for secret in [&ann.refresh, &second, &ann.access] {
        assert!(!notice.text.contains(secret) && !notice.html.contains(secret));
    }
}

fn other_sessions_are_not_touched(on: Backend) {
    let server = Server::start(on);
    let client = server.anonymous();
    let ann = server.confirmed("ann");
    let body = json!({"username": "ann", "password": PASSWORD});
    let other = client.post_json("/auth/login/", &body).member("refresh");
    let second = next(&client, &ann.refresh);
    next(&client, &second);
    refresh(&client, &ann.refresh).problem(401, &blacklisted());
    refresh(&client, &other).ok(200);
    server.mail(&ann.email);
}

fn a_dead_session_stays_dead_through_kill_and_restart(on: Backend) {
    let installation = Installation::new(on);
    let process = installation.start(&[]);
    let client = process.anonymous();
    let form = json!({"username": "ann", "email": "ann@example.com", "password1": PASSWORD,
        "password2": PASSWORD});
    let first = client
        .post_json("/auth/registration/", &form)
        .member("refresh");
    let live = client
        .post_json(
            "/auth/login/",
            &json!({"username": "ann", "password": PASSWORD}),
        )
        .member("refresh");
    let second = next(&client, &first);
    let third = next(&client, &second);
    refresh(&client, &first).problem(401, &blacklisted());
    process.kill();
    let process = installation.start(&[]);
    let client = process.anonymous();
    for token in [&third, &second, &first] {
        refresh(&client, token).problem(401, &blacklisted());
    }
    refresh(&client, &live).ok(200);
}
