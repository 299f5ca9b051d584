//! Whatever is sent to whichever endpoint: never 5xx, and every refusal is a JSON problem.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;
use signet::config::{CsrfToken, EmailVerification};

use crate::support::{Backend, Server, on_both};

on_both!(
    any_request_is_answered_or_refused,
    also_where_cookies_speak_for_the_caller,
    also_where_upstream_is_followed_to_the_letter,
);

/// Every path a first-party client can ask for, and one that is not there.
const PATHS: [&str; 28] = [
    "/auth/registration/",
    "/auth/registration/verify-email/",
    "/auth/registration/resend-email/",
    "/auth/login/",
    "/auth/logout/",
    "/auth/token/verify/",
    "/auth/token/refresh/",
    "/auth/user/",
    "/auth/password/reset/",
    "/auth/password/reset/confirm/",
    "/auth/password/change/",
    "/auth/email/change/",
    "/auth/email/change/confirm/",
    "/auth/reauthenticate/",
    "/auth/sessions/",
    "/auth/sessions/x/",
    "/auth/logout/all/",
    "/auth/csrf/",
    "/auth/social-accounts/",
    "/auth/social-accounts/x/disconnect/",
    "/auth/socialaccounts/",
    "/api/token/",
    "/api/token/refresh/",
    "/api/token/verify/",
    "/api/token/blacklist/",
    "/.well-known/jwks.json",
    "/.well-known/openid-configuration",
    "/auth/nothing/",
];

/// The names that some endpoint reads.
const FIELDS: [&str; 16] = [
    "username",
    "email",
    "password",
    "password1",
    "password2",
    "first_name",
    "last_name",
    "old_password",
    "new_password1",
    "new_password2",
    "uid",
    "token",
    "refresh",
    "key",
    "pk",
    "csrfmiddlewaretoken",
];

const MEDIA_TYPES: [&str; 8] = [
    "application/json",
    "application/json; charset=utf-8",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=frontier",
    "multipart/form-data",
    "text/plain",
    "",
    "\"/",
];

/// One request.
#[derive(Clone, Debug)]
struct Shot {
    method: &'static str,
    path: &'static str,
    media_type: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    is_known: bool,
    /// The browser says that our own page sends it.
    is_own: bool,
}

fn text() -> impl Strategy<Value = String> {
    let telling = [
        "ann",
        "ann@example.com",
        "bob@EXAMPLE.com",
        "correct horse battery",
        "",
        " ",
        "\0",
        "x@x",
        "a@b\r\nc",
        "0",
        "-1",
        "null",
        "é\u{301}",
        "\u{202e}",
        "\u{feff}",
        "ﬀ@ﬀ.com",
        "aaaaaaaaaaa-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "eyJhbGciOiJub25lIn0.e30.",
        "eyJhbGciOiJIUzI1NiJ9.e30.AAAA",
        "MQ",
        "AAAA",
        "' OR 1=1 --",
        "$argon2id$v=19$m=8,t=1,p=1$$",
    ];
    prop_oneof![
        3 => select(telling.to_vec()).prop_map(str::to_owned),
        2 => any::<String>(),
        1 => "\\PC{0,300}",
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        6 => text().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(text(), inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// A body that some endpoint may take seriously, in one of the three forms, or rubbish.
fn body() -> impl Strategy<Value = (Option<&'static str>, Vec<u8>)> {
    let fields = || btree_map(select(FIELDS.to_vec()), text(), 0..8);
    let members = btree_map(select(FIELDS.to_vec()), value(), 0..8);
    prop_oneof![
        4 => members.prop_map(|map| {
            let object: Value = map.into_iter().collect();
            (Some("application/json"), object.to_string().into_bytes())
        }),
        2 => fields().prop_map(|map| {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            form.extend_pairs(map);
            (Some("application/x-www-form-urlencoded"), form.finish().into_bytes())
        }),
        1 => fields().prop_map(|map| {
            let part = |(name, value)| format!(
                "--frontier\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
            let parts: String = map.into_iter().map(part).collect();
            let body = format!("{parts}--frontier--\r\n").into_bytes();
            (Some("multipart/form-data; boundary=frontier"), body)
        }),
        1 => value().prop_map(|value| (None, value.to_string().into_bytes())),
        1 => vec(any::<u8>(), 0..200).prop_map(|bytes| (None, bytes)),
    ]
}

fn headers() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let names = [
        "authorization",
        "x-forwarded-for",
        "forwarded",
        "cookie",
        "origin",
        "referer",
        "accept",
        "accept-language",
        "user-agent",
        "x-request-id",
        "if-none-match",
        "range",
        "sec-fetch-site",
        "content-encoding",
        "x-csrftoken",
        "x-http-method-override",
        "access-control-request-method",
        "access-control-request-headers",
    ];
    let value = prop_oneof![
        "[ -~]{0,60}",
        select(vec![
            "Bearer",
            "Bearer x",
            "Bearer a.b.c",
            "bearer x",
            "gzip",
            "null",
            "::1",
            "*",
            "same-origin",
            "cross-site",
            "http://127.0.0.1:8080",
            "https://evil.example/%00?#",
            "csrftoken=x; __Host-signet-access=a.b.c; __Host-signet-refresh=a.b.c",
            "__Host-signet-access=\"",
            "POST"
        ])
        .prop_map(str::to_owned),
    ];
    vec((select(names.to_vec()), value), 0..4)
}

fn shot() -> impl Strategy<Value = Shot> {
    let methods = [
        "POST", "POST", "POST", "POST", "PATCH", "PUT", "GET", "DELETE", "OPTIONS",
    ];
    let parts = (
        select(methods.to_vec()),
        select(PATHS.to_vec()),
        proptest::option::weighted(0.2, select(MEDIA_TYPES.to_vec())),
        headers(),
        body(),
        any::<(bool, bool)>(),
    );
    parts.prop_map(
        |(method, path, other, headers, (usual, body), (is_known, is_own))| {
            let media_type = other.or(usual).unwrap_or("application/json");
            Shot {
                method,
                path,
                media_type,
                headers,
                body,
                is_known,
                is_own,
            }
        },
    )
}

fn any_request_is_answered_or_refused(on: Backend) {
    shoot(&Server::start(on));
}

fn also_where_cookies_speak_for_the_caller(on: Backend) {
    shoot(&Server::with(on, |config| {
        config.cookies.enabled = true;
        config.cookies.http_only = false;
        config.cookies.csrf_token = CsrfToken::Authenticated;
        config.cors.origins = vec!["https://app.example.com".into()];
        config.server.trusted_proxies = vec!["127.0.0.1/32".parse().expect("a network")];
    }));
}

fn also_where_upstream_is_followed_to_the_letter(on: Backend) {
    shoot(&Server::with(on, |config| {
        config.compat.strict = true;
        config.compat.simplejwt_prefix = "/api/token".into();
        config.account.email_verification = EmailVerification::Mandatory;
    }));
}

fn shoot(server: &Server) {
    let ann = server.person("ann");
    let anonymous = server.anonymous();
    // The ground differs between runs of one seed, so there is nothing to write down.
    let config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&shot(), |shot| {
        let client = if shot.is_known {
            &ann.client
        } else {
            &anonymous
        };
        let mut headers: Vec<(&str, &str)> = vec![("content-type", shot.media_type)];
        headers.extend(
            shot.headers
                .iter()
                .map(|(name, value)| (*name, value.trim())),
        );
        if shot.is_own {
            headers.push(("sec-fetch-site", "same-origin"));
        }
        let answer = client.send(shot.method, shot.path, &headers, shot.body.clone());
        prop_assert!(answer.status < 500, "{} {}", answer.status, answer.text);
        // What the answer to a preflight says is read by no program.
        if answer.status >= 400 && shot.method != "OPTIONS" {
            answer.problem_members();
        }
        Ok(())
    });
    // Some shots are good registrations: their mail is not what is tested here.
    server.mails();
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
