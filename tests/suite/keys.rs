//! Signing keys that come and go: as operators, verifiers and a second node see it.

mod algorithms;
mod damage;
mod import;
mod revocation;
mod settings;

use chrono::TimeDelta;
use diesel::prelude::*;
use serde_json::{Value, json};
use signet::crypto::Algorithm;
use signet::keys::Start;
use signet::storage::schema::signing_keys;

use crate::support::{Answer, Backend, Installation, Person, Server, block_on, on_both, token};

on_both!(
    a_key_is_replaced_without_a_token_that_cannot_be_verified,
    a_revoked_key_is_gone_at_once_and_sessions_go_on,
    a_revocation_cannot_be_taken_back_in_the_database,
    another_algorithm_leaves_no_gap_there_or_back,
    a_key_that_was_announced_takes_over_in_an_emergency,
    each_algorithm_has_its_own_key_and_its_own_view,
    what_comes_too_soon_is_refused_with_the_moment,
    who_decides_at_the_same_time_does_it_once,
    the_command_line_tells_what_happens_when,
);

const DAY: i64 = 86_400;

fn jwks(server: &Server) -> Answer {
    server.anonymous().get("/.well-known/jwks.json")
}

fn kids(server: &Server) -> Vec<String> {
    let set = jwks(server).ok(200);
    let keys = set["keys"].as_array().expect("keys").iter();
    keys.map(|key| key["kid"].as_str().expect("text").to_owned())
        .collect()
}

fn kid(access: &str) -> String {
    token::header(access)["kid"]
        .as_str()
        .expect("text")
        .to_owned()
}

fn verify(server: &Server, access: &str) -> u16 {
    let body = json!({"token": access});
    server
        .anonymous()
        .post_json("/auth/token/verify/", &body)
        .status
}

fn refresh(server: &Server, person: &mut Person) -> String {
    let body = json!({"refresh": person.refresh});
    let answer = server
        .anonymous()
        .post_json("/auth/token/refresh/", &body)
        .ok(200);
    answer["refresh"]
        .as_str()
        .expect("text")
        .clone_into(&mut person.refresh);
    answer["access"].as_str().expect("text").to_owned()
}

fn maintain(server: &Server) -> usize {
    block_on(server.app.keys.maintain())
        .expect("the keys")
        .len()
}

fn a_key_is_replaced_without_a_token_that_cannot_be_verified(on: Backend) {
    let server = Server::with(on, |config| {
        config.tokens.refresh_idle = "365d".parse().expect("a period");
        config.tokens.refresh_absolute = "365d".parse().expect("a period");
    });
    let mut ann = server.person("ann");
    let old = kid(&ann.access);
    assert_eq!(kids(&server), std::slice::from_ref(&old));
    assert_eq!(jwks(&server).header("cache-control"), "public, max-age=300");
    // The first key is as old as a clock that is a minute behind could have it.
    server.advance(59 * DAY - 60 - 1);
    assert_eq!(maintain(&server), 0, "it is not time yet");
    server.advance(1);
    assert_eq!(
        maintain(&server),
        2,
        "a new key, and an end for the old one"
    );
    assert_eq!(maintain(&server), 0, "what is done is done");
    let both = kids(&server);
    assert_eq!(both.len(), 2, "a day before it signs it is published");
    let new = both
        .iter()
        .find(|kid| **kid != old)
        .expect("a new one")
        .clone();
    server.advance(DAY - 1);
    let last = refresh(&server, &mut ann);
    assert_eq!(kid(&last), old);
    server.advance(1);
    assert_eq!(kid(&refresh(&server, &mut ann)), new);
    assert_eq!(
        verify(&server, &last),
        200,
        "what was signed before lives out"
    );
    // While a token can live, and a day and a minute beyond.
    server.advance(DAY + 660 - 1);
    assert_eq!(kids(&server).len(), 2);
    server.advance(1);
    assert_eq!(kids(&server), [new]);
    let told = server.events("signing_key_rescheduled");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["kid"], old);
}

fn a_revoked_key_is_gone_at_once_and_sessions_go_on(on: Backend) {
    let server = Server::start(on);
    let mut ann = server.person("ann");
    let bad = kid(&ann.access);
    assert_eq!(verify(&server, &ann.access), 200);
    block_on(server.app.keys.revoke(&bad)).expect("revoked");
    assert_eq!(verify(&server, &ann.access), 401);
    ann.client.get("/auth/user/").has_status(401);
    let good = kids(&server);
    assert!(good.len() == 1 && good[0] != bad);
    let access = refresh(&server, &mut ann);
    assert_eq!(kid(&access), good[0]);
    assert_eq!(verify(&server, &access), 200);
    let again = block_on(server.app.keys.revoke(&bad)).expect_err("it is gone");
    assert!(again.to_string().contains("revoked"), "{again}");
    assert_eq!(server.events("signing_key_revoked")[0]["kid"], bad);
    // Long after, the row goes, too.
    server.advance(89 * DAY);
    maintain(&server);
    assert_eq!(server.events("signing_key_forgotten").len(), 0);
    server.advance(DAY);
    maintain(&server);
    assert_eq!(server.events("signing_key_forgotten")[0]["kid"], bad);
}

fn a_key_that_was_announced_takes_over_in_an_emergency(on: Backend) {
    let server = Server::start(on);
    let mut ann = server.person("ann");
    let bad = kid(&ann.access);
    let keys = &server.app.keys;
    block_on(keys.rotate(keys.default_algorithm(), Start::Announced)).expect("a next key");
    let next = kids(&server).into_iter().find(|kid| *kid != bad);
    block_on(keys.revoke(&bad)).expect("revoked");
    assert_eq!(kids(&server), [next.clone().expect("the next key")]);
    assert_eq!(Some(kid(&refresh(&server, &mut ann))), next);
}

fn each_algorithm_has_its_own_key_and_its_own_view(on: Backend) {
    let server = Server::with(on, |config| {
        config.keys.algorithms = vec![Algorithm::Es256, Algorithm::EdDsa];
        config.keys.default_algorithm = Algorithm::EdDsa;
    });
    let ann = server.person("ann");
    assert_eq!(token::header(&ann.access)["alg"], "EdDSA");
    assert_eq!(verify(&server, &ann.access), 200);
    let all = jwks(&server).ok(200);
    let all = all["keys"].as_array().expect("keys");
    assert_eq!(all.len(), 2);
    let view = |name: &str| {
        let path = format!("/.well-known/jwks.json?alg={name}");
        server.anonymous().get(&path)
    };
    for (name, kty) in [("ES256", "EC"), ("EdDSA", "OKP")] {
        let part = view(name).ok(200);
        assert_eq!(part["keys"].as_array().expect("keys").len(), 1);
        assert_eq!(part["keys"][0]["alg"], name);
        assert_eq!(part["keys"][0]["kty"], kty);
        assert_eq!(part["keys"][0]["use"], "sig");
        assert!(all.contains(&part["keys"][0]));
    }
    assert_eq!(view("RS256").ok(200), json!({"keys": []}));
    for name in ["none", "HS256", "es256"] {
        let refused = view(name);
        assert_eq!(refused.status, 400);
        let known = "Use one of: ES256, EdDSA, ES384, RS256, PS256.";
        assert_eq!(refused.json["alg"], json!([known]));
    }
}

fn what_comes_too_soon_is_refused_with_the_moment(on: Backend) {
    let server = Server::start(on);
    let keys = &server.app.keys;
    let only = kids(&server).remove(0);
    let error = block_on(keys.retire(&only)).expect_err("nothing else signs");
    assert!(
        error.to_string().contains("no other key signs ES256"),
        "{error}"
    );
    block_on(keys.rotate(keys.default_algorithm(), Start::Announced)).expect("a next key");
    let next = kids(&server)
        .into_iter()
        .find(|kid| *kid != only)
        .expect("it");
    let error = block_on(keys.activate(&next)).expect_err("nobody knows it yet");
    // max-age 5m, reload 1s, skew 1m
    let earliest = server.clock.now() + TimeDelta::seconds(361);
    let earliest = earliest.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    assert!(
        error.to_string().contains(&format!("before {earliest}")),
        "{error}"
    );
    server.advance(361);
    block_on(keys.activate(&next[..6])).expect("now it is safe");
    let ann = server.person("ann");
    assert_eq!(kid(&ann.access), next);
    assert_eq!(kids(&server).len(), 2, "the old one's tokens live out");
}

fn who_decides_at_the_same_time_does_it_once(on: Backend) {
    let server = Server::start(on);
    server.advance(60 * DAY);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| maintain(&server));
        }
    });
    assert_eq!(kids(&server).len(), 2);
    assert_eq!(server.events("signing_key_created").len(), 2);
}

fn the_command_line_tells_what_happens_when(on: Backend) {
    let installation = Installation::new(on);
    let process = installation.start(&[]);
    let run = |arguments: &[&str]| installation.run(&[&["keys"], arguments].concat());
    let json = |arguments: &[&str]| -> Value {
        serde_json::from_str(&run(&[arguments, &["--json"]].concat())).expect("JSON")
    };
    let wrong = |arguments: &[&str]| {
        installation
            .try_run(&[&["keys"], arguments].concat())
            .expect_err("a refusal")
    };
    let first = json(&["list"])[0]["kid"].as_str().expect("text").to_owned();
    assert!(
        run(&["list"])
            .lines()
            .nth(1)
            .expect("a key")
            .starts_with(&first)
    );
    assert!(run(&["plan"]).contains("the next key is made and published"));

    let changed = json(&["rotate", "--earliest"]);
    assert_eq!(changed["changed"][0]["change"], "created");
    assert_eq!(changed["changed"][0]["state"], "pending");
    assert_eq!(changed["changed"][1]["kid"], first);
    assert_eq!(changed["notes"], json!([]), "no verifier notices");
    let second = changed["changed"][0]["kid"].as_str().expect("text");
    let plan = run(&["plan"]);
    for words in [
        "begins to sign",
        "signs no longer",
        "is in no JWKS any more",
    ] {
        assert!(plan.contains(words), "{plan}");
    }
    let plan = json(&["plan"]);
    let acts: Vec<&Value> = (0..2).map(|step| &plan["steps"][step]["act"]).collect();
    assert_eq!(acts, ["retire", "activate"], "at the same moment");
    assert_eq!(plan["steps"][0]["at"], plan["steps"][1]["at"]);
    // Nodes publish what they know of, also what a clock ahead made.
    installation.rows(|conn| {
        let later = (signet::clock::Clock::system().now() + TimeDelta::minutes(1)).naive_utc();
        diesel::update(signing_keys::table)
            .set(signing_keys::publish_at.eq(later))
            .execute(conn)
    });
    assert_eq!(json(&["plan"])["steps"][0]["act"], "retire");
    assert!(wrong(&["activate", second]).contains("the key cannot sign before 2"));
    assert!(wrong(&["rotate", "--earliest"]).contains("as it is"));
    for kid in ["nothing", "-nothing"] {
        let words = format!("there is no signing key {kid}");
        assert!(wrong(&["activate", kid]).contains(&words), "{kid}");
        let export = wrong(&["export", "--public", kid]);
        assert!(
            export.contains("there is no") && export.contains(kid),
            "{export}"
        );
        assert!(wrong(&["revoke", kid, "--now"]).contains(&words), "{kid}");
    }
    assert!(wrong(&["rotate", "--algorithm", "HS512"]).contains("ES256"));
    assert!(wrong(&["revoke", &first]).contains("--now"));
    let told = run(&["revoke", &first, "--now"]);
    assert!(
        told.contains(&format!("the signing key {first} is revoked")),
        "{told}"
    );
    assert!(told.contains("Sessions go on"), "{told}");
    let states: Vec<Value> = json(&["list"]).as_array().expect("keys").clone();
    assert!(
        states
            .iter()
            .any(|key| key["state"] == "active" && key["kid"] == second)
    );
    // The server learns of it by itself.
    let client = process.anonymous();
    let gone = (0..20_000).any(|_| {
        let set = client.get("/.well-known/jwks.json").text;
        !set.contains(&first)
    });
    assert!(gone, "the server still publishes the key");
}

fn a_revocation_cannot_be_taken_back_in_the_database(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let bad = kid(&ann.access);
    block_on(server.app.keys.revoke(&bad)).expect("revoked");
    let changed = server.rows(|conn| {
        diesel::update(signing_keys::table)
            .set(signing_keys::revoked_at.eq(None::<chrono::NaiveDateTime>))
            .execute(conn)
    });
    assert_eq!(changed, 2);
    block_on(server.app.keys.reload()).expect("the keys");
    assert!(!kids(&server).contains(&bad));
    assert_eq!(verify(&server, &ann.access), 401);
    assert!(
        block_on(server.app.keys.revoke("")).is_err(),
        "nothing is nobody's name"
    );
}

fn another_algorithm_leaves_no_gap_there_or_back(on: Backend) {
    let installation = Installation::new(on);
    let mut used = Vec::new();
    for algorithm in ["\"ES256\"", "\"EdDSA\"", "\"ES256\""] {
        let process = installation.start(&[
            ("keys", "algorithms", &format!("[{algorithm}]")),
            ("keys", "default_algorithm", algorithm),
        ]);
        let client = process.anonymous();
        client.get("/readyz").ok(200);
        let body = json!({"username": format!("ann{}", used.len()), "password1": "correct horse",
            "password2": "correct horse"});
        let person = client.post_json("/auth/registration/", &body).ok(201);
        // The job has looked after the keys once the next one is published.
        let is_there = |_| {
            let set = client.get("/.well-known/jwks.json").ok(200);
            let mut keys = set["keys"].as_array().expect("keys").iter();
            keys.any(|key| format!("\"{}\"", key["alg"].as_str().expect("text")) == algorithm)
        };
        assert!((0..20_000).any(is_there), "{algorithm}");
        let body = json!({"refresh": person["refresh"]});
        let next = client.post_json("/auth/token/refresh/", &body).ok(200);
        used.push(token::header(next["access"].as_str().expect("text"))["alg"].clone());
        process.stop();
    }
    assert_eq!(
        used,
        ["ES256", "ES256", "ES256"],
        "until every verifier can know the other"
    );
}
