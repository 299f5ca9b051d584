//! No secret where it does not belong (security line T-25): the log at its most talkative, and the
//! database as a thief would carry it away.

use std::time::Duration;

use serde_json::json;

use crate::support::{Backend, Client, Installation, Process, link, on_both};

on_both!(no_secret_is_in_the_log_or_the_database);

const MAIL_LIMIT: Duration = Duration::from_mins(1);

fn post(client: &Client, path: &str, body: &serde_json::Value) -> serde_json::Value {
    client.post_json(&format!("/auth/{path}"), body).json
}

fn no_secret_is_in_the_log_or_the_database(on: Backend) {
    let installation = Installation::new(on);
    let process = installation.start(&[("log", "filter", "\"trace\"")]);
    let ann = process.anonymous();
    let mut secrets = Vec::new();
    let mut keep = |name: &'static str, secret: &str| {
        assert!(secret.len() >= 8, "{name}: {secret:?}");
        secrets.push((name, secret.to_owned()));
    };

    let (first, second, third, wrong) = (
        "canary-one-4711",
        "canary-two-4711",
        "canary-three-4711",
        "canary-bad-4711",
    );
    let registration = json!({
        "username": "ann", "email": "ann@example.com", "password1": first, "password2": first,
    });
    let tokens = post(&ann, "registration/", &registration);
    keep("access token", tokens["access"].as_str().expect("access"));
    let refresh = tokens["refresh"].as_str().expect("refresh");
    keep("refresh token", refresh);
    let next = post(&ann, "token/refresh/", &json!({ "refresh": refresh }));
    keep("its successor", next["refresh"].as_str().expect("refresh"));
    post(&ann, "token/verify/", &json!({ "token": next["access"] }));
    ann.with_bearer(next["access"].as_str().expect("access"))
        .get("/auth/user/");
    post(
        &ann,
        "login/",
        &json!({ "username": "ann", "password": wrong }),
    );

    let mail = installation
        .mail
        .wait("ann@example.com", "account-confirm-email", MAIL_LIMIT);
    let key = link::confirm_key(&mail.expect("a confirmation").text);
    ann.get(&format!("/auth/registration/account-confirm-email/{key}/"));
    post(&ann, "registration/verify-email/", &json!({ "key": key }));
    keep("confirmation key", &key);

    post(
        &ann,
        "password/reset/",
        &json!({ "email": "ann@example.com" }),
    );
    let mail = installation
        .mail
        .wait("ann@example.com", "password/reset/confirm", MAIL_LIMIT);
    let (uid, token) = link::reset_pair(&mail.expect("a reset link").text);
    ann.get(&format!("/auth/password/reset/confirm/{uid}/{token}/"));
    let reset = json!({
        "uid": uid, "token": token, "new_password1": second, "new_password2": second,
    });
    post(&ann, "password/reset/confirm/", &reset);
    keep("reset token", &token);
    // A mail that waits in the outbox is sealed; this one is delivered or waiting, no matter.
    post(
        &ann,
        "password/reset/",
        &json!({ "email": "ann@example.com" }),
    );
    own_account(&installation, &process, (second, third), &mut keep);
    for (name, password) in [
        ("third", third),
        ("first", first),
        ("second", second),
        ("wrong", wrong),
    ] {
        keep(name, password);
    }

    let (log, database) = (process.output(), installation.dump());
    assert!(
        log.contains("TRACE") && log.contains("/auth/login"),
        "the log is the whole log"
    );
    assert!(
        contains(&database, "bob@example.com"),
        "the dump is the whole database"
    );
    let events = installation.run(&["events", "list", "--limit", "10000", "--json"]);
    for kind in ["reauthenticated", "email_changed", "user_deleted"] {
        assert!(events.contains(kind), "the events are all events: {events}");
    }
    assert!(!events.contains('@'), "an address: {events}");
    let master_key = std::fs::read(installation.directory.path().join("master.key"));
    let master_key = master_key.expect("the master key");
    assert!(
        !database.windows(32).any(|window| window == master_key),
        "the master key"
    );
    for (name, secret) in &secrets {
        assert!(!log.contains(secret), "{name} is in the log");
        assert!(!events.contains(secret), "{name} is in the events");
        assert!(!contains(&database, secret), "{name} is in the database");
        // The signature of a token is as good as the token to who has the rest.
        let tail = secret.rsplit('.').next().unwrap_or(secret);
        assert!(!log.contains(tail), "the end of {name} is in the log");
    }
}

/// What people do to their own accounts: each with the password, some with a mailed key.
fn own_account(
    installation: &Installation,
    process: &Process,
    (password, third): (&str, &str),
    keep: &mut impl FnMut(&'static str, &str),
) {
    let login = json!({ "username": "ann", "password": password });
    let tokens = post(&process.anonymous(), "login/", &login);
    let access = tokens["access"].as_str().expect("access");
    keep("another access token", access);
    let ann = process.anonymous().with_bearer(access);
    let again = post(&ann, "reauthenticate/", &json!({ "password": password }));
    keep(
        "a token after a new proof",
        again["access"].as_str().expect("access"),
    );
    post(&ann, "reauthenticate/", &json!({ "password": third }));
    let change = json!({ "email": "new@example.com", "password": password });
    post(&ann, "email/change/", &change);
    let mail = installation
        .mail
        .wait("new@example.com", "email/change/confirm", MAIL_LIMIT);
    let key = link::change_key(&mail.expect("a link for the new address").text);
    let page = format!("/auth/email/change/confirm/{key}/");
    ann.get(&page).has_status(200);
    ann.post_form(&page, &[]).has_status(303);
    post(&ann, "email/change/confirm/", &json!({ "key": key }));
    keep("key for another address", &key);
    let bob = json!({
        "username": "bob", "email": "bob@example.com", "password1": third, "password2": third,
    });
    let tokens = post(&ann, "registration/", &bob);
    let bob = process
        .anonymous()
        .with_bearer(tokens["access"].as_str().expect("access"));
    let sessions = bob.get("/auth/sessions/");
    assert!(
        !sessions
            .text
            .contains(tokens["refresh"].as_str().expect("refresh"))
    );
    post(&bob, "logout/all/", &json!({}));
    ann.delete_json("/auth/user/", &json!({ "password": third }))
        .has_status(400);
    ann.delete_json("/auth/user/", &json!({ "password": password }))
        .has_status(204);
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}
