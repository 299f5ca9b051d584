//! `[account] email_required`, `username_min_length`, `username_blocklist`: what can be chosen.

use serde_json::{Value, json};
use signet::account::{NewUser, Username};
use signet::config::LoginMethod;

use crate::support::{Answer, Backend, PASSWORD, Server, on_both};

on_both!(
    an_address_is_needed_where_that_is_the_setting,
    a_username_is_optional_where_nobody_logs_in_with_it,
    a_short_username_cannot_be_chosen,
    a_blocked_username_cannot_be_chosen_in_any_spelling,
    who_has_a_blocked_username_keeps_it,
);

const BLOCKED: &str = "Username can not be used. Please use other username.";

fn register(server: &Server, body: &Value) -> Answer {
    let mut form = json!({"password1": PASSWORD, "password2": PASSWORD});
    let members = form.as_object_mut().expect("an object");
    members.extend(body.as_object().expect("an object").clone());
    server.anonymous().post_json("/auth/registration/", &form)
}

fn an_address_is_needed_where_that_is_the_setting(on: Backend) {
    let server = Server::with(on, |config| config.account.email_required = true);
    register(&server, &json!({"username": "ann"}))
        .problem(400, &json!({"email": ["This field is required."]}));
    register(&server, &json!({"username": "ann", "email": ""}))
        .problem(400, &json!({"email": ["This field may not be blank."]}));
    server.person("ann");
    let server = Server::start(on);
    register(&server, &json!({"username": "ann"})).ok(201);
}

fn a_username_is_optional_where_nobody_logs_in_with_it(on: Backend) {
    let server = Server::with(on, |config| {
        config.account.login_with = vec![LoginMethod::Email];
        config.account.username_min_length = 5;
    });
    let ann = register(&server, &json!({"email": "ann@example.com"})).ok(201);
    assert_eq!(ann["user"]["username"], "");
    server.mail("ann@example.com");
    // Given, it must be good all the same.
    let min = "Ensure this field has at least 5 characters.";
    register(
        &server,
        &json!({"email": "bob@example.com", "username": "bob"}),
    )
    .problem(400, &json!({"username": [min]}));
    let server = Server::start(on);
    register(&server, &json!({"email": "ann@example.com"}))
        .problem(400, &json!({"username": ["This field is required."]}));
}

fn a_short_username_cannot_be_chosen(on: Backend) {
    let server = Server::with(on, |config| config.account.username_min_length = 4);
    let min = json!({"username": ["Ensure this field has at least 4 characters."]});
    for name in ["ann", "äöü", " ann "] {
        register(&server, &json!({"username": name})).problem(400, &min);
    }
    let anna = server.person("anna");
    let patch = |name: &str| {
        let body = json!({"username": name, "first_name": "Anna"});
        anna.client.patch_json("/auth/user/", &body)
    };
    patch("ann").problem(400, &min);
    let put = anna
        .client
        .put_json("/auth/user/", &json!({"username": "ann"}));
    put.problem(400, &min);
    assert_eq!(patch("äöüß").ok(200)["username"], "äöüß");
}

fn a_blocked_username_cannot_be_chosen_in_any_spelling(on: Backend) {
    let server = Server::with(on, |config| {
        config.account.username_blocklist = vec!["Admin".into(), "ROOT".into()];
    });
    let ann = server.person("ann");
    let blocked = json!({"username": [BLOCKED]});
    for name in ["admin", "ADMIN", "ａｄｍｉｎ", "Root"] {
        register(&server, &json!({"username": name})).problem(400, &blocked);
        for answer in [
            ann.client
                .patch_json("/auth/user/", &json!({"username": name})),
            ann.client
                .put_json("/auth/user/", &json!({"username": name})),
        ] {
            answer.problem(400, &blocked);
        }
    }
    register(&server, &json!({"username": "admins"})).ok(201);
    // Together with what else is wrong.
    register(&server, &json!({"username": "admin", "email": "x"})).problem(
        400,
        &json!({"username": [BLOCKED], "email": ["Enter a valid email address."]}),
    );
}

/// An operator is not bound by the list, and whom an operator named can still save a profile.
fn who_has_a_blocked_username_keeps_it(on: Backend) {
    let server = Server::with(on, |config| {
        config.account.username_blocklist = vec!["admin".into()];
        config.account.username_min_length = 8;
    });
    server.create(NewUser {
        username: Username::parse("admin"),
        email: None,
        is_email_verified: false,
        password: Some(signet::password::Plaintext::new(PASSWORD)),
    });
    let body = json!({"username": "admin", "password": PASSWORD});
    let tokens = server.anonymous().post_json("/auth/login/", &body).ok(200);
    let client = server
        .anonymous()
        .with_bearer(tokens["access"].as_str().expect("a token"));
    let body = json!({"username": "Admin", "first_name": "Ada"});
    let user = client.put_json("/auth/user/", &body).ok(200);
    assert_eq!(
        (&user["username"], &user["first_name"]),
        (&json!("Admin"), &json!("Ada"))
    );
}
