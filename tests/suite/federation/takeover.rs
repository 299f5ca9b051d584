//! A way in that somebody else made must not outlive what ends all others.

use serde_json::{Value, json};
use signet::federation::Evidence;
use signet::web::Facts;

use super::House;
use crate::support::{Backend, Browser, Client, PASSWORD, Person, block_on, link, on_both};

on_both!(
    a_reset_that_shows_who_reads_the_address_takes_away_what_others_connected,
    a_stolen_token_is_no_way_to_a_way_in,
    an_ended_session_connects_nothing,
    who_gives_a_provider_up_ends_what_it_opened,
    a_login_through_a_provider_ends_the_session_that_the_browser_had,
    an_account_gets_few_ways_in_at_once,
    a_token_of_another_kind_is_no_id_token,
);

fn connect(house: &House, client: &Client, sub: &str) -> u16 {
    let body = json!({"id_token": house.provider.id_token(&house.server, sub)});
    client.post_json("/auth/idp/connect/", &body).status
}

fn reset(house: &House, email: &str, password: &str) {
    let client = house.server.anonymous();
    client
        .post_json("/auth/password/reset/", &json!({"email": email}))
        .ok(200);
    let (uid, token) = link::reset_pair(&house.server.mail(email).text);
    let body = json!({"uid": uid, "token": token, "new_password1": password,
        "new_password2": password});
    client
        .post_json("/auth/password/reset/confirm/", &body)
        .ok(200);
    house.server.mails();
}

/// An account made with a stranger's address, and a provider connected to it.
fn a_reset_that_shows_who_reads_the_address_takes_away_what_others_connected(on: Backend) {
    let house = House::new(on);
    let squatter = house.server.person("ann");
    assert_eq!(connect(&house, &squatter.client, "mallory"), 200);
    reset(&house, "ann@example.com", "paper clip sunrise");
    assert_ne!(house.login("mallory").json["user"]["pk"], squatter.pk);
    let by = json!({"by": "reset"});
    assert_eq!(house.server.events("identity_disconnected"), [by]);
    // Of a confirmed address, they are the owner's own.
    let bob = house.server.confirmed("bob");
    assert_eq!(connect(&house, &bob.client, "bob-there"), 200);
    house.server.mails();
    reset(&house, "bob@example.com", "paper clip sunset");
    assert_eq!(house.login("bob-there").json["user"]["pk"], bob.pk);
}

fn refreshed(house: &House, person: &Person) -> Client {
    let client = house.server.anonymous();
    let body = json!({"refresh": person.refresh});
    let answer = client.post_json("/auth/token/refresh/", &body).ok(200);
    client.with_bearer(answer["access"].as_str().expect("a token"))
}

fn a_stolen_token_is_no_way_to_a_way_in(on: Backend) {
    let house = House::new(on);
    let ann = house.server.person("ann");
    house.server.advance(15 * 60);
    let client = refreshed(&house, &ann);
    assert_eq!(
        connect(&house, &client, "x"),
        200,
        "proved a quarter of an hour ago"
    );
    house.server.advance(1);
    let body = json!({"id_token": house.provider.id_token(&house.server, "y")});
    let answer = client.post_json("/auth/idp/connect/", &body);
    assert_eq!(answer.status, 403);
    assert_eq!(answer.json["code"], "reauthentication_required");
    let proof = json!({"password": PASSWORD});
    let fresh = client.post_json("/auth/reauthenticate/", &proof).ok(200);
    let client = client.with_bearer(fresh["access"].as_str().expect("a token"));
    assert_eq!(connect(&house, &client, "y"), 200);
}

/// The provider may take its time: what was asked for before the session ended comes after it.
fn an_ended_session_connects_nothing(on: Backend) {
    let house = House::new(on);
    let ann = house.server.person("ann");
    let app = &house.server.app;
    let claims = block_on(app.sessions.authenticate(&ann.access)).expect("live");
    ann.client.post_json("/auth/logout/all/", &json!({}));
    let id_token = house.provider.id_token(&house.server, "x");
    let facts = Facts {
        address: None,
        user_agent: None,
    };
    let evidence = Evidence::IdToken(id_token, None);
    let connected = block_on(app.federation.connect("idp", &evidence, &claims, &facts));
    let error = connected.err().expect("a refusal");
    assert_eq!(error.kind(), signet::error::Kind::Unauthenticated);
    assert_ne!(house.login("x").json["user"]["pk"], ann.pk);
}

fn who_gives_a_provider_up_ends_what_it_opened(on: Backend) {
    let house = House::new(on);
    let ann = house.server.person("ann");
    assert_eq!(connect(&house, &ann.client, "x"), 200);
    let through = house.login("x").json;
    let through = house
        .server
        .anonymous()
        .with_bearer(through["access"].as_str().expect("it"));
    through.get("/auth/user/").ok(200);
    let listed = ann.client.get("/auth/social-accounts/").ok(200);
    let path = format!(
        "/auth/social-accounts/{}/disconnect/",
        listed[0]["id"].as_str().expect("an id")
    );
    ann.client.post_json(&path, &json!({})).ok(200);
    through.get("/auth/user/").has_status(401);
    ann.client.get("/auth/user/").ok(200);
}

/// Line 43.
fn a_login_through_a_provider_ends_the_session_that_the_browser_had(on: Backend) {
    let house = House::with(on, |config| config.cookies.enabled = true);
    let browser = Browser::new(&house.server);
    browser.register("ann");
    house.server.mails();
    let old = browser.cookie("__Host-signet-access");
    let body = json!({"id_token": house.provider.id_token(&house.server, "x")});
    browser.post("/auth/idp/", &body).ok(200);
    assert_ne!(browser.cookie("__Host-signet-access"), old);
    let client = house.server.anonymous();
    client.with_bearer(&old).get("/auth/user/").has_status(401);
    browser.send("GET", "/auth/user/", &Value::Null).ok(200);
}

fn an_account_gets_few_ways_in_at_once(on: Backend) {
    let house = House::with(on, |config| config.limits.enabled = true);
    let ann = house.server.person("ann");
    let told: Vec<u16> = (0..5)
        .map(|number| connect(&house, &ann.client, &format!("x{number}")))
        .collect();
    assert_eq!(told, [200, 200, 200, 429, 429]);
}

/// RFC 8725, section 3.11.
fn a_token_of_another_kind_is_no_id_token(on: Backend) {
    let house = House::new(on);
    let claims = house.claims("ada");
    for (typ, status) in [
        ("jwt", 200),
        ("at+jwt", 400),
        ("logout+jwt", 400),
        ("", 400),
    ] {
        let token = house.provider.sign_as(typ, &claims);
        assert_eq!(
            house.post(&json!({"id_token": token})).status,
            status,
            "{typ:?}"
        );
    }
}
