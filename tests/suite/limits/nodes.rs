//! Counters are everybody's and outlive a process (line 23).

use serde_json::json;
use signet::config::Config;

use super::{ELSEWHERE, PLENTY, fail_patiently, is_throttled, login, post, server};
use crate::support::{Backend, Installation, PASSWORD, Server, on_both};

on_both!(
    fifty_failures_on_one_node_and_fifty_on_the_next_are_a_hundred,
    a_killed_process_has_forgotten_nothing,
);

mod postgresql_only {
    #[test]
    fn two_nodes_at_once_tell_no_more_than_one() {
        super::two_nodes_at_once_tell_no_more_than_one();
    }
}

/// A further node on the database of `config`.
fn beside(on: Backend, config: &Config) -> Server {
    server(on, |own| {
        own.database = config.database.clone();
        own.keys = config.keys.clone();
    })
}

/// Line 23. On SQLite the second is the same node, restarted.
fn fifty_failures_on_one_node_and_fifty_on_the_next_are_a_hundred(on: Backend) {
    let directory = tempfile::tempdir().expect("a directory");
    let mut config = Config::default();
    config.database.url = on.database(directory.path()).into();
    config.keys.master_key_file = directory.path().join("master.key");
    let one = beside(on, &config);
    one.person("ann");
    fail_patiently(&one, ELSEWHERE, "ann", 50);
    drop(one);
    let two = beside(on, &config);
    two.advance(50 * 3600);
    fail_patiently(&two, ELSEWHERE, "ann", 50);
    is_throttled(login(&two, ELSEWHERE, "ann", PASSWORD), 3600);
}

/// Line 23, with the real binary, killed without warning.
fn a_killed_process_has_forgotten_nothing(on: Backend) {
    let installation = Installation::new(on);
    let plenty = PLENTY.to_string();
    let settings = [
        ("limits", "enabled", "true"),
        ("limits", "free_failures", "9"),
        ("limits", "max_failures", "10"),
        ("limits", "logins_per_minute", &*plenty),
    ];
    let process = installation.start(&settings);
    let client = process.anonymous();
    let ann = json!({"username": "ann", "email": "ann@example.com", "password1": PASSWORD,
        "password2": PASSWORD});
    client.post_json("/auth/registration/", &ann).ok(201);
    let wrong = json!({"username": "ann", "password": "not this one"});
    for _ in 0..5 {
        client.post_json("/auth/login/", &wrong).has_status(400);
    }
    process.kill();
    let process = installation.start(&settings);
    let client = process.anonymous();
    for _ in 0..5 {
        client.post_json("/auth/login/", &wrong).has_status(400);
    }
    let right = json!({"username": "ann", "password": PASSWORD});
    is_throttled(client.post_json("/auth/login/", &right), 3600);
}

/// Lines 18 and 23.
fn two_nodes_at_once_tell_no_more_than_one() {
    let on = Backend::Postgresql;
    let one = server(on, |_| {});
    one.person("ann");
    let two = beside(on, &one.app.config);
    let guess = |server: &Server| {
        let answers = server.at_once(32, |client, number| {
            let body = json!({"username": "ann", "password": format!("guess {number}")});
            post(client, ELSEWHERE, "login/", &body)
        });
        answers.iter().filter(|it| it.status == 400).count()
    };
    let told = std::thread::scope(|scope| {
        let first = scope.spawn(|| guess(&one));
        guess(&two) + first.join().expect("answers")
    });
    assert_eq!(told, 6);
    is_throttled(login(&two, ELSEWHERE, "ann", PASSWORD), 1);
}
