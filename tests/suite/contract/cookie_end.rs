//! Tokens in cookies: how they end (lines 43, 49 and 50).

use serde_json::{Value, json};

use super::cookie::{ACCESS, REFRESH, start};
use crate::support::{Backend, Browser, PASSWORD, on_both, set_cookies, token};

on_both!(
    logout_clears_the_cookies_and_ends_the_session_in_any_case,
    a_dead_cookie_is_no_hindrance_and_is_taken_away,
    nobody_gets_the_session_of_who_was_here_before,
    who_ends_the_own_session_keeps_no_cookie,
    a_login_ends_the_session_that_the_browser_had,
    logout_ends_what_it_clears,
);

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
