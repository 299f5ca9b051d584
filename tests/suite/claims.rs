//! Accounts that claim one address, and links that must not outlive their reason.

use diesel::prelude::*;
use serde_json::{Value, json};
use signet::config::{EmailVerification, LoginMethod};
use signet::storage::schema::{events, one_time_tokens};

use crate::support::{Answer, Backend, PASSWORD, Server, link, on_both};

on_both!(
    later_claims_take_nothing_from_the_first,
    a_disabled_claim_is_none,
    past_a_hundred_claims_chance_picks,
    an_address_that_nobody_confirms_has_one_account,
    a_changed_password_ends_the_links_mailed_before,
    a_login_by_address_tells_nothing_of_claims,
    a_disabled_account_confirms_nothing,
    many_reset_requests_at_once_leave_one_link,
    a_reset_confirms_the_address_and_says_so,
    an_unconfirmed_account_chooses_no_words_in_a_mail,
    a_name_that_means_two_accounts_is_refused_to_operators,
    an_account_confirmed_in_time_is_not_deleted,
);

fn post(server: &Server, path: &str, body: &Value) -> Answer {
    server.anonymous().post_json(&format!("/auth/{path}"), body)
}

fn register(server: &Server, username: &str, email: &str, password: &str) -> Answer {
    let body = json!({
        "username": username, "email": email, "password1": password, "password2": password,
    });
    post(server, "registration/", &body)
}

fn login(server: &Server, body: &Value) -> u16 {
    post(server, "login/", body).status
}

fn later_claims_take_nothing_from_the_first(on: Backend) {
    let server = Server::start(on);
    register(&server, "ann", "ann@example.com", PASSWORD).ok(201);
    for number in 0..6 {
        server.advance(1);
        let squatter = format!("bad{number}");
        register(
            &server,
            &squatter,
            "ann@example.com",
            "squatter's own words",
        )
        .ok(201);
    }
    server.mails();
    let by_email = |password| json!({"email": "ann@example.com", "password": password});
    assert_eq!(login(&server, &by_email(PASSWORD)), 200);
    // One password is compared, however many claim the address: more would show in the time.
    assert_eq!(login(&server, &by_email("squatter's own words")), 400);
    let by_name = json!({"username": "bad0", "password": "squatter's own words"});
    assert_eq!(login(&server, &by_name), 200);

    let address = json!({"email": "ann@example.com"});
    post(&server, "password/reset/", &address).ok(200);
    let mails = server.mails();
    let names = mails.iter().map(|mail| {
        let (uid, token) = link::reset_pair(&mail.text);
        let page = format!("/auth/password/reset/confirm/{uid}/{token}/");
        server.anonymous().get(&page).text
    });
    let hers = names.filter(|page| page.contains(">ann<")).count();
    assert_eq!((mails.len(), hers), (7, 1), "every claim has a link");
}

fn a_disabled_claim_is_none(on: Backend) {
    let server = Server::start(on);
    let squatter = register(&server, "bad", "ann@example.com", "squatter's own words").ok(201);
    server.advance(1);
    register(&server, "ann", "ann@example.com", PASSWORD).ok(201);
    server.mails();
    let by_email = json!({"email": "ann@example.com", "password": PASSWORD});
    assert_eq!(login(&server, &by_email), 400);
    server.set_active(squatter["user"]["pk"].as_str().expect("text"), false);
    assert_eq!(login(&server, &by_email), 200);
}

/// However many claim the address, the one whose it is gets a link at some time.
fn past_a_hundred_claims_chance_picks(on: Backend) {
    let server = Server::start(on);
    for number in 0..120 {
        let name = format!("bad{number}");
        register(&server, &name, "ann@example.com", PASSWORD).ok(201);
    }
    server.advance(1);
    register(&server, "ann", "ann@example.com", PASSWORD).ok(201);
    server.mails();
    let pk = server.resolve("ann").expect("her").subject.to_string();
    let has_link = || {
        let hers = one_time_tokens::table
            .filter(one_time_tokens::subject.eq(pk.clone()))
            .filter(one_time_tokens::purpose.eq("reset_password"));
        server.count(hers.count()) > 0
    };
    let asks = (0..500).take_while(|_| {
        post(
            &server,
            "password/reset/",
            &json!({"email": "ann@example.com"}),
        )
        .ok(200);
        assert!(server.mails().len() <= 10);
        !has_link()
    });
    assert!(asks.count() < 500, "she never had a link");
}

fn an_address_that_nobody_confirms_has_one_account(on: Backend) {
    let server = Server::with(on, |config| {
        config.account.email_verification = EmailVerification::None;
        config.account.login_with = vec![LoginMethod::Email];
    });
    register(&server, "", "ann@example.com", PASSWORD).ok(201);
    register(&server, "", "Ann@example.com", "somebody else's words").problem(
        400,
        &json!({"email": ["User is already registered with this e-mail address."]}),
    );
}

fn a_changed_password_ends_the_links_mailed_before(on: Backend) {
    let server = Server::start(on);
    let ann = server.confirmed("ann");
    post(&server, "password/reset/", &json!({"email": ann.email})).ok(200);
    let (uid, token) = link::reset_pair(&server.mail(&ann.email).text);
    let words = "quite another battery";
    let change = json!({"old_password": PASSWORD, "new_password1": words, "new_password2": words});
    ann.client
        .post_json("/auth/password/change/", &change)
        .ok(200);
    server.mail(&ann.email);
    let thief = json!({
        "uid": uid, "token": token,
        "new_password1": "the thief's battery", "new_password2": "the thief's battery",
    });
    post(&server, "password/reset/confirm/", &thief)
        .problem(400, &json!({"token": ["Invalid value"]}));
    assert_eq!(
        login(&server, &json!({"username": "ann", "password": words})),
        200
    );
}

fn a_disabled_account_confirms_nothing(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    server.set_active(&ann.pk, false);
    post(
        &server,
        "registration/verify-email/",
        &json!({"key": ann.confirm_key}),
    )
    .has_status(404);
    let page = format!(
        "/auth/registration/account-confirm-email/{}/",
        ann.confirm_key
    );
    assert_eq!(server.anonymous().get(&page).status, 404);
    register(&server, "bob", &ann.email, PASSWORD).ok(201);
    server.mail(&ann.email);
}

fn many_reset_requests_at_once_leave_one_link(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let body = json!({"email": ann.email});
    let answers = server.at_once(16, |client, _| {
        client.post_json("/auth/password/reset/", &body).status
    });
    assert_eq!(answers, [200; 16]);
    assert_eq!(server.mails().len(), 16);
    let links = one_time_tokens::table.filter(one_time_tokens::purpose.eq("reset_password"));
    assert_eq!(server.count(links.count()), 1);
}

fn a_reset_confirms_the_address_and_says_so(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    post(&server, "password/reset/", &json!({"email": ann.email})).ok(200);
    let (uid, token) = link::reset_pair(&server.mail(&ann.email).text);
    let words = "quite another battery";
    let body = json!({"uid": uid, "token": token, "new_password1": words, "new_password2": words});
    post(&server, "password/reset/confirm/", &body).ok(200);
    server.mail(&ann.email);
    register(&server, "bob", &ann.email, PASSWORD).has_status(400);
    let confirmed = events::table.filter(events::kind.eq("email_confirmed"));
    assert_eq!(server.count(confirmed.count()), 1);
}

fn an_unconfirmed_account_chooses_no_words_in_a_mail(on: Backend) {
    let server = Server::start(on);
    let mallory = server.person("evil.example");
    let words = json!({"first_name": "Your parcel waits: https://evil.example/pay"});
    mallory.client.patch_json("/auth/user/", &words).ok(200);
    for path in ["registration/resend-email/", "password/reset/"] {
        post(&server, path, &json!({"email": mallory.email})).ok(200);
        let mail = server.mail(&mallory.email);
        for part in [&mail.text, &mail.html, &mail.subject] {
            assert!(
                !part.contains("evil") && !part.contains("parcel"),
                "{path}: {part}"
            );
        }
    }
}

fn a_name_that_means_two_accounts_is_refused_to_operators(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    register(&server, &ann.email, "decoy@example.com", PASSWORD).ok(201);
    server.mails();
    let refusal = server
        .resolve(&ann.email)
        .expect_err("two accounts go by this name");
    assert!(refusal.to_string().contains("give the id"), "{refusal}");
    assert_eq!(server.resolve("ann").expect("ann").subject.as_str(), ann.pk);
    assert_eq!(
        server.resolve(&ann.pk).expect("ann").subject.as_str(),
        ann.pk
    );
}

fn an_account_confirmed_in_time_is_not_deleted(on: Backend) {
    let server = Server::with(on, |config| {
        config.account.email_verification = EmailVerification::Mandatory;
    });
    server.person("ann");
    register(&server, "bob", "bob@example.com", PASSWORD).ok(201);
    server.mail("bob@example.com");
    server.advance(8 * 24 * 3600);
    assert_eq!(server.delete_unconfirmed(), 1);
    assert!(server.resolve("ann").is_ok() && server.resolve("bob").is_err());
}

/// Whoever registers an address, taken or free, learns nothing by logging in with it.
fn a_login_by_address_tells_nothing_of_claims(on: Backend) {
    let server = Server::with(on, |config| {
        config.account.email_verification = EmailVerification::Mandatory;
    });
    let ann = server.person("ann");
    let words = "the claimant's battery";
    let mut answers = Vec::new();
    for (name, email) in [("eve", ann.email.as_str()), ("mal", "free@example.com")] {
        register(&server, name, email, words).ok(201);
        let right = post(
            &server,
            "login/",
            &json!({"email": email, "password": words}),
        );
        let body = json!({"email": email, "password": "another battery"});
        let wrong = post(&server, "login/", &body);
        answers.push((wrong.status, wrong.text, right.status, right.text));
        server.mails();
    }
    assert_eq!(answers[0], answers[1]);
    // By the name that nobody else has, the contract's words.
    let body = json!({"username": "mal", "password": words});
    let told = json!({"non_field_errors": ["E-mail is not verified."]});
    post(&server, "login/", &body).problem(400, &told);
}
