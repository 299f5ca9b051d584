//! What one caller may do, and who one caller is.

use serde_json::json;

use super::{ELSEWHERE, FAR_AWAY, fail, is_let_in, is_throttled, login, post, server};
use crate::support::{Answer, Backend, PASSWORD, Server, on_both};

on_both!(
    one_network_tries_so_many_logins_a_minute,
    tries_at_a_blocked_account_count_too,
    an_ipv6_customer_is_one_network,
    a_forwarded_address_is_believed_of_a_proxy_alone,
    an_unreadable_forwarded_address_opens_nothing_and_skips_nothing,
    one_network_registers_so_many_accounts_an_hour,
    asking_for_taken_names_is_limited_too,
    one_network_asks_for_so_many_mails_a_minute,
    taken_user_names_are_not_to_be_had_wholesale,
    new_passwords_are_limited_like_logins,
);

/// Line 24: whoever it is about, known or not.
fn one_network_tries_so_many_logins_a_minute(on: Backend) {
    let server = server(on, |config| config.limits.logins_per_minute = 4);
    server.person("ann");
    server.person("bob");
    for name in ["ann", "nobody", "bob", "ann@example.com"] {
        fail(&server, ELSEWHERE, name, 1);
    }
    for name in ["ann", "nobody", "cleo"] {
        is_throttled(login(&server, ELSEWHERE, name, PASSWORD), 15);
    }
    is_let_in(&server, FAR_AWAY, "ann");
    server.advance(15);
    is_let_in(&server, ELSEWHERE, "ann");
    is_throttled(login(&server, ELSEWHERE, "bob", PASSWORD), 15);
    server.advance(60);
    for _ in 0..4 {
        is_let_in(&server, ELSEWHERE, "bob");
    }
    is_throttled(login(&server, ELSEWHERE, "bob", PASSWORD), 15);
}

/// Line 16: else a blocked name could be asked for as often as it takes to measure the answer.
fn tries_at_a_blocked_account_count_too(on: Backend) {
    let server = server(on, |config| config.limits.logins_per_minute = 10);
    server.person("ann");
    fail(&server, ELSEWHERE, "ann", 6);
    for _ in 0..4 {
        is_throttled(login(&server, ELSEWHERE, "ann", PASSWORD), 1);
    }
    is_throttled(login(&server, ELSEWHERE, "ann", PASSWORD), 6);
    is_throttled(login(&server, ELSEWHERE, "nobody", PASSWORD), 6);
}

fn an_ipv6_customer_is_one_network(on: Backend) {
    let server = server(on, |config| config.limits.logins_per_minute = 3);
    server.person("ann");
    for address in ["2001:db8::1", "2001:db8::ffff:1", "[2001:db8:0:0:1::]:4711"] {
        fail(&server, address, "nobody", 1);
    }
    is_throttled(login(&server, "2001:db8::2", "ann", PASSWORD), 20);
    is_let_in(&server, "2001:db8:0:1::1", "ann");
    for address in ["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1:99"] {
        fail(&server, address, "nobody", 1);
    }
    is_throttled(login(&server, "192.0.2.1", "ann", PASSWORD), 20);
}

/// Line 22: without a proxy that is named, the header is nobody's word.
fn a_forwarded_address_is_believed_of_a_proxy_alone(on: Backend) {
    let server = server(on, |config| {
        config.server.trusted_proxies.clear();
        config.limits.logins_per_minute = 5;
    });
    for number in 0..5 {
        fail(
            &server,
            &format!("192.0.2.{number}"),
            &format!("nobody{number}"),
            1,
        );
    }
    for address in ["192.0.2.9", "a", "", "127.0.0.1, 192.0.2.77", "2001:db8::1"] {
        is_throttled(login(&server, address, "nobody", PASSWORD), 12);
    }
}

/// Line 22: from a proxy that is named, it is a mistake, and nothing happens at all.
fn an_unreadable_forwarded_address_opens_nothing_and_skips_nothing(on: Backend) {
    let server = server(on, |config| config.limits.logins_per_minute = 3);
    let ann = server.person("ann");
    let long = format!("{}1", "1, ".repeat(2_000));
    let garbage = [
        "a",
        "",
        " ",
        ",",
        "203.0.113.9,",
        ",203.0.113.9",
        "203.0.113.9 198.51.100.7",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "0x7f.1",
        "127.1",
        "203.0.113.9;",
        "for=203.0.113.9",
        "unknown",
        "_hidden",
        "2001:db8::1::2",
        "[2001:db8::1",
        "g::1",
        "2001:db8::1%eth0",
        "203.0.113.9:99999",
        "localhost",
        "null",
        "-1",
        &long,
    ];
    for address in garbage {
        let answers = [
            login(&server, address, "ann", PASSWORD),
            post(
                &server.anonymous(),
                address,
                "password/reset/",
                &json!({"email": ann.email}),
            ),
            post(
                &server.anonymous(),
                address,
                "registration/resend-email/",
                &json!({"email": ann.email}),
            ),
            post(
                &server.anonymous(),
                address,
                "registration/",
                &json!({"username": "bob",
                "email": "bob@example.com", "password1": PASSWORD, "password2": PASSWORD}),
            ),
        ];
        for answer in answers {
            // `2001:db8::1` with a bracket too few is read all the same, as one network.
            let is_read = address == "[2001:db8::1";
            assert!(
                is_read || answer.status == 400,
                "{address}: {}",
                answer.text
            );
            if !is_read {
                assert!(answer.text.contains("X-Forwarded-For"), "{}", answer.text);
            }
        }
    }
    server.mails();
    // Nothing was counted, and what comes from nowhere in particular is counted as the proxy's.
    fail(&server, ELSEWHERE, "nobody", 3);
    is_throttled(login(&server, ELSEWHERE, "nobody", PASSWORD), 20);
    // Addresses that the caller put before the proxy's word do not help.
    for forged in ["1.1.1.1", "garbage", "::1", "127.0.0.1"] {
        let list = format!("{forged}, {ELSEWHERE}");
        let answer = login(&server, &list, "ann", PASSWORD);
        assert!(
            matches!(answer.status, 400 | 429),
            "{forged}: {}",
            answer.text
        );
    }
}

fn register(server: &Server, address: &str, number: usize) -> Answer {
    let body = json!({"username": format!("user{number}"),
        "email": format!("user{number}@example.com"), "password1": PASSWORD,
        "password2": PASSWORD});
    post(&server.anonymous(), address, "registration/", &body)
}

fn one_network_registers_so_many_accounts_an_hour(on: Backend) {
    let server = server(on, |config| config.limits.registrations_per_hour = 10);
    for number in 0..10 {
        register(&server, "2001:db8::1", number).ok(201);
    }
    is_throttled(register(&server, "2001:db8::2", 10), 360);
    assert_eq!(server.stored()[0], 10);
    register(&server, "2001:db8:1::1", 11).ok(201);
    server.advance(360);
    register(&server, "2001:db8::3", 12).ok(201);
    is_throttled(register(&server, "2001:db8::4", 13), 360);
    server.mails();
}

fn asking_for_taken_names_is_limited_too(on: Backend) {
    let server = server(on, |config| config.limits.logins_per_minute = 3);
    server.person("ann");
    let probe = || {
        let body = json!({"username": "ann", "email": "x@example.com", "password1": PASSWORD,
            "password2": PASSWORD});
        post(&server.anonymous(), ELSEWHERE, "registration/", &body)
    };
    for _ in 0..3 {
        let taken = "A user with that username already exists.";
        probe().problem(400, &json!({"username": [taken]}));
    }
    is_throttled(probe(), 20);
    // A free name is told from a taken one no more often.
    is_throttled(register(&server, ELSEWHERE, 1), 20);
    server.advance(20);
    register(&server, ELSEWHERE, 1).ok(201);
    server.mails();
}

fn one_network_asks_for_so_many_mails_a_minute(on: Backend) {
    let server = server(on, |config| config.limits.logins_per_minute = 4);
    let ann = server.person("ann");
    let ask = |address: &str, path: &str, email: &str| {
        post(&server.anonymous(), address, path, &json!({"email": email}))
    };
    for number in 0..2 {
        ask(
            ELSEWHERE,
            "password/reset/",
            &format!("nobody{number}@example.com"),
        )
        .ok(200);
        ask(
            ELSEWHERE,
            "registration/resend-email/",
            &format!("no{number}@example.com"),
        )
        .ok(200);
    }
    for email in [&*ann.email, "nobody@example.com"] {
        is_throttled(ask(ELSEWHERE, "password/reset/", email), 15);
        is_throttled(ask(ELSEWHERE, "registration/resend-email/", email), 15);
    }
    // Logins are counted apart.
    is_let_in(&server, ELSEWHERE, "ann");
    ask(FAR_AWAY, "password/reset/", &ann.email).ok(200);
    server.mail(&ann.email);
}

/// Nor where a user name is changed: the answer is that of a registration.
fn taken_user_names_are_not_to_be_had_wholesale(on: Backend) {
    let server = server(on, |config| config.limits.logins_per_minute = 3);
    let ann = server.person("ann");
    let rename = || {
        let body = json!({"username": "taken"}).to_string().into_bytes();
        let headers = [
            ("content-type", "application/json"),
            ("x-forwarded-for", ELSEWHERE),
        ];
        ann.client
            .send("PATCH", "/auth/user/", &headers, body)
            .status
    };
    server.person("taken");
    let told: Vec<u16> = (0..5).map(|_| rename()).collect();
    assert_eq!(told, [400, 400, 400, 429, 429]);
    // What else is in a profile is nobody's business to limit.
    ann.client
        .patch_json("/auth/user/", &json!({"first_name": "Ann"}))
        .ok(200);
}

/// Each costs a hash, which is done even if nobody waits for it any more.
fn new_passwords_are_limited_like_logins(on: Backend) {
    let server = server(on, |config| {
        config.limits.logins_per_minute = 2;
        config.account.old_password_required = false;
    });
    let ann = server.person("ann");
    let body = json!({"uid": "x", "token": "y", "new_password1": "paper clip sunrise",
        "new_password2": "paper clip sunrise"});
    let confirm = |address| {
        let client = server.anonymous();
        post(&client, address, "password/reset/confirm/", &body)
    };
    for _ in 0..2 {
        assert_eq!(confirm(ELSEWHERE).status, 400);
    }
    is_throttled(confirm(ELSEWHERE), 30);
    assert_eq!(confirm(FAR_AWAY).status, 400);
    let change = || post(&ann.client, FAR_AWAY, "password/change/", &body);
    change().ok(200);
    is_throttled(change(), 30);
    server.mails();
}
