//! What operators read in a terminal.

use serde_json::json;

use crate::support::{Backend, Installation, PASSWORD, on_both};

on_both!(what_people_chose_does_not_speak_to_the_terminal);

fn what_people_chose_does_not_speak_to_the_terminal(on: Backend) {
    let installation = Installation::new(on);
    let process = installation.start(&[]);
    let client = process.anonymous();
    let body = json!({"username": "ann", "password1": PASSWORD, "password2": PASSWORD});
    let answer = client.post_json("/auth/registration/", &body).ok(201);
    let access = answer["access"].as_str().expect("a token").to_owned();
    let hostile = "\u{1b}]0;mine\u{7}\nis_active          false";
    let body = json!({"first_name": hostile}).to_string().into_bytes();
    let headers = [("content-type", "application/json")];
    let ann = client.with_bearer(&access);
    ann.send("PATCH", "/auth/user/", &headers, body).ok(200);

    let shown = installation.run(&["users", "show", "ann"]);
    assert!(shown.contains(r"\u{1b}]0;mine\u{7}\nis_active"), "{shown}");
    let says_active = |line: &&str| line.starts_with("is_active");
    assert_eq!(shown.lines().filter(says_active).count(), 1, "{shown}");
    assert!(!shown.contains('\u{1b}') && !shown.contains('\u{7}'));
    let json = installation.run(&["users", "show", "ann", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["first_name"], hostile);
}
