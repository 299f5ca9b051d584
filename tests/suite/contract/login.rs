//! `POST login/`

use serde_json::{Value, json};
use signet::config::LoginMethod;

use crate::support::{Answer, Backend, Client, PASSWORD, Server, on_both, token};

on_both!(
    gives_tokens_and_the_user,
    by_username_or_address_whatever_its_case,
    the_address_wins_if_both_are_given,
    what_is_missing_is_said_by_login_method,
    field_errors,
    wrong_and_unknown_are_the_same,
    a_stale_token_is_no_hindrance,
    every_login_is_a_session_of_its_own,
);

fn login(client: &Client, body: &Value) -> Answer {
    client.post_json("/auth/login/", body)
}

fn unable() -> Value {
    json!({"non_field_errors": ["Unable to log in with provided credentials."]})
}

fn gives_tokens_and_the_user(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let answer = login(
        &server.anonymous(),
        &json!({"username": "ann", "password": PASSWORD}),
    );
    assert_eq!(answer.header("set-cookie"), "");
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.ok(200);
    let members: Vec<&String> = body.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["access", "refresh", "user"]);
    let user = json!({"pk": ann.pk, "username": "ann", "email": "ann@example.com",
        "first_name": "", "last_name": ""});
    assert_eq!(body["user"], user);
    let access = body["access"].as_str().expect("text");
    server
        .anonymous()
        .with_bearer(access)
        .get("/auth/user/")
        .is(200, &user);
}

fn by_username_or_address_whatever_its_case(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    for body in [
        json!({"username": "ann", "password": PASSWORD}),
        json!({"username": "ANN", "password": PASSWORD}),
        json!({"username": " ann ", "password": PASSWORD}),
        json!({"username": "ann", "email": "", "password": PASSWORD}),
        json!({"email": "ann@example.com", "password": PASSWORD}),
        json!({"email": "Ann@EXAMPLE.com", "password": PASSWORD}),
        json!({"username": "", "email": "ann@example.com", "password": PASSWORD}),
    ] {
        assert_eq!(
            login(&server.anonymous(), &body).ok(200)["user"]["pk"],
            ann.pk.as_str()
        );
    }
}

fn the_address_wins_if_both_are_given(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    server.person("bob");
    let body = json!({"username": "bob", "email": ann.email, "password": PASSWORD});
    assert_eq!(
        login(&server.anonymous(), &body).ok(200)["user"]["pk"],
        ann.pk.as_str()
    );
}

fn what_is_missing_is_said_by_login_method(on: Backend) {
    use LoginMethod::{Email, Username};
    for (methods, message) in [
        (vec![Email], "Must include \"email\" and \"password\"."),
        (
            vec![Username],
            "Must include \"username\" and \"password\".",
        ),
        (
            vec![Email, Username],
            "Must include either \"username\" or \"email\" and \"password\".",
        ),
    ] {
        let server = Server::with(on, |config| config.account.login_with.clone_from(&methods));
        let missing = json!({"non_field_errors": [message]});
        login(&server.anonymous(), &json!({"password": PASSWORD})).problem(400, &missing);
        let blank = json!({"username": "", "email": "", "password": PASSWORD});
        login(&server.anonymous(), &blank).problem(400, &missing);
        let other = match methods[..] {
            [Email] => json!({"username": "ann", "password": PASSWORD}),
            [Username] => json!({"email": "ann@example.com", "password": PASSWORD}),
            _ => continue,
        };
        login(&server.anonymous(), &other).problem(400, &missing);
    }
}

fn field_errors(on: Backend) {
    let server = Server::start(on);
    let client = server.anonymous();
    let required = json!({"password": ["This field is required."]});
    login(&client, &json!({})).problem(400, &required);
    login(&client, &json!({"username": "ann"})).problem(400, &required);
    let blank = json!({"password": ["This field may not be blank."]});
    login(&client, &json!({"username": "ann", "password": ""})).problem(400, &blank);
    let both = json!({"email": ["Enter a valid email address."],
        "password": ["This field may not be null."]});
    login(&client, &json!({"email": "ann", "password": null})).problem(400, &both);
}

fn wrong_and_unknown_are_the_same(on: Backend) {
    let server = Server::start(on);
    let client = server.anonymous();
    server.person("ann");
    let wrong = login(
        &client,
        &json!({"username": "ann", "password": "wrong battery"}),
    );
    let unknown = login(
        &client,
        &json!({"username": "nobody", "password": PASSWORD}),
    );
    assert_eq!((wrong.status, &wrong.text), (unknown.status, &unknown.text));
    let names = |answer: &Answer| -> Vec<String> {
        answer.headers.keys().map(ToString::to_string).collect()
    };
    assert_eq!(names(&wrong), names(&unknown));
    wrong.problem(400, &unable());
    let email = json!({"email": "nobody@example.com", "password": PASSWORD});
    login(&client, &email).problem(400, &unable());
    // NFC-normalised, and nothing else: case counts.
    let shouted = json!({"username": "ann", "password": PASSWORD.to_uppercase()});
    login(&client, &shouted).problem(400, &unable());
}

fn a_stale_token_is_no_hindrance(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    server.advance(3600);
    let body = json!({"username": "ann", "password": PASSWORD});
    login(&ann.client, &body).ok(200);
    login(&server.anonymous().with_bearer("rubbish"), &body).ok(200);
}

fn every_login_is_a_session_of_its_own(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let body = json!({"username": "ann", "password": PASSWORD});
    let other = login(&server.anonymous(), &body).ok(200);
    let other = token::claims(other["access"].as_str().expect("text"));
    assert_ne!(other["sid"], token::claims(&ann.access)["sid"]);
    assert_eq!(other["sub"], ann.pk.as_str());
}
