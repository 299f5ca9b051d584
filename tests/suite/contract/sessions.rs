//! `GET sessions/`, `DELETE sessions/<id>/`, `POST logout/all/`

use serde_json::{Value, json};

use crate::support::{Answer, Backend, Client, PASSWORD, Server, on_both};

on_both!(
    lists_ones_own_live_sessions_newest_first,
    the_list_is_bounded,
    ends_one_of_ones_own,
    ends_the_session_that_asks,
    what_is_not_ones_own_is_not_there,
    an_ended_or_expired_session_is_not_there,
    ends_all_of_ones_own,
    nobody_gets_in_without_a_token,
);

const NOT_FOUND: &str = "Not found.";

/// Logs ann in again, with a browser of that name; the client of that session, and its refresh
/// token.
fn login(server: &Server, agent: &str) -> (Client, String) {
    let body = json!({"username": "ann", "password": PASSWORD}).to_string();
    let headers = [("content-type", "application/json"), ("user-agent", agent)];
    let anonymous = server.anonymous();
    let answer = anonymous.send("POST", "/auth/login/", &headers, body.into_bytes());
    let client = anonymous.with_bearer(&answer.member("access"));
    (client, answer.member("refresh"))
}

#[track_caller]
fn list(client: &Client) -> Vec<Value> {
    let answer = client.get("/auth/sessions/");
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.ok(200).as_array().expect("an array").clone()
}

/// The id of the session that asks.
#[track_caller]
fn current(client: &Client) -> String {
    let mut all = list(client).into_iter();
    let current = all.find(|one| one["current"] == true).expect("this one");
    current["id"].as_str().expect("an id").to_owned()
}

fn end(client: &Client, id: &str) -> Answer {
    client.delete(&format!("/auth/sessions/{id}/"))
}

#[track_caller]
fn ended(answer: &Answer) {
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
}

fn refresh(server: &Server, token: &str) -> Answer {
    let body = json!({"refresh": token});
    server.anonymous().post_json("/auth/token/refresh/", &body)
}

fn lists_ones_own_live_sessions_newest_first(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    server.person("bob");
    server.advance(90);
    let (phone, token) = login(&server, "Phone/1");
    server.advance(30);
    refresh(&server, &token).ok(200);
    let listed = list(&phone);
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert_eq!(
        listed[0],
        json!({"id": current(&phone), "created_at": "2026-11-23T12:01:30.000000Z",
            "last_used_at": "2026-11-23T12:02:00.000000Z", "client": "first-party",
            "user_agent": "Phone/1", "address": "127.0.0.1", "current": true})
    );
    assert_eq!(listed[1]["created_at"], "2026-11-23T12:00:00.000000Z");
    assert_eq!(listed[1]["current"], false);
    let seen_by_the_other = list(&ann.client);
    assert_eq!(
        seen_by_the_other
            .iter()
            .map(|one| (&one["id"], &one["current"]))
            .collect::<Vec<_>>(),
        [
            (&listed[0]["id"], &json!(false)),
            (&listed[1]["id"], &json!(true))
        ]
    );
}

fn the_list_is_bounded(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    for _ in 0..100 {
        server.advance(1);
        login(&server, "many");
    }
    let listed = list(&ann.client);
    assert_eq!(listed.len(), 100);
    assert!(
        listed.iter().all(|one| one["current"] == false),
        "the oldest is left out"
    );
}

fn ends_one_of_ones_own(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let (phone, token) = login(&server, "Phone/1");
    ended(&end(&ann.client, &current(&phone)));
    assert_eq!(phone.get("/auth/user/").status, 401);
    assert_eq!(refresh(&server, &token).status, 401);
    assert_eq!(list(&ann.client).len(), 1);
    refresh(&server, &ann.refresh).ok(200);
}

fn ends_the_session_that_asks(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    ended(&end(&ann.client, &current(&ann.client)));
    assert_eq!(ann.client.get("/auth/sessions/").status, 401);
}

/// Another person's session, none at all, and rubbish are told apart by nothing.
fn what_is_not_ones_own_is_not_there(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let bob = server.person("bob");
    let theirs = current(&bob.client);
    let answers = [
        theirs.as_str(),
        "019a0000-0000-7000-8000-000000000000",
        "x",
        "%00",
        "%ff",
        "%27%20OR%201=1",
        "..%2f",
        &"a".repeat(5000),
    ]
    .map(|id| end(&ann.client, id));
    let first = answers[0].text.clone();
    for answer in answers {
        assert_eq!(answer.text, first);
        answer.problem(404, &json!({"detail": NOT_FOUND}));
    }
    bob.client.get("/auth/user/").ok(200);
}

fn an_ended_or_expired_session_is_not_there(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let (phone, token) = login(&server, "Phone/1");
    let (ended_id, first_id) = (current(&phone), current(&ann.client));
    ended(&end(&ann.client, &ended_id));
    end(&ann.client, &ended_id).problem(404, &json!({"detail": NOT_FOUND}));
    assert_eq!(refresh(&server, &token).status, 401);
    // Past the idle end of the first session, which nobody refreshed.
    server.advance(30 * 24 * 3600);
    let (later, _) = login(&server, "later");
    assert_eq!(list(&later).len(), 1);
    end(&later, &first_id).problem(404, &json!({"detail": NOT_FOUND}));
}

fn ends_all_of_ones_own(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let bob = server.person("bob");
    let (phone, token) = login(&server, "Phone/1");
    phone
        .post_json("/auth/logout/all/", &json!({"pk": bob.pk, "user": "bob"}))
        .is(
            200,
            &json!({"detail": "Successfully logged out everywhere."}),
        );
    assert_eq!(ann.client.get("/auth/user/").status, 401);
    assert_eq!(refresh(&server, &ann.refresh).status, 401);
    assert_eq!(phone.get("/auth/user/").status, 401);
    assert_eq!(refresh(&server, &token).status, 401);
    bob.client.get("/auth/user/").ok(200);
    assert_eq!(list(&login(&server, "again").0).len(), 1);
}

fn nobody_gets_in_without_a_token(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let anonymous = server.anonymous();
    let nobody = json!({"detail": "Authentication credentials were not provided."});
    anonymous.get("/auth/sessions/").problem(401, &nobody);
    end(&anonymous, &current(&ann.client)).problem(401, &nobody);
    for path in ["logout/all/", "email/change/", "reauthenticate/"] {
        let body = json!({"password": PASSWORD, "email": "eve@example.com"});
        anonymous
            .post_json(&format!("/auth/{path}"), &body)
            .problem(401, &nobody);
    }
    anonymous
        .delete_json("/auth/user/", &json!({"password": PASSWORD}))
        .problem(401, &nobody);
    ann.client.get("/auth/user/").ok(200);
}
