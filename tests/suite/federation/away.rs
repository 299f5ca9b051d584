//! Providers that are away, slow or hostile (security lines 110 and 129, T-21).

use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::json;
use signet::config::Period;
use signet::crypto::Algorithm;

use super::House;
use crate::support::provider::{CLIENT, Provider, Reply, raw};
use crate::support::{Answer, Backend, PASSWORD, on_both, token};

on_both!(
    a_provider_that_is_away_is_not_the_credentials_fault,
    it_works_again_when_the_provider_is_back,
    a_hanging_provider_delays_nobody_else,
    nobody_waits_for_a_hanging_provider_for_long,
    what_a_provider_publishes_is_held_to_its_issuer,
    tls_is_verified,
    no_secret_is_sent_where_there_is_no_tls,
    a_new_key_is_not_refused_while_the_provider_is_away,
);

/// Calls to one provider at a time.
const SLOTS: usize = 8;

const METADATA: &str = "/.well-known/openid-configuration";

/// Nothing was said about the credential: 503, and when to come back.
#[track_caller]
fn away(answer: &Answer) {
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert_eq!(answer.header("retry-after"), "5");
    let (code, _) = answer.problem_members();
    assert_eq!(code, "unavailable");
}

fn broken() -> Vec<Reply> {
    vec![
        Reply::Json(500, json!({})),
        Reply::Json(503, json!({})),
        Reply::Json(429, json!({})),
        Reply::Raw(Vec::new()),
        Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{".to_vec()),
    ]
}

/// Lines 110 and 129: also what is no document at all.
fn nonsense() -> Vec<Reply> {
    let mut all = vec![
        raw("200 OK", b""),
        raw("200 OK", b"<html>it works</html>"),
        raw("200 OK", b"\xff\xfe"),
        raw("200 OK", &vec![b' '; 300 * 1024]),
        raw("301 Moved\r\nLocation: /elsewhere", b""),
        raw("204 No Content", b""),
        Reply::Json(404, json!({})),
        Reply::Raw(b"SSH-2.0-OpenSSH_9\r\n".to_vec()),
        // Chunks without an end.
        Reply::Raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_vec()),
    ];
    let values = [
        json!(null),
        json!(true),
        json!(1),
        json!(""),
        json!([]),
        json!({}),
        json!({"keys": null}),
        json!({"keys": {}}),
        json!({"keys": "x"}),
        json!({"issuer": 1, "jwks_uri": 1}),
    ];
    all.extend(values.into_iter().map(|value| Reply::Json(200, value)));
    all
}

fn a_provider_that_is_away_is_not_the_credentials_fault(on: Backend) {
    let house = House::new(on);
    let body = json!({"id_token": house.provider.id_token(&house.server, "ada")});
    let good = house.provider.jwks();
    for reply in broken().into_iter().chain(nonsense()) {
        house.provider.replies(METADATA, reply);
        away(&house.post(&body));
    }
    house.provider.publish(&[]);
    for reply in broken().into_iter().chain(nonsense()) {
        house.provider.replies("/jwks", reply);
        away(&house.post(&body));
    }
    house.provider.replies("/jwks", Reply::Json(200, good));
    for reply in broken() {
        house.provider.replies("/token", reply);
        away(&house.post(&json!({"code": "c"})));
    }
    assert!(house.provider.asked("/elsewhere").is_empty());
    assert_eq!(house.server.stored()[..2], [0, 0]);
    // Nobody listens; nobody speaks TLS.
    let port = TcpListener::bind("127.0.0.1:0").expect("a port");
    let nobody = format!("http://{}", port.local_addr().expect("an address"));
    drop(port);
    let plain = house.provider.issuer.replace("http://", "https://");
    for issuer in [nobody, plain, "https://provider.invalid".into()] {
        let house = House::with(on, |config| config.federation.oidc.issuer = issuer);
        away(&house.post(&body));
    }
}

fn it_works_again_when_the_provider_is_back(on: Backend) {
    let house = House::new(on);
    house
        .provider
        .replies(METADATA, Reply::Json(500, json!({})));
    let body = json!({"id_token": house.provider.id_token(&house.server, "ada")});
    away(&house.post(&body));
    house.provider.publish(&[]);
    house.login("ada");
    // What was fetched before it went away again is good for as long as it is.
    house
        .provider
        .replies(METADATA, Reply::Json(500, json!({})));
    house.provider.replies("/jwks", Reply::Json(500, json!({})));
    house.login("ada");
    house.server.advance(3600);
    away(&house.present(&house.claims("ada")));
}

/// T-21: its slots are its own.
fn a_hanging_provider_delays_nobody_else(on: Backend) {
    let other = Provider::start();
    let issuer = other.issuer.clone();
    let house = House::with(on, |config| {
        config.federation.google.client_id = CLIENT.into();
        config.federation.google.issuer = issuer;
    });
    house.server.person("ann");
    let (server, provider) = (&house.server, &house.provider);
    let hanging = json!({"id_token": provider.id_token(server, "ada")});
    let google = json!({"id_token": other.id_token(server, "grace")});
    let password = json!({"username": "ann", "password": PASSWORD});
    provider.replies(METADATA, Reply::Hang);
    let ask = || server.anonymous().post_json("/auth/idp/", &hanging);
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..3 * SLOTS).map(|_| scope.spawn(ask)).collect();
        provider.wait_for_held(SLOTS);
        for _ in 0..5 {
            let client = server.anonymous();
            client.post_json("/auth/login/", &password).ok(200);
            client.post_json("/auth/google/", &google).ok(200);
        }
        assert!(waiting.iter().all(|one| !one.is_finished()), "they do hang");
        provider.replies(METADATA, Reply::Json(500, json!({})));
        assert_eq!(provider.release(), SLOTS, "and no more than that at a time");
        for one in waiting {
            away(&one.join().expect("an answer"));
        }
    });
    provider.publish(&[]);
    house.login("ada");
}

/// T-21: and its time is short.
fn nobody_waits_for_a_hanging_provider_for_long(on: Backend) {
    let house = House::with(on, |config| config.federation.timeout = Period::seconds(1));
    let id_token = json!({"id_token": house.provider.id_token(&house.server, "ada")});
    let code = json!({"code": "c"});
    for (path, body) in [(METADATA, &code), ("/jwks", &id_token), ("/token", &code)] {
        house.provider.publish(&[]);
        house.provider.replies(path, Reply::Hang);
        let begun = Instant::now();
        away(&house.post(body));
        // A machine may be busy: what matters is that it is not the client's own limit.
        assert!(begun.elapsed() < Duration::from_secs(30));
    }
}

/// Line 126.
fn what_a_provider_publishes_is_held_to_its_issuer(on: Backend) {
    let house = House::new(on);
    let issuer = house.provider.issuer.clone();
    for other in [
        format!("{issuer}/"),
        issuer.to_uppercase(),
        "https://accounts.google.com".into(),
        String::new(),
    ] {
        house.provider.publish(&[("issuer", json!(other))]);
        away(&house.present(&house.claims("ada")));
        let mut claims = house.claims("ada");
        claims["iss"] = json!(other);
        away(&house.present(&claims));
    }
    assert_eq!(house.server.stored()[0], 0);
}

/// A certificate must be of an authority that is trusted, and for the name that was asked.
fn tls_is_verified(on: Backend) {
    let directory = tempfile::tempdir().expect("a directory");
    for (number, (name, is_trusted, status)) in [
        ("localhost", true, 200),
        ("localhost", false, 503),
        ("elsewhere.example.com", true, 503),
    ]
    .into_iter()
    .enumerate()
    {
        let (provider, pem) = Provider::start_tls(name);
        let file = directory.path().join(format!("{number}.pem"));
        std::fs::write(&file, pem).expect("the certificate");
        let house = House::with(on, |config| {
            config.federation.ca_file = is_trusted.then_some(file);
            config.federation.oidc.issuer.clone_from(&provider.issuer);
        });
        let body = json!({"id_token": provider.id_token(&house.server, "ada")});
        let answer = house.post(&body);
        assert_eq!(answer.status, status, "{name}: {}", answer.text);
        assert_eq!(provider.asked(METADATA).is_empty(), status != 200);
        // From there no endpoint without TLS is asked, not even on this machine.
        provider.publish(&[("jwks_uri", json!("http://127.0.0.1:1/jwks"))]);
        house.server.advance(3601);
        let body = json!({"id_token": provider.id_token(&house.server, "ada")});
        away(&house.post(&body));
    }
}

/// Line 110: whatever the metadata say.
fn no_secret_is_sent_where_there_is_no_tls(on: Backend) {
    let house = House::new(on);
    for name in ["jwks_uri", "token_endpoint", "userinfo_endpoint"] {
        for url in [
            "http://169.254.169.254/latest",
            "http://provider.example.com/x",
            "http://127.0.0.1.example.com/",
            "file:///etc/passwd",
            "ftp://127.0.0.1/",
            "//127.0.0.1/",
            "",
        ] {
            house.provider.publish(&[(name, json!(url))]);
            away(&house.post(&json!({"code": "c"})));
        }
    }
    assert!(house.provider.asked("/token").is_empty());
}

fn a_new_key_is_not_refused_while_the_provider_is_away(on: Backend) {
    let house = House::new(on);
    house.login("ada");
    house.server.advance(60);
    house.provider.add_key("two", Algorithm::Es256);
    let published = house.provider.jwks();
    house.provider.replies("/jwks", Reply::Json(502, json!({})));
    let body = json!({"id_token": house.provider.id_token(&house.server, "ada")});
    assert_eq!(
        token::header(body["id_token"].as_str().expect("a token"))["kid"],
        "two"
    );
    away(&house.post(&body));
    house.provider.replies("/jwks", Reply::Json(200, published));
    assert_eq!(house.post(&body).status, 200);
}
