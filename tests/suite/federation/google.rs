//! Google: OpenID Connect, and access tokens of which it says for whom they are.

use serde_json::{Value, json};
use signet::config::Period;

use super::incorrect;
use crate::support::provider::{CLIENT, CLIENT_SECRET, Provider, Reply};
use crate::support::{Answer, Backend, Server, on_both};

on_both!(
    an_access_token_counts_if_it_was_issued_to_us,
    an_access_token_of_another_app_opens_nothing,
    an_id_token_and_a_code_count_as_for_any_provider,
    what_is_no_token_is_sent_nowhere,
);

fn start(on: Backend) -> (Provider, Server) {
    let provider = Provider::start();
    let issuer = provider.issuer.clone();
    let server = Server::with(on, |config| {
        config.federation.timeout = Period::seconds(10);
        let google = &mut config.federation.google;
        google.tokeninfo_url = format!("{issuer}/tokeninfo");
        google.issuer = issuer;
        google.client_id = CLIENT.into();
        google.client_secret = CLIENT_SECRET.into();
        google.callback_url = "postmessage".into();
        config.validate().expect("sound");
    });
    (provider, server)
}

/// As Google answers: numbers and booleans as texts.
fn info(aud: &str, sub: &str) -> Reply {
    Reply::Json(
        200,
        json!({"azp": aud, "aud": aud, "sub": sub, "scope": "openid",
        "exp": "1795438800", "expires_in": "3599", "email_verified": "true"}),
    )
}

fn user(sub: &str) -> Reply {
    Reply::Json(
        200,
        json!({"sub": sub, "name": "Ada Lovelace", "given_name": "Ada",
        "family_name": "Lovelace", "email": "ada@example.com", "email_verified": true}),
    )
}

fn post(server: &Server, body: &Value) -> Answer {
    server.anonymous().post_json("/auth/google/", body)
}

fn an_access_token_counts_if_it_was_issued_to_us(on: Backend) {
    let (provider, server) = start(on);
    provider.replies("/tokeninfo", info(CLIENT, "1234"));
    provider.replies("/userinfo", user("1234"));
    let body = json!({"access_token": "ya29.a0-_~+/="});
    let first = post(&server, &body).ok(200)["user"].clone();
    let expected = json!({"pk": first["pk"], "username": "ada", "email": "ada@example.com",
        "first_name": "Ada", "last_name": "Lovelace"});
    assert_eq!(first, expected);
    assert_eq!(post(&server, &body).ok(200)["user"], first);
    let asked = &provider.asked("/tokeninfo")[0];
    assert!(asked.line.starts_with("POST /tokeninfo HTTP"), "{asked:?}");
    assert_eq!(
        provider.asked("/userinfo")[0].authorization,
        "Bearer ya29.a0-_~+/="
    );
    // The same person by an ID token.
    let claims = provider.claims(&server, "1234");
    let body = json!({"id_token": provider.sign(&claims)});
    assert_eq!(post(&server, &body).ok(200)["user"]["pk"], first["pk"]);
}

/// Token substitution.
fn an_access_token_of_another_app_opens_nothing(on: Backend) {
    let (provider, server) = start(on);
    provider.replies("/userinfo", user("1234"));
    let replies = [
        info("another", "1234"),
        info("", "1234"),
        info(CLIENT, "other"),
        info(CLIENT, ""),
        Reply::Json(200, json!({"aud": CLIENT})),
        Reply::Json(200, json!({"aud": [CLIENT], "sub": "1234"})),
        Reply::Json(200, json!({"azp": CLIENT, "sub": "1234"})),
        Reply::Json(200, json!({"aud": CLIENT, "sub": 1234})),
        Reply::Json(400, json!({"error": "invalid_token"})),
        Reply::Json(200, json!(null)),
    ];
    for reply in replies {
        provider.replies("/tokeninfo", reply);
        post(&server, &json!({"access_token": "ya29"})).problem(400, &incorrect());
    }
    assert_eq!(
        provider.asked("/userinfo").len(),
        2,
        "only after the first question"
    );
    provider.replies("/tokeninfo", info(CLIENT, "1234"));
    let replies = [
        user(""),
        user("other"),
        Reply::Json(200, json!({"sub": 1234})),
        Reply::Json(200, json!({"sub": null})),
        Reply::Json(200, json!([])),
        Reply::Json(401, json!({})),
        Reply::Json(404, json!({})),
    ];
    for reply in replies {
        provider.replies("/userinfo", reply);
        post(&server, &json!({"access_token": "ya29"})).problem(400, &incorrect());
    }
    for path in ["/userinfo", "/tokeninfo"] {
        provider.replies(path, Reply::Json(500, json!({})));
        let answer = post(&server, &json!({"access_token": "ya29"}));
        assert_eq!((answer.status, answer.header("retry-after")), (503, "5"));
    }
    assert_eq!(server.stored()[..2], [0, 0]);
}

fn an_id_token_and_a_code_count_as_for_any_provider(on: Backend) {
    let (provider, server) = start(on);
    let id_token = provider.id_token(&server, "1234");
    provider.replies("/token", Reply::Json(200, json!({"id_token": id_token})));
    let pk = post(&server, &json!({"code": "4/0A"})).ok(200)["user"]["pk"].clone();
    let asked = provider.asked("/token").remove(0);
    assert!(
        asked.body.contains("redirect_uri=postmessage"),
        "{}",
        asked.body
    );
    let answer = post(&server, &json!({"id_token": id_token})).ok(200);
    assert_eq!(answer["user"]["pk"], pk);
}

fn what_is_no_token_is_sent_nowhere(on: Backend) {
    let (provider, server) = start(on);
    for token in ["a b", "a\r\nHost: x", "é", "a\"b", "\u{7f}", "a,b"] {
        post(&server, &json!({"access_token": token})).problem(400, &incorrect());
    }
    assert!(provider.asked("/tokeninfo").is_empty());
}
