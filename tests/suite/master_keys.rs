//! Master keys that come, go, leak and get lost (T-11): as operators, people and a second node see
//! it.

mod emergency;
mod forgery;
mod lies;
mod retirement;
mod unfinished;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde_json::{Value, json};
use signet::crypto::Algorithm;
use signet::keys::{Rotated, Stage};
use signet::storage::schema::{master_keys, nodes, signing_keys};

use crate::support::{
    Answer, Backend, Client, Installation, PASSWORD, Person, Process, Server, block_on, on_both,
    token,
};

on_both!(
    a_master_key_is_replaced_while_people_work,
    a_refresh_is_repeated_byte_for_byte_across_the_change,
    a_former_key_goes_when_nothing_needs_it,
    a_key_that_somebody_may_know_is_revoked_with_all_it_sealed,
    a_node_that_lacks_the_key_keeps_it_from_being_used,
    a_node_that_was_left_behind_refuses_nobody_for_good,
    half_way_through_a_change_all_keys_sign,
    keys_that_were_swapped_or_cut_sign_nothing,
    without_any_key_that_signs_there_is_a_new_one,
    what_cannot_be_done_says_why,
    a_missing_or_wrong_key_stops_the_start_and_names_what_it_needs,
    a_lost_key_is_recovered_from,
    what_somebody_slipped_in_is_not_vouched_for_by_a_recovery,
    a_revoked_next_key_is_nobodys_successor,
    who_adds_at_the_same_time_loses_nothing,
    the_command_line_replaces_a_key_beside_a_running_server,
);

fn refresh(client: &Client, token: &str) -> Answer {
    client.post_json("/auth/token/refresh/", &json!({ "refresh": token }))
}

fn kid(token: &str) -> String {
    let header = token::header(token);
    header["kid"].as_str().expect("text").to_owned()
}

fn rotate(server: &Server) -> Rotated {
    let app = &server.app;
    app.keys.add_master_key().expect("a key");
    report(server);
    let rotated = block_on(app.keys.rotate_master_key(None)).expect("a rotation");
    block_on(app.keys.reseal(&app.mail, rotated.current_from)).expect("sealed anew");
    rotated
}

/// As the job does every few seconds.
fn report(server: &Server) {
    let app = &server.app;
    block_on(app.keys.master().report(&app.db, &app.node)).expect("a report");
}

fn sealed_under(server: &Server) -> Vec<String> {
    server.load(signing_keys::table.select(signing_keys::master_key_id))
}

fn stages(server: &Server) -> Vec<Stage> {
    let keys = block_on(server.app.keys.master_keys()).expect("the keys");
    keys.into_iter().map(|key| key.stage).collect()
}

fn a_master_key_is_replaced_while_people_work(on: Backend) {
    let server = Server::start(on);
    let people: Vec<Person> = (0..4).map(|n| server.person(&format!("ann{n}"))).collect();
    let old = kid(&people[0].refresh);
    let is_over = AtomicBool::new(false);
    let done: Vec<(usize, String)> = std::thread::scope(|scope| {
        let work = |person: &Person| {
            let (client, mut token) = (server.anonymous(), person.refresh.clone());
            let mut times = 0;
            while !is_over.load(Ordering::SeqCst) || times < 10 {
                token = refresh(&client, &token).member("refresh");
                times += 1;
            }
            (times, token)
        };
        let workers: Vec<_> = people
            .iter()
            .map(|person| scope.spawn(move || work(person)))
            .collect();
        let rotated = rotate(&server);
        // reload 1s, skew 1m: by then every node knows.
        assert_eq!(
            (rotated.current_from - server.clock.now()).num_seconds(),
            61
        );
        server.advance(61);
        is_over.store(true, Ordering::SeqCst);
        workers
            .into_iter()
            .map(|worker| worker.join().expect("work"))
            .collect()
    });
    assert!(done.iter().all(|(times, _)| *times >= 10));
    let new = block_on(server.app.keys.master_keys()).expect("the keys")[1]
        .id
        .to_string();
    assert_eq!(sealed_under(&server), std::slice::from_ref(&new));
    assert_eq!(stages(&server), [Stage::Former, Stage::Current]);
    for (_, token) in done {
        let next = refresh(&server.anonymous(), &token).ok(200);
        assert_eq!(kid(next["refresh"].as_str().expect("text")), new);
    }
    assert_ne!(old, new);
    assert_eq!(server.events("master_key_rotated")[0]["id"], new);
}

fn a_refresh_is_repeated_byte_for_byte_across_the_change(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    rotate(&server);
    server.advance(50);
    let before = refresh(&server.anonymous(), &ann.refresh).ok(200);
    server.advance(20);
    let after = refresh(&server.anonymous(), &ann.refresh).ok(200);
    assert_eq!(before["refresh"], after["refresh"]);
    let next = before["refresh"].as_str().expect("text");
    let next = refresh(&server.anonymous(), next).ok(200);
    let next = next["refresh"].as_str().expect("text");
    assert_ne!(kid(next), kid(&ann.refresh));
}

fn a_former_key_goes_when_nothing_needs_it(on: Backend) {
    let server = Server::with(on, |config| {
        config.tokens.refresh_idle = "2d".parse().expect("a period");
    });
    let keys = &server.app.keys;
    let (ann, eve) = (server.person("ann"), server.person("eve"));
    let old = kid(&ann.refresh);
    let refused = |text: &str| {
        let error = block_on(keys.retire_master_key(&old)).expect_err("a refusal");
        assert!(error.to_string().contains(text), "{error}");
    };
    refused("is current");
    rotate(&server);
    server.advance(61);
    refused("refresh tokens signed with");
    let ann = refresh(&server.anonymous(), &ann.refresh).ok(200);
    let ann = ann["refresh"].as_str().expect("text");
    server.advance(2 * 86_400 - 2);
    refresh(&server.anonymous(), &eve.refresh).has_status(401);
    let next = refresh(&server.anonymous(), ann).ok(200);
    server.advance(62);
    block_on(keys.retire_master_key(&old[..8])).expect("retired");
    assert_eq!(stages(&server), [Stage::Retired, Stage::Current]);
    let next = next["refresh"].as_str().expect("text");
    refresh(&server.anonymous(), next).ok(200);
    refresh(&server.anonymous(), &eve.refresh).has_status(401);
    assert_eq!(server.events("master_key_retired")[0]["reason"], "replaced");
}

fn a_key_that_somebody_may_know_is_revoked_with_all_it_sealed(on: Backend) {
    let server = Server::start(on);
    let app = &server.app;
    let ann = server.person("ann");
    let (bad, signing) = (kid(&ann.refresh), kid(&ann.access));
    let error = block_on(app.revoke_master_key(&bad, Duration::ZERO)).expect_err("no other key");
    assert!(error.to_string().contains("master add"), "{error}");
    refresh(&server.anonymous(), &ann.refresh).ok(200);
    app.keys.add_master_key().expect("a key");
    report(&server);
    server.advance(1);
    let revoked = block_on(app.revoke_master_key(&bad, Duration::ZERO)).expect("revoked");
    assert_eq!(revoked.id.to_string(), bad);
    assert_eq!(stages(&server), [Stage::Retired, Stage::Current]);
    refresh(&server.anonymous(), &ann.refresh).has_status(401);
    ann.client.get("/auth/user/").has_status(401);
    let jwks = server.anonymous().get("/.well-known/jwks.json").text;
    assert!(!jwks.contains(&signing), "{jwks}");
    let body = json!({"username": "ann", "password": PASSWORD});
    let again = server.anonymous().post_json("/auth/login/", &body).ok(200);
    refresh(
        &server.anonymous(),
        again["refresh"].as_str().expect("text"),
    )
    .ok(200);
    assert_eq!(server.events("master_key_retired")[0]["reason"], "revoked");
}

/// Another node says that it is there, and which master keys it has.
fn neighbour(server: &Server, has: &str) {
    appear(server, "neighbour", server.clock.now().naive_utc(), has);
}

/// The same of one that has this name, and says that it was seen then.
fn appear(server: &Server, id: &str, seen_at: NaiveDateTime, has: &str) {
    let (id, has) = (id.to_owned(), has.to_owned());
    server.rows(move |conn| {
        diesel::delete(nodes::table.find(&id)).execute(conn)?;
        diesel::insert_into(nodes::table)
            .values((
                nodes::id.eq(&id),
                nodes::name.eq("other.example 127.0.0.1:8080"),
                nodes::started_at.eq(seen_at),
                nodes::seen_at.eq(seen_at),
                nodes::master_keys.eq(&has),
            ))
            .execute(conn)
    });
}

fn a_node_that_lacks_the_key_keeps_it_from_being_used(on: Backend) {
    let server = Server::start(on);
    let keys = &server.app.keys;
    let old = block_on(keys.master_keys()).expect("the keys")[0]
        .id
        .to_string();
    let new = keys.add_master_key().expect("a key").to_string();
    report(&server);
    neighbour(&server, &old);
    let error = block_on(keys.rotate_master_key(None))
        .expect_err("a refusal")
        .to_string();
    assert!(
        error.contains("other.example") && error.contains(&new),
        "{error}"
    );
    let standing = block_on(keys.master_keys()).expect("the keys");
    assert_eq!(standing[1].lacking, ["other.example 127.0.0.1:8080"]);
    neighbour(&server, &format!("{old} {new}"));
    block_on(keys.rotate_master_key(Some(new[..6].to_owned()))).expect("now all have it");
}

/// Another node made a key current, in spite of everything.
fn in_use(server: &Server, id: &'static str) {
    let now = server.clock.now().naive_utc();
    server.rows(move |conn| {
        diesel::insert_into(master_keys::table)
            .values((
                master_keys::id.eq(id),
                master_keys::current_from.eq(now + chrono::TimeDelta::hours(1)),
                master_keys::created_at.eq(now),
            ))
            .execute(conn)
    });
    block_on(server.app.keys.reload()).expect("the keys");
}

/// A second node's file, which is not the first one's.
fn a_node_that_was_left_behind_refuses_nobody_for_good(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let file = &server.app.config.keys.master_key_file;
    let before = std::fs::read(file).expect("the key");
    // It went away without a word, and comes back after the change.
    rotate(&server);
    server.advance(61);
    let full = std::fs::read(file).expect("the keys");
    let ann = refresh(&server.anonymous(), &ann.refresh).ok(200);
    let token = ann["refresh"].as_str().expect("text").to_owned();
    std::fs::write(file, &before).expect("written");
    let (db, clock) = (&server.app.db, &server.clock);
    let open = || block_on(signet::keys::MasterKey::open(db, clock, file));
    let error = open().err().expect("a refusal").to_string();
    assert!(error.contains(&kid(&token)), "{error}");
    // While it runs: the others use a key that it never saw.
    let unknown = "0123456789abcdef";
    in_use(&server, unknown);
    let ready = server.anonymous().get("/readyz");
    assert_eq!(
        (ready.status, &ready.json["checks"]["master_key"]),
        (503, &json!("failing"))
    );
    let mut header = token::header(&token);
    header["kid"] = unknown.into();
    let foreign = token::with_header(&token, &header.to_string());
    refresh(&server.anonymous(), &foreign).has_status(503);
    refresh(&server.anonymous(), &token).ok(200);
    server.rows(move |conn| diesel::delete(master_keys::table.find(unknown)).execute(conn));
    block_on(server.app.keys.reload()).expect("the keys");
    server.anonymous().get("/readyz").ok(200);
    std::fs::write(file, full).expect("written");
    assert!(open().expect("all is at hand").missing().is_empty());
    refresh(&server.anonymous(), &token).ok(200);
}

fn half_way_through_a_change_all_keys_sign(on: Backend) {
    let server = Server::with(on, |config| {
        config.keys.algorithms = vec![Algorithm::Es256, Algorithm::EdDsa];
    });
    let ann = server.person("ann");
    let before = sealed(&server);
    rotate(&server);
    server.advance(61);
    // One of them as it was before.
    put(&server, &before[0]);
    let ids: BTreeSet<String> = sealed_under(&server).into_iter().collect();
    assert_eq!(ids.len(), 2);
    let ring = server.app.keys.ring();
    assert!(ring.keys().iter().all(|key| key.signing.is_some()));
    refresh(&server.anonymous(), &ann.refresh).ok(200);
    let keys = &server.app.keys;
    let error = block_on(keys.retire_master_key(&kid(&ann.refresh))).expect_err("too early");
    assert!(error.to_string().contains("may live until"), "{error}");
    server.advance(40 * 86_400);
    let error = block_on(keys.retire_master_key(&kid(&ann.refresh))).expect_err("in use");
    assert!(
        error.to_string().contains("1 secrets are still sealed"),
        "{error}"
    );
    block_on(keys.reseal(&server.app.mail, server.clock.now())).expect("sealed anew");
    block_on(keys.retire_master_key(&kid(&ann.refresh))).expect("retired");
}

type Sealed = (String, Vec<u8>, String);

/// What is sealed for each signing key, and under which master key it says it is.
fn sealed(server: &Server) -> Vec<Sealed> {
    server.rows(|conn| {
        let row = (
            signing_keys::kid,
            signing_keys::sealed_private,
            signing_keys::master_key_id,
        );
        signing_keys::table
            .select(row)
            .order(signing_keys::kid)
            .load(conn)
    })
}

fn put(server: &Server, (kid, sealed, master_key_id): &Sealed) {
    let (kid, sealed, master_key_id) = (kid.clone(), sealed.clone(), master_key_id.clone());
    server.rows(move |conn| {
        diesel::update(signing_keys::table.find(&kid))
            .set((
                signing_keys::sealed_private.eq(&sealed),
                signing_keys::master_key_id.eq(&master_key_id),
            ))
            .execute(conn)
    });
    block_on(server.app.keys.reload()).expect("the keys");
}

fn keys_that_were_swapped_or_cut_sign_nothing(on: Backend) {
    let server = Server::with(on, |config| {
        config.keys.algorithms = vec![Algorithm::Es256, Algorithm::EdDsa];
    });
    let ann = server.person("ann");
    let good = sealed(&server);
    let jwks = || server.anonymous().get("/.well-known/jwks.json").text;
    let published = jwks();
    let (one, two) = (&good[0], &good[1]);
    let elsewhere = Server::start(on);
    let cases: [[Vec<u8>; 2]; 4] = [
        [two.1.clone(), one.1.clone()],
        [one.1[..20].to_vec(), two.1[..7].to_vec()],
        [Vec::new(), Vec::new()],
        // Of another environment, whose master key is not here.
        [
            sealed(&elsewhere)[0].1.clone(),
            sealed(&elsewhere)[0].1.clone(),
        ],
    ];
    for [first, second] in cases {
        // As they are after a start, which has not seen them sound.
        put(&server, &(one.0.clone(), vec![0; 9], one.2.clone()));
        put(&server, &(two.0.clone(), vec![0; 9], two.2.clone()));
        put(&server, &(one.0.clone(), first, one.2.clone()));
        put(&server, &(two.0.clone(), second, two.2.clone()));
        block_on(server.app.keys.maintain()).expect("the keys");
        assert_eq!(jwks(), published, "no new key, and the public parts stay");
        let answer = refresh(&server.anonymous(), &ann.refresh);
        assert_eq!((answer.status, answer.header("retry-after")), (503, "2"));
        let token = json!({"token": ann.access});
        server
            .anonymous()
            .post_json("/auth/token/verify/", &token)
            .ok(200);
    }
    put(&server, one);
    put(&server, two);
    refresh(&server.anonymous(), &ann.refresh).ok(200);
}

fn without_any_key_that_signs_there_is_a_new_one(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let old = kid(&ann.access);
    let at = server.clock.now().naive_utc();
    server.rows(move |conn| {
        diesel::update(signing_keys::table)
            .set((
                signing_keys::retire_at.eq(at),
                signing_keys::remove_at.eq(at + chrono::TimeDelta::days(1)),
            ))
            .execute(conn)
    });
    block_on(server.app.keys.maintain()).expect("the keys");
    let next = refresh(&server.anonymous(), &ann.refresh).ok(200);
    let new = kid(next["access"].as_str().expect("text"));
    assert_ne!(new, old);
    let jwks = server.anonymous().get("/.well-known/jwks.json").text;
    assert!(jwks.contains(&old) && jwks.contains(&new), "{jwks}");
    server.rows(|conn| diesel::delete(signing_keys::table).execute(conn));
    block_on(server.app.keys.maintain()).expect("the keys");
    let next = refresh(&server.anonymous(), next["refresh"].as_str().expect("text")).ok(200);
    assert_ne!(kid(next["access"].as_str().expect("text")), new);
}

fn what_cannot_be_done_says_why(on: Backend) {
    let server = Server::start(on);
    let keys = &server.app.keys;
    let only = block_on(keys.master_keys()).expect("the keys")[0]
        .id
        .to_string();
    let told = |error: signet::error::Error| error.to_string();
    let rotate = |to: Option<&str>| {
        told(block_on(keys.rotate_master_key(to.map(str::to_owned))).expect_err("a refusal"))
    };
    assert!(rotate(None).contains("signet keys master add"));
    assert!(rotate(Some(&only)).contains("is waiting"));
    let retire = |id: &str| told(block_on(keys.retire_master_key(id)).expect_err("a refusal"));
    assert!(retire("zz").contains("there is no master key zz"));
    let waiting = keys.add_master_key().expect("a key").to_string();
    report(&server);
    assert!(retire(&waiting).contains("is waiting"));
    assert!(retire("").contains("name a master key"));
    for _ in 2..16 {
        keys.add_master_key().expect("a key");
    }
    assert!(told(keys.add_master_key().expect_err("full")).contains("16 keys already"));
    let file = &server.app.config.keys.master_key_file;
    std::fs::write(file, [1; 33]).expect("written");
    assert!(told(keys.add_master_key().expect_err("bad")).contains("33 bytes"));
    report(&server);
    assert_eq!(
        stages(&server).first(),
        Some(&Stage::Current),
        "it goes on with what it had"
    );
}

fn start(installation: &Installation) -> String {
    let started = installation.try_run(&["serve", "--listen", "127.0.0.1:0"]);
    started.expect_err("it does not start")
}

fn key_file(installation: &Installation) -> PathBuf {
    installation.directory.path().join("master.key")
}

fn register(process: &Process) -> Value {
    let body = json!({"username": "ann", "password1": PASSWORD, "password2": PASSWORD});
    process
        .anonymous()
        .post_json("/auth/registration/", &body)
        .ok(201)
}

fn a_missing_or_wrong_key_stops_the_start_and_names_what_it_needs(on: Backend) {
    let installation = Installation::new(on);
    let process = installation.start(&[]);
    let person = register(&process);
    let id = kid(person["refresh"].as_str().expect("text"));
    process.kill();
    let file = key_file(&installation);
    let good = std::fs::read(&file).expect("the key");
    std::fs::remove_file(&file).expect("removed");
    for _ in 0..2 {
        let said = start(&installation);
        assert!(said.contains(&id) && said.contains("is missing"), "{said}");
        assert!(said.contains("keys master recover"), "{said}");
        assert!(!file.exists(), "no new key is made");
    }
    write_key(&file, &[7; 32]);
    let said = start(&installation);
    assert!(
        said.contains(&format!("needs the master key {id}")),
        "{said}"
    );
    // With both, whichever comes first.
    for both in [[good.clone(), vec![7; 32]], [vec![7; 32], good.clone()]] {
        write_key(&file, &both.concat());
        let process = installation.start(&[]);
        refresh(
            &process.anonymous(),
            person["refresh"].as_str().expect("text"),
        )
        .ok(200);
    }
    let error = installation.try_run(&["keys", "master", "recover", "--yes"]);
    let error = error.expect_err("nothing is lost");
    assert!(
        error.contains("stop all servers") || error.contains("is at hand"),
        "{error}"
    );
}

pub(crate) fn write_key(file: &Path, bytes: &[u8]) {
    std::fs::write(file, bytes).expect("written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(file, mode).expect("the mode");
}

fn a_lost_key_is_recovered_from(on: Backend) {
    let installation = Installation::new(on);
    let process = installation.start(&[]);
    let person = register(&process);
    let (access, old) = (person["access"].as_str().expect("text"), &person["refresh"]);
    process.stop();
    std::fs::remove_file(key_file(&installation)).expect("lost");
    let recover = ["keys", "master", "recover"];
    assert!(
        installation
            .try_run(&recover)
            .expect_err("unmeant")
            .contains("--yes")
    );
    let told = installation.run(&[&recover[..], &["--yes", "--json"]].concat());
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(told["lost"], json!([kid(old.as_str().expect("text"))]));
    let ended = told["signing_keys"][0].as_str().expect("text");
    assert!(ended.contains("signs until"), "{told}");
    let again = installation.try_run(&[&recover[..], &["--yes"]].concat());
    assert!(again.expect_err("done").contains("is at hand"));

    let process = installation.start(&[]);
    let client = process.anonymous();
    let jwks = client.get("/.well-known/jwks.json").text;
    assert!(
        jwks.contains(&kid(access)),
        "what was signed verifies until it expires: {jwks}"
    );
    refresh(&client, old.as_str().expect("text")).has_status(401);
    let body = json!({"username": "ann", "password": PASSWORD});
    let again = client.post_json("/auth/login/", &body).ok(200);
    assert_ne!(kid(again["access"].as_str().expect("text")), kid(access));
    refresh(&client, again["refresh"].as_str().expect("text")).ok(200);
    let listed = installation.run(&["keys", "master", "status"]);
    assert!(
        listed.contains("retired") && listed.contains("current"),
        "{listed}"
    );
    let report = installation.run(&["doctor"]);
    assert!(!report.contains("needs the master key"), "{report}");
}

fn the_command_line_replaces_a_key_beside_a_running_server(on: Backend) {
    let installation = Installation::new(on);
    let process = installation.start(&[]);
    let person = register(&process);
    let old = kid(person["refresh"].as_str().expect("text"));
    let run = |arguments: &[&str]| {
        let told = installation.run(&[&["keys", "master"], arguments, &["--json"]].concat());
        serde_json::from_str::<Value>(&told).expect("JSON")
    };
    assert_eq!(run(&["status"])[0]["state"], "current");
    let added = run(&["add"])["added"].as_str().expect("text").to_owned();
    // The server looks into the file by itself.
    let is_read = |_| run(&["status"])[1]["missing_on"] == json!([]);
    assert!((0..1_000).any(is_read));
    let rotated = run(&["rotate"]);
    assert_eq!(rotated["current"], added.as_str());
    assert_eq!(rotated["resealed"]["signing_keys"], 1);
    let token = refresh(
        &process.anonymous(),
        person["refresh"].as_str().expect("text"),
    )
    .ok(200);
    assert_eq!(run(&["status"])[1]["state"], "next");
    let wrong = installation.try_run(&["keys", "master", "revoke", &old]);
    assert!(wrong.expect_err("unmeant").contains("--now"));
    let revoked = run(&["revoke", &old, "--now"]);
    assert_eq!(revoked["revoked"], old.as_str());
    let told = revoked["signing_keys"].as_array().expect("a list").iter();
    let made = told.filter(|one| one.as_str().expect("text").contains("made the"));
    assert_eq!(made.count(), 1, "{revoked}");
    // The server learns of it by itself.
    let token = token["refresh"].as_str().expect("text");
    let client = process.anonymous();
    assert!((0..20_000).any(|_| refresh(&client, token).status == 401));
    process.kill();
    let both = std::fs::read(key_file(&installation)).expect("the keys");
    assert_eq!(run(&["remove", &old])["removed"], old.as_str());
    assert_eq!(
        std::fs::read(key_file(&installation)).expect("the key"),
        both[32..]
    );
    installation.start(&[]).anonymous().get("/readyz").ok(200);
}

fn a_revoked_next_key_is_nobodys_successor(on: Backend) {
    let server = Server::start(on);
    let app = &server.app;
    let ann = server.person("ann");
    let old = kid(&ann.refresh);
    let next = rotate(&server).id.to_string();
    server.advance(30);
    block_on(app.revoke_master_key(&next, Duration::ZERO)).expect("revoked");
    server.advance(86_400);
    assert_eq!(stages(&server), [Stage::Current, Stage::Retired]);
    refresh(&server.anonymous(), &ann.refresh).has_status(401);
    let eve = server.person("eve");
    rotate(&server);
    server.advance(61);
    let error = block_on(app.keys.retire_master_key(&old)).expect_err("tokens of it live");
    assert!(error.to_string().contains("may live until"), "{error}");
    let next = refresh(&server.anonymous(), &eve.refresh).ok(200);
    let signing = kid(next["access"].as_str().expect("text"));
    block_on(app.revoke_master_key(&old, Duration::ZERO)).expect("revoked");
    let jwks = server.anonymous().get("/.well-known/jwks.json").text;
    assert!(
        !jwks.contains(&signing),
        "it was sealed under the revoked key: {jwks}"
    );
}

fn who_adds_at_the_same_time_loses_nothing(on: Backend) {
    let server = Server::start(on);
    let keys = &server.app.keys;
    let file = &server.app.config.keys.master_key_file;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o640);
    std::fs::set_permissions(file, mode).expect("the mode");
    let added: BTreeSet<_> = std::thread::scope(|scope| {
        let adds: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| keys.add_master_key()))
            .collect();
        adds.into_iter()
            .map(|add| add.join().expect("it").expect("a key"))
            .collect()
    });
    assert_eq!(added.len(), 8);
    assert_eq!(std::fs::read(file).expect("the keys").len(), 9 * 32);
    let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata().expect("it").permissions());
    assert_eq!(mode & 0o777, 0o640, "it is the file that it was");
}

/// Who can only write to the database: a key of his own, and a reason to recover.
fn what_somebody_slipped_in_is_not_vouched_for_by_a_recovery(on: Backend) {
    let installation = Installation::new(on);
    let process = installation.start(&[]);
    register(&process);
    process.stop();
    installation.rows(|conn| {
        let (jwk, sealed): (String, Vec<u8>) = signing_keys::table
            .select((signing_keys::public_jwk, signing_keys::sealed_private))
            .get_result(conn)?;
        let now = signet::clock::Clock::system().now().naive_utc();
        for purpose in ["verify", "access"] {
            diesel::insert_into(signing_keys::table)
                .values((
                    signing_keys::kid.eq(format!("evil-{purpose}")),
                    signing_keys::algorithm.eq("ES256"),
                    signing_keys::purpose.eq(purpose),
                    signing_keys::public_jwk.eq(&jwk),
                    signing_keys::sealed_private.eq(vec![7; 60]),
                    signing_keys::sealed_public.eq(Some(sealed.clone())),
                    signing_keys::master_key_id.eq("0707070707070707"),
                    signing_keys::created_at.eq(now),
                    signing_keys::publish_at.eq(now),
                    signing_keys::activate_at.eq(now),
                    signing_keys::retire_at.eq(Some(now)),
                    signing_keys::remove_at.eq(Some(now + chrono::TimeDelta::days(9))),
                ))
                .execute(conn)?;
        }
        Ok(())
    });
    // A name that no key ever had is damage, and no reason to give anything up.
    let recover = ["keys", "master", "recover", "--yes"];
    assert!(
        installation
            .try_run(&recover)
            .expect_err("not lost")
            .contains("is at hand")
    );
    std::fs::remove_file(key_file(&installation)).expect("lost");
    installation.run(&recover);
    let process = installation.start(&[]);
    let jwks = process.anonymous().get("/.well-known/jwks.json").text;
    assert!(!jwks.contains("evil"), "{jwks}");
}
