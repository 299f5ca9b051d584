//! What profile production refuses, and what does not leave this machine in any profile.

use std::path::Path;

use super::{load, pairs, problems, secret_file};
use crate::config::load::Loader;
use crate::config::{Config, Problems};

const PRODUCTION: &str = "server.profile = 'production'\nserver.public_url = 'https://a.example'\n\
                          mail.transport = 'smtp'\nmail.smtp.host = 'mail.example'\n\
                          mail.from = 'a@a.example'\n";

#[test]
fn production_refuses_what_is_fine_for_development() {
    load(PRODUCTION, &[], &[]).expect("a sound production config");
    let cases = [
        (
            "SIGNET_SERVER__PUBLIC_URL",
            "http://127.0.0.1:8080",
            "SIGNET_SERVER__PUBLIC_URL: is not https, in profile production",
        ),
        (
            "SIGNET_MAIL__TRANSPORT",
            "console",
            "SIGNET_MAIL__TRANSPORT: delivers no mail to anybody",
        ),
        (
            "SIGNET_MAIL__TRANSPORT",
            "file",
            "SIGNET_MAIL__TRANSPORT: delivers no mail to anybody",
        ),
        (
            "SIGNET_MAIL__TRANSPORT",
            "memory",
            "SIGNET_MAIL__TRANSPORT: delivers no mail to anybody",
        ),
        (
            "SIGNET_PASSWORD__ARGON2_MEMORY_KIB",
            "19455",
            "SIGNET_PASSWORD__ARGON2_MEMORY_KIB: 19455 is too weak",
        ),
        (
            "SIGNET_PASSWORD__ARGON2_TIME",
            "1",
            "SIGNET_PASSWORD__ARGON2_TIME: 1 is too weak",
        ),
        (
            "SIGNET_MAIL__FROM",
            "Signet <signet@localhost>",
            "SIGNET_MAIL__FROM: \"Signet <signet@localhost>\" is an address at this machine only",
        ),
        (
            "SIGNET_FEDERATION__OIDC__ISSUER",
            "http://127.0.0.1:8081",
            "SIGNET_FEDERATION__OIDC__ISSUER: is not https",
        ),
        (
            "SIGNET_MAIL__SMTP__TLS",
            "none",
            "SIGNET_MAIL__SMTP__TLS: sends links in the clear over the network",
        ),
    ];
    for (name, value, expected) in cases {
        let [problem] = &problems(PRODUCTION, &[(name, value)])[..] else {
            panic!("{name}={value}")
        };
        assert!(problem.starts_with(expected), "{problem}");
    }
    let one_pass = [
        ("SIGNET_PASSWORD__ARGON2_TIME", "1"),
        ("SIGNET_PASSWORD__ARGON2_MEMORY_KIB", "47104"),
    ];
    load(PRODUCTION, &one_pass, &[]).expect("much memory makes up for few passes");
}

#[test]
fn mail_leaves_this_machine_in_the_clear_only_for_development_and_without_a_password() {
    let file = "mail.transport = 'smtp'\nmail.smtp.tls = 'none'\n";
    let refused = "[mail.smtp] tls: sends user name and password in the clear over the network; \
                   write starttls or implicit; none is for a relay on this machine";
    for login in ["mail.smtp.username = 'u'", "mail.smtp.password = 'p'"] {
        let remote = format!("{file}mail.smtp.host = 'mailpit'\n{login}");
        assert_eq!(problems(&remote, &[]), [refused]);
        for host in ["localhost", "127.0.0.1", "::1"] {
            let local = format!("{file}mail.smtp.host = '{host}'\n{login}");
            load(&local, &[], &[]).expect(host);
        }
    }
    load(&format!("{file}mail.smtp.host = 'mailpit'"), &[], &[]).expect("a catcher of mails");
    let local = [
        ("SIGNET_MAIL__SMTP__TLS", "none"),
        ("SIGNET_MAIL__SMTP__HOST", "localhost"),
    ];
    load(PRODUCTION, &local, &[]).expect("a relay on this machine");
}

#[test]
fn a_secret_is_given_once_and_readable_only_where_it_should_be() {
    let directory = tempfile::tempdir().expect("a folder");
    let path = secret_file(&directory, "pw", 0o644);
    let file = ("SIGNET_MAIL__SMTP__PASSWORD_FILE", path.as_str());
    assert_eq!(
        problems("", &[("SIGNET_MAIL__SMTP__PASSWORD", "pw"), file]),
        [
            "SIGNET_MAIL__SMTP__PASSWORD_FILE: SIGNET_MAIL__SMTP__PASSWORD is set too; set one of the two"
        ]
    );
    assert_eq!(
        problems(PRODUCTION, &[file]),
        [format!(
            "SIGNET_MAIL__SMTP__PASSWORD_FILE: everybody on this machine can read {path}; chmod o-r {path}"
        )]
    );
    secret_file(&directory, "pw", 0o640);
    load(PRODUCTION, &[file], &[]).expect("readable by owner and group only");
    let [problem] = &problems("", &[("SIGNET_DATABASE__URL_FILE", "/nowhere")])[..] else {
        panic!("one problem")
    };
    assert!(problem.starts_with("SIGNET_DATABASE__URL_FILE: /nowhere cannot be read: "));
}

fn from_file(file: &str, mode: u32) -> Result<Config, Problems> {
    let mut loader = Loader::default();
    loader.file(Path::new("signet.toml"), file, mode);
    // What a variable overrides is in the file all the same.
    let env = [("SIGNET_MAIL__SMTP__PASSWORD", "other")];
    loader.environment(pairs(&env).into_iter());
    loader.finish()
}

#[test]
fn the_file_is_private_once_it_holds_a_secret() {
    for (setting, place) in [
        ("mail.smtp.password = 'pw'", "[mail.smtp] password"),
        (
            "database.url = 'postgres://u:pw@localhost/a'",
            "[database] url",
        ),
        (
            "database.url = 'postgres://localhost/a?password=pw'",
            "[database] url",
        ),
    ] {
        let file = format!("{PRODUCTION}{setting}");
        let found = from_file(&file, 0o644).expect_err(setting).to_string();
        let expected = format!(
            "There is a problem in the settings:\n  - {place}: everybody on this machine can read \
             signet.toml\n    chmod o-r signet.toml"
        );
        assert_eq!(found, expected);
        from_file(&file, 0o640).expect("readable by owner and group only");
        from_file(setting, 0o644).expect("a developer's machine");
    }
    for setting in [
        "",
        "mail.smtp.password = ''",
        "database.url = 'postgres://u@localhost/a'",
        "database.url = 'sqlite://a.db'",
    ] {
        from_file(&format!("{PRODUCTION}{setting}"), 0o644).expect("no secret in it");
    }
}
