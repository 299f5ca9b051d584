//! What a refusal tells (line 15): nothing.

use serde_json::{Value, json};
use signet::config::EmailVerification;

use super::{ELSEWHERE, FAR_AWAY, login, post, server};
use crate::support::{Answer, Backend, PASSWORD, Server, on_both};

on_both!(
    a_series_of_failures_is_the_same_for_everybody,
    a_series_under_two_names_does_not_tell_that_they_are_one,
    registrations_of_taken_and_free_addresses_are_limited_alike,
    which_limit_of_registrations_is_used_up_does_not_tell_what_was_found,
);

/// All of an answer but what no two answers share.
fn shown(answer: &Answer) -> (u16, Vec<(String, String)>, &str) {
    let headers = answer.headers.iter();
    let headers = headers.filter(|(name, _)| *name != "x-request-id" && *name != "date");
    let text = |(name, value): (&ureq::http::HeaderName, &ureq::http::HeaderValue)| {
        let value = value.to_str().expect("text");
        (name.to_string(), value.to_owned())
    };
    let mut headers: Vec<_> = headers.map(text).collect();
    // Their order is another one each time.
    headers.sort();
    (answer.status, headers, &answer.text)
}

/// Ann is well, bob is disabled, cleo has not confirmed her address; nobody is nobody.
fn people(server: &Server) {
    server.person("ann");
    let bob = server.person("bob");
    server.set_active(&bob.pk, false);
    let cleo = json!({"username": "cleo", "email": "cleo@example.com", "password1": PASSWORD,
        "password2": PASSWORD});
    post(&server.anonymous(), "192.0.2.1", "registration/", &cleo).ok(201);
    server.mail("cleo@example.com");
}

/// Line 15: byte for byte, over twelve failures with all their waits.
fn a_series_of_failures_is_the_same_for_everybody(on: Backend) {
    let server = server(on, |config| {
        config.account.email_verification = EmailVerification::Mandatory;
    });
    people(&server);
    let names = ["ann", "bob", "cleo", "nobody"];
    let emails = names.map(|name| format!("{name}@example.com"));
    let everybody: Vec<&str> = names
        .into_iter()
        .chain(emails.iter().map(|it| &**it))
        .collect();
    let mut statuses = Vec::new();
    for step in 0..40 {
        let (address, groups) = if step % 2 == 0 {
            (ELSEWHERE, [&everybody[..4], &everybody[4..]])
        } else {
            (FAR_AWAY, [&everybody[..4], &everybody[4..]])
        };
        for group in groups {
            let answers: Vec<Answer> = group
                .iter()
                .map(|name| login(&server, address, name, "not this one"))
                .collect();
            for (name, answer) in group.iter().zip(&answers) {
                assert_eq!(shown(answer), shown(&answers[0]), "{name} at step {step}");
            }
            statuses.push(answers[0].status);
        }
        server.advance([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 4, 9][step.min(11)]);
    }
    let count = |status| statuses.iter().filter(|it| **it == status).count();
    assert!(count(400) >= 24 && count(429) >= 8, "{statuses:?}");
    assert_eq!(count(400) + count(429), statuses.len(), "{statuses:?}");
}

/// Line 15: a block under one name is not seen under another one.
fn a_series_under_two_names_does_not_tell_that_they_are_one(on: Backend) {
    let server = server(on, |config| {
        config.account.email_verification = EmailVerification::Mandatory;
    });
    people(&server);
    let series = |name: &str| {
        let email = format!("{name}@example.com");
        let names = [name; 8].into_iter().chain([&*email; 8]).chain([name; 2]);
        let answers = names.map(|name| login(&server, ELSEWHERE, name, "not this one"));
        let owned = answers.map(|answer| {
            let (status, headers, text) = shown(&answer);
            (status, headers, text.to_owned())
        });
        owned.collect::<Vec<_>>()
    };
    let nobody = series("nobody");
    for name in ["ann", "bob", "cleo"] {
        assert_eq!(series(name), nobody, "{name}");
    }
}

/// Lines 15 and 17.
fn registrations_of_taken_and_free_addresses_are_limited_alike(on: Backend) {
    let server = server(on, |config| {
        config.account.email_verification = EmailVerification::Mandatory;
        config.limits.registrations_per_hour = 3;
    });
    server.person("ann");
    let series = |name: &str, email: &str, address: &str| -> Vec<(u16, Value)> {
        let register = |number| {
            let body = json!({"username": format!("{name}{number}"), "email": email,
                "password1": PASSWORD, "password2": PASSWORD});
            let answer = post(&server.anonymous(), address, "registration/", &body);
            (answer.status, answer.json)
        };
        (0..6).map(register).collect()
    };
    let taken = series("x", "ann@example.com", ELSEWHERE);
    let free = series("y", "new@example.com", FAR_AWAY);
    assert_eq!(taken, free);
    let statuses: Vec<u16> = taken.iter().map(|answer| answer.0).collect();
    assert_eq!(statuses, [201, 201, 201, 429, 429, 429]);
    // Ann's own registration was the first of three mails to her.
    let to = |email: &str, mails: &[signet::mail::Captured]| {
        mails.iter().filter(|mail| mail.to == email).count()
    };
    let mails = server.mails();
    assert_eq!(
        (to("ann@example.com", &mails), to("new@example.com", &mails)),
        (2, 3)
    );
}

/// Line 16: who has no turn left learns nothing of a name, nor of an address.
fn which_limit_of_registrations_is_used_up_does_not_tell_what_was_found(on: Backend) {
    let server = server(on, |config| {
        config.account.email_verification = EmailVerification::None;
        config.limits.registrations_per_hour = 2;
        config.limits.logins_per_minute = 3;
    });
    server.person("ann");
    let register = |name: &str, email: &str, address: &str| {
        let body = json!({"username": name, "email": email, "password1": PASSWORD,
            "password2": PASSWORD});
        post(&server.anonymous(), address, "registration/", &body)
    };
    let ask_all = |address: &str| {
        let free = register("nobody", "nobody@example.com", address);
        assert_eq!(free.status, 429);
        for (name, email) in [("ann", "x@example.com"), ("x", "ann@example.com")] {
            let taken = register(name, email, address);
            assert_eq!(shown(&taken), shown(&free), "{name}");
        }
    };
    // First no turn for an account is left, or none for a mistake; then both.
    for name in ["bob", "cleo"] {
        register(name, &format!("{name}@example.com"), ELSEWHERE).ok(201);
    }
    ask_all(ELSEWHERE);
    for _ in 0..3 {
        assert_eq!(register("ann", "x@example.com", FAR_AWAY).status, 400);
    }
    ask_all(FAR_AWAY);
    server.advance(20);
    for name in ["dora", "eve"] {
        register(name, &format!("{name}@example.com"), FAR_AWAY).ok(201);
    }
    ask_all(FAR_AWAY);
    server.mails();
}
