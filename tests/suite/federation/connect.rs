//! Connecting, listing and disconnecting (contract section 7).

use diesel::prelude::*;
use serde_json::{Value, json};
use signet::storage::schema::{identities, users};

use super::{House, incorrect};
use crate::support::{Answer, Backend, Browser, Client, on_both};

on_both!(
    who_is_logged_in_connects_a_provider_and_logs_in_with_it,
    the_owner_is_told_by_mail,
    what_is_connected_to_another_stays_there,
    only_who_is_logged_in_connects_lists_and_disconnects,
    the_last_way_in_is_not_given_up,
    nobody_elses_identity_can_be_given_up,
    one_identity_is_connected_once,
    cookies_speak_for_who_connects,
);

fn list(client: &Client) -> Value {
    client.get("/auth/social-accounts/").ok(200)
}

fn disconnect(client: &Client, id: &str) -> Answer {
    let path = format!("/auth/social-accounts/{id}/disconnect/");
    client.post_json(&path, &json!({}))
}

fn id(listed: &Value, index: usize) -> String {
    listed[index]["id"].as_str().expect("an id").to_owned()
}

/// What `client` gets who brings an ID token for `sub`.
fn connect(house: &House, client: &Client, sub: &str) -> Answer {
    let id_token = house.provider.id_token(&house.server, sub);
    client.post_json("/auth/idp/connect/", &json!({"id_token": id_token}))
}

fn who_is_logged_in_connects_a_provider_and_logs_in_with_it(on: Backend) {
    let house = House::new(on);
    let ann = house.server.person("ann");
    assert_eq!(list(&ann.client), json!([]));
    // The address there is no matter: she has shown that both are hers.
    let answer = connect(&house, &ann.client, "elsewhere");
    let connected = answer.json.clone();
    assert_eq!(answer.ok(200)["user"]["pk"], ann.pk);
    assert_eq!(connected["user"]["email"], "ann@example.com");
    let renewed = house.server.anonymous();
    let renewed = renewed.with_bearer(connected["access"].as_str().expect("access"));
    renewed.get("/auth/user/").ok(200);
    ann.client.get("/auth/user/").ok(200);
    assert_eq!(house.login("elsewhere").json["user"]["pk"], ann.pk);
    // A second time it is so already.
    connect(&house, &ann.client, "elsewhere").ok(200);
    let listed = list(&ann.client);
    assert_eq!(listed.as_array().expect("a list").len(), 1);
    assert_eq!(listed[0]["uid"], "elsewhere");
    let also = ann.client.get("/auth/socialaccounts").ok(200);
    assert_eq!(also, listed);
    disconnect(&ann.client, &id(&listed, 0)).is(200, &json!({}));
    assert_eq!(list(&ann.client), json!([]));
    assert_ne!(house.login("elsewhere").json["user"]["pk"], ann.pk);
    let by = json!({"provider": "idp"});
    assert_eq!(
        house.server.events("identity_connected"),
        std::slice::from_ref(&by)
    );
    assert_eq!(house.server.events("identity_disconnected"), [by]);
}

/// It outlives every session and password: if it was not the owner, they must hear of it.
fn the_owner_is_told_by_mail(on: Backend) {
    let house = House::new(on);
    let ann = house.server.person("ann");
    connect(&house, &ann.client, "one").ok(200);
    assert!(
        house.server.mails().is_empty(),
        "the address may be anybody's"
    );
    let key = json!({"key": ann.confirm_key});
    ann.client
        .post_json("/auth/registration/verify-email/", &key)
        .ok(200);
    connect(&house, &ann.client, "two").ok(200);
    let mail = house.server.mail("ann@example.com");
    assert!(mail.text.contains("an account at idp"), "{}", mail.text);
    connect(&house, &ann.client, "two").ok(200);
    house.login("two");
    assert!(house.server.mails().is_empty(), "nothing new");
}

fn what_is_connected_to_another_stays_there(on: Backend) {
    let house = House::new(on);
    let (ann, bob) = (house.server.person("ann"), house.server.person("bob"));
    connect(&house, &ann.client, "x").ok(200);
    let anothers = json!({"non_field_errors":
        ["The third-party account is already connected to a different account."]});
    connect(&house, &bob.client, "x").problem(400, &anothers);
    assert_eq!(house.login("x").json["user"]["pk"], ann.pk);
    assert_eq!(list(&bob.client), json!([]));
    let forged = json!({"id_token": "x.y.z"});
    bob.client
        .post_json("/auth/idp/connect/", &forged)
        .problem(400, &incorrect());
}

fn only_who_is_logged_in_connects_lists_and_disconnects(on: Backend) {
    let house = House::new(on);
    let nobody = house.server.anonymous();
    let refused = json!({"detail": "Authentication credentials were not provided."});
    connect(&house, &nobody, "x").problem(401, &refused);
    nobody.get("/auth/social-accounts/").problem(401, &refused);
    disconnect(&nobody, "1").problem(401, &refused);
    assert!(house.provider.asked("/jwks").is_empty(), "nobody is asked");
    let ann = house.server.person("ann");
    house.server.set_active(&ann.pk, false);
    assert_eq!(connect(&house, &ann.client, "x").status, 401);
    assert_eq!(house.server.count(identities::table.count()), 0);
}

fn the_last_way_in_is_not_given_up(on: Backend) {
    let house = House::new(on);
    let answer = house.login("ada");
    let client = house
        .server
        .anonymous()
        .with_bearer(&answer.member("access"));
    let first = id(&list(&client), 0);
    let refused = json!({"non_field_errors": ["Your account has no password set up."]});
    disconnect(&client, &first).problem(400, &refused);
    connect(&house, &client, "also-ada").ok(200);
    house.server.mail("ada@example.com");
    let ids: Vec<String> = (0..2).map(|index| id(&list(&client), index)).collect();
    // Both at once, from two tabs: one stays.
    let access = answer.member("access");
    let answers = house.server.at_once(2, |client, number| {
        disconnect(&client.with_bearer(&access), &ids[number]).status
    });
    let mut statuses = answers.clone();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    assert_eq!(list(&client).as_array().expect("a list").len(), 1);
}

fn nobody_elses_identity_can_be_given_up(on: Backend) {
    let house = House::new(on);
    let ann = house.server.person("ann");
    let answer = house.login("ada");
    let ada = house
        .server
        .anonymous()
        .with_bearer(&answer.member("access"));
    let id = id(&list(&ada), 0);
    let missing = json!({"detail": "Not found."});
    for id in [id.as_str(), "1", "x'--", "a%00b", "%F0%9F%92%A9"] {
        disconnect(&ann.client, id).problem(404, &missing);
    }
    assert_eq!(list(&ada).as_array().expect("a list").len(), 1);
}

fn one_identity_is_connected_once(on: Backend) {
    let house = House::new(on);
    let people: Vec<_> = (0..6)
        .map(|number| house.server.person(&format!("ann{number}")))
        .collect();
    let answers = house.server.at_once(12, |_, number| {
        let client = &people[number % 6].client;
        connect(&house, client, "x").status
    });
    let won: Vec<usize> = (0..12).filter(|one| answers[*one] == 200).collect();
    assert_eq!(won.len(), 2, "one person, twice: {answers:?}");
    assert_eq!(won[0] % 6, won[1] % 6);
    assert!(
        answers.iter().all(|it| matches!(it, 200 | 400)),
        "{answers:?}"
    );
    assert_eq!(house.server.count(identities::table.count()), 1);
    assert_eq!(house.server.count(users::table.count()), 6);
}

fn cookies_speak_for_who_connects(on: Backend) {
    let house = House::with(on, |config| config.cookies.enabled = true);
    let browser = Browser::new(&house.server);
    let pk = browser.register("ann").json["user"]["pk"].clone();
    house.server.mails();
    let body = json!({"id_token": house.provider.id_token(&house.server, "x")});
    let answer = browser.post("/auth/idp/connect/", &body).ok(200);
    assert_eq!(
        (&answer["access"], &answer["user"]["pk"]),
        (&json!(""), &pk)
    );
    let listed = browser
        .send("GET", "/auth/social-accounts/", &Value::Null)
        .ok(200);
    let path = format!("/auth/social-accounts/{}/disconnect/", id(&listed, 0));
    let elsewhere = browser.page(&[("sec-fetch-site", "cross-site")]);
    assert_eq!(elsewhere.post(&path, &json!({})).status, 403);
    browser.post(&path, &json!({})).ok(200);
}
