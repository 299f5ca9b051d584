//! `DELETE user/`

use serde_json::json;

use crate::support::{Answer, Backend, PASSWORD, Person, Server, on_both};

on_both!(
    deletes_the_account_and_says_so_by_mail,
    no_notice_goes_to_an_address_that_nobody_confirmed,
    the_password_must_be_right,
    an_account_without_a_password_stays,
    nothing_of_the_account_is_left,
    one_of_many_deletes,
);

fn leave(person: &Person, password: &str) -> Answer {
    let body = json!({"password": password, "pk": "1", "username": "bob", "is_admin": true});
    person.client.delete_json("/auth/user/", &body)
}

#[track_caller]
fn gone(answer: &Answer) {
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
}

fn confirm(server: &Server, person: &Person) {
    let body = json!({"key": person.confirm_key});
    server
        .anonymous()
        .post_json("/auth/registration/verify-email/", &body)
        .ok(200);
}

fn deletes_the_account_and_says_so_by_mail(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let bob = server.person("bob");
    confirm(&server, &ann);
    gone(&leave(&ann, PASSWORD));
    let notice = server.mail(&ann.email);
    assert!(
        notice.subject.contains("your account was deleted"),
        "{}",
        notice.subject
    );
    ann.client.get("/auth/user/").problem(
        401,
        &json!({"detail": "User not found", "code": "user_not_found"}),
    );
    let refresh = json!({"refresh": ann.refresh});
    let answer = server
        .anonymous()
        .post_json("/auth/token/refresh/", &refresh);
    assert_eq!(answer.status, 401, "{}", answer.text);
    let login = json!({"username": "ann", "password": PASSWORD});
    let answer = server.anonymous().post_json("/auth/login/", &login);
    assert_eq!(answer.status, 400, "{}", answer.text);
    bob.client.get("/auth/user/").ok(200);
    // Name and address are free, and who takes them is somebody else.
    let again = server.person("ann");
    assert_ne!(again.pk, ann.pk);
    assert_eq!(ann.client.get("/auth/user/").status, 401);
}

fn no_notice_goes_to_an_address_that_nobody_confirmed(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    gone(&leave(&ann, PASSWORD));
    assert!(server.mails().is_empty());
}

fn the_password_must_be_right(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let wrong = "Your password was entered incorrectly. Please enter it again.";
    leave(&ann, "wrong battery").problem(400, &json!({"password": [wrong]}));
    let required = json!({"password": ["This field is required."]});
    ann.client.delete("/auth/user/").problem(400, &required);
    ann.client
        .delete_json("/auth/user/", &json!({"password": null}))
        .problem(400, &json!({"password": ["This field may not be null."]}));
    ann.client.get("/auth/user/").ok(200);
}

/// It has nothing to prove itself with: a reset by mail gives it a password first.
fn an_account_without_a_password_stays(on: Backend) {
    use diesel::prelude::*;
    use signet::storage::schema::users;
    let server = Server::start(on);
    let ann = server.person("ann");
    server.rows(|conn| {
        let none: Option<String> = None;
        diesel::update(users::table)
            .set(users::password_hash.eq(none))
            .execute(conn)
    });
    for password in [PASSWORD, "null", "-"] {
        assert_eq!(leave(&ann, password).status, 400);
    }
    ann.client.get("/auth/user/").ok(200);
}

fn nothing_of_the_account_is_left(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let body = json!({"email": "new@example.com", "password": PASSWORD});
    ann.client.post_json("/auth/email/change/", &body).ok(200);
    server.mail("new@example.com");
    gone(&leave(&ann, PASSWORD));
    assert_eq!(server.stored(), [0, 0, 0, 0]);
}

fn one_of_many_deletes(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    confirm(&server, &ann);
    let answers = server.at_once(16, |_, _| leave(&ann, PASSWORD).status);
    assert_eq!(
        answers.iter().filter(|status| **status == 204).count(),
        1,
        "{answers:?}"
    );
    assert!(
        answers.iter().all(|status| matches!(status, 204 | 401)),
        "{answers:?}"
    );
    server.mail(&ann.email);
}
