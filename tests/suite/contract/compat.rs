//! Clients as they are: `[compat]`, and what upstream does where we do better (contract section 12).

use serde_json::{Value, json};
use signet::config::{EmailVerification, FieldNames};

use crate::support::{Backend, Browser, PASSWORD, Server, link, on_both, set_cookies};

on_both!(
    legacy_names_for_clients_before_4,
    a_login_can_say_when_its_tokens_expire,
    strict_refuses_stale_credentials_everywhere,
    strict_trims_passwords,
    strict_logout_insists_on_the_refresh_token,
    strict_registration_shows_all_and_sets_no_cookie,
    strict_tells_that_an_address_is_taken,
    strict_links_work_once,
    strict_resend_minds_the_case,
    strict_refresh_is_not_repeated,
    strict_sessions_survive_a_new_password,
    strict_verify_has_blacklisted_as_a_failed_validation,
    strict_own_username_is_taken,
    simplejwts_own_routes,
);

fn strict(on: Backend) -> Server {
    Server::with(on, |config| config.compat.strict = true)
}

fn members(body: &Value) -> Vec<&String> {
    body.as_object().expect("an object").keys().collect()
}

fn legacy_names_for_clients_before_4(on: Backend) {
    let server = Server::with(on, |config| {
        config.compat.field_names = FieldNames::Legacy;
        config.compat.return_expiration = true;
    });
    let client = server.anonymous();
    let body = json!({"username": "ann", "password1": PASSWORD, "password2": PASSWORD});
    let registered = client.post_json("/auth/registration/", &body).ok(201);
    let names = [
        "access_token",
        "access_token_expiration",
        "refresh_token",
        "refresh_token_expiration",
    ];
    assert_eq!(members(&registered)[..4], names);
    let body = json!({"username": "ann", "password": PASSWORD});
    assert_eq!(
        members(&client.post_json("/auth/login/", &body).ok(200))[..4],
        names
    );
    let body = json!({"refresh": registered["refresh_token"]});
    let refreshed = client.post_json("/auth/token/refresh/", &body).ok(200);
    assert_eq!(members(&refreshed), names);
    let access = refreshed["access_token"].as_str().expect("a token");
    client.with_bearer(access).get("/auth/user/").ok(200);
}

fn a_login_can_say_when_its_tokens_expire(on: Backend) {
    let server = Server::with(on, |config| config.compat.return_expiration = true);
    server.person("ann");
    let body = json!({"username": "ann", "password": PASSWORD});
    let answer = server.anonymous().post_json("/auth/login/", &body).ok(200);
    assert_eq!(answer["access_expiration"], "2026-11-23T12:10:00.000000Z");
    assert_eq!(answer["refresh_expiration"], "2026-12-23T12:00:00.000000Z");
}

fn strict_refuses_stale_credentials_everywhere(on: Backend) {
    let server = strict(on);
    let ann = server.person("ann");
    let stale = server.anonymous().with_bearer("rubbish");
    let halved = server.anonymous().with_bearer("");
    for path in [
        "login/",
        "registration/",
        "password/reset/",
        "password/reset/confirm/",
        "registration/verify-email/",
        "registration/resend-email/",
        "logout/",
    ] {
        let answer = stale.post_json(&format!("/auth/{path}"), &json!({}));
        assert_eq!(answer.status, 401, "{path}");
        assert_eq!(answer.json["code"], "token_not_valid", "{path}");
        let answer = halved.post_json(&format!("/auth/{path}"), &json!({}));
        assert_eq!(answer.json["code"], "bad_authorization_header", "{path}");
        // A good one is no hindrance: what is wrong is the body.
        assert_ne!(
            ann.client
                .post_json(&format!("/auth/{path}"), &json!({}))
                .status,
            403
        );
    }
    // These two have no authentication at all.
    stale
        .post_json("/auth/token/verify/", &json!({"token": ann.access}))
        .ok(200);
    stale
        .post_json("/auth/token/refresh/", &json!({"refresh": ann.refresh}))
        .ok(200);
}

fn strict_trims_passwords(on: Backend) {
    let server = strict(on);
    server.person("ann");
    let body = json!({"username": "ann", "password": format!(" {PASSWORD} ")});
    server.anonymous().post_json("/auth/login/", &body).ok(200);
    let server = Server::start(on);
    server.person("ann");
    server
        .anonymous()
        .post_json("/auth/login/", &body)
        .has_status(400);
}

fn strict_logout_insists_on_the_refresh_token(on: Backend) {
    let server = strict(on);
    let ann = server.person("ann");
    let missing = json!({"detail": "Refresh token was not included in request data."});
    ann.client
        .post_json("/auth/logout/", &json!({}))
        .problem(401, &missing);
    let body = json!({"refresh": ann.refresh});
    ann.client.post_json("/auth/logout/", &body).ok(200);
    let server = Server::with(on, |config| {
        config.compat.strict = true;
        config.cookies.enabled = true;
    });
    let browser = Browser::new(&server);
    let missing = json!({"detail": "Refresh token was not included in cookie data."});
    let answer = browser.post("/auth/logout/", &json!({"refresh": ann.refresh}));
    assert_eq!(set_cookies(&answer).len(), 2, "cleared also then");
    answer.problem(401, &missing);
}

fn strict_registration_shows_all_and_sets_no_cookie(on: Backend) {
    let server = Server::with(on, |config| {
        config.compat.strict = true;
        config.compat.return_expiration = true;
        config.cookies.enabled = true;
    });
    let browser = Browser::new(&server);
    let answer = browser.register("ann");
    server.mails();
    assert!(set_cookies(&answer).is_empty());
    assert_eq!(members(&answer.json), ["access", "refresh", "user"]);
    assert!(!answer.member("refresh").is_empty());
    let answer = browser.login("ann");
    assert!(!answer.member("access").is_empty() && answer.member("refresh").is_empty());
    let answer = browser.post("/auth/token/refresh/", &json!({}));
    assert_eq!(members(&answer.json), ["access", "access_expiration"]);
    assert!(!answer.member("access").is_empty());
}

fn strict_tells_that_an_address_is_taken(on: Backend) {
    let server = Server::with(on, |config| {
        config.compat.strict = true;
        config.account.email_verification = EmailVerification::Mandatory;
    });
    let ann = server.person("ann");
    let body = json!({"username": "bob", "email": ann.email, "password1": PASSWORD, "password2": PASSWORD});
    let taken = json!({"email": ["User is already registered with this e-mail address."]});
    server
        .anonymous()
        .post_json("/auth/registration/", &body)
        .problem(400, &taken);
    let body = json!({"username": "bob", "email": "bob@example.com", "password1": PASSWORD, "password2": PASSWORD});
    let answer = server.anonymous().post_json("/auth/registration/", &body);
    answer.is(201, &json!({"detail": "Verification e-mail sent."}));
    assert_eq!(server.mails().len(), 1);
}

fn strict_links_work_once(on: Backend) {
    let server = strict(on);
    let ann = server.person("ann");
    let body = json!({"key": ann.confirm_key});
    let client = server.anonymous();
    client
        .post_json("/auth/registration/verify-email/", &body)
        .ok(200);
    client
        .post_json("/auth/registration/verify-email/", &body)
        .problem(404, &json!({"detail": "Not found."}));
}

fn strict_resend_minds_the_case(on: Backend) {
    let server = strict(on);
    server.person("ann");
    let resend = |email: &str| {
        let body = json!({"email": email});
        server
            .anonymous()
            .post_json("/auth/registration/resend-email/", &body)
            .ok(200);
        server.mails().len()
    };
    assert_eq!(
        (resend("Ann@example.com"), resend("ann@example.com")),
        (0, 1)
    );
}

fn strict_refresh_is_not_repeated(on: Backend) {
    let server = strict(on);
    let ann = server.person("ann");
    let body = json!({"refresh": ann.refresh});
    let client = server.anonymous();
    client.post_json("/auth/token/refresh/", &body).ok(200);
    client
        .post_json("/auth/token/refresh/", &body)
        .has_status(401);
    server.mails();
}

fn strict_sessions_survive_a_new_password(on: Backend) {
    let server = strict(on);
    let ann = server.person("ann");
    let client = server.anonymous();
    let new = "paper-clip-sunrise";
    client
        .post_json("/auth/password/reset/", &json!({"email": ann.email}))
        .ok(200);
    let (uid, token) = link::reset_pair(&server.mails()[0].text);
    let body = json!({"uid": uid, "token": token, "new_password1": new, "new_password2": new});
    client
        .post_json("/auth/password/reset/confirm/", &body)
        .ok(200);
    client
        .post_json("/auth/token/refresh/", &json!({"refresh": ann.refresh}))
        .ok(200);
    let other = client.post_json("/auth/login/", &json!({"username": "ann", "password": new}));
    let body = json!({"old_password": new, "new_password1": PASSWORD, "new_password2": PASSWORD});
    ann.client
        .post_json("/auth/password/change/", &body)
        .ok(200);
    let body = json!({"refresh": other.member("refresh")});
    client.post_json("/auth/token/refresh/", &body).ok(200);
    server.mails();
}

fn strict_verify_has_blacklisted_as_a_failed_validation(on: Backend) {
    let server = strict(on);
    let ann = server.person("ann");
    ann.client
        .post_json("/auth/logout/", &json!({"refresh": ann.refresh}))
        .ok(200);
    let body = json!({"token": ann.access});
    let ended = json!({"non_field_errors": ["Token is blacklisted"]});
    server
        .anonymous()
        .post_json("/auth/token/verify/", &body)
        .problem(400, &ended);
    let invalid = json!({"detail": "Token is invalid", "code": "token_not_valid"});
    let body = json!({"token": "rubbish"});
    server
        .anonymous()
        .post_json("/auth/token/verify/", &body)
        .problem(401, &invalid);
}

fn strict_own_username_is_taken(on: Backend) {
    let server = strict(on);
    let ann = server.person("ann");
    let taken = json!({"username": ["A user with that username already exists."]});
    ann.client
        .put_json("/auth/user/", &json!({"username": "ann"}))
        .problem(400, &taken);
}

fn simplejwts_own_routes(on: Backend) {
    let server = Server::with(on, |config| {
        config.compat.simplejwt_prefix = "/api/token".into();
        config.cookies.enabled = true;
    });
    let browser = Browser::new(&server);
    browser.register("ann");
    server.mails();
    let client = server.anonymous();
    let wrong = json!({"detail": "No active account found with the given credentials",
        "code": "no_active_account"});
    let body = json!({"username": "ann", "password": "wrong battery"});
    client.post_json("/api/token/", &body).problem(401, &wrong);
    client
        .post_json("/api/token/", &json!({"password": "x"}))
        .problem(400, &json!({"username": ["This field is required."]}));
    // Tokens in the body, also where the other routes have them in cookies.
    let body = json!({"username": "ann", "password": PASSWORD});
    let answer = client.post_json("/api/token/", &body);
    assert_eq!(members(&answer.json), ["access", "refresh"]);
    assert!(set_cookies(&answer).is_empty());
    let body = json!({"refresh": answer.member("refresh")});
    let next = client.post_json("/api/token/refresh/", &body);
    assert_eq!(members(&next.json), ["access", "refresh"]);
    let verify = json!({"token": next.member("access")});
    client
        .post_json("/api/token/verify/", &verify)
        .is(200, &json!({}));
    let body = json!({"refresh": next.member("refresh")});
    client
        .post_json("/api/token/blacklist/", &body)
        .is(200, &json!({}));
    client
        .post_json("/api/token/verify/", &verify)
        .has_status(401);
    let server = Server::start(on);
    server
        .anonymous()
        .post_json("/api/token/", &json!({}))
        .has_status(404);
}
