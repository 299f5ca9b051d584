//! Revocations of master keys that are stopped half way, and done by several at once.

use std::time::Duration;

use futures_util::future::select;
use signet::crypto::RootId;
use signet::keys::{Stage, Standing};
use signet::storage::schema::signing_keys;

use diesel::prelude::*;

use super::{kid, refresh, report, rotate, sealed_under, stages};
use crate::support::{Backend, Server, block_on, on_both};

on_both!(
    a_revocation_of_the_current_key_that_was_stopped_is_told_and_goes_on,
    several_that_revoke_a_master_key_at_once_all_do_it,
);

/// As by a kill in the midst of it.
fn revoke_half(server: &Server, id: &str) {
    let app = &server.app;
    block_on(async {
        let has_begun = async {
            let is_it = |one: &Standing| one.stage == Stage::Revoking;
            let has_begun = async || {
                let (keys, masters) = (app.keys.entries().await, app.keys.master_keys().await);
                keys.expect("keys").len() > 1 && masters.expect("keys").iter().any(is_it)
            };
            while !has_begun().await {
                tokio::task::yield_now().await;
            }
        };
        let hour = Duration::from_hours(1);
        let revoked = app.revoke_master_key(id, hour);
        select(Box::pin(revoked), Box::pin(has_begun)).await;
    });
}

fn findings(server: &Server) -> String {
    let app = &server.app;
    let findings = signet::keys::diagnose(&app.db, &server.clock, &app.config);
    format!("{:?}", block_on(findings).expect("the findings"))
}

fn revoked_signing_keys(server: &Server) -> i64 {
    let revoked = signing_keys::table.filter(signing_keys::revoked_at.is_not_null());
    server.load(revoked.count())[0]
}

fn a_revocation_of_the_current_key_that_was_stopped_is_told_and_goes_on(on: Backend) {
    let server = Server::start(on);
    let app = &server.app;
    let first = sealed_under(&server).remove(0);
    let zoe = server.person("zoe");
    let refreshed = || refresh(&server.anonymous(), &zoe.refresh);
    app.keys.add_master_key().expect("another");
    report(&server);
    server.advance(1);
    revoke_half(&server, &first);
    // It is not exchanged for one of the other key: nobody can say any more who made it.
    refreshed().has_status(503);
    assert_eq!(stages(&server), [Stage::Revoking, Stage::Current]);
    let said = findings(&server);
    assert!(said.contains("not finished"), "{said}");
    let remedy = format!("signet keys master revoke {first} --now");
    assert!(said.contains(&remedy), "{said}");
    // What the first run made under the other key.
    server.advance(5);
    let made = kid(&server.person("ann").access);
    let revoked = app.revoke_master_key(&first, Duration::ZERO);
    let revoked = block_on(revoked).expect("the rest of it");
    // That it did, only the table says: once more.
    assert_ne!(revoked.signing_keys, []);
    refreshed().has_status(401);
    assert_eq!(stages(&server), [Stage::Retired, Stage::Current]);
    assert_ne!(kid(&server.person("eve").access), made);
    assert_eq!(revoked_signing_keys(&server), 2);
    assert!(!findings(&server).contains("not finished"));

    // And of a next one.
    let next = rotate(&server).id.to_string();
    server.advance(1);
    block_on(app.revoke_master_key(&next, Duration::ZERO)).expect("revoked");
    let made = kid(&server.person("joe").access);

    server.advance(1);
    // Once more, though it is done.
    let again = app.revoke_master_key(&next, Duration::ZERO);
    assert_ne!(block_on(again).expect("done").signing_keys, []);
    assert_ne!(kid(&server.person("kim").access), made);
}

fn several_that_revoke_a_master_key_at_once_all_do_it(on: Backend) {
    let server = Server::start(on);
    let app = &server.app;
    let first: RootId = sealed_under(&server).remove(0).parse().expect("its name");
    app.keys.add_master_key().expect("another");
    report(&server);
    server.advance(1);
    let heard = Duration::from_secs(1);
    let revoke = || block_on(app.revoke_master_key(&first.to_string(), heard));
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..3).map(|_| scope.spawn(revoke)).collect();
        for one in all {
            assert_eq!(one.join().expect("it").expect("revoked").id, first);
        }
    });
    assert_eq!(stages(&server), [Stage::Retired, Stage::Current]);
    assert_eq!(revoked_signing_keys(&server), 1);
    assert_eq!(server.events("master_key_retired").len(), 1);
    assert_eq!(server.events("signing_key_created").len(), 2);
}
