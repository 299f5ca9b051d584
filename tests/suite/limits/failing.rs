//! What cannot be counted is not allowed (line 142).

use diesel::connection::SimpleConnection;
use serde_json::json;

use super::{ELSEWHERE, login, post, server};
use crate::support::{Backend, PASSWORD, on_both};

on_both!(without_its_counters_nothing_is_open);

fn without_its_counters_nothing_is_open(on: Backend) {
    let server = server(on, |_| {});
    let ann = server.person("ann");
    server.rows(|conn| conn.batch_execute("ALTER TABLE limits RENAME TO gone"));
    let stored = server.stored();
    let email = json!({"email": ann.email});
    let bob = json!({"username": "bob", "email": "bob@example.com", "password1": PASSWORD,
        "password2": PASSWORD});
    let change = json!({"old_password": PASSWORD, "new_password1": "paper clip sunrise",
        "new_password2": "paper clip sunrise"});
    for answer in [
        login(&server, ELSEWHERE, "ann", PASSWORD),
        login(&server, "127.0.0.1", "ann", PASSWORD),
        login(&server, ELSEWHERE, "nobody", PASSWORD),
        post(&server.anonymous(), ELSEWHERE, "registration/", &bob),
        post(
            &server.anonymous(),
            ELSEWHERE,
            "registration/resend-email/",
            &email,
        ),
        post(&server.anonymous(), ELSEWHERE, "password/reset/", &email),
        post(&ann.client, ELSEWHERE, "password/change/", &change),
    ] {
        answer.has_status(500);
    }
    assert_eq!(server.stored(), stored);
    // Who is inside stays inside.
    post(
        &server.anonymous(),
        ELSEWHERE,
        "token/refresh/",
        &json!({"refresh": ann.refresh}),
    )
    .ok(200);
    server.rows(|conn| conn.batch_execute("ALTER TABLE gone RENAME TO limits"));
    login(&server, ELSEWHERE, "ann", PASSWORD).ok(200);
}
