//! Keys that OpenSSL made, taken over and given out.

use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use diesel::prelude::*;
use serde_json::{Value, json};
use signet::crypto::{Algorithm, KeyFile, PublicJwk, VerifyingKey};
use signet::error::Result;
use signet::keys::{Changed, Start};
use signet::storage::schema::signing_keys;

use super::{DAY, jwks, kid, kids, refresh, verify};
use crate::support::{Backend, Installation, Server, block_on, on_both, token};

on_both!(
    old_tokens_verify_through_the_jwks_until_their_time_is_over,
    an_imported_key_takes_over_like_one_of_a_rotation,
    a_key_that_was_slipped_into_the_database_is_not_published,
    what_cannot_be_taken_over_is_refused_with_the_remedy,
    a_key_is_called_after_its_thumbprint_whatever_that_begins_with,
    the_command_line_imports_and_exports,
);

/// A folder in which OpenSSL works.
struct Openssl(tempfile::TempDir);

impl Openssl {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn run(&self, line: &str) -> Vec<u8> {
        let output = Command::new("openssl")
            .args(line.split(' '))
            .current_dir(self.0.path())
            .stderr(Stdio::piped())
            .output()
            .expect("openssl runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {line}: {said}");
        output.stdout
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("the file")
    }

    /// A key in all forms: `NAME.pem` (PKCS#8), `NAME.traditional` where there is such a form,
    /// `NAME.public`.
    fn make(&self, name: &str, algorithm: Algorithm) -> Vec<String> {
        let kind = match algorithm {
            Algorithm::Es256 => "EC -pkeyopt ec_paramgen_curve:P-256",
            Algorithm::Es384 => "EC -pkeyopt ec_paramgen_curve:P-384",
            Algorithm::EdDsa => "ED25519",
            _ => "RSA -pkeyopt rsa_keygen_bits:2048",
        };
        self.run(&format!("genpkey -algorithm {kind} -out {name}.pem"));
        self.run(&format!("pkey -in {name}.pem -pubout -out {name}.public"));
        let mut files = vec![format!("{name}.pem"), format!("{name}.public")];
        if algorithm != Algorithm::EdDsa {
            let traditional = format!("{name}.traditional");
            self.run(&format!(
                "pkey -in {name}.pem -traditional -out {traditional}"
            ));
            files.push(traditional);
        }
        if algorithm.is_rsa() {
            let public = format!("{name}.rsapublic");
            self.run(&format!(
                "rsa -in {name}.pem -RSAPublicKey_out -out {public}"
            ));
            files.push(public);
        }
        files
    }

    /// A token as another service would have made it.
    fn sign(&self, name: &str, algorithm: Algorithm, kid: &str) -> String {
        let header = json!({"alg": algorithm.name(), "kid": kid});
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let message = format!("{}.{}", encode(&header), encode(&json!({"sub": "ann"})));
        std::fs::write(self.path("message"), &message).expect("the message");
        let digest = |more: &str| self.run(&format!("dgst {more} -sign {name}.pem message"));
        let signature = match algorithm {
            Algorithm::Rs256 => digest("-sha256"),
            Algorithm::Ps256 => {
                digest("-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32")
            }
            Algorithm::Es256 => side_by_side(&digest("-sha256"), 32),
            Algorithm::Es384 => side_by_side(&digest("-sha384"), 48),
            _ => self.run(&format!(
                "pkeyutl -sign -inkey {name}.pem -rawin -in message"
            )),
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// An ECDSA signature as JWS has it, of one in DER, all of whose lengths are below 128.
fn side_by_side(der: &[u8], length: usize) -> Vec<u8> {
    let number = |at: usize| {
        let end = at + 2 + usize::from(der[at + 1]);
        let digits: Vec<u8> = der[at + 2..end]
            .iter()
            .copied()
            .skip_while(|it| *it == 0)
            .collect();
        ([vec![0; length - digits.len()], digits].concat(), end)
    };
    let (r, end) = number(2);
    [r, number(end).0].concat()
}

/// What a verifier does: takes the key by its id, and its algorithm from it.
fn accepts(set: &Value, old: &str) -> bool {
    let header = token::header(old);
    let mut keys = set["keys"].as_array().expect("keys").iter();
    let Some(key) = keys.find(|key| key["kid"] == header["kid"]) else {
        return false;
    };
    let algorithm = key["alg"].as_str().expect("text").parse().expect("ours");
    let public: PublicJwk = serde_json::from_value(key.clone()).expect("a key");
    let key = VerifyingKey::from_jwk(algorithm, &public).expect("a key");
    key.decode::<Value>(old).is_ok()
}

fn days(days: i64) -> TimeDelta {
    TimeDelta::days(days)
}

fn take(
    server: &Server,
    file: &[u8],
    algorithm: Option<Algorithm>,
    kid: Option<&str>,
) -> Result<Vec<Changed>> {
    let file = KeyFile::read(file)?;
    block_on(
        server
            .app
            .keys
            .import_to_verify(file, algorithm, kid, days(30)),
    )
}

fn old_tokens_verify_through_the_jwks_until_their_time_is_over(on: Backend) {
    let server = Server::start(on);
    let own = kids(&server);
    let openssl = Openssl::new();
    let mut tokens = Vec::new();
    for algorithm in Algorithm::ASYMMETRIC {
        let name = algorithm.name();
        for (number, file) in openssl.make(name, algorithm).iter().enumerate() {
            let kid = format!("{name}/{number}");
            take(&server, &openssl.read(file), Some(algorithm), Some(&kid)).expect(file);
            tokens.push(openssl.sign(name, algorithm, &kid));
        }
    }
    assert_eq!(tokens.len(), 2 + 3 + 3 + 4 + 4);
    let set = jwks(&server).ok(200);
    for old in &tokens {
        assert!(accepts(&set, old), "{old}");
        assert!(!accepts(&set, &token::forged(old)));
    }
    for key in set["keys"].as_array().expect("keys") {
        let mut members: Vec<&str> = key
            .as_object()
            .expect("a key")
            .keys()
            .map(String::as_str)
            .collect();
        members
            .retain(|name| !["kid", "use", "alg", "kty", "crv", "x", "y", "n", "e"].contains(name));
        assert!(members.is_empty(), "not for everybody: {members:?}");
    }
    // It only verifies: what signs is as before, and so is who decides about it.
    let ann = server.person("ann");
    assert_eq!(own, [kid(&ann.access)]);
    assert_eq!(super::maintain(&server), 0);
    server.advance(30 * DAY - 1);
    let set = jwks(&server).ok(200);
    assert!(tokens.iter().all(|old| accepts(&set, old)));
    server.advance(1);
    assert_eq!(kids(&server), own);
    let told = server.events("signing_key_imported");
    assert_eq!(told.len(), tokens.len());
    assert!(told.iter().all(|event| event["purpose"] == "verify"));
    assert!(told.iter().any(|event| event["kid"] == "ES256/0"));
}

fn an_imported_key_takes_over_like_one_of_a_rotation(on: Backend) {
    let server = Server::with(on, |config| {
        config.keys.algorithms = vec![Algorithm::Es384, Algorithm::EdDsa];
        config.keys.default_algorithm = Algorithm::Es384;
    });
    let keys = &server.app.keys;
    let mut ann = server.person("ann");
    let first = kid(&ann.access);
    let openssl = Openssl::new();
    openssl.make("next", Algorithm::Es384);
    let file = || KeyFile::read(&openssl.read("next.traditional")).expect("a key");
    let thumbprint = file().public().thumbprint();
    let changed = block_on(keys.import_to_sign(file(), None)).expect("the next key");
    assert!(matches!(&changed[0], Changed::Imported(key) if key.kid == thumbprint));
    assert!(matches!(&changed[1], Changed::Rescheduled(key) if key.kid == first));
    assert!(kids(&server).contains(&thumbprint), "published at once");
    let again = block_on(keys.import_to_sign(file(), None)).expect_err("it is here");
    let again = again.to_string();
    assert!(
        again.contains("already") && !again.contains("--kid"),
        "{again}"
    );
    openssl.make("another", Algorithm::Es384);
    let another = KeyFile::read(&openssl.read("another.pem")).expect("a key");
    let refused = block_on(keys.import_to_sign(another, None)).expect_err("one is waiting");
    let remedy = format!("signet keys revoke {thumbprint} --now");
    assert!(refused.to_string().contains(&remedy), "{refused}");
    server.advance(DAY - 1);
    assert_eq!(kid(&refresh(&server, &mut ann)), first);
    server.advance(1);
    let access = refresh(&server, &mut ann);
    assert_eq!(kid(&access), thumbprint);
    assert_eq!(verify(&server, &access), 200);
    // Rotated away like any other.
    block_on(keys.rotate(Algorithm::Es384, Start::Earliest)).expect("a next key");
    server.advance(361);
    assert_ne!(kid(&refresh(&server, &mut ann)), thumbprint);
}

fn a_key_that_was_slipped_into_the_database_is_not_published(on: Backend) {
    let server = Server::start(on);
    let openssl = Openssl::new();
    for name in ["good", "evil"] {
        openssl.make(name, Algorithm::Es256);
        take(
            &server,
            &openssl.read(&format!("{name}.public")),
            None,
            Some(name),
        )
        .expect(name);
    }
    let old = openssl.sign("evil", Algorithm::Es256, "good");
    assert!(!accepts(&jwks(&server).ok(200), &old));
    let change = |to: fn(&mut signet::storage::Conn) -> QueryResult<usize>| {
        assert_eq!(server.rows(to), 1);
        block_on(server.app.keys.reload()).expect("the others");
        assert!(!accepts(&jwks(&server).ok(200), &old));
    };
    let published = kids(&server).len();
    // Another public part under the id that verifiers know.
    change(|conn| {
        let evil = signing_keys::table.find("evil");
        let jwk: String = evil.select(signing_keys::public_jwk).get_result(conn)?;
        let row = diesel::update(signing_keys::table.find("good"));
        row.set(signing_keys::public_jwk.eq(jwk)).execute(conn)
    });
    assert_eq!(kids(&server).len(), published - 1);
    // With what is sealed of it: that is for the other row.
    change(|conn| {
        let evil = signing_keys::table.find("evil");
        let sealed: Option<Vec<u8>> = evil.select(signing_keys::sealed_public).get_result(conn)?;
        let row = diesel::update(signing_keys::table.find("good"));
        row.set(signing_keys::sealed_public.eq(sealed))
            .execute(conn)
    });
    assert_eq!(kids(&server).len(), published - 1);
    // As if it were one of ours, whose private part was damaged.
    change(|conn| {
        let row = diesel::update(signing_keys::table.find("good"));
        row.set((
            signing_keys::purpose.eq("access"),
            signing_keys::sealed_private.eq(vec![7; 80]),
        ))
        .execute(conn)
    });
    assert_eq!(kids(&server).len(), published - 1);
    assert!(
        kids(&server).contains(&"evil".to_owned()),
        "it was imported itself"
    );
}

fn what_cannot_be_taken_over_is_refused_with_the_remedy(on: Backend) {
    let server = Server::start(on);
    let keys = &server.app.keys;
    let openssl = Openssl::new();
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::Rs256] {
        openssl.make(algorithm.name(), algorithm);
    }
    openssl.run("pkey -in ES256.pem -aes128 -passout pass:secret -out encrypted.pem");
    openssl.run("req -x509 -key ES256.pem -subj /CN=a -out certificate.pem");
    openssl.run("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out short.pem");
    openssl.run(
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3 \
         -out three.pem",
    );
    openssl.run("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -out curve.pem");
    let with_kid = |file: &str, algorithm, kid: &str| {
        let kid = (!kid.is_empty()).then_some(kid);
        take(&server, &openssl.read(file), algorithm, kid)
    };
    with_kid("RS256.pem", None, "old").expect("a key");
    let too_long = "k".repeat(129);
    let table = [
        ("encrypted.pem", None, "", "openssl pkey -in FILE -out NEW"),
        ("certificate.pem", None, "", "openssl x509"),
        ("short.pem", None, "", "too short"),
        ("curve.pem", None, "", "on a curve that is not supported"),
        (
            "ES256.pem",
            Some(Algorithm::Rs256),
            "",
            "its kind is for ES256",
        ),
        ("ES256.pem", None, "old", "there is a key old already"),
        ("ES256.pem", None, "two words", "letters, digits and"),
        ("ES256.pem", None, "$(id)", "letters, digits and"),
        ("ES256.pem", None, "-now", "letters, digits and"),
        ("ES256.pem", None, &too_long, "letters, digits and"),
        ("three.pem", None, "", "exponent"),
        (
            "RS256.public",
            Some(Algorithm::Ps256),
            "other",
            "here for RS256, as old",
        ),
    ];
    for (file, algorithm, kid, words) in table {
        let error = with_kid(file, algorithm, kid).expect_err(file).to_string();
        assert!(error.contains(words), "{file}: {error}");
    }
    let to_sign = |file: &str| {
        let file = KeyFile::read(&openssl.read(file)).expect("a key");
        block_on(keys.import_to_sign(file, None))
            .expect_err("it cannot sign")
            .to_string()
    };
    assert!(to_sign("ES384.pem").contains("none of [keys] algorithms (ES256)"));
    assert!(to_sign("ES256.public").contains("public half"));
    let file = KeyFile::read(&openssl.read("ES256.pem")).expect("a key");
    let short = keys.import_to_verify(file, None, None, TimeDelta::seconds(659));
    let short = block_on(short).expect_err("tokens live for 10 minutes, and clocks differ by one");
    assert!(short.to_string().contains("660 seconds"), "{short}");
    assert_eq!(server.events("signing_key_imported").len(), 1);
}

fn a_key_is_called_after_its_thumbprint_whatever_that_begins_with(on: Backend) {
    let installation = Installation::new(on);
    let process = installation.start(&[]);
    let openssl = Openssl::new();
    let thumbprint = "-8zJ3c9P2ayX3o5_UdipIvK6TIspRsW6ipxxIQQdvTI";
    let mut key = json!({
        "kty": "EC",
        "crv": "P-256",
        "x": "xVGxS4Q1IdkvADAFp-Yumw0jnhQCFCKQfklEENJnEKU",
        "y": "8Wv0YCzciaRvHkN7cNQiQ_imLU6owFstjZ6PZ_mQaUY",
    });
    let file = openssl.path("key.jwk");
    for is_named in [false, true] {
        if is_named {
            key["kid"] = thumbprint.into();
        }
        std::fs::write(&file, key.to_string()).expect("the file");
        let told = installation.run(&["keys", "import", &file.display().to_string()]);
        assert!(told.contains(thumbprint), "{told}");
    }
    let exported = installation.run(&["keys", "export", thumbprint, "--public"]);
    assert!(exported.contains(thumbprint), "{exported}");
    let told = installation.run(&["keys", "revoke", "-8zJ3c9P2ayX", "--now"]);
    assert!(told.contains(thumbprint), "{told}");
    process.stop();
}

fn the_command_line_imports_and_exports(on: Backend) {
    let installation = Installation::new(on);
    let algorithms = [
        ("keys", "algorithms", r#"["ES256", "RS256"]"#),
        ("keys", "default_algorithm", r#""RS256""#),
    ];
    let process = installation.start(&algorithms);
    let openssl = Openssl::new();
    openssl.make("old", Algorithm::Ps256);
    openssl.run("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out next.pem");
    let path = |name: &str| openssl.path(name).display().to_string();
    let told = installation.run(&[
        "keys",
        "import",
        &path("old.public"),
        "--kid",
        "old",
        "--algorithm",
        "ps256",
        "--for",
        "7d",
    ]);
    assert!(
        told.contains("the PS256 key old verifies old tokens until"),
        "{told}"
    );
    assert!(
        told.contains("no token of this service is affected"),
        "{told}"
    );
    let told = installation.run(&["keys", "import", &path("next.pem"), "--sign", "--json"]);
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(told["changed"][0]["change"], "imported");
    assert_eq!(told["changed"][0]["state"], "pending");
    assert_eq!(told["changed"][0]["purpose"], "sign");
    let next = told["changed"][0]["kid"].as_str().expect("text");
    let fed = from_stdin(&installation, &openssl.path("old.public"));
    assert!(
        fed.contains("the same key is here for PS256, as old"),
        "{fed}"
    );
    let refused = installation.try_run(&["keys", "import", &path("old.pem"), "--sign"]);
    assert!(
        refused
            .expect_err("short")
            .contains("RSA needs 3072 to sign here")
    );
    let refused = installation.try_run(&["keys", "import", "/nowhere"]);
    assert!(
        refused
            .expect_err("no file")
            .contains("cannot read /nowhere")
    );

    let refused = installation
        .try_run(&["keys", "export"])
        .expect_err("private keys");
    assert!(refused.contains("--public"), "{refused}");
    let exported = installation.run(&["keys", "export", "--public"]);
    let exported: Value = serde_json::from_str(&exported).expect("a JWKS");
    // The server learns of the keys by itself, within a second.
    let client = process.anonymous();
    let served = (0..20_000).any(|_| client.get("/.well-known/jwks.json").json == exported);
    assert!(served, "the server does not publish {exported}");
    assert!(accepts(
        &exported,
        &openssl.sign("old", Algorithm::Ps256, "old")
    ));
    let one = installation.run(&["keys", "export", "--public", "--format", "pem", &next[..8]]);
    openssl.run("pkey -in next.pem -pubout -out next.public");
    assert_eq!(one.as_bytes(), openssl.read("next.public"));
    let all = installation.run(&["keys", "export", "--public", "--format", "pem", "--json"]);
    let all: Value = serde_json::from_str(&all).expect("JSON");
    assert_eq!(
        all.as_array().expect("keys").len(),
        exported["keys"].as_array().expect("keys").len()
    );
    assert!(
        all.as_array()
            .expect("keys")
            .iter()
            .any(|key| key["kid"] == "old" && key["algorithm"] == "PS256")
    );
}

/// What is said about a key that comes from standard input.
fn from_stdin(installation: &Installation, file: &Path) -> String {
    let mut command = installation.command(&["keys", "import", "-", "--kid", "fed"]);
    let file = std::fs::File::open(file).expect("the file");
    let output = command.stdin(file).output().expect("the binary runs");
    String::from_utf8(output.stderr).expect("UTF-8")
}
