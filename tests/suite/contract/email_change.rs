//! `POST email/change/`, `POST email/change/confirm/`

mod hostile;

use serde_json::{Value, json};
use signet::config::EmailVerification;

use crate::support::{Answer, Backend, Client, PASSWORD, Person, Server, link, on_both};

on_both!(
    the_new_address_confirms_and_the_old_one_is_told,
    a_second_click_is_as_good_as_the_first,
    the_mailed_link_is_needed_in_every_mode,
    an_unconfirmed_address_can_be_changed_and_is_told_nothing,
    ones_own_unconfirmed_address_is_confirmed,
    ones_own_confirmed_address_is_refused,
    the_password_must_be_right,
    field_errors,
    the_app_s_own_page_gets_the_key,
);

const NEW: &str = "new@example.com";

fn change(person: &Person, email: &str, password: &str) -> Answer {
    let body = json!({"email": email, "password": password});
    person.client.post_json("/auth/email/change/", &body)
}

fn confirm(client: &Client, key: &str) -> Answer {
    client.post_json("/auth/email/change/confirm/", &json!({"key": key}))
}

fn sent() -> Value {
    json!({"detail": "Verification e-mail sent."})
}

fn done() -> Value {
    json!({"detail": "ok"})
}

/// Somebody whose address is confirmed.
fn confirmed(server: &Server, name: &str) -> Person {
    let person = server.person(name);
    let body = json!({"key": person.confirm_key});
    server
        .anonymous()
        .post_json("/auth/registration/verify-email/", &body)
        .ok(200);
    person
}

/// What was mailed since the last look: to whom, and of what.
fn mailed(server: &Server) -> Vec<(String, String)> {
    let mut mails: Vec<_> = server
        .mails()
        .into_iter()
        .map(|mail| (mail.to, mail.subject))
        .collect();
    mails.sort();
    mails
}

/// Asks for [`NEW`], and gives the key that was mailed there.
#[track_caller]
fn key_for(server: &Server, person: &Person) -> String {
    change(person, NEW, PASSWORD).is(200, &sent());
    let mails = server.mails();
    let mail = mails.iter().find(|mail| mail.to == NEW);
    link::change_key(&mail.expect("a mail to the new address").text)
}

fn email_of(person: &Person) -> Value {
    person.client.get("/auth/user/").ok(200)["email"].clone()
}

fn login(server: &Server, email: &str) -> u16 {
    let body = json!({"email": email, "password": PASSWORD});
    server.anonymous().post_json("/auth/login/", &body).status
}

fn the_new_address_confirms_and_the_old_one_is_told(on: Backend) {
    let server = Server::start(on);
    let ann = confirmed(&server, "ann");
    change(&ann, "New@Example.COM", PASSWORD).is(200, &sent());
    let mails = server.mails();
    let [to_new, to_old] = ["New@example.com", "ann@example.com"].map(|to| {
        mails
            .iter()
            .find(|mail| mail.to == to)
            .unwrap_or_else(|| panic!("none to {to}"))
    });
    assert_eq!(mails.len(), 2);
    assert!(
        to_old.subject.contains("was asked for"),
        "{}",
        to_old.subject
    );
    // The pending address is its reader's affair alone, and so is who asked for it.
    for text in [&to_old.text, &to_old.html] {
        assert!(!text.to_lowercase().contains("new@"), "{text}");
    }
    assert!(!to_new.text.contains("ann"), "{}", to_new.text);
    assert_eq!(email_of(&ann), "ann@example.com");
    assert_eq!(login(&server, NEW), 400);

    let answer = confirm(&server.anonymous(), &link::change_key(&to_new.text));
    assert_eq!(answer.header("set-cookie"), "");
    answer.is(200, &done());
    let notice = server.mail("ann@example.com");
    assert!(notice.subject.contains("was changed"), "{}", notice.subject);
    assert_eq!(email_of(&ann), "New@example.com");
    assert_eq!(
        (login(&server, NEW), login(&server, &ann.email)),
        (200, 400)
    );
    // The old address is free, and the new one is taken.
    let claim = |email: &str, name: &str| {
        let body = json!({"username": name, "email": email, "password1": PASSWORD,
            "password2": PASSWORD});
        server
            .anonymous()
            .post_json("/auth/registration/", &body)
            .status
    };
    assert_eq!(claim(NEW, "eve"), 400);
    assert_eq!(claim(&ann.email, "cid"), 201);
    server.mail(&ann.email);
}

fn a_second_click_is_as_good_as_the_first(on: Backend) {
    let server = Server::start(on);
    let ann = confirmed(&server, "ann");
    let key = key_for(&server, &ann);
    for _ in 0..3 {
        confirm(&server.anonymous(), &key).is(200, &done());
    }
    server.mail(&ann.email);
    server.advance(24 * 3600);
    confirm(&server.anonymous(), &key).problem(404, &json!({"detail": "Not found."}));
    assert_eq!(email_of(&confirmed(&server, "bob")), "bob@example.com");
}

fn the_mailed_link_is_needed_in_every_mode(on: Backend) {
    for mode in [EmailVerification::Mandatory, EmailVerification::None] {
        let server = Server::with(on, |config| config.account.email_verification = mode);
        let ann = server.person("ann");
        let key = key_for(&server, &ann);
        assert_eq!(email_of(&ann), "ann@example.com");
        confirm(&server.anonymous(), &key).is(200, &done());
        assert_eq!(email_of(&ann), NEW);
        server.mails();
    }
}

fn an_unconfirmed_address_can_be_changed_and_is_told_nothing(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    change(&ann, NEW, PASSWORD).is(200, &sent());
    let key = link::change_key(&server.mail(NEW).text);
    confirm(&server.anonymous(), &key).is(200, &done());
    assert!(server.mails().is_empty());
    assert_eq!(email_of(&ann), NEW);
    // The link to the address from before is for nothing.
    let body = json!({"key": ann.confirm_key});
    server
        .anonymous()
        .post_json("/auth/registration/verify-email/", &body)
        .problem(404, &json!({"detail": "Not found."}));
    assert_eq!(email_of(&ann), NEW);
}

fn ones_own_unconfirmed_address_is_confirmed(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    change(&ann, &ann.email, PASSWORD).is(200, &sent());
    let key = link::change_key(&server.mail(&ann.email).text);
    confirm(&server.anonymous(), &key).is(200, &done());
    let own = "This is the confirmed address of your account already.";
    change(&ann, &ann.email, PASSWORD).problem(400, &json!({"email": [own]}));
}

fn ones_own_confirmed_address_is_refused(on: Backend) {
    let server = Server::start(on);
    let ann = confirmed(&server, "ann");
    let own = "This is the confirmed address of your account already.";
    for spelling in ["ann@example.com", "ANN@EXAMPLE.com", " ann＠example.com "] {
        change(&ann, spelling, PASSWORD).problem(400, &json!({"email": [own]}));
    }
    assert!(server.mails().is_empty());
}

fn the_password_must_be_right(on: Backend) {
    let server = Server::start(on);
    let ann = confirmed(&server, "ann");
    let wrong = "Your password was entered incorrectly. Please enter it again.";
    for email in [NEW, &ann.email] {
        change(&ann, email, "wrong battery").problem(400, &json!({"password": [wrong]}));
    }
    assert!(server.mails().is_empty());
}

fn field_errors(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let required = json!(["This field is required."]);
    ann.client
        .post_json("/auth/email/change/", &json!({}))
        .problem(400, &json!({"email": required, "password": required}));
    let invalid = json!({"email": ["Enter a valid email address."]});
    for email in [
        "ann",
        "a@b@c.example",
        "a@example.com\r\nBcc: x@example.com",
    ] {
        change(&ann, email, PASSWORD).problem(400, &invalid);
    }
    change(&ann, "", PASSWORD).problem(400, &json!({"email": ["This field may not be blank."]}));
    server
        .anonymous()
        .post_json("/auth/email/change/confirm/", &json!({}))
        .problem(400, &json!({"key": required}));
    assert!(server.mails().is_empty());
}

fn the_app_s_own_page_gets_the_key(on: Backend) {
    let server = Server::with(on, |config| {
        config.links.change_email = "https://app.example.com/#/new/{key}".into();
    });
    let ann = server.person("ann");
    change(&ann, NEW, PASSWORD).is(200, &sent());
    let text = server.mail(NEW).text;
    let (_, rest) = text
        .split_once("https://app.example.com/#/new/")
        .unwrap_or_else(|| panic!("{text}"));
    let key = rest.split_whitespace().next().expect("a key");
    confirm(&server.anonymous(), key).is(200, &done());
}
