//! Paths and verbs: the trailing slash, what is not allowed, what is not there.

use serde_json::json;

use crate::support::{Backend, PASSWORD, Server, on_both};

on_both!(
    the_trailing_slash_is_optional,
    other_verbs_are_refused_with_what_is_allowed,
    unknown_paths_are_not_found,
    the_prefix_is_a_setting,
    every_answer_carries_the_protective_headers,
);

/// Every path of the first-party API below the prefix, and its verbs.
const ROUTES: [(&str, &[&str]); 18] = [
    ("social-accounts", &["GET"]),
    ("socialaccounts", &["GET"]),
    ("registration", &["POST"]),
    ("registration/verify-email", &["POST"]),
    ("registration/resend-email", &["POST"]),
    ("login", &["POST"]),
    ("logout", &["POST"]),
    ("token/verify", &["POST"]),
    ("token/refresh", &["POST"]),
    ("user", &["GET", "PUT", "PATCH", "DELETE"]),
    ("password/reset", &["POST"]),
    ("password/reset/confirm", &["POST"]),
    ("password/change", &["POST"]),
    ("email/change", &["POST"]),
    ("email/change/confirm", &["POST"]),
    ("reauthenticate", &["POST"]),
    ("sessions", &["GET"]),
    ("logout/all", &["POST"]),
];

fn the_trailing_slash_is_optional(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    for (path, verbs) in ROUTES {
        for verb in verbs {
            let [with, without] = ["/", ""].map(|end| {
                let path = format!("/auth/{path}{end}");
                // A media type that none takes: the answer tells that the route is there.
                let headers = [("content-type", "text/plain")];
                let body = if *verb == "GET" {
                    Vec::new()
                } else {
                    b"x".to_vec()
                };
                ann.client.send(verb, &path, &headers, body).status
            });
            assert_eq!(with, without, "{verb} {path}");
            assert_eq!(
                with,
                if *verb == "GET" { 200 } else { 415 },
                "{verb} {path}"
            );
        }
    }
}

fn other_verbs_are_refused_with_what_is_allowed(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    for (path, verbs) in ROUTES {
        for verb in ["GET", "POST", "TRACE", "PROPFIND"] {
            if verbs.contains(&verb) {
                continue;
            }
            let answer = ann
                .client
                .send(verb, &format!("/auth/{path}/"), &[], Vec::new());
            let allow = answer.header("allow").to_owned();
            for allowed in verbs {
                assert!(
                    allow.split(", ").any(|verb| verb == *allowed),
                    "{verb} {path}: {allow}"
                );
            }
            assert!(
                !allow.split(", ").any(|other| other == verb),
                "{verb} {path}: {allow}"
            );
            let detail = format!("Method \"{verb}\" not allowed.");
            answer.problem(405, &json!({"detail": detail}));
        }
    }
}

fn unknown_paths_are_not_found(on: Backend) {
    let server = Server::start(on);
    for path in [
        "/",
        "/auth",
        "/auth/",
        "/auth/nothing/",
        "/auth/login/x",
        "/auth//login/",
        "/AUTH/login/",
        "/.env",
        "/auth/%6cogin/../login/",
        "/auth/user/%00",
    ] {
        let answer = server.anonymous().get(path);
        assert_eq!(answer.status, 404, "{path}: {}", answer.text);
        let (_, members) = answer.problem_members();
        assert_eq!(json!(members), json!({"detail": "Not found."}), "{path}");
    }
}

fn the_prefix_is_a_setting(on: Backend) {
    let server = Server::with(on, |config| config.account.prefix = "/api/v1/auth".into());
    let ann = server.person("ann");
    let body = json!({"username": ann.username, "password": PASSWORD});
    server
        .anonymous()
        .post_json("/api/v1/auth/login/", &body)
        .ok(200);
    assert_eq!(
        server.anonymous().post_json("/auth/login/", &body).status,
        404
    );
}

fn every_answer_carries_the_protective_headers(on: Backend) {
    let server = Server::start(on);
    let client = server.anonymous();
    for answer in [
        client.get("/auth/user/"),
        client.get("/nothing"),
        client.get("/auth/login/"),
        client.get("/.well-known/jwks.json"),
        client.post_json("/auth/login/", &json!({})),
        client.post_raw("/auth/login/", "application/json", "{"),
    ] {
        assert_eq!(
            answer.header("x-content-type-options"),
            "nosniff",
            "{answer:?}"
        );
        assert!(!answer.header("x-request-id").is_empty(), "{answer:?}");
        assert_eq!(answer.header("server"), "", "{answer:?}");
    }
}
