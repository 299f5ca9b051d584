//! `POST registration/verify-email/` and `POST registration/resend-email/`

use serde_json::json;
use signet::config::EmailVerification;

use crate::support::{Answer, Backend, Client, PASSWORD, Server, link, on_both};

on_both!(
    a_key_confirms_the_address,
    a_second_click_is_as_good_as_the_first,
    a_key_expires,
    an_unknown_key_is_not_found,
    the_key_is_required,
    before_the_address_is_confirmed_nobody_logs_in_where_that_is_mandatory,
    a_new_key_takes_the_place_of_the_old_one,
    resending_says_the_same_to_everybody,
    the_address_belongs_to_who_confirms_it,
);

fn verify(client: &Client, key: &str) -> Answer {
    client.post_json("/auth/registration/verify-email/", &json!({"key": key}))
}

fn resend(client: &Client, email: &str) -> Answer {
    client.post_json("/auth/registration/resend-email/", &json!({"email": email}))
}

fn a_key_confirms_the_address(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let answer = verify(&server.anonymous(), &ann.confirm_key);
    assert_eq!(answer.header("set-cookie"), "");
    answer.is(200, &json!({"detail": "ok"}));
    // What confirming changes: nobody else can claim the address.
    let claim = json!({"username": "bob", "email": ann.email, "password1": PASSWORD,
        "password2": PASSWORD});
    server
        .anonymous()
        .post_json("/auth/registration/", &claim)
        .problem(
            400,
            &json!({"email": ["User is already registered with this e-mail address."]}),
        );
}

fn a_second_click_is_as_good_as_the_first(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    for _ in 0..3 {
        verify(&server.anonymous(), &ann.confirm_key).is(200, &json!({"detail": "ok"}));
    }
    server.advance(24 * 3600);
    verify(&server.anonymous(), &ann.confirm_key).problem(404, &json!({"detail": "Not found."}));
}

fn a_key_expires(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let bob = server.person("bob");
    server.advance(24 * 3600 - 1);
    verify(&server.anonymous(), &ann.confirm_key).ok(200);
    server.advance(1);
    verify(&server.anonymous(), &bob.confirm_key).problem(404, &json!({"detail": "Not found."}));
}

fn an_unknown_key_is_not_found(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let unknown = format!("{}-{}", "a".repeat(11), "b".repeat(32));
    for key in [
        unknown.as_str(),
        "x",
        "../../x",
        "a:b:c",
        &ann.confirm_key.to_uppercase(),
    ] {
        verify(&server.anonymous(), key).problem(404, &json!({"detail": "Not found."}));
    }
}

fn the_key_is_required(on: Backend) {
    let server = Server::start(on);
    let client = server.anonymous();
    let required = json!({"key": ["This field is required."]});
    client
        .post_json("/auth/registration/verify-email/", &json!({}))
        .problem(400, &required);
    let required = json!({"email": ["This field is required."]});
    client
        .post_json("/auth/registration/resend-email/", &json!({}))
        .problem(400, &required);
    resend(&client, "ann").problem(400, &json!({"email": ["Enter a valid email address."]}));
}

fn before_the_address_is_confirmed_nobody_logs_in_where_that_is_mandatory(on: Backend) {
    let server = mandatory(on);
    let client = server.anonymous();
    let form = json!({"username": "ann", "email": "ann@example.com", "password1": PASSWORD,
        "password2": PASSWORD});
    client.post_json("/auth/registration/", &form).ok(201);
    let key = link::confirm_key(&server.mail("ann@example.com").text);
    let login = |password: &str| {
        client.post_json(
            "/auth/login/",
            &json!({"username": "ann", "password": password}),
        )
    };
    login(PASSWORD).problem(
        400,
        &json!({"non_field_errors": ["E-mail is not verified."]}),
    );
    // Who does not know the password learns nothing about the address.
    login("wrong battery").problem(
        400,
        &json!({"non_field_errors": ["Unable to log in with provided credentials."]}),
    );
    verify(&client, &key).is(200, &json!({"detail": "ok"}));
    login(PASSWORD).ok(200);
}

fn a_new_key_takes_the_place_of_the_old_one(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    // Longer than any pause between two mails to one address, shorter than a key's life.
    server.advance(3600);
    resend(&server.anonymous(), "ANN@example.com").is(200, &json!({"detail": "ok"}));
    let newer = link::confirm_key(&server.mail(&ann.email).text);
    verify(&server.anonymous(), &ann.confirm_key).problem(404, &json!({"detail": "Not found."}));
    verify(&server.anonymous(), &newer).is(200, &json!({"detail": "ok"}));
}

fn resending_says_the_same_to_everybody(on: Backend) {
    let server = Server::start(on);
    let client = server.anonymous();
    let ann = server.person("ann");
    verify(&client, &ann.confirm_key).ok(200);
    server.person("bob");
    server.advance(3600);
    let answers = ["ann@example.com", "nobody@example.com", "bob@example.com"]
        .map(|email| resend(&client, email))
        .map(|answer| (answer.status, answer.text));
    assert_eq!(answers[0], (200, json!({"detail": "ok"}).to_string()));
    assert!(answers.iter().all(|answer| answer == &answers[0]));
    server.mail("bob@example.com");
}

fn the_address_belongs_to_who_confirms_it(on: Backend) {
    let server = Server::start(on);
    let client = server.anonymous();
    let ann = server.person("ann");
    let claim = json!({"username": "bob", "email": ann.email, "password1": "bob's own battery",
        "password2": "bob's own battery"});
    let bob = client.post_json("/auth/registration/", &claim).ok(201);
    let key = link::confirm_key(&server.mail(&ann.email).text);
    verify(&client, &key).is(200, &json!({"detail": "ok"}));
    verify(&client, &ann.confirm_key).problem(404, &json!({"detail": "Not found."}));
    let login = |password: &str| {
        client.post_json(
            "/auth/login/",
            &json!({"email": ann.email, "password": password}),
        )
    };
    assert_eq!(
        login("bob's own battery").ok(200)["user"]["pk"],
        bob["user"]["pk"]
    );
    login(PASSWORD).problem(
        400,
        &json!({"non_field_errors": ["Unable to log in with provided credentials."]}),
    );
}

fn mandatory(on: Backend) -> Server {
    Server::with(on, |config| {
        config.account.email_verification = EmailVerification::Mandatory;
    })
}
