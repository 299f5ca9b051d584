//! `POST password/reset/` and `POST password/reset/confirm/`

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::{Answer, Backend, PASSWORD, Person, Server, link, on_both};

on_both!(
    a_mailed_link_sets_a_new_password,
    asking_says_the_same_to_everybody,
    the_address_is_required_and_must_be_one,
    the_uid_is_the_subject_in_base64url,
    a_token_works_once,
    a_token_expires,
    a_newer_token_takes_the_place_of_the_older,
    checks_come_in_the_order_of_the_contract,
    a_refused_password_does_not_use_up_the_token,
    a_reset_ends_every_session_and_logs_nobody_in,
    a_link_points_to_the_app_where_it_has_a_page,
);

const NEW: &str = "another fine battery";

fn ask(server: &Server, email: &str) -> Answer {
    server
        .anonymous()
        .post_json("/auth/password/reset/", &json!({"email": email}))
}

fn sent() -> Value {
    json!({"detail": "Password reset e-mail has been sent."})
}

/// Asks for a reset, and gives what the mail has in it.
fn mailed(server: &Server, person: &Person) -> (String, String) {
    ask(server, &person.email).is(200, &sent());
    link::reset_pair(&server.mail(&person.email).text)
}

fn confirm(server: &Server, uid: &str, token: &str, new1: &str, new2: &str) -> Answer {
    let body = json!({"uid": uid, "token": token, "new_password1": new1, "new_password2": new2});
    server
        .anonymous()
        .post_json("/auth/password/reset/confirm/", &body)
}

fn done() -> Value {
    json!({"detail": "Password has been reset with the new password."})
}

fn login(server: &Server, password: &str) -> Answer {
    let body = json!({"username": "ann", "password": password});
    server.anonymous().post_json("/auth/login/", &body)
}

fn a_mailed_link_sets_a_new_password(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let (uid, token) = mailed(&server, &ann);
    login(&server, PASSWORD).ok(200);
    confirm(&server, &uid, &token, NEW, NEW).is(200, &done());
    let notice = server.mail(&ann.email);
    assert!(!notice.text.contains(NEW), "{}", notice.text);
    login(&server, NEW).ok(200);
    assert_eq!(login(&server, PASSWORD).status, 400);
}

fn asking_says_the_same_to_everybody(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let unknown = ask(&server, "nobody@example.com");
    let known = ask(&server, "ANN@example.com");
    assert_eq!((known.status, &known.text), (unknown.status, &unknown.text));
    known.is(200, &sent());
    // To the address that is stored, not to the one that was typed.
    server.mail(&ann.email);
}

fn the_address_is_required_and_must_be_one(on: Backend) {
    let server = Server::start(on);
    ask(&server, "ann").problem(400, &json!({"email": ["Enter a valid email address."]}));
    ask(&server, "").problem(400, &json!({"email": ["This field may not be blank."]}));
    server
        .anonymous()
        .post_json("/auth/password/reset/", &json!({}))
        .problem(400, &json!({"email": ["This field is required."]}));
}

fn the_uid_is_the_subject_in_base64url(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let (uid, _) = mailed(&server, &ann);
    assert_eq!(uid, URL_SAFE_NO_PAD.encode(&ann.pk));
}

fn invalid(field: &str) -> Value {
    json!({field: ["Invalid value"]})
}

fn a_token_works_once(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let (uid, token) = mailed(&server, &ann);
    confirm(&server, &uid, &token, NEW, NEW).is(200, &done());
    server.mail(&ann.email);
    confirm(&server, &uid, &token, "a third battery", "a third battery")
        .problem(400, &invalid("token"));
    login(&server, NEW).ok(200);
}

fn a_token_expires(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let (uid, token) = mailed(&server, &ann);
    server.advance(30 * 60);
    confirm(&server, &uid, &token, NEW, NEW).problem(400, &invalid("token"));
    login(&server, PASSWORD).ok(200);
}

fn a_newer_token_takes_the_place_of_the_older(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let (uid, older) = mailed(&server, &ann);
    // Longer than any pause between two mails to one address, shorter than a token's life.
    server.advance(20 * 60);
    let (_, newer) = mailed(&server, &ann);
    confirm(&server, &uid, &older, NEW, NEW).problem(400, &invalid("token"));
    confirm(&server, &uid, &newer, NEW, NEW).is(200, &done());
    server.mail(&ann.email);
}

fn checks_come_in_the_order_of_the_contract(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let bob = server.person("bob");
    let (uid, token) = mailed(&server, &ann);
    let mismatch = "another battery";
    for other in ["x", "!!", &URL_SAFE_NO_PAD.encode("nobody"), "AAAA"] {
        confirm(&server, other, "x", NEW, mismatch).problem(400, &invalid("uid"));
    }
    let unknown = format!("{}-{}", "a".repeat(11), "b".repeat(32));
    for other in [unknown.as_str(), "x", &token.to_uppercase()] {
        confirm(&server, &uid, other, NEW, mismatch).problem(400, &invalid("token"));
    }
    // Somebody else's uid with a good token.
    confirm(&server, &URL_SAFE_NO_PAD.encode(&bob.pk), &token, NEW, NEW)
        .problem(400, &invalid("token"));
    confirm(&server, &uid, &token, NEW, mismatch).problem(
        400,
        &json!({"new_password2": ["The two password fields didn’t match."]}),
    );
    let required = json!(["This field is required."]);
    server
        .anonymous()
        .post_json("/auth/password/reset/confirm/", &json!({}))
        .problem(
            400,
            &json!({"uid": required, "token": required, "new_password1": required,
            "new_password2": required}),
        );
    let long = "x".repeat(129);
    let too_long = json!(["Ensure this field has no more than 128 characters."]);
    confirm(&server, &uid, &token, &long, &long).problem(
        400,
        &json!({"new_password1": too_long, "new_password2": too_long}),
    );
}

fn a_refused_password_does_not_use_up_the_token(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let (uid, token) = mailed(&server, &ann);
    let short = "This password is too short. It must contain at least 8 characters.";
    confirm(&server, &uid, &token, "k7#Qz", "k7#Qz")
        .problem(400, &json!({"new_password2": [short]}));
    confirm(&server, &uid, &token, NEW, NEW).is(200, &done());
    server.mail(&ann.email);
}

fn a_reset_ends_every_session_and_logs_nobody_in(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let other = login(&server, PASSWORD).ok(200);
    let (uid, token) = mailed(&server, &ann);
    let answer = confirm(&server, &uid, &token, NEW, NEW);
    assert_eq!(answer.header("set-cookie"), "");
    answer.is(200, &done());
    server.mail(&ann.email);
    assert_eq!(ann.client.get("/auth/user/").status, 401);
    for refresh in [&json!(ann.refresh), &other["refresh"]] {
        server
            .anonymous()
            .post_json("/auth/token/refresh/", &json!({"refresh": refresh}))
            .problem(
                401,
                &json!({"detail": "Token is blacklisted", "code": "token_not_valid"}),
            );
    }
}

fn a_link_points_to_the_app_where_it_has_a_page(on: Backend) {
    let server = Server::with(on, |config| {
        config.links.confirm_email = "https://app.example.com/confirm?key={key}".into();
        config.links.reset_password = "https://app.example.com/reset/{uid}/{token}".into();
        config.account.email_verification = signet::config::EmailVerification::Optional;
    });
    let body = json!({"username": "ann", "email": "ann@example.com", "password1": PASSWORD,
        "password2": PASSWORD});
    server
        .anonymous()
        .post_json("/auth/registration/", &body)
        .ok(201);
    let mail = server.mail("ann@example.com");
    assert!(
        mail.text.contains("https://app.example.com/confirm?key="),
        "{}",
        mail.text
    );
    ask(&server, "ann@example.com").is(200, &sent());
    let mail = server.mail("ann@example.com");
    assert!(
        mail.text.contains("https://app.example.com/reset/"),
        "{}",
        mail.text
    );
    // Whatever the caller says of himself: links come from the settings alone.
    let headers = [
        ("content-type", "application/json"),
        ("x-forwarded-host", "evil.example"),
        ("forwarded", "host=evil.example"),
        ("origin", "https://evil.example"),
    ];
    server.advance(3600);
    let body = json!({"email": "ann@example.com"}).to_string().into_bytes();
    server
        .anonymous()
        .send("POST", "/auth/password/reset/", &headers, body)
        .is(200, &sent());
    let mail = server.mail("ann@example.com");
    assert!(
        !mail.text.contains("evil") && !mail.html.contains("evil"),
        "{}",
        mail.text
    );
}
