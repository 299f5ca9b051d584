//! A master key that somebody may know, or that is lost, while others work.

use std::time::Duration;

use diesel::prelude::*;
use futures_util::future::select;
use signet::app::App;
use signet::config::{SmtpTls, Transport};
use signet::crypto::{Algorithm, KeyFile, SigningKey};
use signet::keys::{Changed, Stage, Standing, Start};
use signet::storage::Access;
use signet::storage::schema::{master_keys, nodes, outbox, signing_keys};

use super::{key_file, kid, refresh, register, report, rotate, sealed_under, stages, write_key};
use crate::support::{Backend, Installation, PASSWORD, Server, block_on, on_both};

on_both!(
    who_has_not_heard_of_it_seals_no_key_under_a_revoked_one,
    a_row_under_a_retired_key_does_not_stop_a_start,
    mails_under_a_retired_key_are_dropped,
    a_revoked_signing_key_is_not_called_damaged,
    another_rotation_waits_for_the_one_that_is_under_way,
    with_all_its_keys_retired_an_installation_is_recovered,
    a_start_that_fails_is_not_waited_for,
    a_server_says_that_its_file_lost_a_key,
    a_next_key_that_is_revoked_does_not_become_current_meanwhile,
    a_revocation_that_was_not_finished_is_told_and_goes_on,
    a_signing_key_of_a_clock_ahead_is_revoked_with_its_master_key,
    who_revokes_a_signing_key_meanwhile_is_in_nobodys_way,
    imported_keys_leave_with_their_master_key_and_come_again,
);

/// What a command beside the server is.
pub(super) fn beside(server: &Server) -> App {
    let config = (*server.app.config).clone();
    App::build_for(config, server.clock.clone(), Access::Command).expect("the application")
}

pub(super) fn revoke_first(server: &Server) -> String {
    let app = &server.app;
    let first = sealed_under(server).remove(0);
    rotate(server);
    server.advance(61);
    block_on(app.revoke_master_key(&first, Duration::ZERO)).expect("revoked");
    first
}

fn who_has_not_heard_of_it_seals_no_key_under_a_revoked_one(on: Backend) {
    let server = Server::start(on);
    let stale = beside(&server);
    let first = revoke_first(&server);
    let keys = &stale.keys;
    block_on(keys.rotate(keys.default_algorithm(), Start::Earliest)).expect("a next key");
    let open = signing_keys::table.filter(signing_keys::revoked_at.is_null());
    let sealers: Vec<String> = server.load(open.select(signing_keys::master_key_id));
    assert_eq!(sealers.len(), 2, "the one that signs, and the next");
    assert!(!sealers.contains(&first));
    server.advance(361);
    let ann = server.person("ann");
    refresh(&server.anonymous(), &ann.refresh).ok(200);
}

fn a_row_under_a_retired_key_does_not_stop_a_start(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let old = kid(&ann.access);
    let columns = (signing_keys::sealed_private, signing_keys::sealed_public);
    let seals: Vec<(Vec<u8>, Option<Vec<u8>>)> = server.load(signing_keys::table.select(columns));
    revoke_first(&server);
    // As it was before it was revoked.
    let (id, (private, public)) = (old.clone(), seals[0].clone());
    server.rows(move |conn| {
        diesel::update(signing_keys::table.find(&id))
            .set((
                signing_keys::sealed_private.eq(&private),
                signing_keys::sealed_public.eq(&public),
                signing_keys::revoked_at.eq(None::<chrono::NaiveDateTime>),
            ))
            .execute(conn)
    });
    block_on(server.app.keys.reload()).expect("the keys");
    ann.client.get("/auth/user/").has_status(401);
    let operator = beside(&server);
    block_on(operator.keys.revoke(&old)).expect("revoked again");
    let eve = server.person("eve");
    refresh(&server.anonymous(), &eve.refresh).ok(200);
}

fn mails_under_a_retired_key_are_dropped(on: Backend) {
    let server = Server::with(on, |config| {
        // Nobody listens there: mails wait.
        config.mail.transport = Transport::Smtp;
        "127.0.0.1".clone_into(&mut config.mail.smtp.host);
        config.mail.smtp.port = 1;
        config.mail.smtp.tls = SmtpTls::None;
    });
    let app = &server.app;
    let client = server.anonymous();
    for name in ["ann", "ben"] {
        let body = serde_json::json!({"username": name, "email": format!("{name}@example.com"),
            "password1": PASSWORD, "password2": PASSWORD});
        client.post_json("/auth/registration/", &body).ok(201);
    }
    block_on(app.accounts.write_mails()).expect("the job");
    let old: Vec<(String, Vec<u8>)> =
        server.load(outbox::table.select((outbox::id, outbox::sealed_message)));
    assert_eq!(old.len(), 2);
    let first = sealed_under(&server).remove(0);
    rotate(&server);
    server.advance(61);
    let ((id, sealed), retired) = (old[0].clone(), first.clone());
    server.rows(move |conn| {
        diesel::update(master_keys::table.find(&retired))
            .set(master_keys::retired_at.eq(Some(chrono::NaiveDateTime::default())))
            .execute(conn)?;
        // As a node would have sealed it that had not heard of the change.
        diesel::update(outbox::table.find(&id))
            .set(outbox::sealed_message.eq(&sealed))
            .execute(conn)
    });
    block_on(app.keys.reseal(&app.mail, server.clock.now())).expect("the job");
    assert_eq!(server.stored()[3], 1, "that one is dropped");
    block_on(app.revoke_master_key(&first, Duration::ZERO)).expect("revoked");
    assert_eq!(server.stored()[3], 0, "and with the key all others");
}

fn a_revoked_signing_key_is_not_called_damaged(on: Backend) {
    let installation = Installation::new(on);
    installation.start(&[]).stop();
    let list = installation.run(&["keys", "list", "--json"]);
    let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
    let first = list[0]["kid"].as_str().expect("text");
    installation.run(&["keys", "revoke", first, "--now"]);
    installation.run(&["keys", "master", "add"]);
    let mut rotate = installation.command(&["keys", "master", "rotate"]);
    let output = rotate.output().expect("the binary runs");
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

fn another_rotation_waits_for_the_one_that_is_under_way(on: Backend) {
    let server = Server::start(on);
    let keys = &server.app.keys;
    let rotated = rotate(&server);
    keys.add_master_key().expect("a key");
    report(&server);
    for wanted in [None, Some(rotated.id.to_string())] {
        let again = block_on(keys.rotate_master_key(wanted)).expect_err("a refusal");
        assert!(again.to_string().contains("wait until then"), "{again}");
    }
    server.advance(61);
    block_on(keys.rotate_master_key(None)).expect("the third");
}

fn with_all_its_keys_retired_an_installation_is_recovered(on: Backend) {
    let installation = Installation::new(on);
    installation.start(&[]).stop();
    let file = key_file(&installation);
    let run = |arguments: &[&str]| installation.run(&[&["keys", "master"], arguments].concat());
    let first = installation.rows(|conn| {
        let ids = master_keys::table.select(master_keys::id);
        ids.get_result::<String>(conn)
    });
    run(&["add"]);
    run(&["revoke", &first, "--now"]);
    // Only the retired one is left.
    let both = std::fs::read(&file).expect("the keys");
    write_key(&file, &both[..32]);
    let recovered = run(&["recover", "--yes"]);
    assert!(recovered.contains("is current"), "{recovered}");
    assert_eq!(std::fs::metadata(&file).expect("the file").len(), 64);
    // Nothing but retired keys in the database, as an operator without this command left it.
    let now = chrono::DateTime::UNIX_EPOCH.naive_utc();
    installation.rows(move |conn| {
        diesel::update(master_keys::table)
            .set(master_keys::retired_at.eq(Some(now)))
            .execute(conn)
    });
    run(&["recover", "--yes"]);
    let process = installation.start(&[]);
    process.anonymous().get("/readyz").ok(200);
    register(&process);
}

fn a_start_that_fails_is_not_waited_for(on: Backend) {
    let installation = Installation::new(on);
    installation.start(&[]).stop();
    let file = key_file(&installation).with_file_name("ca.pem");
    std::fs::write(&file, "no certificate").expect("written");
    let path = format!("'{}'", file.display());
    installation.write_config(&[
        ("mail.smtp", "tls", "\"starttls\""),
        ("mail.smtp", "ca_file", &path),
    ]);
    let failed = installation
        .try_run(&["serve", "--listen", "127.0.0.1:0"])
        .expect_err("no certificate");
    assert!(failed.contains("ca.pem"), "{failed}");
    let present = installation.rows(|conn| {
        let present = nodes::table.filter(nodes::left_at.is_null());
        present.count().get_result::<i64>(conn)
    });
    assert_eq!(present, 0);
}

fn a_server_says_that_its_file_lost_a_key(on: Backend) {
    let installation = Installation::new(on);
    let process = installation.start(&[]);
    write_key(&key_file(&installation), &[7; 32]);
    // It looks into the file by itself.
    let is_told = |_| {
        process.anonymous().get("/livez").ok(200);
        process.output().contains("is in use and not in")
    };
    assert!((0..20_000).any(is_told), "{}", process.output());
}

fn a_next_key_that_is_revoked_does_not_become_current_meanwhile(on: Backend) {
    let server = Server::start(on);
    let app = &server.app;
    let next = rotate(&server).id.to_string();
    server.advance(1);
    let heard = Duration::from_secs(2);
    std::thread::scope(|scope| {
        let revoked = scope.spawn(|| block_on(app.revoke_master_key(&next, heard)));
        // It waits for the others by now.
        while server.events("signing_key_created").len() < 2 && !revoked.is_finished() {
            server.anonymous().get("/livez").ok(200);
        }
        server.advance(61);
        revoked.join().expect("it").expect("revoked");
    });
    assert_eq!(stages(&server), [Stage::Current, Stage::Retired]);
    assert!(!sealed_in_use(&server).contains(&next));
    let ann = server.person("ann");
    refresh(&server.anonymous(), &ann.refresh).ok(200);
}

/// As by a kill in the midst of it.
fn a_revocation_that_was_not_finished_is_told_and_goes_on(on: Backend) {
    let server = Server::start(on);
    let app = &server.app;
    let next = rotate(&server).id.to_string();
    server.advance(1);
    let hour = Duration::from_hours(1);
    block_on(async {
        let has_begun = async {
            let is_it = |one: &Standing| one.stage == Stage::Revoking;
            while !app
                .keys
                .master_keys()
                .await
                .expect("keys")
                .iter()
                .any(is_it)
            {
                tokio::task::yield_now().await;
            }
        };
        let revoked = app.revoke_master_key(&next, hour);
        select(Box::pin(revoked), Box::pin(has_begun)).await;
    });
    assert_eq!(stages(&server), [Stage::Current, Stage::Revoking]);
    let current = block_on(app.keys.master_keys())
        .expect("keys")
        .remove(0)
        .id
        .to_string();
    let revoke = |id: &str| block_on(app.revoke_master_key(id, Duration::ZERO));
    let refused = revoke(&current).expect_err("there is no other key");
    assert!(refused.to_string().contains("waiting"), "{refused}");
    let findings = block_on(signet::keys::diagnose(&app.db, &server.clock, &app.config));
    let findings = format!("{findings:?}");
    assert!(findings.contains("not finished"), "{findings}");
    revoke(&next).expect("the rest of it");
    assert_eq!(stages(&server), [Stage::Current, Stage::Retired]);
}

/// Under which keys those are sealed that were not revoked.
fn sealed_in_use(server: &Server) -> Vec<String> {
    let open = signing_keys::table.filter(signing_keys::revoked_at.is_null());
    server.load(open.select(signing_keys::master_key_id))
}

fn a_signing_key_of_a_clock_ahead_is_revoked_with_its_master_key(on: Backend) {
    let server = Server::start(on);
    let signing = kid(&server.person("ann").access);
    let ahead = (server.clock.now() + chrono::TimeDelta::days(2)).naive_utc();
    server.rows(move |conn| {
        diesel::update(signing_keys::table)
            .set(signing_keys::created_at.eq(ahead))
            .execute(conn)
    });
    revoke_first(&server);
    let open = signing_keys::table.filter(signing_keys::revoked_at.is_null());
    let left: Vec<String> = server.load(open.select(signing_keys::kid));
    assert!(left.len() == 1 && left[0] != signing, "{left:?}");
}

fn who_revokes_a_signing_key_meanwhile_is_in_nobodys_way(on: Backend) {
    let server = Server::with(on, |config| {
        config.keys.algorithms = vec![Algorithm::Es256, Algorithm::EdDsa, Algorithm::Es384];
    });
    let app = &server.app;
    let first = sealed_under(&server).remove(0);
    let old: Vec<String> = server.load(signing_keys::table.select(signing_keys::kid));
    rotate(&server);
    server.advance(61);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            for kid in old.iter().rev() {
                // Who comes second is told that it is done.
                block_on(app.keys.revoke(kid)).ok();
            }
        });
        let revoked = app.revoke_master_key(&first, Duration::ZERO);
        block_on(revoked).expect("revoked");
        other.join().expect("it");
    });
    let open = signing_keys::table.filter(signing_keys::revoked_at.is_null());
    let left: Vec<String> = server.load(open.select(signing_keys::kid));
    assert!(left.iter().all(|kid| !old.contains(kid)), "{left:?}");
}

/// The public half of a key that was made elsewhere.
fn foreign() -> Vec<u8> {
    let (other, _) = SigningKey::generate(Algorithm::Es256).expect("a key");
    serde_json::to_vec(&other.public_jwk().expect("its public part")).expect("JSON")
}

fn imported_keys_leave_with_their_master_key_and_come_again(on: Backend) {
    let server = Server::start(on);
    let keys = &server.app.keys;
    let jwk = foreign();
    let import = || {
        let file = KeyFile::read(&jwk).expect("a key");
        let keep = chrono::TimeDelta::days(30);
        block_on(keys.import_to_verify(file, None, Some("2023-key"), keep)).expect("imported");
    };
    let published = || server.anonymous().get("/.well-known/jwks.json").text;
    import();
    let first = sealed_under(&server).remove(0);
    rotate(&server);
    server.advance(61);
    let revoked = block_on(server.app.revoke_master_key(&first, Duration::ZERO)).expect("revoked");
    let is_left = |one: &Changed| matches!(one, Changed::Forgotten(kid) if kid == "2023-key");
    assert!(revoked.signing_keys.iter().any(is_left), "{revoked:?}");
    assert!(!published().contains("2023-key"));
    import();
    assert!(published().contains("2023-key"));

    // And with one that is lost.
    let installation = Installation::new(on);
    installation.start(&[]).stop();
    let path = installation.directory.path().join("old.jwk");
    std::fs::write(&path, &jwk).expect("written");
    let path = path.display().to_string();
    let import = || installation.run(&["keys", "import", &path, "--kid", "2023-key"]);
    import();
    std::fs::remove_file(key_file(&installation)).expect("lost");
    let told = installation.run(&["keys", "master", "recover", "--yes"]);
    assert!(
        told.contains("Import them again") && told.contains(": 2023-key"),
        "{told}"
    );
    import();
    let exported = installation.run(&["keys", "export", "--public"]);
    assert!(exported.contains("2023-key"), "{exported}");
}
