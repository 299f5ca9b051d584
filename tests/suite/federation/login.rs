//! ID tokens, and what they open (contract section 7).

use serde_json::json;
use signet::crypto::Algorithm;
use signet::storage::schema::{identities, users};

use diesel::prelude::*;

use super::{House, incorrect};
use crate::support::provider::CLIENT;
use crate::support::{Backend, Browser, on_both, set_cookies, token};

on_both!(
    an_id_token_opens_a_session_and_the_same_account_the_next_time,
    every_algorithm_and_every_way_to_name_the_key_is_taken,
    nothing_to_go_by_is_told,
    an_id_token_alone_is_refused_where_upstream_refuses_it,
    tokens_go_into_cookies_where_they_do_at_a_login,
    the_provider_is_called_exactly_as_configured,
    many_first_logins_at_once_make_one_account,
    keys_are_fetched_when_they_are_needed_and_no_more,
    the_address_of_the_identity_changes_hands_and_the_account_does_not,
);

fn an_id_token_opens_a_session_and_the_same_account_the_next_time(on: Backend) {
    let house = House::new(on);
    let first = house.login("ada");
    let user = &first.json["user"];
    let pk = user["pk"].as_str().expect("pk");
    let expected = json!({"pk": pk, "username": "ada", "email": "ada@example.com",
        "first_name": "Ada", "last_name": "Lovelace"});
    assert_eq!(*user, expected);
    let claims = token::claims(&first.member("access"));
    assert_eq!(
        (&claims["sub"], &claims["amr"]),
        (&json!(pk), &json!(["fed"]))
    );
    let client = house
        .server
        .anonymous()
        .with_bearer(&first.member("access"));
    client.get("/auth/user/").is(200, &expected);
    let refresh = json!({"refresh": first.member("refresh")});
    house
        .server
        .anonymous()
        .post_json("/auth/token/refresh/", &refresh)
        .ok(200);

    house.server.advance(60);
    let again = house.login("ada");
    assert_eq!(again.json["user"]["pk"], pk);
    assert_ne!(again.member("access"), first.member("access"));
    let listed = client.get("/auth/social-accounts/").ok(200);
    let id = listed[0]["id"].clone();
    assert_eq!(
        listed,
        json!([{"id": id, "provider": "idp", "uid": "ada",
            "last_login": "2026-11-23T12:01:00.000000Z",
            "date_joined": "2026-11-23T12:00:00.000000Z"}])
    );
    assert_eq!(house.server.count(users::table.count()), 1);
    let by = json!({"provider": "idp"});
    assert_eq!(
        house.server.events("login_succeeded"),
        [by.clone(), by.clone()]
    );
    assert_eq!(house.server.events("user_registered"), [by]);
}

fn every_algorithm_and_every_way_to_name_the_key_is_taken(on: Backend) {
    let house = House::new(on);
    let more = [
        Algorithm::Rs256,
        Algorithm::Ps256,
        Algorithm::EdDsa,
        Algorithm::Es384,
    ];
    for (number, algorithm) in more.into_iter().enumerate() {
        house.provider.add_key(&format!("more-{number}"), algorithm);
        house.server.advance(3601);
        house.login("ada");
    }
    let claims = house.claims("ada");
    for aud in [json!([CLIENT]), json!(CLIENT)] {
        let mut claims = claims.clone();
        claims["aud"] = aud;
        assert_eq!(house.present(&claims).status, 200, "{claims}");
    }
    let mut several = claims.clone();
    several["aud"] = json!(["another", CLIENT]);
    several["azp"] = json!(CLIENT);
    assert_eq!(house.present(&several).status, 200);
    // An access token that came with it is of no use, and no harm.
    let id_token = house.provider.sign(&claims);
    let both = json!({"access_token": "whatever", "id_token": id_token, "nonce": ""});
    assert_eq!(house.post(&both).status, 200);
    let form = [("id_token", id_token.as_str())];
    let answer = house.server.anonymous().post_form("/auth/idp", &form);
    assert_eq!(answer.status, 200, "{}", answer.text);
}

fn nothing_to_go_by_is_told(on: Backend) {
    let house = House::new(on);
    let missing = json!({"non_field_errors":
        ["Incorrect input. access_token or code is required."]});
    for body in [
        json!({}),
        json!({"access_token": "", "code": "", "id_token": ""}),
        json!({"nonce": "x"}),
    ] {
        house.post(&body).problem(400, &missing);
    }
    let untyped =
        json!({"id_token": ["Not a valid string."], "access_token": ["Not a valid string."]});
    house
        .post(&json!({"id_token": {"a": 1}, "access_token": true}))
        .problem(400, &untyped);
    let answer = house.server.anonymous().get("/auth/idp/");
    assert_eq!((answer.status, answer.header("allow")), (405, "POST"));
}

fn an_id_token_alone_is_refused_where_upstream_refuses_it(on: Backend) {
    let house = House::with(on, |config| config.compat.strict = true);
    let id_token = house.provider.id_token(&house.server, "ada");
    let missing = json!({"non_field_errors":
        ["Incorrect input. access_token or code is required."]});
    house
        .post(&json!({"id_token": id_token}))
        .problem(400, &missing);
    let both = json!({"id_token": id_token, "access_token": "x"});
    assert_eq!(house.post(&both).status, 200);
}

fn tokens_go_into_cookies_where_they_do_at_a_login(on: Backend) {
    let house = House::with(on, |config| config.cookies.enabled = true);
    let browser = Browser::new(&house.server);
    let body = json!({"id_token": house.provider.id_token(&house.server, "ada")});
    let answer = browser.post("/auth/idp/", &body);
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(set_cookies(&answer).len(), 2);
    assert_eq!(
        (&answer.json["access"], &answer.json["refresh"]),
        (&json!(""), &json!(""))
    );
    assert!(browser.is_logged_in());
    let elsewhere = browser.page(&[("sec-fetch-site", "cross-site")]);
    assert_eq!(
        elsewhere.post("/auth/idp/", &body).status,
        403,
        "login CSRF"
    );
    assert_eq!(elsewhere.post("/auth/idp/connect/", &body).status, 403);
}

/// Line 126: another casing, an empty name, one that is off.
fn the_provider_is_called_exactly_as_configured(on: Backend) {
    let house = House::new(on);
    let body = json!({"id_token": house.provider.id_token(&house.server, "ada")});
    for path in [
        "IDP", "Idp", "oidc", "google", "github", "", "idp%00", "idp/x",
    ] {
        let path = format!("/auth/{path}/");
        let answer = house.server.anonymous().post_json(&path, &body);
        assert_eq!(answer.status, 404, "{path}");
    }
}

fn many_first_logins_at_once_make_one_account(on: Backend) {
    let house = House::new(on);
    let body = json!({"id_token": house.provider.id_token(&house.server, "ada")});
    let answers = house
        .server
        .at_once(16, |client, _| client.post_json("/auth/idp/", &body));
    for answer in &answers {
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.json["user"]["pk"], answers[0].json["user"]["pk"]);
    }
    assert_eq!(house.server.count(users::table.count()), 1);
    assert_eq!(house.server.count(identities::table.count()), 1);
    // Strangers of one name: each gets an account, and a name of their own.
    let answers = house.server.at_once(8, |client, number| {
        let mut claims = house.claims(&format!("grace-{number}"));
        claims["email"] = json!(format!("grace@{number}.example.com"));
        let id_token = house.provider.sign(&claims);
        client.post_json("/auth/idp/", &json!({"id_token": id_token}))
    });
    let mut names: Vec<_> = answers
        .iter()
        .map(|answer| {
            assert_eq!(answer.status, 200, "{}", answer.text);
            answer.json["user"]["username"].as_str().expect("a name")
        })
        .collect();
    assert!(
        names.iter().all(|name| name.starts_with("grace")),
        "{names:?}"
    );
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 8);
}

fn keys_are_fetched_when_they_are_needed_and_no_more(on: Backend) {
    let house = House::new(on);
    let fetched = || house.provider.asked("/jwks").len();
    assert_eq!(fetched(), 0, "the provider may be away at the start");
    house.provider.cache("no-store, max-age=1");
    for _ in 0..5 {
        house.login("ada");
    }
    assert_eq!(fetched(), 1, "five minutes at least");
    house.server.advance(299);
    house.login("ada");
    assert_eq!(fetched(), 1);
    house.provider.cache("public, max-age=99999999");
    house.server.advance(1);
    house.login("ada");
    assert_eq!(fetched(), 2);

    // A new key is noticed at its first use; made-up ones are looked for once a minute.
    house.provider.add_key("two", Algorithm::Es256);
    house
        .present(&house.claims("ada"))
        .problem(400, &incorrect());
    house.server.advance(60);
    house.login("ada");
    assert_eq!(fetched(), 3);
    house.server.advance(60);
    let unknown = house.provider.id_token(&house.server, "ada");
    let header = token::header(&unknown)
        .to_string()
        .replace("two", "none-such");
    let unknown = token::with_header(&unknown, &header);
    for _ in 0..5 {
        house
            .post(&json!({"id_token": unknown}))
            .problem(400, &incorrect());
    }
    assert_eq!(fetched(), 4);
    house.server.advance(24 * 3600 - 1);
    house.login("ada");
    assert_eq!(fetched(), 4);
    house.server.advance(1);
    house.login("ada");
    assert_eq!(fetched(), 5, "a day at most");
}

/// Line 125: users are keyed by issuer and subject.
fn the_address_of_the_identity_changes_hands_and_the_account_does_not(on: Backend) {
    let house = House::new(on);
    let pk = house.login("ada").json["user"]["pk"].clone();
    let mut renamed = house.claims("ada");
    renamed["email"] = json!("ada@elsewhere.example.com");
    let answer = house.present(&renamed).ok(200);
    assert_eq!(answer["user"]["pk"], pk);
    assert_eq!(
        answer["user"]["email"], "ada@example.com",
        "the account's own matter"
    );
    // Somebody else gets the address at the provider: not the account.
    let mut heir = house.claims("heir");
    heir["email"] = json!("ada@example.com");
    let taken = json!({"non_field_errors":
        ["User is already registered with this e-mail address."]});
    house.present(&heir).problem(400, &taken);
    heir["email"] = json!("ada@elsewhere.example.com");
    assert_ne!(house.present(&heir).ok(200)["user"]["pk"], pk);
}
