//! Authorization codes of OpenID Connect.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{House, incorrect};
use crate::support::provider::{CLIENT, CLIENT_SECRET, Reply, raw};
use crate::support::{Backend, on_both, token};

on_both!(
    a_code_is_exchanged_for_an_id_token_with_our_secret,
    the_secret_goes_where_the_provider_takes_it,
    a_refused_code_is_told_in_the_words_of_the_contract,
    what_comes_for_a_code_is_not_believed_more_than_anything_else,
    a_code_needs_the_callback_that_it_was_asked_for_with,
);

fn failed() -> Value {
    json!({"non_field_errors": ["Failed to exchange code for access token"]})
}

fn form(body: &str) -> Value {
    let pairs = url::form_urlencoded::parse(body.as_bytes());
    pairs
        .map(|(name, value)| (name.into_owned(), json!(value)))
        .collect()
}

fn exchanged(house: &House, claims: &Value) -> Reply {
    let id_token = house.provider.sign(claims);
    Reply::Json(
        200,
        json!({"access_token": "at", "token_type": "Bearer", "id_token": id_token}),
    )
}

fn a_code_is_exchanged_for_an_id_token_with_our_secret(on: Backend) {
    let house = House::new(on);
    let mut claims = house.claims("ada");
    claims["nonce"] = json!("n-1");
    house.provider.replies("/token", exchanged(&house, &claims));
    house.provider.publish(&[(
        "token_endpoint_auth_methods_supported",
        json!(["client_secret_post", "client_secret_basic"]),
    )]);
    let body = json!({"code": "a code&x=1", "code_verifier": "verifier", "nonce": "n-1"});
    let user = house.post(&body).ok(200)["user"].clone();
    assert_eq!(user["username"], "ada");
    let asked = house.provider.asked("/token");
    assert!(
        asked[0].line.starts_with("POST /token HTTP"),
        "no secret in a URL"
    );
    let credentials = STANDARD.encode(format!("{CLIENT}:{CLIENT_SECRET}"));
    assert_eq!(asked[0].authorization, format!("Basic {credentials}"));
    assert_eq!(
        form(&asked[0].body),
        json!({"grant_type": "authorization_code", "code": "a code&x=1",
            "code_verifier": "verifier", "redirect_uri": "https://app.example.com/callback"})
    );
    let body = json!({"code": "a code", "nonce": "n-2"});
    house.post(&body).problem(400, &incorrect());
    // The same account as by an ID token.
    assert_eq!(house.login("ada").json["user"]["pk"], user["pk"]);
    let connect = json!({"code": "code"});
    let grace = house.server.person("grace");
    house
        .provider
        .replies("/token", exchanged(&house, &house.claims("x")));
    let answer = grace
        .client
        .post_json("/auth/idp/connect/", &connect)
        .ok(200);
    assert_eq!(answer["user"]["pk"], grace.pk);
}

fn the_secret_goes_where_the_provider_takes_it(on: Backend) {
    let house = House::new(on);
    let methods = json!(["client_secret_post"]);
    house
        .provider
        .publish(&[("token_endpoint_auth_methods_supported", methods)]);
    let claims = house.claims("ada");
    house.provider.replies("/token", exchanged(&house, &claims));
    assert_eq!(house.post(&json!({"code": "c"})).status, 200);
    let asked = house.provider.asked("/token").remove(0);
    assert_eq!(asked.authorization, "");
    let sent = form(&asked.body);
    assert_eq!(
        (&sent["client_id"], &sent["client_secret"]),
        (&json!(CLIENT), &json!(CLIENT_SECRET))
    );

    let public = House::with(on, |config| {
        config.federation.oidc.client_secret = String::new().into();
    });
    let claims = public.claims("ada");
    public
        .provider
        .replies("/token", exchanged(&public, &claims));
    assert_eq!(
        public
            .post(&json!({"code": "c", "code_verifier": "v"}))
            .status,
        200
    );
    let asked = public.provider.asked("/token").remove(0);
    let expected = json!({"grant_type": "authorization_code", "code": "c", "code_verifier": "v",
        "client_id": CLIENT, "redirect_uri": "https://app.example.com/callback"});
    assert_eq!(
        (asked.authorization.as_str(), form(&asked.body)),
        ("", expected)
    );
}

fn a_refused_code_is_told_in_the_words_of_the_contract(on: Backend) {
    let house = House::new(on);
    let replies = [
        Reply::Json(400, json!({"error": "invalid_grant"})),
        Reply::Json(401, json!({"error": "invalid_client"})),
        Reply::Json(403, json!({})),
        Reply::Json(404, json!({})),
        Reply::Json(200, json!({"error": "invalid_grant"})),
        Reply::Json(200, json!({"access_token": "at"})),
        Reply::Json(200, json!({"id_token": null})),
        Reply::Json(200, json!({"id_token": 7})),
        Reply::Json(200, json!({"id_token": ["x"]})),
        Reply::Json(200, json!([])),
        Reply::Json(200, json!(null)),
        Reply::Json(
            201,
            json!({"id_token": house.provider.id_token(&house.server, "ada")}),
        ),
        raw("200 OK", b""),
        raw("200 OK", b"<html>"),
        raw("200 OK", &[0xff; 100]),
        raw("200 OK", &vec![b' '; 300 * 1024]),
        raw("302 Found\r\nLocation: /elsewhere", b""),
        raw(
            "307 Temporary Redirect\r\nLocation: https://evil.example/token",
            b"",
        ),
        Reply::Raw(b"nonsense\r\n\r\n".to_vec()),
    ];
    for reply in replies {
        house.provider.replies("/token", reply);
        house.post(&json!({"code": "c"})).problem(400, &failed());
    }
    assert!(
        house.provider.asked("/elsewhere").is_empty(),
        "no redirect is followed"
    );
    house.provider.publish(&[("token_endpoint", json!(null))]);
    house.server.advance(3601);
    house.post(&json!({"code": "c"})).problem(400, &failed());
    assert_eq!(house.server.stored()[..2], [0, 0]);
}

fn what_comes_for_a_code_is_not_believed_more_than_anything_else(on: Backend) {
    let house = House::new(on);
    let mut claims = house.claims("ada");
    claims["aud"] = json!("another");
    house.provider.replies("/token", exchanged(&house, &claims));
    house.post(&json!({"code": "c"})).problem(400, &incorrect());
    let forged = token::forged(&house.provider.id_token(&house.server, "ada"));
    let reply = Reply::Json(200, json!({"id_token": forged}));
    house.provider.replies("/token", reply);
    house.post(&json!({"code": "c"})).problem(400, &incorrect());
}

fn a_code_needs_the_callback_that_it_was_asked_for_with(on: Backend) {
    let house = House::with(on, |config| {
        config.federation.oidc.callback_url = String::new();
    });
    let undefined = json!({"non_field_errors": ["Define callback_url in view"]});
    house.post(&json!({"code": "c"})).problem(400, &undefined);
    house.login("ada");
}
