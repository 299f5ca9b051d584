//! Bad settings and their problems, and the order of the layers.

mod production;
mod show;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret as _;

use super::load::{Loader, read_file};
use super::*;

fn pairs(env: &[(&str, &str)]) -> Vec<(String, String)> {
    env.iter()
        .map(|(name, value)| ((*name).into(), (*value).into()))
        .collect()
}

fn load(file: &str, env: &[(&str, &str)], arguments: &[Argument]) -> Result<Config, Problems> {
    let mut loader = Loader::default();
    loader.file(Path::new("signet.toml"), file, 0o600);
    loader.environment(pairs(env).into_iter());
    loader.arguments(arguments);
    loader.finish()
}

/// Every problem as `place: wrong; remedy`.
fn problems(file: &str, env: &[(&str, &str)]) -> Vec<String> {
    let found = load(file, env, &[]).expect_err(file);
    found
        .iter()
        .map(
            |Problem {
                 place,
                 wrong,
                 remedy,
             }| format!("{place}: {wrong}; {remedy}"),
        )
        .collect()
}

const PERIOD: &str = "is not a duration: one whole number and its unit (s, m, h or d), \
                      like 45s, 10m, 12h or 30d, at most 49710d";

#[test]
fn each_refused_setting_is_one_problem_with_its_remedy() {
    let mut file = String::new();
    let mut cases = 0;
    for line in include_str!("tests/refused.txt").lines() {
        if let Some(expected) = line.strip_prefix("=> ") {
            assert_eq!(problems(&file, &[]), [expected], "{file}");
            file.clear();
            cases += 1;
        } else {
            file.push_str(line);
            file.push('\n');
        }
    }
    assert!(
        cases > 60 && file.is_empty(),
        "{cases} cases, then {file:?}"
    );
}

#[test]
fn a_network_address_needs_https_unless_callers_are_on_this_machine() {
    for url in [
        "https://a.example",
        "http://localhost:8080",
        "http://[::1]:8080",
    ] {
        let file = format!("server.listen = '[::]:8080'\nserver.public_url = '{url}'");
        load(&file, &[], &[]).expect(url);
    }
    load("server.public_url = 'http://a.example'", &[], &[]).expect("a proxy on this machine");
}

#[test]
fn the_database_is_one_of_two() {
    for url in ["sqlite://a.db", "postgres://db/a", "postgresql://u:pw@db/a"] {
        load("", &[("SIGNET_DATABASE__URL", url)], &[]).expect(url);
    }
    for url in [
        "sqlite:a.db",
        "sqlite://",
        "mysql://u:pw@db/a",
        "signet.db",
        "",
    ] {
        let found = problems("", &[("SIGNET_DATABASE__URL", url)]);
        let expected = "SIGNET_DATABASE__URL: names no database that Signet knows; write it like \
                        sqlite://data/signet.db or postgres://user:password@host/name";
        assert_eq!(found, [expected], "{url}");
    }
}

#[test]
fn later_layers_win() {
    let file = "[server]\nlisten = '127.0.0.1:1'\nworkers = 1\n[tokens]\naccess_ttl = '5m'\n";
    let env = [
        ("SIGNET_SERVER__LISTEN", "127.0.0.1:2"),
        ("SIGNET_SERVER__WORKERS", "2"),
        ("SIGNET_MAIL__SMTP__TLS", "implicit"),
        ("SIGNET_MAIL__SMTP__CA_FILE", "ca.pem"),
        ("SIGNET_ACCOUNT__LOGIN_WITH", "email, username"),
        ("SIGNET_SERVER__TRUSTED_PROXIES", "10.0.0.0/8,::1"),
        ("SIGNET_ACCOUNT__OLD_PASSWORD_REQUIRED", "false"),
        ("SIGNET_LOG", "ignored"),
        ("SIGNET_SERVICE_HOST", "ignored"),
        ("OTHER__LISTEN", "ignored"),
    ];
    let listen = Argument {
        flag: "--listen",
        path: "server.listen",
        value: "127.0.0.1:3".into(),
    };
    let config = load(file, &env, &[listen]).expect("a sound config");
    assert_eq!(config.server.listen, "127.0.0.1:3");
    assert_eq!(config.server.workers, 2);
    assert_eq!(config.tokens.access_ttl, Period::minutes(5));
    assert_eq!(config.tokens.audience, "signet");
    assert_eq!(config.mail.smtp.tls, SmtpTls::Implicit);
    assert_eq!(config.mail.smtp.ca_file, Some(PathBuf::from("ca.pem")));
    assert_eq!(
        config.account.login_with,
        [LoginMethod::Email, LoginMethod::Username]
    );
    let proxies: Vec<_> = config
        .server
        .trusted_proxies
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(proxies, ["10.0.0.0/8", "::1/128"]);
    assert!(!config.account.old_password_required);
}

#[test]
fn a_problem_is_named_by_the_place_that_gave_the_value() {
    let cases = [
        (
            "SIGNET_SERVER__LISTN",
            "",
            "SIGNET_SERVER__LISTN: there is no such setting; did you mean SIGNET_SERVER__LISTEN?",
        ),
        (
            "SIGNET_SMTP__HOST",
            "",
            "SIGNET_SMTP__HOST: there is no such setting; did you mean SIGNET_MAIL__SMTP__HOST?",
        ),
        (
            "SIGNET_DATABASE_URL",
            "postgres://db/a",
            "SIGNET_DATABASE_URL: there is no such setting; did you mean SIGNET_DATABASE__URL?",
        ),
        (
            "SIGNET_MAIL_SMTP_PASSWORD_FILE",
            "",
            "SIGNET_MAIL_SMTP_PASSWORD_FILE: there is no such setting; did you mean SIGNET_MAIL__SMTP__PASSWORD_FILE?",
        ),
        (
            "SIGNET_MAIL__SMTP_HOST",
            "",
            "SIGNET_MAIL__SMTP_HOST: there is no such setting; did you mean SIGNET_MAIL__SMTP__HOST?",
        ),
        (
            "SIGNET_MAIL__SMTP__PORT",
            "x",
            "SIGNET_MAIL__SMTP__PORT: \"x\" is not a whole number from 0 to 65535; write it like SIGNET_MAIL__SMTP__PORT=587",
        ),
        (
            "SIGNET_ACCOUNT__LOGIN_WITH",
            "x",
            "SIGNET_ACCOUNT__LOGIN_WITH: \"x\" is not a list, each item one of email, username; write it like SIGNET_ACCOUNT__LOGIN_WITH=email,username",
        ),
        (
            "SIGNET_SERVER__LISTEN_FILE",
            "x",
            "SIGNET_SERVER__LISTEN_FILE: only secrets are read from files; set SIGNET_SERVER__LISTEN itself",
        ),
        (
            "SIGNET_TOKENS__ACCESS_TTL",
            "2h",
            "SIGNET_TOKENS__ACCESS_TTL: 2h is outside of what is allowed; choose 5s to 1h",
        ),
    ];
    for (name, value, expected) in cases {
        assert_eq!(problems("", &[(name, value)]), [expected]);
    }
    let listen = Argument {
        flag: "--listen",
        path: "server.listen",
        value: "x".into(),
    };
    let found = load("", &[], &[listen]).expect_err("no address");
    assert_eq!(found.iter().next().expect("one").place, "--listen");
}

#[test]
fn all_problems_come_at_once_and_as_one_readable_list() {
    let file = "[server]\nlisten = 1\nlisen = 2\n[tokens]\naccess_ttl = '2h'\nrefresh_idle = 'x'\nrefresh_absolute = '1d'\n";
    let env = [("SIGNET_X__Y", ""), ("SIGNET_LOG__FORMAT", "xml")];
    let found = load(file, &env, &[]).expect_err("five problems");
    assert_eq!(
        found.to_string(),
        format!(
            "There are 6 problems in the settings:\n  \
             - [server] lisen: there is no such setting\n    did you mean [server] listen?\n  \
             - [server] listen: 1 is not text in quotes\n    write it like listen = \"127.0.0.1:8080\"\n  \
             - [tokens] refresh_idle: \"x\" {PERIOD}\n    write it like refresh_idle = \"30d\"\n  \
             - SIGNET_LOG__FORMAT: \"xml\" is not one of text, json\n    write it like SIGNET_LOG__FORMAT=text\n  \
             - SIGNET_X__Y: there is no such setting\n    remove it; `signet config show` prints all settings\n  \
             - [tokens] access_ttl: 2h is outside of what is allowed\n    choose 5s to 1h"
        )
    );
    let one = load("server.workers = 'x'", &[], &[]).expect_err("one problem");
    assert!(
        one.to_string()
            .starts_with("There is a problem in the settings:\n  - [server] workers")
    );
    let error = crate::error::Error::from(one.clone());
    assert_eq!(error.detail(), Some(one.to_string().as_str()));
}

#[test]
fn what_is_not_toml_is_told_by_line_and_never_quoted() {
    for text in [
        "\n\npassword = 'hunter2",
        "\n\npassword = hunter2",
        "\n\nhunter2 hunter2",
    ] {
        let found = problems(text, &[("SIGNET_LOG__FORMAT", "xml")]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].starts_with("signet.toml, line 3: is not TOML: "),
            "{found:?}"
        );
        assert!(!found[0].contains("hunter2"), "{found:?}");
    }
}

fn secret_file(directory: &tempfile::TempDir, text: &str, mode: u32) -> String {
    let path = directory.path().join("secret");
    fs::write(&path, text).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("mode set");
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn secrets_come_from_files_without_their_last_line_end() {
    let directory = tempfile::tempdir().expect("a folder");
    for (text, expected) in [
        ("pw", "pw"),
        ("pw\n", "pw"),
        ("pw\r\n", "pw"),
        (" pw\n\n", " pw\n"),
    ] {
        let path = secret_file(&directory, text, 0o644);
        let config = load("", &[("SIGNET_MAIL__SMTP__PASSWORD_FILE", &path)], &[]).expect("sound");
        assert_eq!(config.mail.smtp.password.expose_secret(), expected);
    }
    let path = secret_file(&directory, "sqlite://x.db\n", 0o600);
    let config = load("", &[("SIGNET_DATABASE__URL_FILE", &path)], &[]).expect("sound");
    assert_eq!(config.database.url.expose_secret(), "sqlite://x.db");
}

#[test]
fn no_problem_echoes_a_secret() {
    let env = [
        ("SIGNET_DATABASE__URL", "mysql://u:hunter2@db"),
        ("SIGNET_MAIL__SMTP__PASWORD", "hunter2"),
        ("SIGNET_SERVER__PUBLIC_URL", "https://u:hunter2@a.example"),
        (
            "SIGNET_LINKS__CONFIRM_EMAIL",
            "https://u:hunter2@a.example/{key}",
        ),
    ];
    let found = load("mail.smtp.password = ['hunter2']", &env, &[]).expect_err("bad secrets");
    assert_eq!(found.iter().count(), 5);
    assert!(!format!("{found} {found:?}").contains("hunter2"), "{found}");
    assert!(
        found
            .to_string()
            .contains("[mail.smtp] password: the value is not text in quotes")
    );
}

#[test]
fn the_file_named_must_exist_and_the_usual_one_need_not() {
    let directory = tempfile::tempdir().expect("a folder");
    let here = directory.path();
    assert_eq!(read_file(None, here), Ok((String::new(), 0)));
    fs::write(here.join("signet.toml"), "server.workers = 3").expect("written");
    let (text, _) = read_file(None, here).expect("readable");
    assert_eq!(text, "server.workers = 3");
    let named = here.join("other.toml");
    let found = Config::load(Some(&named), std::iter::empty()).expect_err("no such file");
    let [problem] = &found.iter().collect::<Vec<_>>()[..] else {
        panic!("{found}")
    };
    assert_eq!(problem.place, named.to_string_lossy());
    fs::write(&named, "server.workers = 4").expect("written");
    let config = Config::load(Some(&named), std::iter::empty()).expect("sound");
    assert_eq!(config.server.workers, 4);
}

#[test]
fn the_public_url_is_normalised() {
    for (given, expected) in [
        ("https://Login.Example.com/", "https://login.example.com"),
        ("HTTPS://a.example:8443/Id/", "https://a.example:8443/Id"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ] {
        let config = load(&format!("server.public_url = '{given}'"), &[], &[]).expect(given);
        assert_eq!(config.server.public_url, expected);
    }
}

#[test]
fn malformed_requests_write_no_lines() {
    let filter = Log::default().filter;
    assert!(filter.split(',').any(|part| part == "actix_http=off"));
}
