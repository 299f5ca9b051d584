//! Other sites' pages (contract section 9, security lines 53, 54 and 57).

use serde_json::{Value, json};
use signet::config::{Config, CsrfToken};

use crate::support::{Answer, Backend, Browser, PASSWORD, Server, on_both};

on_both!(
    no_page_of_another_site_can_act,
    a_listed_origin_may_act_and_read,
    a_header_needs_no_protection,
    a_header_that_browsers_send_by_themselves_opens_nothing,
    without_cookies_there_is_nothing_to_protect,
    the_token_is_asked_for_with_the_cookie,
    the_token_is_asked_for_always,
    cors_is_closed_by_default,
    cors_opens_to_exact_origins_and_never_on_pages,
);

const APP: &str = "https://app.example.com";

fn start(on: Backend, change: impl FnOnce(&mut Config)) -> Server {
    Server::with(on, |config| {
        config.server.public_url = "https://login.example.com".into();
        config.cookies.enabled = true;
        change(config);
    })
}

/// Every request that changes something, with a body that would do.
fn changes() -> Vec<(&'static str, &'static str, Value)> {
    let new = json!({"username": "eve", "password1": PASSWORD, "password2": PASSWORD});
    let password = json!({"old_password": PASSWORD, "new_password1": "paper-clip-sunrise",
        "new_password2": "paper-clip-sunrise"});
    vec![
        (
            "POST",
            "login/",
            json!({"username": "ann", "password": PASSWORD}),
        ),
        ("POST", "logout/", json!({})),
        ("POST", "registration/", new),
        ("POST", "registration/verify-email/", json!({"key": "x"})),
        (
            "POST",
            "registration/resend-email/",
            json!({"email": "ann@example.com"}),
        ),
        ("POST", "token/refresh/", json!({})),
        ("POST", "token/verify/", json!({"token": "x"})),
        ("PUT", "user/", json!({"username": "anna"})),
        ("PATCH", "user/", json!({"first_name": "A"})),
        ("POST", "password/change/", password),
        (
            "POST",
            "password/reset/",
            json!({"email": "ann@example.com"}),
        ),
        (
            "POST",
            "password/reset/confirm/",
            json!({"uid": "x", "token": "x"}),
        ),
        ("DELETE", "user/", json!({"password": PASSWORD})),
        ("DELETE", "sessions/x/", Value::Null),
        ("POST", "logout/all/", json!({})),
        (
            "POST",
            "email/change/",
            json!({"email": "new@example.com", "password": PASSWORD}),
        ),
        ("POST", "email/change/confirm/", json!({"key": "x"})),
        ("POST", "reauthenticate/", json!({"password": PASSWORD})),
    ]
}

/// What hostile pages can have a browser say.
const HOSTILE: [&[(&str, &str)]; 6] = [
    &[
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://evil.example"),
    ],
    &[("sec-fetch-site", "cross-site"), ("origin", "null")],
    &[
        ("sec-fetch-site", "same-site"),
        ("origin", "https://blog.example.com"),
    ],
    &[("origin", "https://login.example.com.evil.example")],
    &[("referer", "https://evil.example/login.example.com")],
    &[],
];

#[track_caller]
fn is_refused(answer: Answer) {
    assert_eq!(answer.header("set-cookie"), "");
    assert_eq!(answer.status, 403, "{}", answer.text);
    let (code, members) = answer.problem_members();
    assert_eq!(code, "csrf_failed");
    let detail = members["detail"].as_str().expect("text");
    assert!(detail.starts_with("CSRF Failed: "), "{detail}");
}

fn no_page_of_another_site_can_act(on: Backend) {
    let server = start(on, |_| {});
    let browser = Browser::new(&server);
    browser.register("ann");
    server.mails();
    for says in HOSTILE {
        for (method, path, body) in changes() {
            is_refused(
                browser
                    .page(says)
                    .send(method, &format!("/auth/{path}"), &body),
            );
        }
    }
    assert!(browser.is_logged_in());
    let shown = browser.send("GET", "/auth/user/", &Value::Null).ok(200);
    assert_eq!(
        (&shown["username"], &shown["first_name"]),
        (&json!("ann"), &json!(""))
    );
    assert!(server.mails().is_empty());
}

fn a_listed_origin_may_act_and_read(on: Backend) {
    let server = start(on, |config| config.cors.origins = vec![APP.into()]);
    let says = [("sec-fetch-site", "same-site"), ("origin", APP)];
    let browser = Browser::new(&server).page(&says);
    browser.register("ann");
    server.mails();
    let answer = browser.login("ann");
    assert_eq!(answer.header("access-control-allow-origin"), APP);
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    // Refusals can be read, too.
    let answer = browser.post("/auth/login/", &json!({}));
    assert_eq!(
        (answer.status, answer.header("access-control-allow-origin")),
        (400, APP)
    );
    let old = browser.page(&[("referer", "https://app.example.com/some/page?x=1")]);
    assert!(old.login("ann").status == 200);
}

/// A browser adds no `Authorization` by itself.
fn a_header_needs_no_protection(on: Backend) {
    let server = start(on, |config| config.cookies.csrf_token = CsrfToken::Always);
    let browser = Browser::new(&server);
    let token = browser
        .send("GET", "/auth/csrf/", &Value::Null)
        .member("csrfToken");
    let register = json!({"username": "ann", "password1": PASSWORD, "password2": PASSWORD});
    let more = [
        ("content-type", "application/json"),
        ("x-csrftoken", token.as_str()),
    ];
    let body = register.to_string().into_bytes();
    browser
        .send_raw("POST", "/auth/registration/", &more, body)
        .has_status(201);
    let access = browser.cookie("__Host-signet-access");
    let body = json!({"first_name": "Ann"});
    let client = server.anonymous().with_bearer(&access);
    client.patch_json("/auth/user/", &body).ok(200);
}

fn without_cookies_there_is_nothing_to_protect(on: Backend) {
    let server = Server::start(on);
    let browser = Browser::new(&server);
    let hostile = browser.page(HOSTILE[0]);
    hostile.register("ann");
    server.mails();
    hostile.login("ann");
    browser
        .send("GET", "/auth/csrf/", &Value::Null)
        .has_status(404);
}

fn the_token_is_asked_for_with_the_cookie(on: Backend) {
    let server = start(on, |config| {
        config.cookies.csrf_token = CsrfToken::Authenticated;
    });
    let browser = Browser::new(&server);
    browser.register("ann");
    server.mails();
    let send = |more: &[(&str, &str)], body: &str| {
        browser.send_raw("PATCH", "/auth/user/", more, body.as_bytes().to_vec())
    };
    let says = |answer: Answer, why: &str| {
        answer.problem(403, &json!({"detail": format!("CSRF Failed: {why}")}));
    };
    let json = ("content-type", "application/json");
    says(send(&[json], "{}"), "CSRF cookie not set.");
    let answer = browser.send("GET", "/auth/csrf/", &Value::Null);
    let cookie = answer.header("set-cookie").to_owned();
    assert!(
        cookie.starts_with("csrftoken=") && !cookie.contains("HttpOnly"),
        "{cookie}"
    );
    let token = answer.member("csrfToken");
    assert_eq!(browser.cookie("csrftoken"), token);
    let again = browser.send("GET", "/auth/csrf/", &Value::Null);
    assert_eq!(again.member("csrfToken"), token, "other tabs use it");
    says(send(&[json], "{}"), "CSRF token missing.");
    let wrong = "CSRF token from the 'X-Csrftoken' HTTP header incorrect.";
    says(send(&[json, ("x-csrftoken", "x")], "{}"), wrong);
    send(&[json, ("x-csrftoken", &token)], "{}").ok(200);
    let form = ("content-type", "application/x-www-form-urlencoded");
    let body = format!("csrfmiddlewaretoken={token}&first_name=Ann");
    assert_eq!(send(&[form], &body).ok(200)["first_name"], "Ann");
    let wrong = "CSRF token from POST incorrect.";
    says(send(&[form], "csrfmiddlewaretoken=x"), wrong);
    // Who has no session yet needs none.
    Browser::new(&server).login("ann");
}

fn the_token_is_asked_for_always(on: Backend) {
    let server = start(on, |config| config.cookies.csrf_token = CsrfToken::Always);
    let browser = Browser::new(&server);
    for (method, path, body) in changes() {
        is_refused(browser.send(method, &format!("/auth/{path}"), &body));
    }
}

fn cors_is_closed_by_default(on: Backend) {
    let server = start(on, |_| {});
    let client = server.anonymous();
    for path in ["/auth/user/", "/auth/login/", "/.well-known/jwks.json"] {
        for method in ["GET", "OPTIONS"] {
            let says = [("origin", APP), ("access-control-request-method", "GET")];
            let answer = client.send(method, path, &says, Vec::new());
            let grants = answer
                .headers
                .keys()
                .filter(|name| name.as_str().starts_with("access-control"));
            assert_eq!(grants.count(), 0, "{method} {path}");
        }
    }
}

/// Line 57.
fn cors_opens_to_exact_origins_and_never_on_pages(on: Backend) {
    let server = start(on, |config| config.cors.origins = vec![APP.into()]);
    let client = server.anonymous();
    let ask = |path: &str, origin: &str, method: &str| {
        let says = [
            ("origin", origin),
            ("access-control-request-method", method),
        ];
        client.send("OPTIONS", path, &says, Vec::new())
    };
    let answer = ask("/auth/login/", APP, "POST");
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("access-control-allow-origin"), APP);
    assert_eq!(answer.header("access-control-allow-methods"), "POST");
    assert_eq!(answer.header("access-control-max-age"), "600");
    let allowed = answer
        .header("access-control-allow-headers")
        .to_ascii_lowercase();
    for header in ["authorization", "content-type", "x-csrftoken"] {
        assert!(allowed.contains(header), "{allowed}");
    }
    for origin in [
        "https://evil.example",
        "null",
        "*",
        "https://app.example.com.evil.example",
        "http://app.example.com",
        "https://app.example.com:8443",
        "HTTPS://APP.EXAMPLE.COM",
    ] {
        let answer = ask("/auth/login/", origin, "POST");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
        let says = [("origin", origin)];
        let answer = client.send("GET", "/.well-known/jwks.json", &says, Vec::new());
        assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
        assert!(answer.header("vary").contains("Origin"), "{origin}");
    }
    let says = [("origin", APP)];
    let jwks = client.send("GET", "/.well-known/jwks.json", &says, Vec::new());
    assert_eq!(jwks.header("access-control-allow-origin"), APP);
    for page in [
        "/auth/registration/account-confirm-email/x/",
        "/auth/password/reset/confirm/x/y/",
        "/auth/password/reset/done/",
        "/livez",
        "/nowhere",
    ] {
        assert_eq!(
            ask(page, APP, "POST").header("access-control-allow-origin"),
            "",
            "{page}"
        );
        let answer = client.send("GET", page, &says, Vec::new());
        assert_eq!(answer.header("access-control-allow-origin"), "", "{page}");
    }
}

/// Basic and Negotiate are sent without being asked.
fn a_header_that_browsers_send_by_themselves_opens_nothing(on: Backend) {
    let server = start(on, |_| {});
    let browser = Browser::new(&server);
    browser.register("ann");
    server.mails();
    for scheme in ["Basic eDp5", "Negotiate x", "Bearer", "bearer x"] {
        let more = [
            ("content-type", "application/json"),
            ("authorization", scheme),
        ];
        for (method, path, body) in changes() {
            let page = browser.page(HOSTILE[0]);
            let body = body.to_string().into_bytes();
            is_refused(page.send_raw(method, &format!("/auth/{path}"), &more, body));
        }
    }
    assert!(browser.is_logged_in());
}
