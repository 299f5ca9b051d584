//! GitHub: OAuth 2, and an API that is asked.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use diesel::prelude::*;
use serde_json::{Value, json};
use signet::config::Period;
use signet::storage::schema::users;

use super::incorrect;
use crate::support::provider::{CLIENT, CLIENT_SECRET, Provider, Reply};
use crate::support::{Answer, Backend, Server, on_both};

on_both!(
    a_code_opens_a_session,
    an_access_token_counts_if_it_was_issued_to_us,
    an_access_token_of_another_app_opens_nothing,
    only_the_primary_verified_address_is_confirmed,
    a_refused_code_is_told_in_the_words_of_the_contract,
    there_are_no_id_tokens,
    an_answer_that_is_no_word_about_the_address_makes_no_account,
);

const CHECK: &str = "/api/applications/signet-client/token";

fn start(on: Backend) -> (Provider, Server) {
    let provider = Provider::start();
    let at = |path: &str| format!("{}{path}", provider.issuer);
    let server = Server::with(on, |config| {
        config.federation.timeout = Period::seconds(10);
        let github = &mut config.federation.github;
        github.api_url = at("/api");
        github.token_url = at("/login/oauth/access_token");
        github.client_id = CLIENT.into();
        github.client_secret = CLIENT_SECRET.into();
        github.callback_url = "https://app.example.com/callback".into();
        config.validate().expect("sound");
    });
    let token = json!({"access_token": "gho_good", "scope": "user:email", "token_type": "bearer"});
    provider.replies("/login/oauth/access_token", Reply::Json(200, token));
    let user = json!({"id": 583_231, "login": "octocat", "name": "The Octocat", "email": null});
    provider.replies("/api/user", Reply::Json(200, user));
    provider.replies("/api/user/emails", Reply::Json(200, json!([
        {"email": "public@example.com", "primary": false, "verified": true, "visibility": null},
        {"email": "octo@example.com", "primary": true, "verified": true, "visibility": "private"},
    ])));
    provider.replies(CHECK, checked(CLIENT, json!(583_231)));
    (provider, server)
}

fn checked(client_id: &str, id: Value) -> Reply {
    Reply::Json(
        200,
        json!({"id": 1, "token": "gho_good", "app": {"client_id": client_id,
        "name": "App"}, "user": {"id": id, "login": "octocat"}}),
    )
}

fn post(server: &Server, body: &Value) -> Answer {
    server.anonymous().post_json("/auth/github/", body)
}

fn a_code_opens_a_session(on: Backend) {
    let (provider, server) = start(on);
    let body = json!({"code": "c0de", "code_verifier": "v"});
    let answer = post(&server, &body);
    let user = answer.json["user"].clone();
    let expected = json!({"pk": user["pk"], "username": "octocat", "email": "octo@example.com",
        "first_name": "The", "last_name": "Octocat"});
    assert_eq!(user, expected);
    let asked = provider.asked("/login/oauth/access_token").remove(0);
    let sent = url::form_urlencoded::parse(asked.body.as_bytes());
    let sent: Value = sent
        .map(|(name, value)| (name.into_owned(), json!(value)))
        .collect();
    assert_eq!(
        sent,
        json!({"client_id": CLIENT, "client_secret": CLIENT_SECRET, "code": "c0de",
            "redirect_uri": "https://app.example.com/callback", "code_verifier": "v"})
    );
    let client = server.anonymous().with_bearer(&answer.member("access"));
    let listed = client.get("/auth/social-accounts/").ok(200);
    assert_eq!(
        (&listed[0]["provider"], &listed[0]["uid"]),
        (&json!("github"), &json!("583231"))
    );
    assert!(
        provider.asked(CHECK).is_empty(),
        "it was given for our secret"
    );
}

fn an_access_token_counts_if_it_was_issued_to_us(on: Backend) {
    let (provider, server) = start(on);
    let user = post(&server, &json!({"access_token": "gho_good"})).ok(200)["user"].clone();
    let asked = provider.asked(CHECK).remove(0);
    let credentials = STANDARD.encode(format!("{CLIENT}:{CLIENT_SECRET}"));
    assert_eq!(asked.authorization, format!("Basic {credentials}"));
    assert_eq!(asked.body, r#"{"access_token":"gho_good"}"#);
    assert_eq!(
        provider.asked("/api/user")[0].authorization,
        "Bearer gho_good"
    );
    assert_eq!(post(&server, &json!({"code": "c"})).ok(200)["user"], user);
    // Renamed there, and known all the same.
    let renamed = json!({"id": 583_231, "login": "hexacat", "name": null});
    provider.replies("/api/user", Reply::Json(200, renamed));
    assert_eq!(post(&server, &json!({"code": "c"})).ok(200)["user"], user);
    // Somebody else takes the name.
    let heir = json!({"id": 7, "login": "octocat", "name": null});
    provider.replies("/api/user", Reply::Json(200, heir));
    provider.replies("/api/user/emails", Reply::Json(404, json!({})));
    let heir = post(&server, &json!({"code": "c"})).ok(200)["user"].clone();
    assert_ne!(heir["pk"], user["pk"]);
    assert_eq!(heir["email"], "");
}

/// Token substitution.
fn an_access_token_of_another_app_opens_nothing(on: Backend) {
    let (provider, server) = start(on);
    let replies = [
        Reply::Json(404, json!({"message": "Not Found"})),
        Reply::Json(422, json!({})),
        Reply::Json(401, json!({})),
        checked("another", json!(583_231)),
        checked(CLIENT, json!(7)),
        checked(CLIENT, json!("583231")),
        checked(CLIENT, json!(null)),
        checked(CLIENT, json!(-1)),
        Reply::Json(200, json!({"user": {"id": 583_231}})),
        Reply::Json(200, json!({"app": {"client_id": CLIENT}})),
    ];
    for reply in replies {
        provider.replies(CHECK, reply);
        post(&server, &json!({"access_token": "gho_good"})).problem(400, &incorrect());
    }
    provider.replies(CHECK, checked(CLIENT, json!(0)));
    provider.replies(
        "/api/user",
        Reply::Json(200, json!({"id": 0, "login": "nobody"})),
    );
    post(&server, &json!({"access_token": "gho_good"})).problem(400, &incorrect());
    for id in [json!(null), json!("1"), json!(1.5), json!([1]), json!({})] {
        provider.replies(
            "/api/user",
            Reply::Json(200, json!({"id": id, "login": "x"})),
        );
        post(&server, &json!({"code": "c"})).problem(400, &incorrect());
    }
    post(&server, &json!({"access_token": "a b"})).problem(400, &incorrect());
    assert_eq!(server.stored()[..2], [0, 0]);
}

fn only_the_primary_verified_address_is_confirmed(on: Backend) {
    let (provider, server) = start(on);
    let lists = [
        json!([{"email": "a@example.com", "primary": true, "verified": false}]),
        json!([{"email": "a@example.com", "primary": true, "verified": "true"}]),
        json!([{"email": "a@example.com", "primary": true}]),
        json!([{"email": "a@example.com", "primary": false, "verified": true}]),
        json!([]),
    ];
    for (number, list) in lists.into_iter().enumerate() {
        let user = json!({"id": 100 + number, "login": format!("cat-{number}")});
        provider.replies("/api/user", Reply::Json(200, user));
        provider.replies("/api/user/emails", Reply::Json(200, list));
        let answer = post(&server, &json!({"code": "c"})).ok(200);
        let expected = if number < 3 { "a@example.com" } else { "" };
        assert_eq!(answer["user"]["email"], expected, "{number}");
    }
    let confirmed = users::table.filter(users::email_verified_at.is_not_null());
    assert_eq!(server.count(confirmed.count()), 0);
    server.mails();
}

fn a_refused_code_is_told_in_the_words_of_the_contract(on: Backend) {
    let (provider, server) = start(on);
    let failed = json!({"non_field_errors": ["Failed to exchange code for access token"]});
    let replies = [
        Reply::Json(200, json!({"error": "bad_verification_code"})),
        Reply::Json(200, json!({"access_token": ""})),
        Reply::Json(200, json!({"access_token": "a\r\nb"})),
        Reply::Json(200, json!({"access_token": null})),
        Reply::Json(404, json!({})),
    ];
    for reply in replies {
        provider.replies("/login/oauth/access_token", reply);
        post(&server, &json!({"code": "c"})).problem(400, &failed);
    }
    assert!(provider.asked("/api/user").is_empty());
    provider.replies("/login/oauth/access_token", Reply::Json(502, json!({})));
    let answer = post(&server, &json!({"code": "c"}));
    assert_eq!((answer.status, answer.header("retry-after")), (503, "5"));
}

fn there_are_no_id_tokens(on: Backend) {
    let (provider, server) = start(on);
    let id_token = provider.id_token(&server, "octocat");
    post(&server, &json!({"id_token": id_token})).problem(400, &incorrect());
}

/// Else an account without an address came of a moment at which GitHub was busy.
fn an_answer_that_is_no_word_about_the_address_makes_no_account(on: Backend) {
    let (provider, server) = start(on);
    let ask = || post(&server, &json!({"code": "code"})).status;
    let limited = json!({"message": "API rate limit exceeded for user ID 1."});
    for reply in [
        Reply::Json(403, limited),
        Reply::Json(200, json!({"emails": []})),
        Reply::Json(304, json!({})),
    ] {
        provider.replies("/api/user/emails", reply);
        assert_eq!(ask(), 503);
    }
    assert_eq!(server.count(users::table.count()), 0);
    // The scope was not given: then there is none.
    let refused = json!({"message": "Resource not accessible by integration"});
    provider.replies("/api/user/emails", Reply::Json(403, refused));
    assert_eq!(ask(), 200);
}
