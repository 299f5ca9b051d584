//! How a body may come: JSON, form, multipart; and how another is refused.

use serde_json::json;

use crate::support::{Backend, PASSWORD, Server, on_both};

on_both!(
    a_form_is_as_good_as_json,
    multipart_is_as_good_as_json,
    a_media_type_may_have_parameters,
    other_media_types_are_refused,
    malformed_json_is_refused,
    a_body_is_an_object,
    a_blank_form_field_is_blank,
);

const FORM: [(&str, &str); 4] = [
    ("username", "ann"),
    ("email", "ann+x@example.com"),
    ("password1", "pass & word = ü%"),
    ("password2", "pass & word = ü%"),
];
const LOGIN: [(&str, &str); 2] = [("username", "ann"), ("password", "pass & word = ü%")];

fn a_form_is_as_good_as_json(on: Backend) {
    let server = Server::start(on);
    let client = server.anonymous();
    let user = client.post_form("/auth/registration/", &FORM).ok(201)["user"].clone();
    assert_eq!(user["email"], "ann+x@example.com");
    server.mail("ann+x@example.com");
    let tokens = client.post_form("/auth/login/", &LOGIN).ok(200);
    let refresh = tokens["refresh"].as_str().expect("text");
    client
        .post_form("/auth/token/refresh/", &[("refresh", refresh)])
        .ok(200);
    client.post_form("/auth/logout/", &[]).ok(200);
}

fn multipart_is_as_good_as_json(on: Backend) {
    let server = Server::start(on);
    let client = server.anonymous();
    client.post_multipart("/auth/registration/", &FORM).ok(201);
    server.mail("ann+x@example.com");
    let tokens = client.post_multipart("/auth/login/", &LOGIN).ok(200);
    let token = tokens["access"].as_str().expect("text");
    client
        .post_multipart("/auth/token/verify/", &[("token", token)])
        .is(200, &json!({}));
}

fn a_media_type_may_have_parameters(on: Backend) {
    let server = Server::start(on);
    server.person("ann");
    let body = json!({"username": "ann", "password": PASSWORD}).to_string();
    for media_type in [
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/json;charset=UTF-8",
    ] {
        server
            .anonymous()
            .post_raw("/auth/login/", media_type, body.as_str())
            .ok(200);
    }
}

fn other_media_types_are_refused(on: Backend) {
    let server = Server::start(on);
    let body = json!({"username": "ann", "password": PASSWORD}).to_string();
    for (media_type, shown) in [
        ("text/plain", "text/plain"),
        ("application/xml", "application/xml"),
        ("application/jsonx", "application/jsonx"),
    ] {
        let answer = server
            .anonymous()
            .post_raw("/auth/login/", media_type, body.as_str());
        let detail = format!("Unsupported media type \"{shown}\" in request.");
        answer.problem(415, &json!({"detail": detail}));
    }
}

fn malformed_json_is_refused(on: Backend) {
    let server = Server::start(on);
    for body in [
        "{",
        "{\"username\": }",
        "nonsense",
        "{\"a\":1}x",
        "{'a':1}",
        "\u{feff}{}x",
    ] {
        let answer = server
            .anonymous()
            .post_raw("/auth/login/", "application/json", body);
        assert_eq!(answer.status, 400, "{body}: {}", answer.text);
        let (_, members) = answer.problem_members();
        let detail = members["detail"].as_str().unwrap_or_default();
        assert!(
            detail.starts_with("JSON parse error - "),
            "{body}: {detail}"
        );
        assert_eq!(members.len(), 1);
    }
}

fn a_body_is_an_object(on: Backend) {
    let server = Server::start(on);
    for (body, kind) in [
        ("[]", "list"),
        ("\"x\"", "str"),
        ("7", "int"),
        ("1.5", "float"),
        ("true", "bool"),
    ] {
        for path in [
            "login",
            "logout",
            "registration",
            "token/refresh",
            "token/verify",
        ] {
            let path = format!("/auth/{path}/");
            let answer = server.anonymous().post_raw(&path, "application/json", body);
            let message = format!("Invalid data. Expected a dictionary, but got {kind}.");
            answer.problem(400, &json!({"non_field_errors": [message]}));
        }
    }
}

fn a_blank_form_field_is_blank(on: Backend) {
    let server = Server::start(on);
    let answer = server
        .anonymous()
        .post_form("/auth/token/verify/", &[("token", "")]);
    answer.problem(400, &json!({"token": ["This field may not be blank."]}));
}
