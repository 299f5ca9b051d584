//! Nobody's mailbox is flooded, and nobody is told who has one (line 40).

use chrono::TimeDelta;
use diesel::prelude::*;
use serde_json::{Value, json};
use signet::storage::schema::mail_requests;

use super::{post, server};
use crate::support::{Backend, PASSWORD, Server, link, on_both};

on_both!(
    a_hundred_resets_send_no_more_than_the_cap,
    a_mail_is_sent_again_only_after_the_cooldown,
    a_capped_mail_leaves_the_last_link_good,
    registrations_and_resends_share_a_cap,
    of_more_claims_than_mails_each_has_its_turn,
    a_mail_that_was_asked_for_long_ago_is_not_written,
    all_mails_together_have_a_cap,
    made_up_addresses_do_not_use_up_the_cap_of_all,
    nobody_is_flooded_by_who_claims_to_move_there,
);

/// Asks, each time from another network; what is told.
fn ask(server: &Server, number: usize, path: &str, email: &str) -> (u16, Value) {
    let address = format!("2001:db8:{number:x}::1");
    let answer = post(
        &server.anonymous(),
        &address,
        path,
        &json!({"email": email}),
    );
    (answer.status, answer.json)
}

/// Line 40.
fn a_hundred_resets_send_no_more_than_the_cap(on: Backend) {
    for (cooldown, mails) in [("1m", 1), ("0s", 3)] {
        let server = server(on, |config| {
            config.limits.mail_cooldown = cooldown.parse().expect("a period");
        });
        let ann = server.person("ann");
        let mut told = Vec::new();
        for number in 0..100 {
            for email in ["Ann@example.com", "nobody@example.com"] {
                told.push(ask(&server, number, "password/reset/", email));
            }
            server.advance(i64::from(number % 2 == 0 && number < 98));
        }
        let text = "Password reset e-mail has been sent.";
        assert!(
            told.iter()
                .all(|one| *one == (200, json!({"detail": text}))),
            "{told:?}"
        );
        let found = server.mails();
        assert_eq!(found.len(), mails, "with a cooldown of {cooldown}");
        assert!(found.iter().all(|mail| mail.to == ann.email));
        // What was used up comes back.
        server.advance(1200);
        ask(&server, 0, "password/reset/", &ann.email);
        server.mail(&ann.email);
    }
}

fn a_mail_is_sent_again_only_after_the_cooldown(on: Backend) {
    let server = server(on, |_| {});
    let ann = server.person("ann");
    let mut sent = Vec::new();
    for second in 0..=130 {
        ask(&server, second, "password/reset/", &ann.email);
        if !server.mails().is_empty() {
            sent.push(second);
        }
        server.advance(1);
    }
    assert_eq!(sent, [0, 60, 120]);
}

fn a_capped_mail_leaves_the_last_link_good(on: Backend) {
    let server = server(on, |_| {});
    let ann = server.person("ann");
    ask(&server, 0, "password/reset/", &ann.email);
    let (uid, token) = link::reset_pair(&server.mail(&ann.email).text);
    for number in 0..10 {
        ask(&server, number, "password/reset/", &ann.email);
    }
    let new = "paper clip sunrise";
    let body = json!({"uid": uid, "token": token, "new_password1": new, "new_password2": new});
    post(
        &server.anonymous(),
        "192.0.2.1",
        "password/reset/confirm/",
        &body,
    )
    .ok(200);
    server.mail(&ann.email);
}

/// Whoever claimed her address before her, however often, cannot keep her from a link for ever.
fn of_more_claims_than_mails_each_has_its_turn(on: Backend) {
    let server = server(on, |_| {});
    for name in [
        "bad0", "bad1", "bad2", "bad3", "bad4", "ann", "bad6", "bad7",
    ] {
        let body = json!({"username": name, "email": "ann@example.com", "password1": PASSWORD,
            "password2": PASSWORD});
        post(&server.anonymous(), "192.0.2.1", "registration/", &body).ok(201);
        server.advance(1);
    }
    server.mails();
    let mut turns = Vec::new();
    for hour in 1..=4 {
        server.advance(3600);
        ask(&server, hour, "password/reset/", "ann@example.com");
        let names = server.mails().into_iter().map(|mail| {
            let (uid, token) = link::reset_pair(&mail.text);
            let page = format!("/auth/password/reset/confirm/{uid}/{token}/");
            let page = server.anonymous().get(&page).text;
            let name = page.split('<').find_map(|part| part.strip_prefix("bdi>"));
            name.unwrap_or_else(|| panic!("{page}")).to_owned()
        });
        let mut names: Vec<String> = names.collect();
        names.sort_unstable();
        turns.push(names);
    }
    let expected: [&[&str]; 4] = [
        &["bad0", "bad1", "bad2"],
        &["ann", "bad3", "bad4"],
        &["bad0", "bad6", "bad7"],
        &["bad1", "bad2", "bad3"],
    ];
    assert_eq!(turns, expected);
}

/// After an outage nobody gets links that are not expected any more.
fn a_mail_that_was_asked_for_long_ago_is_not_written(on: Backend) {
    let server = server(on, |_| {});
    let ann = server.person("ann");
    let waiting = |server: &Server| server.count(mail_requests::table.count());
    for (age, mails) in [(3601, 0), (3600, 1)] {
        // As a node left it that stopped before its job ran.
        let asked = (server.clock.now() - TimeDelta::seconds(age)).naive_utc();
        let (email, id) = (ann.email.clone(), age.to_string());
        server.rows(move |conn| {
            let row = (
                mail_requests::id.eq(&id),
                mail_requests::reason.eq("reset"),
                mail_requests::email.eq(&email),
                mail_requests::created_at.eq(asked),
            );
            diesel::insert_into(mail_requests::table)
                .values(row)
                .execute(conn)
        });
        assert_eq!(server.mails().len(), mails, "{age} s");
        assert_eq!(waiting(&server), 0);
    }
}

fn registrations_and_resends_share_a_cap(on: Backend) {
    let server = server(on, |_| {});
    let register = |number: usize| {
        let body = json!({"username": format!("ann{number}"), "email": "ann@example.com",
            "password1": PASSWORD, "password2": PASSWORD});
        let address = format!("2001:db8:{number:x}::1");
        post(&server.anonymous(), &address, "registration/", &body).ok(201);
    };
    register(0);
    server.mail("ann@example.com");
    // Right after it: the cooldown is between two that were asked for.
    let resend = |number| {
        ask(
            &server,
            number,
            "registration/resend-email/",
            "ann@example.com",
        )
    };
    resend(0);
    server.mail("ann@example.com");
    resend(1);
    assert!(server.mails().is_empty());
    for number in 1..6 {
        register(number);
    }
    server.mail("ann@example.com");
    server.advance(60);
    resend(2);
    assert!(server.mails().is_empty());
    // Another sort of mail has a cap of its own.
    ask(&server, 3, "password/reset/", "ann@example.com");
    assert_eq!(
        server.mails().len(),
        3,
        "the latest claims, as many as the cap"
    );
    server.advance(3600);
    resend(4);
    assert_eq!(server.mails().len(), 3);
}

fn all_mails_together_have_a_cap(on: Backend) {
    let server = server(on, |config| config.limits.mails_per_hour_in_all = 6);
    let people = ["ann", "bob", "cleo"].map(|name| server.person(name));
    for (number, person) in people.iter().enumerate() {
        let told = ask(&server, number, "password/reset/", &person.email);
        assert_eq!(told.0, 200);
    }
    assert_eq!(server.mails().len(), 3);
    server.advance(60);
    let told = ask(&server, 9, "password/reset/", &people[0].email);
    assert_eq!(
        told,
        ask(&server, 9, "password/reset/", "nobody@example.com")
    );
    assert!(server.mails().is_empty());
    let dan = json!({"username": "dan", "email": "dan@example.com", "password1": PASSWORD,
        "password2": PASSWORD});
    post(&server.anonymous(), "192.0.2.1", "registration/", &dan).ok(201);
    assert!(server.mails().is_empty());
    server.advance(600);
    ask(&server, 10, "password/reset/", &people[1].email);
    server.mail(&people[1].email);
}

fn made_up_addresses_do_not_use_up_the_cap_of_all(on: Backend) {
    let server = server(on, |config| config.limits.mails_per_hour_in_all = 2);
    let ann = server.person("ann");
    for number in 0..20 {
        let email = format!("nobody{number}@example.com");
        ask(&server, number, "password/reset/", &email);
    }
    ask(&server, 99, "password/reset/", &ann.email);
    server.mail(&ann.email);
}

/// An account cannot be made to write to a stranger again and again.
fn nobody_is_flooded_by_who_claims_to_move_there(on: Backend) {
    let server = server(on, |_| {});
    let bob = server.person("bob");
    let people = [server.person("cid"), server.person("dan")];
    let strangers = ["stranger@example.com", &bob.email];
    for (email, person) in strangers.into_iter().zip(&people) {
        let mut told = Vec::new();
        for _ in 0..28 {
            let body = json!({"email": email, "password": PASSWORD});
            let answer = post(&person.client, "127.0.0.1", "email/change/", &body);
            told.push((answer.status, answer.text));
            server.advance(10);
        }
        assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
        assert_eq!(told[0].0, 200);
        // One per cooldown up to the cap; in 280 s none comes back.
        let mails = server.mails();
        assert_eq!(mails.iter().filter(|mail| mail.to == email).count(), 3);
        assert!(mails.iter().all(|mail| mail.to == email));
    }
    // Nor to one after the other, nor to one mailbox under many names.
    server.advance(3600);
    let ann = server.person("ann").client;
    for number in 0..6 {
        let email = format!("stranger+{number}@example.net");
        let body = json!({"email": email, "password": PASSWORD});
        let body = post(&ann, "192.0.2.7", "email/change/", &body);
        assert_eq!(body.status, 200, "{}", body.text);
    }
    let mails = server.mails();
    assert_eq!(
        mails.len(),
        1,
        "the cooldown is one mailbox's, whatever the tag"
    );
}
