//! Keys that were revoked, and who may come back.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use diesel::prelude::*;
use serde_json::json;
use signet::crypto::{Algorithm, KeyFile, SigningKey};
use signet::error::Result;
use signet::keys::Changed;
use signet::storage::schema::signing_keys;

use super::{kid, kids, verify};
use crate::support::{Backend, Installation, Server, block_on, on_both};

on_both!(
    a_revocation_takes_every_row_with_the_same_key,
    a_key_is_imported_again_unless_it_was_revoked,
    a_key_that_was_revoked_by_a_clock_ahead_is_revoked,
    doctor_has_nothing_against_a_revoked_key,
    a_token_that_was_good_is_judged_anew_each_time,
);

/// A private key, as a file.
struct Made {
    thumbprint: String,
    pem: String,
}

impl Made {
    fn new() -> Self {
        let (signing, private) = SigningKey::generate(Algorithm::Es256).expect("a key");
        let body = STANDARD.encode(&*private);
        let lines: Vec<&str> = body
            .as_bytes()
            .chunks(64)
            .map(|line| std::str::from_utf8(line).expect("ASCII"))
            .collect();
        let public = signing.public_jwk().expect("its public part");
        Self {
            thumbprint: public.thumbprint(),
            pem: format!(
                "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
                lines.join("\n")
            ),
        }
    }

    fn file(&self) -> KeyFile {
        KeyFile::read(self.pem.as_bytes()).expect("a key")
    }

    fn to_verify(&self, server: &Server, kid: &str, days: i64) -> Result<Vec<Changed>> {
        let keep = TimeDelta::days(days);
        let keys = &server.app.keys;
        block_on(keys.import_to_verify(self.file(), None, Some(kid), keep))
    }
}

fn refused(done: Result<Vec<Changed>>, words: &str) {
    let error = done.expect_err(words).to_string();
    assert!(error.contains(words), "{error}");
}

fn a_revocation_takes_every_row_with_the_same_key(on: Backend) {
    for by_thumbprint in [true, false] {
        let server = Server::start(on);
        let keys = &server.app.keys;
        let made = Made::new();
        made.to_verify(&server, "2023-key", 30).expect("imported");
        block_on(keys.import_to_sign(made.file(), None)).expect("imported");
        assert_eq!(kids(&server).len(), 3);
        let named = if by_thumbprint {
            &made.thumbprint
        } else {
            "2023-key"
        };
        let changed = block_on(keys.revoke(named)).expect("revoked");
        let is_revoked = |one: &&Changed| matches!(one, Changed::Revoked(_));
        assert_eq!(changed.iter().filter(is_revoked).count(), 2, "{changed:?}");
        assert_eq!(kids(&server).len(), 1);
        assert_eq!(server.events("signing_key_revoked").len(), 2);
        refused(made.to_verify(&server, "other", 30), "was revoked, as");
        let to_sign = block_on(keys.import_to_sign(made.file(), None));
        refused(to_sign, "was revoked, as");
    }
}

fn a_key_is_imported_again_unless_it_was_revoked(on: Backend) {
    let server = Server::start(on);
    let keys = &server.app.keys;
    let (made, another) = (Made::new(), Made::new());
    let is_published = || kids(&server).contains(&"old".to_owned());
    let break_seal = || {
        server.rows(|conn| {
            diesel::update(signing_keys::table.find("old"))
                .set(signing_keys::sealed_public.eq(None::<Vec<u8>>))
                .execute(conn)
        });
        block_on(keys.reload()).expect("the others");
        assert!(!is_published());
    };
    made.to_verify(&server, "old", 30).expect("imported");
    refused(another.to_verify(&server, "old", 30), "already");
    // Longer than was thought at first.
    made.to_verify(&server, "old", 40).expect("imported again");
    server.advance(35 * super::DAY);
    assert!(is_published());
    break_seal();
    made.to_verify(&server, "old", 40).expect("imported again");
    assert!(is_published());
    // Whatever became of the row.
    break_seal();
    another.to_verify(&server, "old", 40).expect("in its place");
    break_seal();
    let gone = block_on(keys.revoke("old")).expect("nobody's");
    assert!(
        matches!(gone.as_slice(), [Changed::Forgotten(kid)] if kid == "old"),
        "{gone:?}"
    );
    made.to_verify(&server, "old", 40).expect("imported again");
    assert!(is_published());
    block_on(keys.revoke("old")).expect("revoked");
    refused(made.to_verify(&server, "old", 40), "was revoked");
    refused(another.to_verify(&server, "old", 40), "already");
}

/// By our clock, that moment is still to come.
fn a_key_that_was_revoked_by_a_clock_ahead_is_revoked(on: Backend) {
    let server = Server::start(on);
    let app = &server.app;
    let ann = server.person("ann");
    let bad = kid(&ann.access);
    block_on(app.keys.revoke(&bad)).expect("revoked");
    let ahead = (server.clock.now() + TimeDelta::seconds(40)).naive_utc();
    let row = bad.clone();
    server.rows(move |conn| {
        diesel::update(signing_keys::table.find(&row))
            .set(signing_keys::revoked_at.eq(Some(ahead)))
            .execute(conn)
    });
    block_on(app.keys.reload()).expect("the keys");
    assert_eq!(verify(&server, &ann.access), 401);
    let findings = signet::keys::diagnose(&app.db, &server.clock, &app.config);
    let findings = block_on(findings).expect("the findings");
    let about: Vec<_> = findings
        .iter()
        .filter(|one| one.found.contains(&bad))
        .collect();
    assert!(about.is_empty(), "{about:?}");
    refused(block_on(app.keys.revoke(&bad)), "is revoked");
}

fn doctor_has_nothing_against_a_revoked_key(on: Backend) {
    let installation = Installation::new(on);
    let _process = installation.start(&[]);
    let file = installation.directory.path().join("old.pem");
    std::fs::write(&file, Made::new().pem).expect("written");
    let path = file.display().to_string();
    installation.run(&["keys", "import", &path, "--kid", "old"]);
    installation.run(&["keys", "import", &path, "--sign"]);
    let told = installation.run(&["keys", "revoke", "old", "--now"]);
    assert!(told.contains("the same key"), "{told}");
    // It would fail, were anything bad.
    let report = installation.run(&["doctor"]);
    assert!(!report.contains("import"), "{report}");
}

/// That a signature was good once is remembered; nothing else is.
fn a_token_that_was_good_is_judged_anew_each_time(on: Backend) {
    let server = Server::start(on);
    let (ann, ben, eve) = (
        server.person("ann"),
        server.person("ben"),
        server.person("eve"),
    );
    let statuses = || [&ann, &ben, &eve].map(|person| verify(&server, &person.access));
    assert_eq!(statuses(), [200, 200, 200]);
    assert_eq!(statuses(), [200, 200, 200]);
    let refresh = json!({"refresh": ann.refresh});
    ann.client.post_json("/auth/logout/", &refresh).ok(200);
    assert_eq!(statuses(), [401, 200, 200]);
    let first = kid(&ben.access);
    block_on(server.app.keys.revoke(&first)).expect("revoked");
    assert_eq!(statuses(), [401, 401, 401]);
    let next = server.person("fay");
    assert_ne!(kid(&next.access), first);
    let is_good = || verify(&server, &next.access);
    assert_eq!([is_good(), is_good()], [200, 200]);
    server.advance(599);
    assert_eq!(is_good(), 200);
    server.advance(1);
    assert_eq!(is_good(), 401);
}
