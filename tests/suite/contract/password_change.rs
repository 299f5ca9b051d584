//! `POST password/change/`

use serde_json::{Value, json};

use crate::support::{Answer, Backend, PASSWORD, Person, Server, on_both};

on_both!(
    changes_the_password_and_says_so_by_mail,
    writes_to_no_address_that_was_not_confirmed,
    ends_the_other_sessions_and_keeps_its_own,
    keeps_the_other_sessions_where_that_is_the_setting,
    the_old_password_must_be_right,
    the_old_password_is_not_asked_where_that_is_the_setting,
    the_new_passwords_must_match_and_be_good,
);

const NEW: &str = "another fine battery";

fn change(person: &Person, old: &str, new1: &str, new2: &str) -> Answer {
    let body = json!({"old_password": old, "new_password1": new1, "new_password2": new2});
    person.client.post_json("/auth/password/change/", &body)
}

fn saved() -> Value {
    json!({"detail": "New password has been saved."})
}

fn login(server: &Server, password: &str) -> Answer {
    let body = json!({"username": "ann", "password": password});
    server.anonymous().post_json("/auth/login/", &body)
}

fn changes_the_password_and_says_so_by_mail(on: Backend) {
    let server = Server::start(on);
    let ann = server.confirmed("ann");
    change(&ann, PASSWORD, NEW, NEW).is(200, &saved());
    let notice = server.mail(&ann.email);
    assert!(!notice.text.contains(NEW) && !notice.html.contains(NEW));
    login(&server, NEW).ok(200);
    assert_eq!(login(&server, PASSWORD).status, 400);
}

/// Else whoever registers a stranger's address could write to it without end.
fn writes_to_no_address_that_was_not_confirmed(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    change(&ann, PASSWORD, NEW, NEW).is(200, &saved());
    let refresh = json!({"refresh": ann.refresh});
    let client = server.anonymous();
    client.post_json("/auth/token/refresh/", &refresh).ok(200);
    server.advance(60);
    client
        .post_json("/auth/token/refresh/", &refresh)
        .has_status(401);
    assert!(server.mails().is_empty());
}

/// The statuses that both of ann's sessions get after a change in the first one.
fn sessions_after_change(server: &Server) -> [u16; 4] {
    let ann = server.confirmed("ann");
    let other = login(server, PASSWORD).ok(200);
    change(&ann, PASSWORD, NEW, NEW).is(200, &saved());
    server.mail(&ann.email);
    let anonymous = server.anonymous();
    let refresh = |token: &Value| {
        anonymous
            .post_json("/auth/token/refresh/", &json!({"refresh": token}))
            .status
    };
    let other_access = other["access"].as_str().expect("text");
    [
        ann.client.get("/auth/user/").status,
        refresh(&json!(ann.refresh)),
        anonymous
            .with_bearer(other_access)
            .get("/auth/user/")
            .status,
        refresh(&other["refresh"]),
    ]
}

fn ends_the_other_sessions_and_keeps_its_own(on: Backend) {
    let server = Server::start(on);
    assert_eq!(sessions_after_change(&server), [200, 200, 401, 401]);
}

fn keeps_the_other_sessions_where_that_is_the_setting(on: Backend) {
    let server = Server::with(on, |config| {
        config.account.logout_on_password_change = false;
    });
    assert_eq!(sessions_after_change(&server), [200, 200, 200, 200]);
}

fn the_old_password_must_be_right(on: Backend) {
    let server = Server::start(on);
    let ann = server.confirmed("ann");
    let wrong = "Your old password was entered incorrectly. Please enter it again.";
    change(&ann, "wrong battery", NEW, NEW).problem(400, &json!({"old_password": [wrong]}));
    let required = json!(["This field is required."]);
    ann.client.post_json("/auth/password/change/", &json!({})).problem(
        400,
        &json!({"old_password": required, "new_password1": required, "new_password2": required}),
    );
    login(&server, PASSWORD).ok(200);
}

fn the_old_password_is_not_asked_where_that_is_the_setting(on: Backend) {
    let server = Server::with(on, |config| config.account.old_password_required = false);
    let ann = server.confirmed("ann");
    let body = json!({"new_password1": NEW, "new_password2": NEW});
    ann.client
        .post_json("/auth/password/change/", &body)
        .is(200, &saved());
    server.mail(&ann.email);
    login(&server, NEW).ok(200);
}

fn the_new_passwords_must_match_and_be_good(on: Backend) {
    let server = Server::start(on);
    let ann = server.confirmed("ann");
    for (first, second, errors) in [
        (
            NEW,
            "mismatch battery",
            json!({"new_password2": ["The two password fields didn’t match."]}),
        ),
        (
            "k7#Qz",
            "k7#Qz",
            json!({"new_password2":
                ["This password is too short. It must contain at least 8 characters."]}),
        ),
        (
            "password1",
            "password1",
            json!({"new_password2": ["This password is too common."]}),
        ),
    ] {
        change(&ann, PASSWORD, first, second).problem(400, &errors);
    }
    let long = "x".repeat(129);
    let too_long = json!(["Ensure this field has no more than 128 characters."]);
    change(&ann, PASSWORD, &long, &long).problem(
        400,
        &json!({"new_password1": too_long, "new_password2": too_long}),
    );
    login(&server, PASSWORD).ok(200);
}
