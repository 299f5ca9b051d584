//! One account, many passwords.

use diesel::QueryDsl as _;
use serde_json::json;

use super::{
    ELSEWHERE, FAR_AWAY, events, fail, fail_patiently, is_let_in, is_throttled, login, post, reset,
    server,
};
use crate::support::{Answer, Backend, Installation, PASSWORD, Person, Server, on_both};

on_both!(
    after_a_hundred_failures_only_a_reset_helps,
    each_failure_past_the_free_ones_costs_twice_the_wait,
    all_spellings_share_one_counter,
    another_name_of_an_account_is_no_second_chance,
    every_way_in_shares_the_limit,
    a_stolen_session_is_no_way_around_the_limit,
    the_owner_logs_in_from_home_whatever_comes_from_elsewhere,
    of_parallel_guesses_no_more_are_told_than_one_after_the_other,
    a_right_password_among_parallel_guesses_is_told_at_most_once_in_time,
    a_claim_that_is_blocked_is_still_the_one_that_is_meant,
    failures_are_on_record,
    an_operator_unlocks,
    without_limits_failures_are_on_record_all_the_same,
);

/// Line 18.
fn after_a_hundred_failures_only_a_reset_helps(on: Backend) {
    let server = server(on, |_| {});
    let ann = server.person("ann");
    fail_patiently(&server, ELSEWHERE, "ann", 100);
    for address in [ELSEWHERE, FAR_AWAY] {
        is_throttled(login(&server, address, "ann", "not this one"), 3600);
        is_throttled(login(&server, address, "ann", PASSWORD), 3600);
    }
    server.advance(20 * 86_400);
    is_throttled(login(&server, ELSEWHERE, "ann", PASSWORD), 3600);
    reset(&server, ELSEWHERE, &ann.email, "paper clip sunrise");
    login(&server, ELSEWHERE, "ann", "paper clip sunrise").ok(200);
    login(&server, FAR_AWAY, "ann", "paper clip sunrise").ok(200);
}

/// Line 18: the table of waits, in the header and in the text.
fn each_failure_past_the_free_ones_costs_twice_the_wait(on: Backend) {
    let server = server(on, |config| {
        config.limits.free_failures = 2;
        config.limits.max_failures = 12;
        config.limits.max_delay = "90s".parse().expect("a period");
    });
    server.person("ann");
    fail(&server, ELSEWHERE, "ann", 2);
    for wait in [1, 2, 4, 8, 16, 32, 64, 90, 90] {
        fail(&server, ELSEWHERE, "ann", 1);
        is_throttled(login(&server, ELSEWHERE, "ann", PASSWORD), wait);
        server.advance(i64::from(wait) - 1);
        is_throttled(login(&server, ELSEWHERE, "ann", "not this one"), 1);
        server.advance(1);
    }
    // The twelfth is the last: from then on the wait has no end.
    fail(&server, ELSEWHERE, "ann", 1);
    for _ in 0..3 {
        is_throttled(login(&server, ELSEWHERE, "ann", PASSWORD), 90);
        server.advance(90);
    }
}

/// Line 19.
fn all_spellings_share_one_counter(on: Backend) {
    let server = server(on, |config| config.limits.free_failures = 19);
    server.person("ann");
    let names = [
        "ann",
        "ANN",
        "Ann",
        "aNn",
        "anN",
        "ANn",
        " ann",
        "ann ",
        "\tann\n",
        "ａｎｎ",
        "ＡＮＮ",
        "aｎn",
        "𝐚𝐧𝐧",
        "𝓪𝓷𝓷",
        "ⓐⓝⓝ",
        "ᴬnn",
        "  AnN  ",
        "Ａnn",
        "aNN",
        "anN ",
    ];
    let emails = [
        "ann@example.com",
        "ANN@example.com",
        "ann@EXAMPLE.com",
        " ann@example.com",
        "ann@example.com ",
        "ann＠example.com",
        "ａｎｎ@example.com",
        "ann@ｅxample.com",
        "ann@example。com",
        "Ann@Example.Com",
    ];
    for name in names {
        fail(&server, ELSEWHERE, name, 1);
    }
    for name in names {
        is_throttled(login(&server, ELSEWHERE, name, PASSWORD), 1);
    }
    for email in emails.iter().chain(&emails) {
        fail(&server, FAR_AWAY, email, 1);
    }
    for email in emails {
        is_throttled(login(&server, FAR_AWAY, email, PASSWORD), 1);
    }
    // At home both names are one.
    for name in names
        .iter()
        .zip(emails)
        .flat_map(|(name, email)| [*name, email])
    {
        fail(&server, "127.0.0.1", name, 1);
    }
    for name in names.iter().chain(&emails) {
        is_throttled(login(&server, "127.0.0.1", name, PASSWORD), 1);
    }
}

/// Lines 15 and 19: a guess by address counts for a guess by name, and is not seen to.
fn another_name_of_an_account_is_no_second_chance(on: Backend) {
    let server = server(on, |_| {});
    let ann = server.person("ann");
    fail(&server, ELSEWHERE, "ann", 6);
    for name in [&*ann.email, "nobody@example.com"] {
        let right = login(&server, ELSEWHERE, name, PASSWORD);
        let wrong = login(&server, FAR_AWAY, name, "not this one");
        assert_eq!((right.status, &right.text), (400, &wrong.text));
        fail(&server, ELSEWHERE, name, 4);
        is_throttled(login(&server, ELSEWHERE, name, PASSWORD), 1);
    }
    server.advance(1);
    is_let_in(&server, ELSEWHERE, "ann");
    is_let_in(&server, ELSEWHERE, &ann.email);
}

/// Line 20: every way in that takes a password, from the network in which she is logged in.
const WAYS: [&str; 6] = [
    "username",
    "email",
    "password/change/",
    "email/change/",
    "reauthenticate/",
    "user/",
];

/// What a password gets that comes in by one of them.
fn try_by(server: &Server, ann: &Person, way: &str, password: &str) -> Answer {
    let new = "paper clip sunrise";
    let body = match way {
        "username" => return login(server, "127.0.0.1", &ann.username, password),
        "email" => return login(server, "127.0.0.1", &ann.email, password),
        "user/" => {
            let body = json!({"password": password});
            return ann.client.delete_json("/auth/user/", &body);
        }
        "password/change/" => {
            json!({"old_password": password, "new_password1": new, "new_password2": new})
        }
        _ => json!({"password": password, "email": "other@example.com"}),
    };
    post(&ann.client, "127.0.0.1", way, &body)
}

/// Line 20: as many by any of them are too many for all.
fn every_way_in_shares_the_limit(on: Backend) {
    let server = server(on, |_| {});
    for (number, way) in WAYS.into_iter().enumerate() {
        let ann = server.person(&format!("ann{number}"));
        for _ in 0..6 {
            try_by(&server, &ann, way, "not this one").has_status(400);
        }
        for other in WAYS {
            is_throttled(try_by(&server, &ann, other, PASSWORD), 1);
            is_throttled(try_by(&server, &ann, other, "not this one"), 1);
        }
        server.advance(1);
        // One by each, with the wait that it costs.
        for (other, wait) in WAYS.into_iter().zip([2, 4, 8, 16, 32, 64]) {
            try_by(&server, &ann, other, "not this one").has_status(400);
            is_throttled(try_by(&server, &ann, way, PASSWORD), wait);
            server.advance(i64::from(wait));
        }
        // A right one by any of them ends the row.
        try_by(&server, &ann, "reauthenticate/", PASSWORD).ok(200);
        for _ in 0..5 {
            try_by(&server, &ann, way, "not this one").has_status(400);
        }
        try_by(&server, &ann, "email", PASSWORD).ok(200);
    }
}

/// Line 20: who stole a session guesses from elsewhere, and is counted with all the strangers.
fn a_stolen_session_is_no_way_around_the_limit(on: Backend) {
    let server = server(on, |_| {});
    let ann = server.person("ann");
    let guess = || {
        let body = json!({"password": "not this one"});
        post(&ann.client, ELSEWHERE, "reauthenticate/", &body)
    };
    fail(&server, FAR_AWAY, "ann", 3);
    for _ in 0..3 {
        guess().has_status(400);
    }
    is_throttled(guess(), 1);
    // Under her name she is not seen to be blocked, and is.
    login(&server, FAR_AWAY, "ann", PASSWORD).has_status(400);
    try_by(&server, &ann, "reauthenticate/", PASSWORD).ok(200);
}

/// Line 21.
fn the_owner_logs_in_from_home_whatever_comes_from_elsewhere(on: Backend) {
    let server = server(on, |_| {});
    let ann = server.person("ann");
    is_let_in(&server, "2001:db8:1:2::3", "ann");
    fail_patiently(&server, ELSEWHERE, "ann", 100);
    is_throttled(login(&server, ELSEWHERE, "ann", PASSWORD), 3600);
    // At home, and in the same /64, with mistakes of her own.
    for address in ["127.0.0.1", "2001:db8:1:2:ffff::1"] {
        fail(&server, address, "ann", 5);
        is_let_in(&server, address, "ann");
        fail(&server, address, &ann.email, 5);
        is_let_in(&server, address, &ann.email);
    }
    is_throttled(login(&server, "2001:db8:1:3::3", "ann", PASSWORD), 3600);
    is_throttled(login(&server, ELSEWHERE, "ann", PASSWORD), 3600);
    // On the road there is the reset, and from then on that is a place of hers as well.
    reset(&server, FAR_AWAY, &ann.email, PASSWORD_AFTER);
    fail(&server, ELSEWHERE, "ann", 6);
    is_throttled(login(&server, ELSEWHERE, "ann", PASSWORD_AFTER), 1);
    login(&server, FAR_AWAY, "ann", PASSWORD_AFTER).ok(200);
}

const PASSWORD_AFTER: &str = "paper clip sunrise";

/// Line 18 under parallel guesses.
fn of_parallel_guesses_no_more_are_told_than_one_after_the_other(on: Backend) {
    let server = server(on, |_| {});
    server.person("ann");
    for address in [ELSEWHERE, "127.0.0.1"] {
        let answers = server.at_once(64, |client, number| {
            let body = json!({"username": "ann", "password": format!("guess {number}")});
            post(client, address, "login/", &body)
        });
        let count = |status| answers.iter().filter(|it| it.status == status).count();
        assert_eq!((count(400), count(429)), (6, 58), "{address}");
        is_throttled(login(&server, address, "ann", PASSWORD), 1);
    }
    assert_eq!(events(&server, "login_failed").len(), 12);
}

/// Line 18: 64 parallel guesses of which half are right never tell more than six that are wrong
/// after the last one that is right.
fn a_right_password_among_parallel_guesses_is_told_at_most_once_in_time(on: Backend) {
    let server = server(on, |_| {});
    server.person("ann");
    fail_patiently(&server, ELSEWHERE, "ann", 20);
    fail(&server, ELSEWHERE, "ann", 1);
    let answers = server.at_once(64, |client, _| {
        let body = json!({"username": "ann", "password": PASSWORD});
        post(client, ELSEWHERE, "login/", &body)
    });
    assert!(answers.iter().all(|answer| answer.status == 429));
}

/// Lines 15 and 21: an address means the first who claims it, also while that account is blocked by
/// its name; and who came second gets in by its own.
fn a_claim_that_is_blocked_is_still_the_one_that_is_meant(on: Backend) {
    let server = server(on, |_| {});
    let client = server.anonymous();
    for (name, password) in [("ann", PASSWORD), ("bob", "bobs own battery")] {
        let body = json!({"username": name, "email": "both@example.com", "password1": password,
            "password2": password});
        post(&client, "192.0.2.1", "registration/", &body).ok(201);
        server.mail("both@example.com");
        server.advance(1);
    }
    let who = |address, name, password| {
        let answer = login(&server, address, name, password);
        answer.json["user"]["username"].as_str().map(str::to_owned)
    };
    let both = "both@example.com";
    assert_eq!(who(ELSEWHERE, both, PASSWORD).as_deref(), Some("ann"));
    assert_eq!(who(ELSEWHERE, both, "bobs own battery"), None);
    assert_eq!(
        who(ELSEWHERE, "bob", "bobs own battery").as_deref(),
        Some("bob")
    );
    // Far away ann is blocked by her name: under the address that must not show.
    fail(&server, FAR_AWAY, "ann", 6);
    assert_eq!(who(FAR_AWAY, both, PASSWORD), None);
    assert_eq!(who(FAR_AWAY, both, "bobs own battery"), None);
    assert_eq!(
        who(FAR_AWAY, "bob", "bobs own battery").as_deref(),
        Some("bob")
    );
    // Known in this network, she is not locked out by it.
    assert_eq!(who(ELSEWHERE, both, PASSWORD).as_deref(), Some("ann"));
}

fn failures_are_on_record(on: Backend) {
    let server = server(on, |config| {
        config.account.email_verification = signet::config::EmailVerification::Mandatory;
    });
    let ann = server.person("ann");
    let bob = server.person("bob");
    server.set_active(&bob.pk, false);
    let cleo = json!({"username": "cleo", "email": "cleo@example.com", "password1": PASSWORD,
        "password2": PASSWORD});
    post(&server.anonymous(), "192.0.2.1", "registration/", &cleo).ok(201);
    server.mail("cleo@example.com");
    let cleo = server.resolve("cleo").expect("cleo").subject.to_string();

    fail(&server, ELSEWHERE, "nobody", 1);
    login(&server, ELSEWHERE, "bob", PASSWORD).has_status(400);
    let unconfirmed = login(&server, ELSEWHERE, "cleo", PASSWORD);
    let message = "E-mail is not verified.";
    unconfirmed.problem(400, &json!({"non_field_errors": [message]}));
    fail(&server, ELSEWHERE, "ann", 6);
    is_throttled(login(&server, ELSEWHERE, "ann", PASSWORD), 1);
    login(&server, ELSEWHERE, &ann.email, PASSWORD).has_status(400);
    let mut expected = vec![
        (None, "unknown"),
        (Some(&bob.pk), "disabled"),
        (Some(&cleo), "unconfirmed"),
    ];
    expected.extend([(Some(&ann.pk), "wrong_password"); 6]);
    expected.push((Some(&ann.pk), "throttled"));
    let found = events(&server, "login_failed");
    // All of one moment, and so in no order.
    expected.sort_unstable();
    let mut found: Vec<_> = found
        .iter()
        .map(|(subject, details)| (subject.as_ref(), details["reason"].as_str().expect("why")))
        .collect();
    found.sort_unstable();
    assert_eq!(found, expected);
    let began = json!({"failures": 6, "seconds": 1});
    assert_eq!(events(&server, "login_throttled"), [(Some(ann.pk), began)]);
}

fn an_operator_unlocks(on: Backend) {
    let installation = Installation::new(on);
    let settings = [
        ("limits", "enabled", "true"),
        ("limits", "free_failures", "9"),
        ("limits", "max_failures", "10"),
    ];
    let process = installation.start(&settings);
    let client = process.anonymous();
    let ann = json!({"username": "ann", "email": "ann@example.com", "password1": PASSWORD,
        "password2": PASSWORD});
    client.post_json("/auth/registration/", &ann).ok(201);
    let login = |password: &str| {
        client.post_json(
            "/auth/login/",
            &json!({"username": "ann", "password": password}),
        )
    };
    for _ in 0..10 {
        login("not this one").has_status(400);
    }
    is_throttled(login(PASSWORD), 3600);
    let printed = installation.run(&["users", "unlock", "ann", "--json"]);
    let printed: serde_json::Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(printed["username"], "ann");
    login(PASSWORD).ok(200);
    assert!(
        installation
            .run(&["users", "unlock", "ann@example.com"])
            .contains("ann")
    );
}

fn without_limits_failures_are_on_record_all_the_same(on: Backend) {
    let server = crate::support::Server::start(on);
    server.person("ann");
    fail(&server, "", "ann", 20);
    fail(&server, "", "nobody", 1);
    assert_eq!(events(&server, "login_failed").len(), 21);
    assert!(events(&server, "login_throttled").is_empty());
    let counters = signet::storage::schema::limits::table;
    assert_eq!(server.count(counters.count()), 0);
}
