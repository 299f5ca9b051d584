//! Tokens in cookies (contract section 8, security lines 45 to 50).

use serde_json::{Value, json};
use signet::config::{Config, SameSite};

use crate::support::{Backend, Browser, PASSWORD, Server, on_both, set_cookies, token};

on_both!(
    login_refresh_and_registration_set_cookies_and_show_no_token,
    the_cookie_speaks_for_the_caller_unless_a_header_does,
    a_refresh_takes_the_body_before_the_cookie,
    names_and_attributes_are_those_of_the_settings,
    a_new_proof_of_the_password_renews_the_access_cookie_alone,
    a_cookie_counts_by_the_exact_name_that_browsers_guard,
    scripts_may_read_tokens_only_where_the_operator_says_so,
);

pub(super) const ACCESS: &str = "__Host-signet-access";
pub(super) const REFRESH: &str = "__Host-signet-refresh";

pub(super) fn start(on: Backend) -> Server {
    Server::with(on, |config| config.cookies.enabled = true)
}

/// Lines 45 and 47.
fn login_refresh_and_registration_set_cookies_and_show_no_token(on: Backend) {
    let server = start(on);
    let browser = Browser::new(&server);
    let registered = browser.register("ann");
    let logged_in = browser.login("ann");
    let first = browser.cookie(REFRESH);
    let refreshed = browser.post("/auth/token/refresh/", &json!({}));
    assert_ne!(browser.cookie(REFRESH), first, "rotated");
    server.mails();
    for answer in [&registered, &logged_in, &refreshed] {
        let cookies = set_cookies(answer);
        let names: Vec<_> = cookies.iter().map(|cookie| cookie.name.as_str()).collect();
        assert_eq!(names, [ACCESS, REFRESH]);
        for cookie in &cookies {
            assert!(cookie.value.len() < 4096, "line 46");
            let parts: Vec<&str> = cookie.value.split('.').collect();
            assert_eq!(parts.len(), 3, "a token");
            assert!(!answer.text.contains(parts[2]), "also in the body");
            let mut fixed = cookie.attributes.clone();
            fixed.retain(|it| !it.starts_with("Expires=") && !it.starts_with("Max-Age="));
            fixed.sort();
            assert_eq!(fixed, ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]);
        }
        let lives = |index: usize| {
            let attributes = cookies[index].attributes.iter();
            let mut ages = attributes.filter_map(|it| it.strip_prefix("Max-Age="));
            ages.next()
                .expect("Max-Age")
                .parse::<i64>()
                .expect("seconds")
        };
        assert_eq!((lives(0), lives(1)), (600, 30 * 24 * 3600));
        assert!(
            cookies[0]
                .attributes
                .iter()
                .any(|it| it == "Expires=Mon, 23 Nov 2026 12:10:00 GMT")
        );
    }
    let user = &logged_in.json["user"];
    assert_eq!(
        logged_in.json,
        json!({"access": "", "refresh": "", "user": user})
    );
    assert_eq!(registered.json, logged_in.json);
    assert_eq!(
        refreshed.json,
        json!({"access": "", "access_expiration": "2026-11-23T12:10:00.000000Z"})
    );
}

/// Contract section 0.
fn the_cookie_speaks_for_the_caller_unless_a_header_does(on: Backend) {
    let server = start(on);
    let browser = Browser::new(&server);
    browser.register("ann");
    server.mails();
    assert!(browser.is_logged_in());
    for header in ["Bearer rubbish", "Token x", "Basic YTpi", "Bearer"] {
        let more = [("authorization", header)];
        let answer = browser.send_raw("GET", "/auth/user/", &more, Vec::new());
        assert_eq!(answer.status, 401, "{header}");
    }
    let access = browser.cookie(ACCESS);
    server
        .anonymous()
        .with_bearer(&access)
        .get("/auth/user/")
        .ok(200);
    browser.lose(ACCESS);
    let anonymous = json!({"detail": "Authentication credentials were not provided."});
    browser
        .send("GET", "/auth/user/", &Value::Null)
        .problem(401, &anonymous);
    browser.plant(ACCESS, &token::forged(&access));
    assert!(!browser.is_logged_in());
}

fn a_refresh_takes_the_body_before_the_cookie(on: Backend) {
    let server = start(on);
    let (ann, bob) = (Browser::new(&server), Browser::new(&server));
    ann.register("ann");
    bob.register("bob");
    server.mails();
    let of_bob = bob.cookie(REFRESH);
    ann.post("/auth/token/refresh/", &json!({"refresh": of_bob}))
        .ok(200);
    assert_eq!(
        token::claims(&ann.cookie(REFRESH))["sub"],
        token::claims(&of_bob)["sub"]
    );
    let blank = json!({"refresh": ["This field may not be blank."]});
    ann.post("/auth/token/refresh/", &json!({"refresh": ""}))
        .problem(400, &blank);
    ann.lose(REFRESH);
    let none = json!({"detail": "No valid refresh token found.", "code": "token_not_valid"});
    ann.post("/auth/token/refresh/", &json!({}))
        .problem(401, &none);
}

fn names_and_attributes_are_those_of_the_settings(on: Backend) {
    let server = Server::with(on, |config: &mut Config| {
        let cookies = &mut config.cookies;
        cookies.enabled = true;
        cookies.access = "a".into();
        cookies.refresh = "r".into();
        cookies.refresh_path = "/auth".into();
        cookies.domain = "example.com".into();
        cookies.same_site = SameSite::Strict;
        config.validate().expect("sound");
    });
    let browser = Browser::new(&server);
    let answer = browser.register("ann");
    server.mails();
    let [access, refresh] = &set_cookies(&answer)[..] else {
        panic!("two cookies: {answer:?}")
    };
    let has = |cookie: &[String], what: &str| cookie.iter().any(|it| it == what);
    assert_eq!((access.name.as_str(), refresh.name.as_str()), ("a", "r"));
    assert!(has(&access.attributes, "Path=/") && has(&refresh.attributes, "Path=/auth"));
    for cookie in [access, refresh] {
        assert!(has(&cookie.attributes, "Domain=example.com"), "{cookie:?}");
        assert!(has(&cookie.attributes, "SameSite=Strict"), "{cookie:?}");
    }
    // They are cleared where they are: same path, same domain.
    let answer = browser.post("/auth/logout/", &json!({}));
    let [access, refresh] = &set_cookies(&answer)[..] else {
        panic!("two cookies: {answer:?}")
    };
    assert!(
        has(&refresh.attributes, "Path=/auth") && has(&refresh.attributes, "Domain=example.com")
    );
    assert!(
        has(&access.attributes, "Expires=Thu, 01 Jan 1970 00:00:00 GMT"),
        "{access:?}"
    );
}

/// `JWT_AUTH_HTTPONLY=False`: cookies and bodies both.
fn scripts_may_read_tokens_only_where_the_operator_says_so(on: Backend) {
    let server = Server::with(on, |config| {
        config.cookies.enabled = true;
        config.cookies.http_only = false;
    });
    let browser = Browser::new(&server);
    browser.register("ann");
    server.mails();
    let body = json!({"username": "ann", "password": PASSWORD});
    let answer = browser.post("/auth/login/", &body);
    assert_eq!(answer.member("access"), browser.cookie(ACCESS));
    assert_eq!(answer.member("refresh"), browser.cookie(REFRESH));
    assert!(
        !set_cookies(&answer)[0]
            .attributes
            .iter()
            .any(|it| it == "HttpOnly")
    );
    let answer = browser.post("/auth/token/refresh/", &json!({}));
    assert_eq!(answer.member("refresh"), browser.cookie(REFRESH));
}

fn a_new_proof_of_the_password_renews_the_access_cookie_alone(on: Backend) {
    let server = start(on);
    let browser = Browser::new(&server);
    browser.register("ann");
    server.mails();
    let (access, refresh) = (browser.cookie(ACCESS), browser.cookie(REFRESH));
    server.advance(60);
    let answer = browser.post("/auth/reauthenticate/", &json!({"password": PASSWORD}));
    let renewed = browser.cookie(ACCESS);
    assert_eq!(browser.cookie(REFRESH), refresh);
    assert_ne!(renewed, access);
    let time = |token: &str| token::claims(token)["auth_time"].as_i64().expect("a time");
    assert_eq!(time(&renewed), time(&access) + 60);
    let names: Vec<_> = set_cookies(&answer)
        .into_iter()
        .map(|cookie| cookie.name)
        .collect();
    assert_eq!(names, [ACCESS]);
    assert_eq!(answer.ok(200)["access"], "");
    assert!(browser.is_logged_in());
}

/// A sibling host can plant `__%48ost-…`, which no browser guards, and a second cookie of one name.
fn a_cookie_counts_by_the_exact_name_that_browsers_guard(on: Backend) {
    let server = start(on);
    let (victim, mallory) = (Browser::new(&server), Browser::new(&server));
    let pk = victim.register("ann").json["user"]["pk"].clone();
    mallory.register("mallory");
    server.mails();
    let (own, planted) = (victim.cookie(ACCESS), mallory.cookie(ACCESS));
    let client = server.anonymous();
    let ask = |cookies: &[&str]| {
        let headers: Vec<_> = cookies.iter().map(|it| ("cookie", *it)).collect();
        client.send("GET", "/auth/user/", &headers, Vec::new())
    };
    let good = format!("{ACCESS}={own}");
    for name in [
        "__%48ost-signet-access",
        "__Host%2Dsignet-access",
        "__host-signet-access",
    ] {
        let bad = format!("{name}={planted}");
        assert_eq!(ask(&[&format!("{bad}; {good}")]).ok(200)["pk"], pk);
        ask(&[&bad]).has_status(401);
    }
    // Of two that differ one is planted: neither counts, in whatever order or header.
    let other = format!("{ACCESS}={planted}");
    for cookies in [vec![format!("{good}; {other}")], vec![other, good.clone()]] {
        let cookies: Vec<&str> = cookies.iter().map(String::as_str).collect();
        ask(&cookies).has_status(401);
    }
    // What is unreadable in one is no matter to the others.
    ask(&[&format!("x=\u{e9}; {good}; =; y")]).ok(200);
}
