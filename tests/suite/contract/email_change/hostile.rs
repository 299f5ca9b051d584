//! What must not come of a change of address.

use serde_json::{Value, json};

use super::{NEW, change, confirm, confirmed, done, email_of, key_for, login, mailed, sent};
use crate::support::{Backend, PASSWORD, Server, link, on_both};

on_both!(
    a_taken_address_is_answered_like_a_free_one,
    an_address_taken_meanwhile_is_not_found,
    two_who_want_one_address_do_not_both_get_it,
    one_key_used_many_times_at_once_changes_once,
    of_three_keys_the_last_one_counts,
    a_key_expires,
    a_key_is_good_for_nothing_else,
    a_new_password_kills_the_key,
    a_disabled_account_is_not_changed,
    the_change_kills_the_link_for_a_new_password,
    other_members_change_nothing,
    no_answer_leads_anywhere_with_a_secret,
);

fn not_found() -> Value {
    json!({"detail": "Not found."})
}

fn a_taken_address_is_answered_like_a_free_one(on: Backend) {
    let server = Server::start(on);
    let ann = confirmed(&server, "ann");
    let bob = confirmed(&server, "bob");
    let free = change(&ann, NEW, PASSWORD);
    let to_free = mailed(&server);
    let stored = server.stored();
    let taken = change(&ann, "BOB@example.com", PASSWORD);
    assert_eq!((free.status, &free.text), (taken.status, &taken.text));
    let names = |answer: &crate::support::Answer| -> Vec<String> {
        answer.headers.keys().map(ToString::to_string).collect()
    };
    assert_eq!(names(&free), names(&taken));
    let to_taken = server.mails();
    assert_eq!(to_free.len(), to_taken.len());
    // The same rows are written; the key of one is nobody's.
    assert_eq!(server.stored(), stored);
    let notice = to_taken.iter().find(|mail| mail.to == bob.email);
    let notice = notice.expect("a notice to the owner, where it was always written to");
    for text in [&notice.text, &notice.html] {
        assert!(!text.contains("/email/change/"), "{text}");
        assert!(!text.to_lowercase().contains("ann"), "{text}");
    }
    assert_eq!(email_of(&ann), ann.email.as_str());
    assert_eq!(email_of(&bob), bob.email.as_str());
}

fn an_address_taken_meanwhile_is_not_found(on: Backend) {
    let server = Server::start(on);
    let ann = confirmed(&server, "ann");
    let key = key_for(&server, &ann);
    let body = json!({"username": "bob", "email": NEW, "password1": PASSWORD,
        "password2": PASSWORD});
    server
        .anonymous()
        .post_json("/auth/registration/", &body)
        .ok(201);
    let theirs = link::confirm_key(&server.mail(NEW).text);
    server
        .anonymous()
        .post_json("/auth/registration/verify-email/", &json!({"key": theirs}))
        .ok(200);
    for _ in 0..2 {
        confirm(&server.anonymous(), &key).problem(404, &not_found());
    }
    assert_eq!(email_of(&ann), ann.email.as_str());
    assert!(server.mails().is_empty());
}

fn two_who_want_one_address_do_not_both_get_it(on: Backend) {
    let server = Server::start(on);
    let people: Vec<_> = (0..16)
        .map(|number| server.person(&format!("ann{number}")))
        .collect();
    let keys: Vec<String> = people.iter().map(|one| key_for(&server, one)).collect();
    let answers = server.at_once(keys.len(), |client, number| confirm(client, &keys[number]));
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    let won = |status: &&u16| **status == 200;
    assert_eq!(statuses.iter().filter(won).count(), 1, "{statuses:?}");
    assert!(
        statuses.iter().all(|status| matches!(status, 200 | 404)),
        "{statuses:?}"
    );
    for (person, status) in people.iter().zip(statuses) {
        let expected = if status == 200 { NEW } else { &person.email };
        assert_eq!(email_of(person), expected);
    }
    assert!(server.mails().is_empty());
}

fn one_key_used_many_times_at_once_changes_once(on: Backend) {
    let server = Server::start(on);
    let ann = confirmed(&server, "ann");
    let key = key_for(&server, &ann);
    let answers = server.at_once(64, |client, _| confirm(client, &key).status);
    assert!(
        answers.iter().all(|status| matches!(status, 200 | 404)),
        "{answers:?}"
    );
    assert!(answers.contains(&200), "{answers:?}");
    assert_eq!(email_of(&ann), NEW);
    // One notice: it happened once.
    server.mail(&ann.email);
    assert_eq!(server.events("email_changed").len(), 1);
}

fn of_three_keys_the_last_one_counts(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let keys = ["one@example.com", "two@example.com", "three@example.com"].map(|email| {
        server.advance(60);
        change(&ann, email, PASSWORD).is(200, &sent());
        link::change_key(&server.mail(email).text)
    });
    for dead in &keys[..2] {
        confirm(&server.anonymous(), dead).problem(404, &not_found());
    }
    confirm(&server.anonymous(), &keys[2]).is(200, &done());
    assert_eq!(email_of(&ann), "three@example.com");
}

fn a_key_expires(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let key = key_for(&server, &ann);
    server.advance(24 * 3600 - 1);
    let page = server
        .anonymous()
        .get(&format!("/auth/email/change/confirm/{key}/"));
    assert_eq!(page.status, 200, "{}", page.text);
    server.advance(1);
    confirm(&server.anonymous(), &key).problem(404, &not_found());
    let login = json!({"username": "ann", "password": PASSWORD});
    let answer = server.anonymous().post_json("/auth/login/", &login).ok(200);
    assert_eq!(answer["user"]["email"], ann.email.as_str());
}

fn a_key_is_good_for_nothing_else(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let key = key_for(&server, &ann);
    let client = server.anonymous();
    let body = json!({"key": key});
    client
        .post_json("/auth/registration/verify-email/", &body)
        .problem(404, &not_found());
    confirm(&client, &ann.confirm_key).problem(404, &not_found());
    for rubbish in [
        "x",
        "../x",
        "a:b:c",
        &key.to_uppercase(),
        &format!("{key}x"),
    ] {
        confirm(&client, rubbish).problem(404, &not_found());
    }
    confirm(&client, &key).is(200, &done());
}

/// Somebody who knew the password asked for the change: the owner's new password undoes it.
fn a_new_password_kills_the_key(on: Backend) {
    let server = Server::start(on);
    let ann = confirmed(&server, "ann");
    let key = key_for(&server, &ann);
    let body = json!({"old_password": PASSWORD, "new_password1": "another fine battery",
        "new_password2": "another fine battery"});
    ann.client
        .post_json("/auth/password/change/", &body)
        .ok(200);
    confirm(&server.anonymous(), &key).problem(404, &not_found());

    let bob = confirmed(&server, "bob");
    server.mails();
    let key = key_for(&server, &bob);
    let body = json!({"email": bob.email});
    server
        .anonymous()
        .post_json("/auth/password/reset/", &body)
        .ok(200);
    let (uid, token) = link::reset_pair(&server.mail(&bob.email).text);
    let body = json!({"uid": uid, "token": token, "new_password1": "another fine battery",
        "new_password2": "another fine battery"});
    server
        .anonymous()
        .post_json("/auth/password/reset/confirm/", &body)
        .ok(200);
    confirm(&server.anonymous(), &key).problem(404, &not_found());
    server.mails();
    assert_eq!(login(&server, NEW), 400);
}

fn a_disabled_account_is_not_changed(on: Backend) {
    let server = Server::start(on);
    let ann = confirmed(&server, "ann");
    let key = key_for(&server, &ann);
    server.set_active(&ann.pk, false);
    confirm(&server.anonymous(), &key).problem(404, &not_found());
    assert_eq!(change(&ann, NEW, PASSWORD).status, 401);
    server.set_active(&ann.pk, true);
    confirm(&server.anonymous(), &key).problem(404, &not_found());
    let user = server.resolve("ann").expect("ann");
    assert_eq!(user.email.as_deref(), Some("ann@example.com"));
}

fn the_change_kills_the_link_for_a_new_password(on: Backend) {
    let server = Server::start(on);
    let ann = confirmed(&server, "ann");
    let body = json!({"email": ann.email});
    server
        .anonymous()
        .post_json("/auth/password/reset/", &body)
        .ok(200);
    let (uid, token) = link::reset_pair(&server.mail(&ann.email).text);
    let key = key_for(&server, &ann);
    confirm(&server.anonymous(), &key).is(200, &done());
    server.mail(&ann.email);
    let body = json!({"uid": uid, "token": token, "new_password1": "another fine battery",
        "new_password2": "another fine battery"});
    server
        .anonymous()
        .post_json("/auth/password/reset/confirm/", &body)
        .problem(400, &json!({"token": ["Invalid value"]}));
    assert_eq!(login(&server, NEW), 200);
}

fn other_members_change_nothing(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let bob = server.person("bob");
    let body = json!({"email": NEW, "password": PASSWORD, "pk": bob.pk, "subject": bob.pk,
        "is_admin": true, "email_verified": true, "key": "x"});
    ann.client
        .post_json("/auth/email/change/", &body)
        .is(200, &sent());
    assert_eq!(email_of(&ann), ann.email.as_str());
    let key = link::change_key(&server.mail(NEW).text);
    let body = json!({"key": key, "email": "eve@example.com", "pk": bob.pk, "is_admin": true});
    server
        .anonymous()
        .post_json("/auth/email/change/confirm/", &body)
        .is(200, &done());
    assert_eq!(email_of(&ann), NEW);
    assert_eq!(email_of(&bob), bob.email.as_str());
}

fn no_answer_leads_anywhere_with_a_secret(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let asked = change(&ann, NEW, PASSWORD);
    let key = link::change_key(&server.mail(NEW).text);
    let page = format!("/auth/email/change/confirm/{key}/");
    let answers = [
        asked,
        server.anonymous().get(&page),
        server.anonymous().post_form(&page, &[]),
        confirm(&server.anonymous(), &key),
        ann.client.get("/auth/sessions/"),
    ];
    for answer in answers {
        assert!(answer.status < 400, "{}", answer.text);
        assert!(!answer.header("location").contains(&key));
        assert!(!answer.text.contains(&key), "{}", answer.text);
        for token in [&ann.access, &ann.refresh] {
            assert!(!answer.text.contains(token.as_str()), "{}", answer.text);
        }
    }
}
