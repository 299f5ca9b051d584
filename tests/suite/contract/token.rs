//! `POST token/verify/`, what tokens say, and how they are refused as credentials.

use serde_json::{Value, json};
use signet::config::Period;

use crate::support::{Answer, Backend, Server, on_both, token};

on_both!(
    an_access_token_says_all_that_a_verifier_needs,
    a_refresh_token_can_be_verified_by_nobody_else,
    lifetimes_and_audience_come_from_the_settings,
    verify_takes_either_kind,
    verify_refuses_in_the_words_of_the_contract,
    verify_names_what_is_missing,
    a_bad_bearer_token_is_refused_in_the_words_of_the_contract,
    no_credentials_are_refused_with_a_challenge,
    the_authorization_header_has_two_parts,
);

const CHALLENGE: &str = "Bearer realm=\"api\"";

fn an_access_token_says_all_that_a_verifier_needs(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let header = token::header(&ann.access);
    let jwks = server.anonymous().get("/.well-known/jwks.json").json;
    assert_eq!(
        header,
        json!({"alg": "ES256", "kid": jwks["keys"][0]["kid"], "typ": "at+jwt"})
    );
    let now = server.clock.now().timestamp();
    let claims = token::claims(&ann.access);
    let own = |name: &str| {
        let text = claims[name].as_str().unwrap_or_default();
        assert!(!text.is_empty(), "{name}: {claims}");
        claims[name].clone()
    };
    let expected = json!({
        "iss": "http://127.0.0.1:8080", "sub": ann.pk, "aud": "signet",
        "exp": now + 600, "iat": now, "jti": own("jti"),
        "client_id": "first-party", "scope": claims["scope"], "sid": own("sid"),
        "auth_time": now, "amr": ["pwd"], "acr": own("acr"),
        "token_type": "access", "user_id": ann.pk,
    });
    assert_eq!(claims, expected);
    assert!(claims["scope"].is_string());
}

fn a_refresh_token_can_be_verified_by_nobody_else(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let header = token::header(&ann.refresh);
    assert_eq!(
        (&header["alg"], &header["typ"]),
        (&json!("HS256"), &json!("rt+jwt"))
    );
    let jwks = server.anonymous().get("/.well-known/jwks.json");
    assert!(
        !jwks.text.contains(header["kid"].as_str().expect("a kid")),
        "{}",
        jwks.text
    );
    let claims = token::claims(&ann.refresh);
    assert_eq!(claims["aud"], claims["iss"]);
    assert_eq!(
        (&claims["token_type"], &claims["gen"]),
        (&json!("refresh"), &json!(0))
    );
    assert_eq!(claims["sid"], token::claims(&ann.access)["sid"]);
}

fn lifetimes_and_audience_come_from_the_settings(on: Backend) {
    let server = Server::with(on, |config| {
        config.tokens.access_ttl = Period::minutes(3);
        config.tokens.refresh_idle = Period::days(2);
        config.tokens.audience = "shop".into();
        config.tokens.access_typ = "JWT".into();
        config.server.public_url = "https://id.example.com".into();
    });
    let ann = server.person("ann");
    let now = server.clock.now().timestamp();
    let access = token::claims(&ann.access);
    assert_eq!(access["exp"], now + 180);
    assert_eq!(
        (&access["aud"], &access["iss"]),
        (&json!("shop"), &json!("https://id.example.com"))
    );
    assert_eq!(token::header(&ann.access)["typ"], "JWT");
    assert_eq!(token::claims(&ann.refresh)["exp"], now + 2 * 86_400);
    server.advance(179);
    ann.client.get("/auth/user/").ok(200);
    server.advance(1);
    let answer = ann.client.get("/auth/user/");
    answer.problem(401, &not_valid("Token is expired"));
}

fn verify(server: &Server, token: &str) -> Answer {
    server
        .anonymous()
        .post_json("/auth/token/verify/", &json!({"token": token}))
}

fn verify_takes_either_kind(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    verify(&server, &ann.access).is(200, &json!({}));
    verify(&server, &ann.refresh).is(200, &json!({}));
}

fn verify_refuses_in_the_words_of_the_contract(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let refused = |token: &str, message: &str| {
        let answer = verify(&server, token);
        assert_eq!(answer.header("www-authenticate"), CHALLENGE);
        answer.problem(401, &json!({"detail": message, "code": "token_not_valid"}));
    };
    for bad in [
        "x",
        "a.b.c",
        "..",
        &token::forged(&ann.access),
        &token::forged(&ann.refresh),
    ] {
        refused(bad, "Token is invalid");
    }
    let (head, _) = ann.access.rsplit_once('.').expect("a signature");
    refused(&format!("{head}."), "Token is invalid");
    server.advance(600);
    refused(&ann.access, "Token is expired");
    verify(&server, &ann.refresh).is(200, &json!({}));
    server
        .anonymous()
        .post_json("/auth/logout/", &json!({"refresh": ann.refresh}))
        .ok(200);
    refused(&ann.refresh, "Token is blacklisted");
}

fn verify_names_what_is_missing(on: Backend) {
    let server = Server::start(on);
    let client = server.anonymous();
    for (body, message) in [
        (json!({}), "This field is required."),
        (json!({"token": null}), "This field may not be null."),
        (json!({"token": ""}), "This field may not be blank."),
        (json!({"token": {}}), "Not a valid string."),
    ] {
        client
            .post_json("/auth/token/verify/", &body)
            .problem(400, &json!({"token": [message]}));
    }
}

fn not_valid(message: &str) -> Value {
    json!({
        "detail": "Given token not valid for any token type",
        "code": "token_not_valid",
        "messages": [{"token_class": "AccessToken", "token_type": "access", "message": message}],
    })
}

fn a_bad_bearer_token_is_refused_in_the_words_of_the_contract(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let refused = |token: &str, message: &str| {
        let answer = server.anonymous().with_bearer(token).get("/auth/user/");
        assert_eq!(answer.header("www-authenticate"), CHALLENGE);
        answer.problem(401, &not_valid(message));
    };
    refused("rubbish", "Token is invalid");
    refused(&token::forged(&ann.access), "Token is invalid");
    refused(&ann.refresh, "Token has wrong type");
    server.advance(600);
    refused(&ann.access, "Token is expired");
}

fn no_credentials_are_refused_with_a_challenge(on: Backend) {
    let server = Server::start(on);
    let client = server.anonymous();
    let missing = json!({"detail": "Authentication credentials were not provided."});
    for answer in [
        client.get("/auth/user/"),
        client.put_json("/auth/user/", &json!({"username": "ann"})),
        client.patch_json("/auth/user/", &json!({})),
        client.post_json("/auth/password/change/", &json!({})),
        // Another scheme is no credential of ours, and the scheme's case counts.
        client.send(
            "GET",
            "/auth/user/",
            &[("authorization", "Basic YTpi")],
            Vec::new(),
        ),
        client.send(
            "GET",
            "/auth/user/",
            &[("authorization", "bearer x")],
            Vec::new(),
        ),
    ] {
        assert_eq!(answer.header("www-authenticate"), CHALLENGE);
        answer.problem(401, &missing);
    }
}

fn the_authorization_header_has_two_parts(on: Backend) {
    let server = Server::start(on);
    for value in ["Bearer", "Bearer a b"] {
        let headers = [("authorization", value)];
        let answer = server
            .anonymous()
            .send("GET", "/auth/user/", &headers, Vec::new());
        answer.problem(
            401,
            &json!({"detail": "Authorization header must contain two space-delimited values",
                "code": "bad_authorization_header"}),
        );
    }
}
