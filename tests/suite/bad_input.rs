//! Bad input: a clear refusal in the contract's shape, nothing stored, never a failure of ours.

mod fuzz;

use serde_json::{Value, json};

use crate::support::{Answer, Backend, PASSWORD, Server, on_both, raw};

on_both!(
    malformed_bodies,
    wrong_types,
    duplicate_names,
    deep_nesting,
    a_huge_password,
    a_huge_body,
    a_huge_header,
    control_characters,
    line_breaks_in_addresses_send_no_mail,
    bad_multipart,
    bad_forms,
    broken_requests_on_the_wire,
    a_body_shorter_than_announced,
);

/// The endpoints that take a body, below the prefix.
const ENDPOINTS: [&str; 13] = [
    "registration/",
    "registration/verify-email/",
    "registration/resend-email/",
    "login/",
    "logout/",
    "token/verify/",
    "token/refresh/",
    "password/reset/",
    "password/reset/confirm/",
    "password/change/",
    "email/change/",
    "email/change/confirm/",
    "reauthenticate/",
];

/// Posts to every endpoint, and holds each answer to be a problem with one of `statuses`, and
/// nothing to be stored.
#[track_caller]
fn refused_everywhere(on: Backend, media_type: &str, body: &[u8], statuses: &[u16]) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let before = server.stored();
    for endpoint in ENDPOINTS {
        let answer = ann
            .client
            .post_raw(&format!("/auth/{endpoint}"), media_type, body);
        assert_refused(&answer, statuses, endpoint);
    }
    assert_eq!(server.stored(), before);
}

#[track_caller]
fn assert_refused(answer: &Answer, statuses: &[u16], what: &str) {
    assert!(
        statuses.contains(&answer.status),
        "{what}: {} {}",
        answer.status,
        answer.text
    );
    answer.problem_members();
}

fn malformed_bodies(on: Backend) {
    for body in [
        &b"{"[..],
        b"{\"username\": }",
        b"\xff\xfe",
        b"{\"a\": \"\xff\"}",
        b"{\"a\": \"\\ud800\"}",
        b"nul",
    ] {
        refused_everywhere(on, "application/json", body, &[400]);
    }
}

fn wrong_types(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let before = server.stored();
    let fields = [
        "username",
        "email",
        "password",
        "password1",
        "password2",
        "old_password",
        "new_password1",
        "new_password2",
        "uid",
        "token",
        "refresh",
        "key",
    ];
    for value in [
        json!(true),
        json!([]),
        json!({}),
        json!(["x"]),
        json!({"$ne": null}),
        json!(null),
    ] {
        let body: Value = fields.iter().map(|field| (*field, value.clone())).collect();
        for endpoint in ENDPOINTS {
            let answer = ann.client.post_json(&format!("/auth/{endpoint}"), &body);
            assert_refused(&answer, &[400], endpoint);
            let (_, members) = answer.problem_members();
            for messages in members.values() {
                let messages = messages.as_array().expect("a list");
                let known = ["Not a valid string.", "This field may not be null."];
                assert!(
                    messages
                        .iter()
                        .all(|one| known.iter().any(|text| one == text)),
                    "{members:?}"
                );
            }
        }
    }
    assert_eq!(server.stored(), before);
}

fn duplicate_names(on: Backend) {
    let body = br#"{"username":"bob","username":"eve","password":"x","token":"x","refresh":"x"}"#;
    refused_everywhere(on, "application/json", body, &[400]);
    // However the name is spelt.
    refused_everywhere(
        on,
        "application/json",
        br#"{"key":"x","k\u0065y":"y"}"#,
        &[400],
    );
}

fn deep_nesting(on: Backend) {
    for levels in [33, 30_000] {
        let body = format!("{{\"a\":{}1{}}}", "[".repeat(levels), "]".repeat(levels));
        refused_everywhere(on, "application/json", body.as_bytes(), &[400]);
    }
}

fn a_huge_password(on: Backend) {
    let server = Server::start(on);
    let post = |length: usize| {
        let password = "x".repeat(length);
        let form = json!({"username": "ann", "email": "ann@example.com", "password1": password,
            "password2": password});
        server.anonymous().post_json("/auth/registration/", &form)
    };
    assert_refused(&post(1_000_000), &[413], "1 MB");
    post(20_000).problem(
        400,
        &json!({"password1": ["Ensure this field has no more than 128 characters."]}),
    );
    assert_eq!(server.stored(), [0; 4]);
    let login = json!({"username": "ann", "password": "x".repeat(60_000)});
    assert_refused(
        &server.anonymous().post_json("/auth/login/", &login),
        &[400],
        "login",
    );
}

fn a_huge_body(on: Backend) {
    let padding = vec![b' '; 64 * 1024 + 1];
    for media_type in [
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ] {
        refused_everywhere(on, media_type, &padding, &[413]);
    }
    // Without an announcement: chunk after chunk.
    let server = Server::start(on);
    let mut request =
        b"POST /auth/login/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
        Transfer-Encoding: chunked\r\n\r\n"
            .to_vec();
    for _ in 0..40 {
        request.extend_from_slice(b"800\r\n");
        request.extend_from_slice(&[b' '; 0x800]);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
    let answer = raw::exchange(server.address(), &request);
    assert_eq!(raw::status(&answer), 413, "{answer}");
}

fn a_huge_header(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    for (name, length) in [
        ("x-anything", 17_000),
        ("cookie", 17_000),
        ("user-agent", 17_000),
    ] {
        let value = "x".repeat(length);
        let answer = ann
            .client
            .send("GET", "/auth/user/", &[(name, &value)], Vec::new());
        assert_refused(&answer, &[431], name);
    }
    let token = "x".repeat(16_500);
    let answer = server.anonymous().with_bearer(&token).get("/auth/user/");
    assert_refused(&answer, &[431], "authorization");
    let request = format!(
        "GET /auth/user/ HTTP/1.1\r\nHost: x\r\n{}\r\n",
        "a: b\r\n".repeat(200)
    );
    let answer = raw::exchange(server.address(), request.as_bytes());
    assert!((400..500).contains(&raw::status(&answer)), "{answer}");
    let request = format!(
        "GET /auth/user/ HTTP/1.1\r\nHost: x\r\na: {}\r\n\r\n",
        "x".repeat(2_000_000)
    );
    let status = raw::status(&raw::exchange(server.address(), request.as_bytes()));
    assert!(status == 0 || (400..500).contains(&status), "{status}");
    let request = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(100_000));
    let status = raw::status(&raw::exchange(server.address(), request.as_bytes()));
    assert!(status == 0 || (400..500).contains(&status), "{status}");
}

fn control_characters(on: Backend) {
    let server = Server::start(on);
    let client = server.anonymous();
    for (field, value) in [
        ("username", "ann\0"),
        ("username", "an\u{1b}[31mn"),
        ("username", "ann\u{202e}"),
        ("email", "ann\0@example.com"),
        ("email", "ann@exa\u{7f}mple.com"),
        ("password1", "correct\0horse"),
    ] {
        let mut form = json!({"username": "ann", "email": "ann@example.com",
            "password1": PASSWORD, "password2": PASSWORD});
        form[field] = json!(value);
        let answer = client.post_json("/auth/registration/", &form);
        assert_refused(&answer, &[400], value);
        assert!(
            answer.problem_members().1.contains_key(field),
            "{}",
            answer.text
        );
    }
    assert_eq!(server.stored(), [0; 4]);
    for path in ["/auth/login/", "/auth/token/verify/"] {
        let body = json!({"username": "a\0", "password": "b\0", "token": "c\0"});
        assert_refused(&client.post_json(path, &body), &[400, 401], path);
    }
}

fn line_breaks_in_addresses_send_no_mail(on: Backend) {
    let server = Server::start(on);
    let client = server.anonymous();
    for address in [
        "ann@example.com\r\nBcc: eve@example.com",
        "ann@example.com\nBcc: eve@example.com",
        "ann\r\n@example.com",
        "ann@example.com,eve@example.com",
        "ann@example.com;eve@example.com",
        "Ann <ann@example.com>",
        "<ann@example.com>",
        "ann@example.com\u{85}x",
        "ann@example.com\u{2028}x",
        "\"ann\r\n\"@example.com",
    ] {
        let form = json!({"username": "ann", "email": address, "password1": PASSWORD,
            "password2": PASSWORD});
        let wrong = json!({"email": ["Enter a valid email address."]});
        client
            .post_json("/auth/registration/", &form)
            .problem(400, &wrong);
        let body = json!({"email": address});
        client
            .post_json("/auth/registration/resend-email/", &body)
            .problem(400, &wrong);
        client
            .post_json("/auth/password/reset/", &body)
            .problem(400, &wrong);
    }
    assert_eq!(server.stored(), [0; 4]);
    assert!(server.mails().is_empty());
}

fn bad_multipart(on: Backend) {
    for (media_type, body) in [
        ("multipart/form-data", "--x\r\n\r\n"),
        ("multipart/form-data; boundary=", "--\r\n\r\n"),
        ("multipart/form-data; boundary=x", "no boundary at all"),
        (
            "multipart/form-data; boundary=x",
            "--x\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nhalf",
        ),
        (
            "multipart/form-data; boundary=x",
            "--x\r\nContent-Disposition: form-data; name=\"key\"\r\n",
        ),
        (
            "multipart/form-data; boundary=x",
            "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n\
             --x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n2\r\n--x--\r\n",
        ),
    ] {
        refused_everywhere(on, media_type, body.as_bytes(), &[400]);
    }
}

fn bad_forms(on: Backend) {
    for body in ["key=1&key=2", "key=%ff%fe", "%ff=1"] {
        refused_everywhere(
            on,
            "application/x-www-form-urlencoded",
            body.as_bytes(),
            &[400],
        );
    }
}

fn broken_requests_on_the_wire(on: Backend) {
    let server = Server::start(on);
    for request in [
        &b"nonsense\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /auth/user/ HTTP/1.1\r\nHost: x\r\nbroken header\r\n\r\n",
        b"GET /auth/user/ HTTP/1.1\r\nHost: x\r\na\0b: c\r\n\r\n",
        b"POST /auth/login/ HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        b"POST /auth/login/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /auth/login/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
          Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let answer = raw::exchange(server.address(), request);
        let status = raw::status(&answer);
        assert!(status == 0 || (400..500).contains(&status), "{request:?}: {answer}");
    }
    // Authorization that is no text.
    let request = b"GET /auth/user/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
        Authorization: Bearer \xff\xfe\r\n\r\n";
    let answer = raw::exchange(server.address(), request);
    assert_eq!(raw::status(&answer), 401, "{answer}");
    assert_eq!(server.stored(), [0; 4]);
}

fn a_body_shorter_than_announced(on: Backend) {
    let server = Server::start(on);
    let body = json!({"username": "ann", "password1": PASSWORD, "password2": PASSWORD}).to_string();
    let request = format!(
        "POST /auth/registration/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len() + 1
    );
    let status = raw::status(&raw::exchange(server.address(), request.as_bytes()));
    assert!(status == 0 || (400..500).contains(&status), "{status}");
    assert_eq!(server.stored(), [0; 4]);
}
