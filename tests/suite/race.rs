//! Many at once for what only one can have: exactly one gets it, the others are told so, and
//! nothing fails.

use serde_json::{Value, json};

use crate::support::{Answer, Backend, PASSWORD, Server, link, on_both};

on_both!(
    one_reset_token_sets_one_password,
    one_username_is_registered_once,
    one_address_is_confirmed_by_one,
    after_logout_no_refresh_succeeds,
    one_username_is_taken_once_by_changing_to_it,
);

const CROWD: usize = 32;

/// The number of the one whose answer has the status `won`; all others must have `lost`.
#[track_caller]
fn only_winner(answers: &[Answer], won: u16, lost: u16) -> usize {
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    let winners: Vec<usize> = (0..answers.len())
        .filter(|one| statuses[*one] == won)
        .collect();
    assert_eq!(winners.len(), 1, "{statuses:?}");
    assert_eq!(
        statuses.iter().filter(|status| **status == lost).count(),
        answers.len() - 1,
        "{statuses:?}"
    );
    winners[0]
}

fn login(server: &Server, body: &Value) -> Answer {
    server.anonymous().post_json("/auth/login/", body)
}

fn one_reset_token_sets_one_password(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let body = json!({"email": ann.email});
    server
        .anonymous()
        .post_json("/auth/password/reset/", &body)
        .ok(200);
    let (uid, token) = link::reset_pair(&server.mail(&ann.email).text);
    let password = |number: usize| format!("another battery {number}");
    let answers = server.at_once(CROWD, |client, number| {
        let body = json!({"uid": uid, "token": token, "new_password1": password(number),
            "new_password2": password(number)});
        client.post_json("/auth/password/reset/confirm/", &body)
    });
    let winner = only_winner(&answers, 200, 400);
    server.mail(&ann.email);
    for number in 0..CROWD {
        let body = json!({"username": "ann", "password": password(number)});
        let expected = if number == winner { 200 } else { 400 };
        assert_eq!(login(&server, &body).status, expected, "{number}");
    }
}

fn one_username_is_registered_once(on: Backend) {
    let server = Server::start(on);
    let answers = server.at_once(CROWD, |client, number| {
        let body = json!({"username": if number % 2 == 0 { "ann" } else { "ANN" },
            "email": format!("ann{number}@example.com"), "password1": PASSWORD,
            "password2": PASSWORD});
        client.post_json("/auth/registration/", &body)
    });
    let winner = only_winner(&answers, 201, 400);
    server.mail(&format!("ann{winner}@example.com"));
    for (number, answer) in answers.into_iter().enumerate() {
        if number != winner {
            let taken = json!({"username": ["A user with that username already exists."]});
            answer.problem(400, &taken);
        }
    }
    assert_eq!(server.stored()[0], 1);
}

fn one_address_is_confirmed_by_one(on: Backend) {
    let server = Server::start(on);
    let keys: Vec<String> = (0..CROWD)
        .map(|number| {
            let body = json!({"username": format!("ann{number}"), "email": "ann@example.com",
                "password1": PASSWORD, "password2": PASSWORD});
            server
                .anonymous()
                .post_json("/auth/registration/", &body)
                .ok(201);
            link::confirm_key(&server.mail("ann@example.com").text)
        })
        .collect();
    let answers = server.at_once(CROWD, |client, number| {
        let key = json!({"key": keys[number]});
        client.post_json("/auth/registration/verify-email/", &key)
    });
    let winner = only_winner(&answers, 200, 404);
    let owner = login(
        &server,
        &json!({"email": "ann@example.com", "password": PASSWORD}),
    )
    .ok(200);
    assert_eq!(owner["user"]["username"], format!("ann{winner}"));
}

fn after_logout_no_refresh_succeeds(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let body = json!({"refresh": ann.refresh});
    let answers = server.at_once(CROWD, |client, number| {
        let path = if number == 0 {
            "/auth/logout/"
        } else {
            "/auth/token/refresh/"
        };
        client.post_json(path, &body)
    });
    assert_eq!(answers[0].status, 200, "{}", answers[0].text);
    for answer in &answers[1..] {
        assert!(matches!(answer.status, 200 | 401), "{}", answer.text);
        if answer.status == 200 {
            let successor = json!({"refresh": answer.member("refresh")});
            let again = server
                .anonymous()
                .post_json("/auth/token/refresh/", &successor);
            assert_eq!(again.status, 401, "it outlived the logout");
        }
    }
    assert_eq!(
        server
            .anonymous()
            .post_json("/auth/token/refresh/", &body)
            .status,
        401
    );
}

fn one_username_is_taken_once_by_changing_to_it(on: Backend) {
    let server = Server::start(on);
    let people: Vec<_> = (0..8)
        .map(|number| server.person(&format!("ann{number}")))
        .collect();
    let answers = server.at_once(people.len(), |_, number| {
        people[number]
            .client
            .patch_json("/auth/user/", &json!({"username": "ann"}))
    });
    only_winner(&answers, 200, 400);
}
