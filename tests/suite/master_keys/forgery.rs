//! Who knows a master key, and can write to the database, until it is revoked.

use std::time::Duration;

use diesel::prelude::*;
use signet::keys::{Changed, Stage, Start};
use signet::storage::schema::signing_keys;

use super::{kid, refresh, rotate, sealed_under};
use crate::support::{Backend, Installation, Server, block_on, on_both};

on_both!(
    what_a_revoked_key_sealed_counts_for_nothing_whatever_the_times_say,
    what_is_slipped_in_while_a_key_is_revoked_goes_with_it,
    an_older_copy_of_a_signing_key_saves_it_from_no_revocation,
    a_key_that_was_made_under_another_one_goes_too,
    whatever_the_table_says_a_master_key_is_revoked,
    what_cannot_sign_takes_no_keys_place,
    a_node_keeps_nothing_that_a_retired_key_sealed,
    rows_that_are_no_keys_stop_no_revocation,
    rows_that_are_no_keys_can_be_deleted_by_name,
);

/// A copy of a row, out of which anything can be made.
fn keep(server: &Server, kid: &str) {
    let copy = format!("CREATE TABLE kept AS SELECT * FROM signing_keys WHERE kid = '{kid}'");
    server.rows(move |conn| diesel::sql_query(&copy).execute(conn));
}

fn put_back(server: &Server) {
    let put = "INSERT INTO signing_keys SELECT * FROM kept";
    let is_new = "WHERE kid NOT IN (SELECT kid FROM signing_keys)";
    let put = format!("{put} {is_new}");
    assert_eq!(
        server.rows(move |conn| diesel::sql_query(&put).execute(conn)),
        1
    );
}

fn delete(server: &Server, kid: &str) {
    let kid = kid.to_owned();
    let deleted =
        server.rows(move |conn| diesel::delete(signing_keys::table.find(&kid)).execute(conn));
    assert_eq!(deleted, 1);
}

/// A key that somebody sealed himself under the master key that is current now, and could put into the
/// database whenever he likes.
fn forge(server: &Server) -> String {
    let keys = &server.app.keys;
    let changed = block_on(keys.rotate(keys.default_algorithm(), Start::Announced));
    let made = changed.expect("a key").into_iter();
    let mut made = made.filter_map(|one| match one {
        Changed::Created(entry) => Some(entry.kid),
        _ => None,
    });
    let forged = made.next().expect("a new one");
    keep(server, &forged);
    delete(server, &forged);
    forged
}

fn claim_to_be_made_now(server: &Server) {
    let now = server.clock.now().naive_utc();
    server.rows(move |conn| {
        diesel::update(signing_keys::table)
            .set(signing_keys::created_at.eq(now))
            .execute(conn)
    });
}

/// Those that were not revoked.
fn left(server: &Server) -> Vec<String> {
    let open = signing_keys::table.filter(signing_keys::revoked_at.is_null());
    server.load(open.select(signing_keys::kid))
}

fn published(server: &Server) -> String {
    server.anonymous().get("/.well-known/jwks.json").text
}

fn what_a_revoked_key_sealed_counts_for_nothing_whatever_the_times_say(on: Backend) {
    let server = Server::start(on);
    let app = &server.app;
    let own = kid(&server.person("ann").access);
    let first = sealed_under(&server).remove(0);
    let forged = forge(&server);
    rotate(&server);
    server.advance(86_400);
    put_back(&server);
    claim_to_be_made_now(&server);
    // As the job does: the current key vouches for both by now.
    block_on(app.keys.reseal(&app.mail, server.clock.now())).expect("sealed anew");
    assert!(!sealed_under(&server).contains(&first));
    block_on(app.keys.reload()).expect("the keys");
    assert!(published(&server).contains(&forged));

    let heard = Duration::ZERO;
    block_on(app.revoke_master_key(&first, heard)).expect("revoked");
    let left = left(&server);
    assert!(left.len() == 1 && left[0] != own && left[0] != forged);
    let published = published(&server);
    assert!(!published.contains(&own) && !published.contains(&forged));
    let eve = server.person("eve");
    assert_eq!(kid(&eve.access), left[0]);
    refresh(&server.anonymous(), &eve.refresh).ok(200);
}

fn what_is_slipped_in_while_a_key_is_revoked_goes_with_it(on: Backend) {
    let server = Server::start(on);
    let app = &server.app;
    let first = sealed_under(&server).remove(0);
    let forged = forge(&server);
    app.keys.add_master_key().expect("another");
    super::report(&server);
    let heard = Duration::from_secs(2);
    std::thread::scope(|scope| {
        let revoked = scope.spawn(|| block_on(app.revoke_master_key(&first, heard)));
        // It waits for the others by now.
        while server.events("signing_key_revoked").is_empty() && !revoked.is_finished() {
            server.anonymous().get("/livez").ok(200);
        }
        put_back(&server);
        claim_to_be_made_now(&server);
        // A job that runs just then has the current key vouch for nothing that this one sealed.
        block_on(app.keys.reseal(&app.mail, server.clock.now())).expect("the job");
        let sealer = signing_keys::table.find(forged.clone());
        let sealer: Vec<String> = server.load(sealer.select(signing_keys::master_key_id));
        assert_eq!(sealer, [first.as_str()]);
        revoked.join().expect("it").expect("revoked");
    });
    assert!(!left(&server).contains(&forged));
    block_on(app.keys.reload()).expect("the keys");
    assert!(!published(&server).contains(&forged));
}

/// Signing keys are sealed under the next master key before it is current; whatever the table says of
/// when it was.
fn an_older_copy_of_a_signing_key_saves_it_from_no_revocation(on: Backend) {
    for lie in [
        "retired_at = NULL",
        "retired_at = '2980-01-01 00:00:00'",
        "current_from = '2020-01-01 00:00:00'",
    ] {
        let server = Server::start(on);
        let app = &server.app;
        let own = kid(&server.person("ann").access);
        keep(&server, &own);
        let next = rotate(&server).id.to_string();
        server.advance(1);
        delete(&server, &own);
        put_back(&server);
        let lied = format!("UPDATE master_keys SET {lie} WHERE id = '{next}'");
        server.rows(move |conn| diesel::sql_query(&lied).execute(conn));
        let heard = Duration::ZERO;
        block_on(app.revoke_master_key(&next, heard)).expect("revoked");
        let left = left(&server);
        assert!(left.len() == 1 && left[0] != own, "{lie}: {left:?}");
    }
}

/// A former master key seals again, if the table says for a minute that it is current.
fn a_key_that_was_made_under_another_one_goes_too(on: Backend) {
    let server = Server::start(on);
    let app = &server.app;
    let first = sealed_under(&server).remove(0);
    rotate(&server);
    server.advance(86_400);
    let keys = &app.keys;
    let changed = block_on(keys.rotate(keys.default_algorithm(), Start::Announced));
    changed.expect("a key");
    let before = left(&server);
    assert_eq!(before.len(), 2);
    server.advance(1);
    let heard = Duration::ZERO;
    block_on(app.revoke_master_key(&first, heard)).expect("revoked");
    let left = left(&server);
    assert!(left.len() == 1 && !before.contains(&left[0]), "{left:?}");
}

/// Signing keys that it sealed are known by who knows it, though another one seals them now.
fn whatever_the_table_says_a_master_key_is_revoked(on: Backend) {
    for lie in [
        "UPDATE master_keys SET retired_at = '2026-01-01 00:00:00' WHERE id = ",
        "DELETE FROM master_keys WHERE id = ",
    ] {
        let server = Server::start(on);
        let app = &server.app;
        let own = kid(&server.person("ann").access);
        let first = sealed_under(&server).remove(0);
        rotate(&server);
        server.advance(86_400);
        let lie = format!("{lie}'{first}'");
        let lied = lie.clone();
        server.rows(move |conn| diesel::sql_query(&lied).execute(conn));
        let heard = Duration::ZERO;
        block_on(app.revoke_master_key(&first, heard)).expect("revoked");
        let left = left(&server);
        assert!(left.len() == 1 && left[0] != own, "{lie}: {left:?}");
        assert!(super::stages(&server).contains(&Stage::Retired));
        refresh(&server.anonymous(), &server.person("eve").refresh).ok(200);
    }
}

/// A row without its seals has the times of one that signs.
fn what_cannot_sign_takes_no_keys_place(on: Backend) {
    let server = Server::start(on);
    let app = &server.app;
    let own = kid(&server.person("ann").access);
    let first = sealed_under(&server).remove(0);
    let ghost = "INSERT INTO signing_keys (kid, algorithm, purpose, public_jwk, sealed_private, \
                 master_key_id, created_at, publish_at, activate_at) SELECT 'ghost', algorithm, \
                 purpose, public_jwk, substr(sealed_private, 1, 0), master_key_id, created_at, \
                 publish_at, activate_at FROM signing_keys LIMIT 1";
    server.rows(move |conn| diesel::sql_query(ghost).execute(conn));
    app.keys.add_master_key().expect("another");
    super::report(&server);
    let heard = Duration::ZERO;
    block_on(app.revoke_master_key(&first, heard)).expect("revoked");
    let left = left(&server);
    assert!(left.len() == 1 && left[0] != own && left[0] != "ghost");
    assert_eq!(kid(&server.person("eve").access), left[0]);
}

/// It had opened the row before, and has not seen it in between.
fn a_node_keeps_nothing_that_a_retired_key_sealed(on: Backend) {
    let server = Server::start(on);
    let app = &server.app;
    let own = kid(&server.person("ann").access);
    keep(&server, &own);
    let other = super::emergency::beside(&server);
    let is_kept = || {
        let ring = other.keys.ring();
        ring.keys().iter().any(|key| key.kid == own)
    };
    assert!(is_kept());
    super::emergency::revoke_first(&server);
    delete(&server, &own);
    put_back(&server);
    block_on(other.keys.reload()).expect("the keys");
    assert!(!is_kept());
    block_on(app.keys.reload()).expect("the keys");
    assert!(!published(&server).contains(&own));
}

/// Rows as another version would write them, or nobody.
pub(super) fn slip_in(kid: &str, algorithm: &str) -> String {
    format!(
        "INSERT INTO signing_keys (kid, algorithm, purpose, public_jwk, sealed_private, master_key_id, \
         created_at, publish_at, activate_at) SELECT '{kid}', '{algorithm}', purpose, public_jwk, \
         sealed_private, master_key_id, created_at, publish_at, activate_at FROM signing_keys \
         WHERE algorithm = 'ES256' AND kid <> '' LIMIT 1"
    )
}

fn rows_that_are_no_keys_stop_no_revocation(on: Backend) {
    let server = Server::start(on);
    let app = &server.app;
    let first = sealed_under(&server).remove(0);
    for row in [slip_in("zzz", "ES999"), slip_in("", "ES256")] {
        server.rows(move |conn| diesel::sql_query(&row).execute(conn));
    }
    app.keys.add_master_key().expect("another");
    super::report(&server);
    let heard = Duration::ZERO;
    block_on(app.revoke_master_key(&first, heard)).expect("revoked");
    assert_eq!(left(&server).len(), 1);
    assert_eq!(server.events("signing_key_forgotten").len(), 2);
}

fn rows_that_are_no_keys_can_be_deleted_by_name(on: Backend) {
    let installation = Installation::new(on);
    installation.start(&[]).stop();
    for row in [slip_in("zzz", "ES999"), slip_in("", "ES256")] {
        installation.rows(move |conn| diesel::sql_query(&row).execute(conn));
    }
    let report = installation.run(&["doctor"]);
    for name in ["zzz", ""] {
        let word = if name.is_empty() { "''" } else { name };
        let remedy = format!("signet keys revoke {word} --now");
        assert!(report.contains(&remedy), "{report}");
        let told = installation.run(&["keys", "revoke", name, "--now"]);
        assert!(told.contains("left the database"), "{told}");
    }
    let report = installation.run(&["doctor"]);
    assert!(!report.contains("no key of this version"), "{report}");
}
