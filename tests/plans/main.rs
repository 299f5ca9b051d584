//! However many people and sessions there are, nothing that a request does goes through all of them:
//! every statement that a tour through the API leads to is explained by both databases.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a broken promise here is a failed test"
)]

mod explain;
#[path = "../support/postgres.rs"]
mod postgres;
mod statements;
#[path = "../suite/support/mod.rs"]
#[expect(
    dead_code,
    unused_imports,
    reason = "the tests of the contract need more"
)]
mod support;

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use explain::Explainer;
use support::{Answer, Backend, PASSWORD, Person, Server, block_on, link, on_both};

on_both!(no_table_that_grows_is_gone_through);

/// Tables with a row or more for each person, session or request.
const GROWING: [&str; 8] = [
    "events",
    "identities",
    "limits",
    "mail_requests",
    "one_time_tokens",
    "outbox",
    "sessions",
    "users",
];

/// Whether there is anything at all: the first row is the last that is read. And what our own
/// support counts, which nobody else does.
const HARMLESS: [&str; 3] = [
    "SELECT EXISTS (SELECT outbox.id FROM outbox)",
    "SELECT COUNT(*) FROM mail_requests",
    "SELECT COUNT(*) FROM outbox WHERE (outbox.dead_at IS NULL)",
];

fn no_table_that_grows_is_gone_through(on: Backend) {
    statements::watch();
    let mut url = String::new();
    let server = Server::with(on, |config| {
        config.limits.enabled = true;
        config.database.url.expose_secret().clone_into(&mut url);
    });
    tour(&server);
    let seen = statements::of(on);
    for table in GROWING {
        let is_met = seen.iter().any(|text| statements::mentions(text, table));
        assert!(is_met, "the tour does not come to {table}");
    }
    let mut explainer = Explainer::connect(&url);
    // Or nothing would be found at all.
    for text in [
        "SELECT id FROM users WHERE first_name = 'Ann'",
        "SELECT id FROM sessions ORDER BY created_at LIMIT 1",
        "DELETE FROM events WHERE kind = 'login'",
    ] {
        let plan = explainer.plan(text);
        assert!(
            explain::goes_through_one_of(&GROWING, text, &plan),
            "{plan:?}"
        );
    }
    let through_all: Vec<String> = seen
        .iter()
        .filter(|text| !HARMLESS.contains(&text.replace(['`', '"'], "").as_str()))
        .map(|text| (text, explainer.plan(text)))
        .filter(|(text, plan)| explain::goes_through_one_of(&GROWING, text, plan))
        .map(|(text, plan)| format!("{text}\n    {}", plan.join("\n    ")))
        .collect();
    assert!(seen.len() > 50, "only {} statements", seen.len());
    assert!(through_all.is_empty(), "{}", through_all.join("\n\n"));
}

/// What people do, and what happens by itself.
fn tour(server: &Server) {
    let ann = server.confirmed("ann");
    enter_and_leave(server, &ann);
    change_everything(server, &ann);
    operate(server);
}

fn post(server: &Server, path: &str, body: &Value) -> Answer {
    let path = format!("/auth/{path}/");
    server.anonymous().post_json(&path, body)
}

/// Logins, right and wrong; sessions that are refreshed, repeated, reused, listed, ended.
fn enter_and_leave(server: &Server, ann: &Person) {
    let login = |body| post(server, "login", &body);
    let refresh = |token: &str| post(server, "token/refresh", &json!({"refresh": token}));
    let other = login(json!({"username": "ann", "password": PASSWORD})).member("refresh");
    login(json!({"email": ann.email, "password": "wrong battery"})).has_status(400);
    login(json!({"email": "nobody@example.com", "password": PASSWORD})).has_status(400);
    let next = refresh(&other).member("refresh");
    refresh(&other).ok(200);
    let last = refresh(&next).member("access");
    refresh(&other).has_status(401);
    post(server, "token/verify", &json!({"token": last})).has_status(401);
    ann.client.get("/auth/user/").ok(200);
    let name = json!({"first_name": "Ann"});
    ann.client.patch_json("/auth/user/", &name).ok(200);
    login(json!({"email": ann.email, "password": PASSWORD})).ok(200);
    let sessions = ann.client.get("/auth/sessions/").ok(200);
    for one in sessions.as_array().expect("a list") {
        if one["current"] == false {
            let path = format!("/auth/sessions/{}/", one["id"].as_str().expect("an id"));
            ann.client.delete(&path).has_status(204);
        }
    }
    let token = login(json!({"email": ann.email, "password": PASSWORD})).member("refresh");
    post(server, "logout", &json!({"refresh": token})).ok(200);
    server.mails();
}

/// Password, address, account; with the mails about it.
fn change_everything(server: &Server, ann: &Person) {
    let (old, new) = (PASSWORD, "nine purple umbrellas");
    let body = json!({"old_password": old, "new_password1": new, "new_password2": new});
    ann.client
        .post_json("/auth/password/change/", &body)
        .ok(200);
    server.mails();
    post(server, "password/reset", &json!({"email": ann.email})).ok(200);
    let (uid, token) = link::reset_pair(&server.mail(&ann.email).text);
    let body = json!({"uid": uid, "token": token, "new_password1": old, "new_password2": old});
    post(server, "password/reset/confirm", &body).ok(200);
    server.mails();
    let login = json!({"username": "ann", "password": old});
    let access = post(server, "login", &login).member("access");
    let client = ann.client.with_bearer(&access);
    let body = json!({"email": "new@example.com", "password": old});
    client.post_json("/auth/email/change/", &body).ok(200);
    let mails = server.mails();
    let mail = mails.iter().find(|mail| mail.to == "new@example.com");
    let key = link::change_key(&mail.expect("a mail").text);
    post(server, "email/change/confirm", &json!({"key": key})).ok(200);
    client
        .post_json("/auth/reauthenticate/", &json!({"password": old}))
        .ok(200);
    client.post_json("/auth/logout/all/", &json!({})).ok(200);
    server.mails();
    let bob = server.person("bob");
    post(
        server,
        "registration/resend-email",
        &json!({"email": bob.email}),
    )
    .ok(200);
    server.connect(&bob.pk, "one");
    bob.client
        .delete_json("/auth/user/", &json!({"password": PASSWORD}))
        .has_status(204);
    server.mails();
}

/// What jobs and operators do.
fn operate(server: &Server) {
    let cleo = server.confirmed("cleo");
    server.set_active(&cleo.pk, false);
    server.set_active(&cleo.pk, true);
    server.resolve("cleo").expect("the account");
    block_on(server.app.accounts.list(None, 10)).expect("the accounts");
    server.advance(40 * 24 * 3600);
    server.delete_unconfirmed();
    let login = json!({"username": "cleo", "password": PASSWORD});
    post(server, "login", &login).ok(200);
    server.delete(&cleo.pk);
    server.mails();
}
