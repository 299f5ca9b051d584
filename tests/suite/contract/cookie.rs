//! Tokens in cookies (contract section 8, security lines 45 to 50).

use serde_json::{Value, json};
use signet::config::{Config, SameSite};

use crate::support::{Backend, Browser, PASSWORD, Server, on_both, set_cookies, token};

on_both!(
    login_refresh_and_registration_set_cookies_and_show_no_token,
    the_cookie_speaks_for_the_caller_unless_a_header_does,
    a_refresh_takes_the_body_before_the_cookie,
    logout_clears_the_cookies_and_ends_the_session_in_any_case,
    a_dead_cookie_is_no_hindrance_and_is_taken_away,
    nobody_gets_the_session_of_who_was_here_before,
    names_and_attributes_are_those_of_the_settings,
    a_new_proof_of_the_password_renews_the_access_cookie_alone,
    who_ends_the_own_session_keeps_no_cookie,
    a_cookie_counts_by_the_exact_name_that_browsers_guard,
    a_login_ends_the_session_that_the_browser_had,
    logout_ends_what_it_clears,
    scripts_may_read_tokens_only_where_the_operator_says_so,
);

const ACCESS: &str = "__Host-signet-access";
const REFRESH: &str = "__Host-signet-refresh";

fn start(on: Backend) -> Server {
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

/// Lines 49 and 50: also with one of the cookies gone, and with both stale.
fn logout_clears_the_cookies_and_ends_the_session_in_any_case(on: Backend) {
    let server = start(on);
    let browser = Browser::new(&server);
    browser.register("ann");
    server.mails();
    for lost in ["", ACCESS, REFRESH] {
        browser.login("ann");
        let (access, refresh) = (browser.cookie(ACCESS), browser.cookie(REFRESH));
        browser.lose(lost);
        let answer = browser.post("/auth/logout/", &json!({}));
        let cleared: Vec<_> = set_cookies(&answer)
            .into_iter()
            .map(|it| (it.name, it.value))
            .collect();
        assert_eq!(
            cleared,
            [
                (ACCESS.into(), String::new()),
                (REFRESH.into(), String::new())
            ]
        );
        answer.is(200, &json!({"detail": "Successfully logged out."}));
        assert_eq!(browser.cookie(ACCESS) + &browser.cookie(REFRESH), "");
        browser.plant(ACCESS, &access);
        assert!(!browser.is_logged_in(), "after the loss of {lost:?}");
        browser.plant(REFRESH, &refresh);
        browser
            .post("/auth/token/refresh/", &json!({}))
            .has_status(401);
        // Stale cookies: done as well, and cleared.
        browser.post("/auth/logout/", &json!({})).ok(200);
        assert_eq!(browser.cookie(REFRESH), "");
    }
    // A bad token in the body is told, and the cookies go all the same.
    browser.login("ann");
    let answer = browser.post("/auth/logout/", &json!({"refresh": "rubbish"}));
    answer.problem(401, &json!({"detail": "Token is invalid"}));
    assert_eq!(browser.cookie(ACCESS) + &browser.cookie(REFRESH), "");
}

/// Contract section 12, first line.
fn a_dead_cookie_is_no_hindrance_and_is_taken_away(on: Backend) {
    let server = start(on);
    let browser = Browser::new(&server);
    browser.register("ann");
    server.mails();
    let access = browser.cookie(ACCESS);
    server.advance(3600);
    let reset = json!({"email": "nobody@example.com"});
    let answer = browser.post("/auth/password/reset/", &reset);
    assert_eq!(set_cookies(&answer).len(), 1);
    answer.ok(200);
    assert_eq!(browser.cookie(ACCESS), "", "taken away");
    browser.plant(ACCESS, &access);
    browser.login("ann");
    assert!(browser.is_logged_in(), "the new one is kept");
    let answer = browser.post("/auth/password/reset/", &reset);
    assert!(set_cookies(&answer).is_empty(), "a live one stays");
}

/// Line 50: A's cookies are lost, B logs in on the same browser.
fn nobody_gets_the_session_of_who_was_here_before(on: Backend) {
    let server = start(on);
    let browser = Browser::new(&server);
    browser.register("ann");
    let of_ann = browser.cookie(REFRESH);
    browser.lose(ACCESS);
    browser.lose(REFRESH);
    browser.post("/auth/logout/", &json!({})).ok(200);
    let bob = browser.register("bob").json["user"]["pk"].clone();
    server.mails();
    let shown = browser.send("GET", "/auth/user/", &Value::Null).ok(200);
    assert_eq!(shown["pk"], bob);
    // A handle that the browser did not get from its own login (line 44): the next login leaves
    // nothing of it.
    browser.plant(REFRESH, &of_ann);
    browser.login("bob");
    assert_eq!(token::claims(&browser.cookie(REFRESH))["sub"], bob);
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

fn who_ends_the_own_session_keeps_no_cookie(on: Backend) {
    let server = start(on);
    let browser = Browser::new(&server);
    browser.register("ann");
    server.mails();
    let list = |browser: &Browser| {
        browser
            .send("GET", "/auth/sessions/", &Value::Null)
            .ok(200)
            .as_array()
            .expect("an array")
            .clone()
    };
    let id = |browser: &Browser, current: bool| {
        let listed = list(browser);
        let found = listed.iter().find(|one| one["current"] == current);
        found.expect("one")["id"].as_str().expect("text").to_owned()
    };
    let other = Browser::new(&server);
    other.login("ann");
    let ends: [(&str, &dyn Fn() -> String, Value); 4] = [
        (
            "DELETE",
            &|| format!("sessions/{}/", id(&other, true)),
            Value::Null,
        ),
        ("POST", &|| "logout/all/".to_owned(), json!({})),
        (
            "DELETE",
            &|| format!("sessions/{}/", id(&other, true)),
            Value::Null,
        ),
        (
            "DELETE",
            &|| "user/".to_owned(),
            json!({"password": PASSWORD}),
        ),
    ];
    // Another session than the own one: its browser learns of it later.
    let path = format!("/auth/sessions/{}/", id(&other, false));
    let answer = other.send("DELETE", &path, &Value::Null);
    assert_eq!((answer.status, answer.header("set-cookie")), (204, ""));
    for (method, path, body) in ends {
        let path = format!("/auth/{}", path());
        let answer = other.send(method, &path, &body);
        assert!(answer.status < 300, "{path}: {}", answer.text);
        assert_eq!(other.cookie(ACCESS) + &other.cookie(REFRESH), "", "{path}");
        if path != "/auth/user/" {
            other.login("ann");
        }
    }
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

/// Line 43.
fn a_login_ends_the_session_that_the_browser_had(on: Backend) {
    let server = start(on);
    let browser = Browser::new(&server);
    browser.register("ann");
    server.mails();
    let old = browser.cookie(ACCESS);
    browser.login("ann");
    assert!(browser.is_logged_in());
    let client = server.anonymous();
    client.with_bearer(&old).get("/auth/user/").has_status(401);
}

/// Also what only an expired access token still names, and what another token in the body hides.
fn logout_ends_what_it_clears(on: Backend) {
    let server = start(on);
    let browser = Browser::new(&server);
    browser.register("ann");
    server.mails();
    let refresh = |browser: &Browser| browser.post("/auth/token/refresh/", &json!({})).status;
    let kept = browser.cookie(REFRESH);
    browser.lose(REFRESH);
    server.advance(3600);
    browser.post("/auth/logout/", &json!({})).ok(200);
    browser.plant(REFRESH, &kept);
    assert_eq!(refresh(&browser), 401, "named by an expired access token");
    browser.login("ann");
    let kept = browser.cookie(REFRESH);
    browser
        .post("/auth/logout/", &json!({"refresh": "rubbish"}))
        .has_status(401);
    browser.plant(REFRESH, &kept);
    assert_eq!(refresh(&browser), 401, "beside a bad token");
}
