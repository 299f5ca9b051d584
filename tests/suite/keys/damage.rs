//! Rows of signing keys that were damaged (T-11).

use chrono::TimeDelta;
use diesel::prelude::*;
use serde_json::json;
use signet::crypto::{Algorithm, KeyFile, SigningKey};
use signet::finding::Verdict;
use signet::keys::{Start, State};
use signet::storage::schema::signing_keys;

use super::{kid, kids, maintain, refresh, verify};
use crate::support::{Backend, Server, block_on, on_both};

on_both!(
    a_damaged_key_is_stood_in_for_and_its_public_part_stays,
    with_its_only_key_damaged_nothing_is_signed_and_no_new_key_is_made,
    a_key_whose_times_cannot_be_read_goes_on_until_another_one_signs,
    a_revoked_key_stays_so_when_its_times_cannot_be_read,
    a_key_that_only_verifies_is_none_that_signs_when_its_times_cannot_be_read,
    a_key_that_begins_far_in_the_future_is_brought_forward,
    a_key_that_waits_stands_in_when_nothing_signs,
    a_key_that_only_verifies_is_never_the_next_one,
    a_key_whose_public_part_was_altered_signs_all_the_same,
    text_that_is_none_keeps_nobody_from_the_other_rows,
);

/// Flips one bit of what is sealed.
fn damage(server: &Server, kid: &str) {
    let kid = kid.to_owned();
    let changed = server.rows(move |conn| {
        let row = signing_keys::table.find(&kid);
        let mut sealed: Vec<u8> = row.select(signing_keys::sealed_private).get_result(conn)?;
        if let Some(last) = sealed.last_mut() {
            *last ^= 1;
        }
        diesel::update(row)
            .set(signing_keys::sealed_private.eq(sealed))
            .execute(conn)
    });
    assert_eq!(changed, 1);
    block_on(server.app.keys.reload()).expect("the others");
}

/// T-11.
fn a_damaged_key_is_stood_in_for_and_its_public_part_stays(on: Backend) {
    let server = Server::start(on);
    let mut ann = server.person("ann");
    let first = kid(&ann.access);
    let keys = &server.app.keys;
    block_on(keys.rotate(keys.default_algorithm(), Start::Earliest)).expect("a next key");
    server.advance(361);
    let access = refresh(&server, &mut ann);
    let second = kid(&access);
    assert_ne!(second, first);
    damage(&server, &second);
    let mut both = vec![first.clone(), second];
    both.sort();
    let mut published = kids(&server);
    published.sort();
    assert_eq!(published, both);
    assert_eq!(verify(&server, &access), 200);
    let stand_in = refresh(&server, &mut ann);
    assert_eq!(kid(&stand_in), first, "every verifier knows it");
    assert_eq!(verify(&server, &stand_in), 200);
}

/// T-11.
fn with_its_only_key_damaged_nothing_is_signed_and_no_new_key_is_made(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let only = kid(&ann.access);
    damage(&server, &only);
    assert_eq!(maintain(&server), 0);
    assert_eq!(kids(&server), std::slice::from_ref(&only));
    assert_eq!(verify(&server, &ann.access), 200);
    let body = json!({"refresh": ann.refresh});
    let answer = server.anonymous().post_json("/auth/token/refresh/", &body);
    assert_eq!((answer.status, answer.header("retry-after")), (503, "2"));
    let ready = server.anonymous().get("/readyz");
    assert_eq!(ready.status, 503);
    assert_eq!(ready.json["checks"]["signing_key"], "failing");
    // An operator's word helps: it has a new key at once.
    block_on(server.app.keys.revoke(&only)).expect("revoked");
    server
        .anonymous()
        .post_json("/auth/token/refresh/", &body)
        .ok(200);
}

/// What is no time, or none that could be added to.
fn spoil(server: &Server, on: Backend, column: &str, kid: &str) {
    let times = match on {
        Backend::Sqlite => ["oops", "+250000-01-01 00:00:00"],
        Backend::Postgresql => ["infinity", "250000-01-01 00:00:00"],
    };
    for time in times {
        let change = format!("UPDATE signing_keys SET {column} = '{time}' WHERE kid = '{kid}'");
        let changed = server.rows(move |conn| diesel::sql_query(&change).execute(conn));
        assert_eq!(changed, 1);
        block_on(server.app.keys.reload()).expect("the others");
        block_on(server.app.keys.entries()).expect("the others");
    }
}

fn states(server: &Server) -> Vec<State> {
    let now = server.clock.now();
    let entries = block_on(server.app.keys.entries()).expect("the keys");
    entries.iter().map(|key| key.lifetime.state(now)).collect()
}

/// T-11.
fn a_key_whose_times_cannot_be_read_goes_on_until_another_one_signs(on: Backend) {
    let server = Server::start(on);
    let mut ann = server.person("ann");
    let only = kid(&ann.access);
    for column in [
        "created_at",
        "publish_at",
        "activate_at",
        "retire_at",
        "remove_at",
    ] {
        spoil(&server, on, column, &only);
    }
    assert_eq!(kids(&server), std::slice::from_ref(&only));
    assert_eq!(kid(&refresh(&server, &mut ann)), only);
    // It is long due, so the next one is announced, and it ends in good order.
    assert_eq!(maintain(&server), 2);
    assert_eq!(maintain(&server), 0);
    assert_eq!(states(&server), [State::Active, State::Pending]);
    let access = refresh(&server, &mut ann);
    assert_eq!(kid(&access), only);
    server.advance(TimeDelta::days(1).num_seconds() + 1);
    assert_eq!(states(&server), [State::Retired, State::Active]);
    assert_ne!(kid(&refresh(&server, &mut ann)), only);
    // One that another has followed already only ends.
    spoil(&server, on, "retire_at", &only);
    assert_eq!(maintain(&server), 1);
    assert_ne!(kid(&refresh(&server, &mut ann)), only);
    server.advance(TimeDelta::days(3).num_seconds());
    assert_eq!(states(&server), [State::Removed, State::Active]);
}

fn a_key_that_only_verifies_is_none_that_signs_when_its_times_cannot_be_read(on: Backend) {
    let server = Server::start(on);
    let keys = &server.app.keys;
    let ann = server.person("ann");
    let (other, _) = SigningKey::generate(Algorithm::Es256).expect("a key");
    let jwk = serde_json::to_vec(&other.public_jwk().expect("its public part")).expect("JSON");
    let file = KeyFile::read(&jwk).expect("a key");
    let keep = TimeDelta::days(30);
    block_on(keys.import_to_verify(file, None, Some("aaa"), keep)).expect("imported");
    spoil(&server, on, "remove_at", "aaa");
    assert_eq!(maintain(&server), 0, "until when it is needed nobody knows");
    let mut published = kids(&server);
    published.sort();
    let mut both = vec!["aaa".to_owned(), kid(&ann.access)];
    both.sort();
    assert_eq!(published, both);
    let alone = block_on(keys.retire(&kid(&ann.access))).expect_err("nothing else signs");
    assert!(alone.to_string().contains("no other key signs"), "{alone}");
    block_on(keys.revoke("aaa")).expect("revoked");
    assert_eq!(kids(&server), [kid(&ann.access)]);
}

fn a_revoked_key_stays_so_when_its_times_cannot_be_read(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let only = kid(&ann.access);
    block_on(server.app.keys.revoke(&only)).expect("revoked");
    spoil(&server, on, "activate_at", &only);
    spoil(&server, on, "revoked_at", &only);
    block_on(server.app.keys.maintain()).expect("maintained");
    assert!(!kids(&server).contains(&only));
    assert_eq!(verify(&server, &ann.access), 401);
    // Nobody is to import it again.
    let rows: Vec<String> = server.load(signing_keys::table.select(signing_keys::kid));
    assert!(rows.contains(&only), "{rows:?}");
}

/// As a machine wrote it whose clock was ahead.
fn postpone(server: &Server, kid: &str, publish: i64, days: i64) {
    let now = server.clock.now().naive_utc();
    let kid = kid.to_owned();
    let changed = server.rows(move |conn| {
        diesel::update(signing_keys::table.find(&kid))
            .set((
                signing_keys::publish_at.eq(now + TimeDelta::days(publish)),
                signing_keys::activate_at.eq(now + TimeDelta::days(days)),
            ))
            .execute(conn)
    });
    assert_eq!(changed, 1);
    block_on(server.app.keys.reload()).expect("the keys");
}

/// What the doctor says of the signing keys, but for what is good.
fn complaints(server: &Server) -> Vec<(Verdict, String)> {
    let app = &server.app;
    let findings = signet::keys::diagnose(&app.db, &server.clock, &app.config);
    let findings = block_on(findings).expect("the findings").into_iter();
    findings
        .filter(|one| one.verdict != Verdict::Good)
        .map(|one| (one.verdict, one.found))
        .collect()
}

fn a_key_that_begins_far_in_the_future_is_brought_forward(on: Backend) {
    let server = Server::with(on, |config| {
        config.keys.algorithms = vec![Algorithm::Es256, Algorithm::EdDsa];
    });
    let mut ann = server.person("ann");
    let first = kid(&ann.access);
    let published = kids(&server);
    let second = published.iter().find(|kid| **kid != first).expect("EdDSA");
    // The other one signs until verifiers know it in good order.
    postpone(&server, &first, 400, 400);
    assert_eq!(kid(&refresh(&server, &mut ann)), *second);
    assert_eq!(maintain(&server), 1);
    assert_eq!(maintain(&server), 0);
    assert_eq!(kid(&refresh(&server, &mut ann)), *second);
    server.advance(361);
    assert_eq!(kid(&refresh(&server, &mut ann)), first);
    // Nothing signs.
    postpone(&server, &first, 400, 400);
    postpone(&server, second, 400, 401);
    let body = json!({"refresh": ann.refresh});
    let answer = server.anonymous().post_json("/auth/token/refresh/", &body);
    assert_eq!(answer.status, 503);
    let said = complaints(&server);
    let is_told = |one: &(Verdict, String)| one.0 == Verdict::Bad && one.1.contains("no key signs");
    assert!(said.iter().any(is_told), "{said:?}");
    assert_eq!(maintain(&server), 2);
    assert_eq!(maintain(&server), 0);
    let access = refresh(&server, &mut ann);
    assert_eq!((kid(&access), verify(&server, &access)), (first, 200));
    assert_eq!(kids(&server).len(), 2, "no new key is made");
}

fn a_key_that_waits_stands_in_when_nothing_signs(on: Backend) {
    let server = Server::start(on);
    let mut ann = server.person("ann");
    let only = kid(&ann.access);
    // Every verifier knows it.
    postpone(&server, &only, -1, 400);
    assert_eq!(kid(&refresh(&server, &mut ann)), only);
}

fn a_key_that_only_verifies_is_never_the_next_one(on: Backend) {
    let server = Server::start(on);
    let keys = &server.app.keys;
    let (other, _) = SigningKey::generate(Algorithm::Es256).expect("a key");
    let jwk = serde_json::to_vec(&other.public_jwk().expect("its public part")).expect("JSON");
    let file = KeyFile::read(&jwk).expect("a key");
    block_on(keys.import_to_verify(file, None, Some("old"), TimeDelta::days(30))).expect("it");
    let later = (server.clock.now() + TimeDelta::days(9)).naive_utc();
    server.rows(move |conn| {
        diesel::update(signing_keys::table.find("old"))
            .set((
                signing_keys::activate_at.eq(later),
                signing_keys::retire_at.eq(Some(later)),
            ))
            .execute(conn)
    });
    let refused = block_on(keys.activate("old")).expect_err("it never signs");
    assert!(refused.to_string().contains("only verifies"), "{refused}");
    block_on(keys.rotate(Algorithm::Es256, Start::Announced)).expect("a next key");
    assert_eq!(kids(&server).len(), 3);
}

fn a_key_whose_public_part_was_altered_signs_all_the_same(on: Backend) {
    let server = Server::start(on);
    let mut ann = server.person("ann");
    let only = kid(&ann.access);
    let (other, _) = SigningKey::generate(Algorithm::Es256).expect("a key");
    let other = serde_json::to_string(&other.public_jwk().expect("its public part"));
    for altered in ["oops".to_owned(), other.expect("JSON")] {
        server.rows(move |conn| {
            diesel::update(signing_keys::table)
                .set(signing_keys::public_jwk.eq(&altered))
                .execute(conn)
        });
        block_on(server.app.keys.reload()).expect("the keys");
        let access = refresh(&server, &mut ann);
        assert_eq!(
            (kid(&access), verify(&server, &access)),
            (only.clone(), 200)
        );
        assert_eq!(kids(&server), std::slice::from_ref(&only));
        let said = complaints(&server);
        let is_told = |one: &(Verdict, String)| one.1.contains("public part of");
        assert!(said.iter().any(is_told), "{said:?}");
    }
}

fn text_that_is_none_keeps_nobody_from_the_other_rows(on: Backend) {
    if on == Backend::Postgresql {
        // It keeps no such thing.
        return;
    }
    let server = Server::start(on);
    let mut ann = server.person("ann");
    let first = kid(&ann.access);
    let keys = &server.app.keys;
    block_on(keys.rotate(Algorithm::Es256, Start::Earliest)).expect("a next key");
    server.advance(361);
    let second = kid(&refresh(&server, &mut ann));
    for column in ["master_key_id", "public_jwk", "purpose", "algorithm", "kid"] {
        let change = format!("UPDATE signing_keys SET {column} = X'FF00FE' WHERE kid = '{first}'");
        assert_eq!(
            server.rows(move |conn| diesel::sql_query(&change).execute(conn)),
            1
        );
        block_on(keys.reload()).expect("the others");
        assert_eq!(kid(&refresh(&server, &mut ann)), second);
        assert!(maintain(&server) <= 1, "{column}");
        assert_eq!(maintain(&server), 0, "{column}");
        complaints(&server);
    }
    let change = "UPDATE nodes SET name = X'FF', master_keys = X'FF'";
    server.rows(move |conn| diesel::sql_query(change).execute(conn));
    block_on(keys.master_keys()).expect("the others");
    // It was the only one: what nobody can call by its name signs nothing.
    let change = format!("UPDATE signing_keys SET kid = X'FE' WHERE kid = '{second}'");
    server.rows(move |conn| diesel::sql_query(&change).execute(conn));
    assert_eq!(maintain(&server), 1);
    assert_eq!(maintain(&server), 0);
    let access = refresh(&server, &mut ann);
    assert_eq!(verify(&server, &access), 200);
    let said = complaints(&server);
    let is_named = |one: &(Verdict, String)| one.1.contains(char::REPLACEMENT_CHARACTER);
    assert!(said.iter().any(is_named), "{said:?}");
}
