//! The audit trail: what is recorded, and what the command line shows of it.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Backend, Client, Installation, PASSWORD, Person, Server, link, on_both};

on_both!(
    every_change_of_an_account_is_told_once,
    what_changed_nothing_is_not_told,
    who_deleted_an_account_is_told,
    the_command_line_lists_and_narrows,
    the_command_line_follows,
);

fn post(client: &Client, path: &str, body: &Value) -> u16 {
    client.post_json(&format!("/auth/{path}"), body).status
}

/// The kinds that were recorded, in order, and the details of each.
fn told(server: &Server) -> Vec<(String, Value)> {
    use diesel::prelude::*;
    use signet::storage::schema::events;
    let rows = server.rows(|conn| {
        events::table
            .order((events::at, events::id))
            .filter(events::subject.is_not_null())
            .select((events::kind, events::details))
            .load::<(String, String)>(conn)
    });
    rows.into_iter()
        .map(|(kind, details)| (kind, serde_json::from_str(&details).expect("JSON")))
        .collect()
}

/// Another moment, so that the order is plain.
fn then(server: &Server) {
    server.advance(1);
}

fn every_change_of_an_account_is_told_once(on: Backend) {
    let server = Server::start(on);
    let anonymous = server.anonymous();
    let ann = server.person("ann");
    then(&server);
    assert_eq!(
        post(
            &anonymous,
            "registration/resend-email/",
            &json!({"email": ann.email})
        ),
        200
    );
    let key = link::confirm_key(&server.mail(&ann.email).text);
    then(&server);
    for _ in 0..2 {
        post(
            &anonymous,
            "registration/verify-email/",
            &json!({"key": key}),
        );
    }
    then(&server);
    let profile = json!({"username": "anna", "last_name": "Lee", "first_name": ""});
    ann.client.patch_json("/auth/user/", &profile).ok(200);
    ann.client.patch_json("/auth/user/", &profile).ok(200);
    then(&server);
    post(
        &ann.client,
        "reauthenticate/",
        &json!({"password": PASSWORD}),
    );
    then(&server);
    let body = json!({"email": "new@example.com", "password": PASSWORD});
    post(&ann.client, "email/change/", &body);
    let mails = server.mails();
    let mail = mails.iter().find(|mail| mail.to == "new@example.com");
    let key = link::change_key(&mail.expect("a link").text);
    then(&server);
    for _ in 0..2 {
        post(&anonymous, "email/change/confirm/", &json!({"key": key}));
    }
    server.mail(&ann.email);
    then(&server);
    post(
        &anonymous,
        "password/reset/",
        &json!({"email": "new@example.com"}),
    );
    server.mail("new@example.com");
    then(&server);
    let ended = other_session(&server, &ann);
    then(&server);
    ann.client.delete(&format!("/auth/sessions/{ended}/"));
    ann.client.delete(&format!("/auth/sessions/{ended}/"));
    then(&server);
    post(&ann.client, "logout/all/", &json!({}));
    let none = json!({});
    let expected = [
        ("user_registered", none.clone()),
        ("confirmation_requested", none.clone()),
        ("email_confirmed", none.clone()),
        (
            "profile_updated",
            json!({"fields": ["username", "last_name"]}),
        ),
        ("reauthenticated", none.clone()),
        ("email_change_requested", none.clone()),
        ("email_changed", none.clone()),
        ("password_reset_requested", none.clone()),
        ("login_succeeded", none.clone()),
        ("session_ended", json!({"ended": ended})),
        ("sessions_ended_all", none),
    ];
    let expected = expected.map(|(kind, details)| (kind.to_owned(), details));
    assert_eq!(told(&server), expected);
}

/// The id of another session of ann's.
fn other_session(server: &Server, ann: &Person) -> String {
    let body = json!({"username": "anna", "password": PASSWORD});
    server.anonymous().post_json("/auth/login/", &body).ok(200);
    let listed = ann.client.get("/auth/sessions/").ok(200);
    listed[0]["id"].as_str().expect("an id").to_owned()
}

/// Of what failed, only the passwords. Nor is told what changed nothing, nor what was asked for addresses that nobody has.
fn what_changed_nothing_is_not_told(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    then(&server);
    let before = told(&server).len();
    let wrong = json!({"password": "wrong battery", "email": "new@example.com"});
    for path in ["reauthenticate/", "email/change/", "email/change/confirm/"] {
        assert_eq!(post(&ann.client, path, &wrong), 400, "{path}");
    }
    ann.client
        .delete_json("/auth/user/", &wrong)
        .has_status(400);
    ann.client.delete("/auth/sessions/x/").has_status(404);
    ann.client
        .patch_json("/auth/user/", &json!({"username": "ann"}))
        .ok(200);
    for path in ["password/reset/", "registration/resend-email/"] {
        let body = json!({"email": "nobody@example.com"});
        assert_eq!(post(&server.anonymous(), path, &body), 200);
    }
    let failures = told(&server).split_off(before);
    let wrong = (
        "login_failed".to_owned(),
        json!({"reason": "wrong_password"}),
    );
    assert_eq!(failures, [wrong.clone(), wrong.clone(), wrong]);
}

fn who_deleted_an_account_is_told(on: Backend) {
    let server = Server::with(on, |config| {
        config.account.email_verification = signet::config::EmailVerification::Mandatory;
    });
    let ann = server.person("ann");
    let body = json!({"password": PASSWORD});
    ann.client.delete_json("/auth/user/", &body).has_status(204);
    server.mail(&ann.email);
    then(&server);
    let bob = server.person("bob");
    server.delete(&bob.pk);
    let form = json!({"username": "cid", "email": "cid@example.com", "password1": PASSWORD,
        "password2": PASSWORD});
    assert_eq!(post(&server.anonymous(), "registration/", &form), 201);
    server.mail("cid@example.com");
    server.advance(7 * 24 * 3600);
    assert_eq!(server.delete_unconfirmed(), 1);
    let by: Vec<Value> = server.events("user_deleted");
    let by: Vec<_> = by.iter().map(|details| &details["by"]).collect();
    assert_eq!(by, ["owner", "operator", "deadline"]);
}

fn the_command_line_lists_and_narrows(on: Backend) {
    let installation = Installation::new(on);
    let process = installation.start(&[]);
    let register = |name: &str| {
        let body = json!({"username": name, "password1": PASSWORD, "password2": PASSWORD});
        let answer = process.anonymous().post_json("/auth/registration/", &body);
        answer.ok(201)["user"]["pk"]
            .as_str()
            .expect("pk")
            .to_owned()
    };
    let (ann, bob) = (register("ann"), register("bob"));
    let login = json!({"username": "ann", "password": PASSWORD});
    assert_eq!(post(&process.anonymous(), "login/", &login), 200);
    let list = |arguments: &[&str]| -> Vec<Value> {
        let text = installation.run(&[&["events", "list", "--json"], arguments].concat());
        text.lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    };
    let kinds = |events: &[Value]| -> Vec<String> {
        let kinds = events.iter().map(|event| event["kind"].as_str());
        kinds.map(|kind| kind.expect("text").to_owned()).collect()
    };
    let all = list(&["--since", "1h"]);
    assert_eq!(
        kinds(&all),
        [
            "signing_key_created",
            "user_registered",
            "user_registered",
            "login_succeeded"
        ]
    );
    let names: Vec<_> = all[3].as_object().expect("an object").keys().collect();
    assert_eq!(
        names,
        [
            "address", "at", "details", "id", "kind", "session", "subject"
        ]
    );
    assert_eq!(
        kinds(&list(&["--limit", "2"])),
        ["user_registered", "login_succeeded"]
    );
    assert_eq!(
        list(&["--kind", "user_registered", "--kind", "login_succeeded"]),
        all[1..]
    );
    assert_eq!(list(&["--subject", "bob"]), all[2..3]);
    assert_eq!(
        list(&["--subject", &ann, "--kind", "login_succeeded"]),
        all[3..]
    );
    assert_eq!(list(&["--since", "2100-01-01T00:00:00Z"]), [Value::Null; 0]);
    let at = all[2]["at"].as_str().expect("a time");
    assert_eq!(list(&["--since", at]), all[2..]);
    // Of an account that is gone, the events are there all the same.
    installation.run(&["users", "delete", "bob", "--yes"]);
    assert_eq!(
        kinds(&list(&["--subject", &bob])),
        ["user_registered", "user_deleted"]
    );

    let table = installation.run(&["events", "list", "--limit", "3"]);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 4, "{table}");
    let column = lines[0].find("SUBJECT").expect("a head");
    assert!(
        lines[1..].iter().all(|line| line[column..].len() >= 36),
        "{table}"
    );
    assert!(lines[3].ends_with("by=operator"), "{table}");

    let wrong = |arguments: &[&str]| installation.try_run(arguments).expect_err("a failure");
    let error = wrong(&["events", "list", "--kind", "login_suceeded"]);
    assert!(error.contains("did you mean login_succeeded?"), "{error}");
    let error = wrong(&["events", "list", "--subject", "nobody"]);
    assert!(error.contains("no account `nobody`"), "{error}");
    for arguments in [["--since", "soon"], ["--limit", "0"], ["--limit", "10001"]] {
        wrong(&[&["events", "list"], &arguments[..]].concat());
    }
}

fn the_command_line_follows(on: Backend) {
    let installation = Installation::new(on);
    let process = installation.start(&[]);
    let register = |name: &str| {
        let body = json!({"username": name, "password1": PASSWORD, "password2": PASSWORD});
        assert_eq!(post(&process.anonymous(), "registration/", &body), 201);
    };
    register("ann");
    let printed = installation.run(&["events", "tail"]);
    assert_eq!(printed.lines().count(), 3, "{printed}");
    let mut tail = installation
        .command(&["events", "tail", "--follow", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut lines = BufReader::new(tail.stdout.take().expect("a pipe")).lines();
    let mut next = || -> Value {
        let line = lines.next().expect("a line").expect("text");
        serde_json::from_str(&line).expect("JSON")
    };
    assert_eq!(next()["kind"], "signing_key_created");
    let first = next();
    for name in ["bob", "cid"] {
        register(name);
        let event = next();
        assert_eq!(event["kind"], "user_registered");
        assert_ne!(event["subject"], first["subject"]);
    }
    // Interrupted, it ends as if nothing had happened.
    let interrupt = std::process::Command::new("kill")
        .args(["-INT", &tail.id().to_string()])
        .status();
    assert!(interrupt.expect("kill runs").success());
    assert!(tail.wait().expect("an end").success());

    // Whoever reads no more ends it, too, with the next event.
    let mut tail = installation
        .command(&["events", "tail", "--follow"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut out = BufReader::new(tail.stdout.take().expect("a pipe"));
    out.read_line(&mut String::new()).expect("the head");
    drop(out);
    register("dan");
    let output = tail.wait_with_output().expect("an end");
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
