//! Master keys that are retired stay so, whoever writes to the database.

use std::time::Duration;

use diesel::prelude::*;
use signet::keys::Stage;
use signet::storage::schema::master_keys;

use super::{kid, refresh, report, rotate, stages};
use crate::support::{Backend, Installation, Server, block_on, on_both};

on_both!(
    a_retirement_cannot_be_taken_back_in_the_database,
    only_what_is_not_used_leaves_the_file,
    a_retired_key_in_the_file_is_a_warning,
    a_key_that_left_the_file_does_not_become_current,
    a_key_that_becomes_current_while_it_leaves_the_file_is_kept,
);

fn a_retirement_cannot_be_taken_back_in_the_database(on: Backend) {
    let server = Server::start(on);
    let app = &server.app;
    let ann = server.person("ann");
    let bad = kid(&ann.refresh);
    rotate(&server);
    server.advance(61);
    block_on(app.revoke_master_key(&bad, Duration::ZERO)).expect("revoked");
    let is_refused = || {
        block_on(app.keys.reload()).expect("the keys");
        refresh(&server.anonymous(), &ann.refresh).has_status(401);
        report(&server);
        refresh(&server.anonymous(), &ann.refresh).has_status(401);
    };
    is_refused();
    let id = bad.clone();
    server.rows(move |conn| {
        diesel::update(master_keys::table.find(&id))
            .set(master_keys::retired_at.eq(None::<chrono::NaiveDateTime>))
            .execute(conn)
    });
    is_refused();
    server.rows(move |conn| diesel::delete(master_keys::table.find(&bad)).execute(conn));
    is_refused();
    let eve = server.person("eve");
    refresh(&server.anonymous(), &eve.refresh).ok(200);
}

fn only_what_is_not_used_leaves_the_file(on: Backend) {
    let server = Server::start(on);
    let app = &server.app;
    let first = kid(&server.person("ann").refresh);
    let refused = |id: &str, words: &str| {
        let error = app.keys.remove_master_key(id);
        let error = block_on(error).expect_err("a refusal").to_string();
        assert!(error.contains(words), "{error}");
    };
    refused(&first, "is current");
    let second = rotate(&server).id.to_string();
    refused(&second, "is next");
    server.advance(61);
    refused(&first, "is former");
    refused("", "name a master key");
    block_on(app.revoke_master_key(&first, Duration::ZERO)).expect("revoked");
    let size = || {
        std::fs::metadata(&app.config.keys.master_key_file)
            .expect("a file")
            .len()
    };
    assert_eq!(size(), 64);
    block_on(app.keys.remove_master_key(&first)).expect("removed");
    assert_eq!(size(), 32);
    refused(&first, "not in");
    // One that was added, and is not wanted after all.
    let third = app.keys.add_master_key().expect("a key").to_string();
    report(&server);
    assert_eq!(
        stages(&server),
        [Stage::Retired, Stage::Current, Stage::Waiting]
    );
    block_on(app.keys.remove_master_key(&third)).expect("removed");
    assert_eq!(size(), 32);
    refresh(&server.anonymous(), &server.person("eve").refresh).ok(200);
}

fn a_retired_key_in_the_file_is_a_warning(on: Backend) {
    let installation = Installation::new(on);
    installation.start(&[]).stop();
    let run = |arguments: &[&str]| installation.run(&[&["keys", "master"], arguments].concat());
    let status: serde_json::Value =
        serde_json::from_str(&run(&["status", "--json"])).expect("JSON");
    let first = status[0]["id"].as_str().expect("text").to_owned();
    run(&["add"]);
    run(&["revoke", &first, "--now"]);
    let remedy = format!("signet keys master remove {first}");
    let report = installation.run(&["doctor"]);
    assert!(
        report.contains("still in the file") && report.contains(&remedy),
        "{report}"
    );
    run(&["remove", &first]);
    let report = installation.run(&["doctor"]);
    assert!(!report.contains("still in the file"), "{report}");
}

fn a_key_that_left_the_file_does_not_become_current(on: Backend) {
    let server = Server::start(on);
    let keys = &server.app.keys;
    let added = keys.add_master_key().expect("a key").to_string();
    report(&server);
    assert_eq!(stages(&server), [Stage::Current, Stage::Waiting]);
    block_on(keys.remove_master_key(&added)).expect("removed");
    let error = block_on(keys.rotate_master_key(None)).expect_err("it is not there");
    assert!(
        error.to_string().contains("no master key is waiting"),
        "{error}"
    );
    report(&server);
    assert_eq!(
        stages(&server),
        [Stage::Current],
        "nor does a node say that it has it"
    );
}

fn a_key_that_becomes_current_while_it_leaves_the_file_is_kept(on: Backend) {
    let server = Server::start(on);
    let keys = &server.app.keys;
    let added = keys.add_master_key().expect("a key").to_string();
    report(&server);
    // Another node, to which this one has said that it has the key, rotates, and then it is gone from the
    // file; the other way round, the server's own job might say in between that it has it no more.
    let (id, now) = (added.clone(), server.clock.now().naive_utc());
    server.rows(move |conn| {
        diesel::insert_into(master_keys::table)
            .values((
                master_keys::id.eq(&id),
                master_keys::current_from.eq(now + chrono::TimeDelta::seconds(61)),
                master_keys::created_at.eq(now),
            ))
            .execute(conn)
    });
    let file = &server.app.config.keys.master_key_file;
    let both = std::fs::read(file).expect("the file");
    std::fs::write(file, &both[..32]).expect("the file");
    report(&server);
    server.advance(61);
    let ann = server.person("ann");
    assert_eq!(kid(&ann.refresh), added);
    refresh(&server.anonymous(), &ann.refresh).ok(200);
    report(&server);
    assert_eq!(stages(&server), [Stage::Former, Stage::Current]);
}
