//! `POST reauthenticate/`

use serde_json::{Value, json};

use crate::support::{Answer, Backend, PASSWORD, Person, Server, on_both, token};

on_both!(
    gives_an_access_token_of_the_same_session_with_a_fresh_time,
    later_refreshes_carry_the_fresh_time,
    the_password_must_be_right,
    who_is_no_longer_let_in_gets_nothing,
    other_members_change_nothing,
);

fn reauthenticate(person: &Person, password: &str) -> Answer {
    let body = json!({"password": password});
    person.client.post_json("/auth/reauthenticate/", &body)
}

fn claims(text: &Value) -> Value {
    token::claims(text.as_str().expect("a token"))
}

fn gives_an_access_token_of_the_same_session_with_a_fresh_time(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let before = claims(&json!(ann.access));
    server.advance(300);
    let answer = reauthenticate(&ann, PASSWORD);
    assert_eq!(answer.header("set-cookie"), "");
    let body = answer.ok(200);
    let names: Vec<_> = body.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["access", "access_expiration"]);
    assert_eq!(body["access_expiration"], "2026-11-23T12:15:00.000000Z");
    let after = claims(&body["access"]);
    assert_eq!(
        (&after["sid"], &after["sub"], &after["client_id"]),
        (&before["sid"], &before["sub"], &before["client_id"])
    );
    let time = |claims: &Value| claims["auth_time"].as_i64().expect("a time");
    assert_eq!(time(&after), time(&before) + 300);
    let access = body["access"].as_str().expect("a token");
    let user = server.anonymous().with_bearer(access).get("/auth/user/");
    assert_eq!(user.ok(200)["username"], "ann");
}

fn later_refreshes_carry_the_fresh_time(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    server.advance(300);
    let fresh = claims(&reauthenticate(&ann, PASSWORD).ok(200)["access"]);
    server.advance(60);
    let body = json!({"refresh": ann.refresh});
    let tokens = server
        .anonymous()
        .post_json("/auth/token/refresh/", &body)
        .ok(200);
    let refreshed = claims(&tokens["access"]);
    assert_eq!(refreshed["auth_time"], fresh["auth_time"]);
    assert_ne!(refreshed["iat"], fresh["iat"]);
}

fn the_password_must_be_right(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let wrong = "Your password was entered incorrectly. Please enter it again.";
    reauthenticate(&ann, "wrong battery").problem(400, &json!({"password": [wrong]}));
    reauthenticate(&ann, "").problem(400, &json!({"password": ["This field may not be blank."]}));
    ann.client
        .post_json("/auth/reauthenticate/", &json!({}))
        .problem(400, &json!({"password": ["This field is required."]}));
    server.advance(60);
    let tokens = server
        .anonymous()
        .post_json("/auth/token/refresh/", &json!({"refresh": ann.refresh}))
        .ok(200);
    let time = claims(&tokens["access"])["auth_time"].clone();
    assert_eq!(time, claims(&json!(ann.access))["auth_time"]);
}

fn who_is_no_longer_let_in_gets_nothing(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    server.set_active(&ann.pk, false);
    assert_eq!(reauthenticate(&ann, PASSWORD).status, 401);
    let bob = server.person("bob");
    server
        .anonymous()
        .post_json("/auth/logout/", &json!({"refresh": bob.refresh}))
        .ok(200);
    assert_eq!(reauthenticate(&bob, PASSWORD).status, 401);
}

fn other_members_change_nothing(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let bob = server.person("bob");
    let body = json!({"password": PASSWORD, "pk": bob.pk, "sub": bob.pk, "is_admin": true,
        "email_verified": true, "scope": "admin", "amr": ["otp"]});
    let answer = ann.client.post_json("/auth/reauthenticate/", &body).ok(200);
    let (got, had) = (claims(&answer["access"]), claims(&json!(ann.access)));
    for name in ["sub", "sid", "scope", "amr", "acr"] {
        assert_eq!(got[name], had[name], "{name}");
    }
}
