//! What somebody wrote into the tables that is not so, before a master key is revoked that he knows.

use std::time::Duration;

use diesel::prelude::*;
use jsonwebtoken::Header;
use signet::app::App;
use signet::crypto::{Algorithm, RootSecret, SigningKey};
use signet::keys::{Revoked, Stage};

use super::emergency::{beside, revoke_first};
use super::forgery::slip_in;
use super::{appear, kid, neighbour, refresh, report, rotate, sealed_under, stages};
use crate::support::{Backend, Installation, Server, block_on, on_both, token};

on_both!(
    a_name_that_is_no_text_hides_no_signing_key,
    a_name_that_is_no_text_saves_no_master_key,
    a_mail_whose_name_is_no_text_is_not_waited_for,
    a_key_that_waits_takes_over_from_one_that_was_retired,
    a_retired_key_is_not_taken_for_a_new_one,
    a_key_is_not_its_own_successor,
    sessions_and_links_end_whatever_was_current,
    a_token_of_a_key_that_waits_is_not_believed,
    nodes_that_are_said_to_come_are_not_waited_for,
    a_node_that_lacks_the_key_is_told_of_whatever_is_current,
    without_any_registered_key_an_installation_is_recovered,
    without_any_key_of_this_version_one_is_made_at_once,
    a_job_is_not_put_off_for_good,
    names_write_nothing_on_the_terminal,
);

fn write(server: &Server, statement: &str) {
    let statement = statement.to_owned();
    server.rows(move |conn| diesel::sql_query(&statement).execute(conn));
}

/// As an operator does it, by a process that knows only what the tables say.
fn revoke(server: &Server, id: &str) -> Revoked {
    let beside = beside(server);
    let revoked = beside.revoke_master_key(id, Duration::ZERO);
    let revoked = block_on(revoked).expect("revoked");
    block_on(server.app.keys.reload()).expect("the keys");
    revoked
}

/// Why it is refused; nothing, if it is done.
fn try_to_revoke(app: &App, id: &str) -> String {
    let revoked = block_on(app.revoke_master_key(id, Duration::ZERO));
    revoked.map_or_else(|error| error.to_string(), |_| String::new())
}

/// SQLite keeps bytes in a column of text, and no statement finds them by the text.
fn as_bytes(server: &Server, table: &str, column: &str) {
    write(
        server,
        &format!("UPDATE {table} SET {column} = CAST({column} AS BLOB)"),
    );
}

fn a_name_that_is_no_text_hides_no_signing_key(on: Backend) {
    if on == Backend::Postgresql {
        return; // keeps text alone
    }
    let server = Server::start(on);
    let first = sealed_under(&server).remove(0);
    let ann = server.person("ann");
    rotate(&server);
    server.advance(61);
    let app = &server.app;
    block_on(app.keys.reseal(&app.mail, server.clock.now())).expect("sealed anew");
    as_bytes(&server, "signing_keys", "kid");
    let is_refused = || {
        let body = serde_json::json!({"token": ann.access});
        let verify = server.anonymous().post_json("/auth/token/verify/", &body);
        verify.has_status(401);
        let jwks = server.anonymous().get("/.well-known/jwks.json").text;
        assert!(!jwks.contains(&kid(&ann.access)), "{jwks}");
    };
    block_on(app.keys.reload()).expect("the keys");
    is_refused();
    revoke(&server, &first);
    is_refused();
    refresh(&server.anonymous(), &server.person("eve").refresh).ok(200);
}

fn a_name_that_is_no_text_saves_no_master_key(on: Backend) {
    if on == Backend::Postgresql {
        return;
    }
    let server = Server::start(on);
    let first = sealed_under(&server).remove(0);
    let ann = server.person("ann");
    let added = server.app.keys.add_master_key().expect("another");
    report(&server);
    as_bytes(&server, "master_keys", "id");
    let revoked = revoke(&server, &first);
    assert_eq!(revoked.current, added);
    refresh(&server.anonymous(), &ann.refresh).has_status(401);
    refresh(&server.anonymous(), &server.person("eve").refresh).ok(200);
    let mut stages = stages(&server);
    stages.sort_by_key(|stage| stage.name());
    assert_eq!(stages, [Stage::Current, Stage::Retired]);
}

fn a_mail_whose_name_is_no_text_is_not_waited_for(on: Backend) {
    let server = Server::start(on);
    let (name, sealed) = match on {
        Backend::Sqlite => ("CAST('0' AS BLOB)", "zeroblob(60)"),
        Backend::Postgresql => ("'0'", "'\\x0000'"),
    };
    // More than are sealed anew at once, and not due for years.
    let names = (0..40).map(|number| format!("'{number:03}'"));
    for name in names.chain([name.to_owned()]) {
        write(
            &server,
            &format!(
                "INSERT INTO outbox (id, kind, recipient, sealed_message, created_at, expires_at, \
                 next_attempt_at, attempts) VALUES ({name}, 'welcome', 'x@example.com', {sealed}, \
                 '2090-01-01 00:00:00', '2090-01-01 00:00:00', '2090-01-01 00:00:00', 0)"
            ),
        );
    }
    revoke_first(&server);
    assert_eq!(server.stored()[3], 0);
}

fn a_key_that_waits_takes_over_from_one_that_was_retired(on: Backend) {
    let server = Server::start(on);
    let retired = revoke_first(&server);
    let ann = server.person("ann");
    let known = kid(&ann.refresh);
    server.advance(1);
    let now = server.clock.now().naive_utc();
    write(
        &server,
        &format!(
            "UPDATE master_keys SET retired_at = NULL, current_from = '{now}' WHERE id = '{retired}'"
        ),
    );
    let added = server.app.keys.add_master_key().expect("another");
    report(&server);
    server.advance(1);
    let revoked = revoke(&server, &known);
    assert_eq!(revoked.current, added);
    refresh(&server.anonymous(), &ann.refresh).has_status(401);
    let eve = server.person("eve");
    assert_eq!(kid(&eve.refresh), added.to_string());
    refresh(&server.anonymous(), &eve.refresh).ok(200);
}

fn a_retired_key_is_not_taken_for_a_new_one(on: Backend) {
    let server = Server::start(on);
    let retired = revoke_first(&server);
    let current = kid(&server.person("ann").refresh);
    write(
        &server,
        &format!("DELETE FROM master_keys WHERE id = '{retired}'"),
    );
    let refused = try_to_revoke(&beside(&server), &current);
    assert!(refused.contains("no master key is waiting"), "{refused}");
}

fn a_key_is_not_its_own_successor(on: Backend) {
    let server = Server::start(on);
    let first = sealed_under(&server).remove(0);
    let ann = server.person("ann");
    write(
        &server,
        "UPDATE master_keys SET current_from = '2090-01-01 00:00:00'",
    );
    let refused = try_to_revoke(&beside(&server), &first);
    assert!(refused.contains("no master key is waiting"), "{refused}");
    let added = server.app.keys.add_master_key().expect("another");
    report(&server);
    let revoked = revoke(&server, &first);
    assert_eq!(revoked.current, added);
    refresh(&server.anonymous(), &ann.refresh).has_status(401);
}

fn sessions_and_links_end_whatever_was_current(on: Backend) {
    let server = Server::start(on);
    let first = sealed_under(&server).remove(0);
    let ann = server.person("ann");
    rotate(&server);
    server.advance(61);
    // As if it never had been.
    write(
        &server,
        &format!(
            "UPDATE master_keys SET current_from = '2090-01-01 00:00:00' WHERE id = '{first}'"
        ),
    );
    revoke(&server, &first);
    refresh(&server.anonymous(), &ann.refresh).has_status(401);
    let link = serde_json::json!({"key": ann.confirm_key});
    let confirm = "/auth/registration/verify-email/";
    server.anonymous().post_json(confirm, &link).has_status(404);
    // Nor does a session live that was written ahead for the next epoch.
    write(&server, "UPDATE sessions SET epoch = 1");
    refresh(&server.anonymous(), &ann.refresh).has_status(401);
}

fn a_token_of_a_key_that_waits_is_not_believed(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    server.app.keys.add_master_key().expect("another");
    report(&server);
    let file = std::fs::read(&server.app.config.keys.master_key_file).expect("the file");
    let waiting: [u8; 32] = file[32..].try_into().expect("a key");
    let waiting = RootSecret::new(waiting);
    let mut header = Header::new(Algorithm::Hs256.into());
    header.typ = token::header(&ann.refresh)["typ"]
        .as_str()
        .map(str::to_owned);
    header.kid = Some(waiting.id().to_string());
    let key = SigningKey::hmac(&waiting.derive("refresh-tokens"));
    let forged = key
        .encode(&header, &token::claims(&ann.refresh))
        .expect("a token");
    let refreshed = || refresh(&server.anonymous(), &forged);
    refreshed().has_status(503);
    block_on(server.app.keys.rotate_master_key(None)).expect("a rotation");
    server.advance(1);
    refreshed().ok(200);
}

fn nodes_that_are_said_to_come_are_not_waited_for(on: Backend) {
    let server = Server::start(on);
    let first = sealed_under(&server).remove(0);
    server.app.keys.add_master_key().expect("another");
    let now = server.clock.now().naive_utc();
    for number in 0..40 {
        let seen_at = now + chrono::TimeDelta::seconds(number * 30);
        appear(&server, &format!("to-be-{number}"), seen_at, "");
    }
    report(&server);
    let refused = try_to_revoke(&server.app, &first);
    assert!(refused.contains("other.example"), "{refused}");
    server.advance(300);
    report(&server);
    assert_eq!(try_to_revoke(&server.app, &first), "");
}

fn a_node_that_lacks_the_key_is_told_of_whatever_is_current(on: Backend) {
    let server = Server::start(on);
    let first = sealed_under(&server).remove(0);
    rotate(&server);
    server.advance(61);
    // Not the one that is to be revoked, so it might go on without another.
    server.app.keys.add_master_key().expect("another");
    report(&server);
    neighbour(&server, "");
    let refused = try_to_revoke(&server.app, &first);
    assert!(refused.contains("other.example"), "{refused}");
    assert_eq!(
        stages(&server),
        [Stage::Former, Stage::Current, Stage::Waiting]
    );
}

fn without_any_registered_key_an_installation_is_recovered(on: Backend) {
    let installation = Installation::new(on);
    installation.start(&[]).stop();
    installation.rows(|conn| diesel::sql_query("DELETE FROM master_keys").execute(conn));
    std::fs::remove_file(super::key_file(&installation)).expect("lost");
    installation.run(&["keys", "master", "recover", "--yes"]);
    installation.start(&[]).anonymous().get("/readyz").ok(200);
}

fn without_any_key_of_this_version_one_is_made_at_once(on: Backend) {
    let installation = Installation::new(on);
    // No server is there whose job would do it.
    installation.start(&[]).stop();
    let json = |arguments: &[&str]| {
        let told = installation.run(&[arguments, &["--json"]].concat());
        serde_json::from_str::<serde_json::Value>(&told).expect("JSON")
    };
    let status = json(&["keys", "master", "status"]);
    let first = status[0]["id"].as_str().expect("text");
    let update = "UPDATE signing_keys SET algorithm = 'ES999'";
    installation.rows(move |conn| diesel::sql_query(update).execute(conn));
    let added = json(&["keys", "master", "add"]);
    let revoked = json(&["keys", "master", "revoke", first, "--now"]);
    assert_eq!(revoked["current"], added["added"]);
    let keys = json(&["keys", "list"]);
    assert_eq!(keys.as_array().map(Vec::len), Some(1), "{keys}");
    assert_eq!(keys[0]["state"], "active", "{keys}");
}

fn a_job_is_not_put_off_for_good(on: Backend) {
    let server = Server::start(on);
    let shared = &server.app.shared_jobs;
    let minute = chrono::TimeDelta::minutes(1);
    let run = |name| {
        let has_run = std::cell::Cell::new(false);
        let job = async {
            has_run.set(true);
            Ok(())
        };
        block_on(shared.run(name, minute, job)).expect("no failure");
        has_run.get()
    };
    assert!(run("a job"));
    assert!(!run("a job"), "it is not due");
    let far = "2090-01-01 00:00:00";
    let soon = (server.clock.now() + minute).naive_utc().to_string();
    for (column, at, is_run) in [
        ("next_run_at", far, true),
        ("next_run_at", &soon, false),
        ("lease_until", far, true),
        ("lease_until", &soon, false),
    ] {
        let due = "UPDATE jobs SET next_run_at = '2020-01-01 00:00:00', lease_until = NULL";
        write(&server, due);
        let change = format!("UPDATE jobs SET {column} = '{at}' WHERE name = 'a job'");
        write(&server, &change);
        assert_eq!(run("a job"), is_run, "{column} {at}");
    }
}

fn names_write_nothing_on_the_terminal(on: Backend) {
    let installation = Installation::new(on);
    installation.start(&[]).stop();
    let name = "k\u{1b}[2J";
    let row = slip_in(name, "ES256");
    installation.rows(move |conn| diesel::sql_query(&row).execute(conn));
    let list = installation.run(&["keys", "list"]);
    assert!(!list.contains('\u{1b}') && !list.contains("[2J"), "{list}");
    let told = installation.run(&["keys", "revoke", name, "--now"]);
    assert!(told.contains("k\\u{1b}[2J left the database"), "{told:?}");
}
