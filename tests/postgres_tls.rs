//! TLS to PostgreSQL: `cargo test --features postgres-tls --test postgres_tls`. The server's
//! certificate comes from an authority made for the test; it must be the right one, for the right
//! name.
#![cfg(feature = "postgres-tls")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may"
)]

#[path = "support/postgres.rs"]
mod postgres;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use diesel::prelude::*;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use signet::config;
use signet::storage::{Access, Db};

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    file: PathBuf,
}

impl Authority {
    fn new(directory: &Path, name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Its own name: with that of the certificates it issues, they would look self-signed.
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = params.self_signed(&key).unwrap();
        let file = directory.join(name);
        fs::write(&file, certificate.pem()).unwrap();
        Self {
            issuer: Issuer::new(params, key),
            file,
        }
    }

    /// Certificate and private key of a server, in PEM.
    fn certify(&self, host: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

fn psql(url: &str, sql: &str) -> String {
    let output = Command::new("psql")
        .args(["-XAtqc", sql, url])
        .output()
        .expect("psql runs");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Files that the server reads must be the server's own: it writes them itself.
fn give_file(url: &str, name: &str, content: &str) {
    let directory = psql(url, "SHOW data_directory");
    let rows: Vec<String> = content.lines().map(|line| format!("('{line}')")).collect();
    let program = format!("umask 077; cat > {directory}/{name}");
    psql(
        url,
        &format!("COPY (VALUES {}) TO PROGRAM '{program}'", rows.join(",")),
    );
}

fn open(url: &str, host: &str, authority: &Path) -> signet::error::Result<Db> {
    let root = authority.display();
    let url = url.replace("127.0.0.1", host);
    let url = format!("{url}?sslmode=verify-full&sslrootcert={root}");
    Db::open(
        &config::Database {
            url: url.into(),
            ..config::Database::default()
        },
        Access::Serve,
    )
}

#[derive(QueryableByName)]
struct Encryption {
    #[diesel(sql_type = diesel::sql_types::Bool)]
    ssl: bool,
}

#[test]
fn the_server_must_have_a_certificate_for_its_name_from_the_authority_we_trust() {
    assert!(
        std::env::var("SIGNET_TEST_POSTGRES_URL").is_err(),
        "this test changes the server's settings, so it uses a cluster of its own: unset \
         SIGNET_TEST_POSTGRES_URL"
    );
    let url = postgres::database();
    let directory = tempfile::tempdir().unwrap();
    let trusted = Authority::new(directory.path(), "trusted.pem");
    let other = Authority::new(directory.path(), "other.pem");
    let (certificate, key) = trusted.certify("localhost");
    give_file(&url, "server.crt", &certificate);
    give_file(&url, "server.key", &key);
    psql(&url, "ALTER SYSTEM SET ssl = on");
    psql(&url, "SELECT pg_reload_conf()");
    // The server reads its settings again in its own time; each new connection may be the first
    // that sees them.
    let is_on = (0..1000).any(|_| psql(&url, "SHOW ssl") == "on");
    assert!(is_on, "the server did not turn TLS on");

    let db = open(&url, "localhost", &trusted.file).expect("the right authority and name");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let found: Encryption = runtime
        .block_on(db.read(move |conn| diesel::sql_query(query).get_result(conn)))
        .unwrap();
    assert!(found.ssl, "the connection is encrypted");

    for (host, authority, why) in [
        ("localhost", &other.file, "certificate verify failed"),
        ("127.0.0.1", &trusted.file, "does not match host name"),
    ] {
        match open(&url, host, authority) {
            Ok(_) => panic!("{host}: connected although: {why}"),
            Err(error) => assert!(error.to_string().contains(why), "{error}"),
        }
    }
}
