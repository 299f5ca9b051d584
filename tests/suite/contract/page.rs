//! The pages behind the links in the mails: looking changes nothing, the button acts.

use serde_json::json;

use crate::support::{Answer, Backend, Client, PASSWORD, Server, link, on_both};

on_both!(
    the_confirmation_page_confirms_by_its_button,
    a_form_leads_on_under_a_public_url_with_a_path,
    a_dead_confirmation_link_says_so,
    the_page_for_a_new_address_changes_it_by_its_button,
    the_reset_page_sets_a_password_by_its_form,
    the_reset_page_says_what_is_wrong_and_lets_try_again,
    pages_leak_nothing_and_load_nothing,
    what_callers_typed_is_shown_as_text,
);

const NEW: &str = "another fine battery";

/// The `name="value"` pairs of a page's hidden fields.
fn hidden(page: &str) -> Vec<(String, String)> {
    let inputs = page
        .split("<input")
        .skip(1)
        .filter_map(|rest| rest.split('>').next());
    let hidden = inputs.filter(|input| input.contains("type=\"hidden\""));
    let attribute = |input: &str, name: &str| {
        let (_, rest) = input.split_once(&format!(" {name}=\""))?;
        rest.split('"').next().map(str::to_owned)
    };
    hidden
        .filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value")?)))
        .collect()
}

/// Sends the page's form as a browser does, `typed` into its visible fields.
fn submit(client: &Client, path: &str, page: &str, typed: &[(&str, &str)]) -> Answer {
    let hidden = hidden(page);
    let mut fields: Vec<(&str, &str)> = Vec::new();
    fields.extend(
        hidden
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    );
    fields.extend(typed);
    client.post_form(path, &fields)
}

/// Holds the form to have done its work: it leads (303, so that a reload sends nothing again) to a
/// page that says so.
#[track_caller]
fn assert_done(client: &Client, answer: &Answer) {
    assert_eq!(answer.status, 303, "{}", answer.text);
    let place = answer.header("location");
    assert!(place.starts_with("/auth/"), "{place}");
    open(client, place);
}

#[track_caller]
fn open(client: &Client, path: &str) -> String {
    let answer = client.get(path);
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(
        answer.header("content-type").starts_with("text/html"),
        "{answer:?}"
    );
    answer.text
}

fn the_confirmation_page_confirms_by_its_button(on: Backend) {
    let server = Server::start(on);
    let client = server.anonymous();
    let ann = server.person("ann");
    let path = format!(
        "/auth/registration/account-confirm-email/{}/",
        ann.confirm_key
    );
    let claim = json!({"username": "bob", "email": ann.email, "password1": PASSWORD,
        "password2": PASSWORD});
    for _ in 0..3 {
        assert!(open(&client, &path).contains("<form"));
        client.send("HEAD", &path, &[], Vec::new());
    }
    // Scanners looked at the link, and nothing is confirmed yet.
    client.post_json("/auth/registration/", &claim).ok(201);
    server.mail(&ann.email);
    assert_done(&client, &submit(&client, &path, &open(&client, &path), &[]));
    let mut claim = claim;
    claim["username"] = json!("cid");
    assert_eq!(client.post_json("/auth/registration/", &claim).status, 400);
}

fn a_form_leads_on_under_a_public_url_with_a_path(on: Backend) {
    let server = Server::with(on, |config| {
        config.server.public_url = "https://a.example/id".into();
    });
    let ann = server.person("ann");
    let path = format!(
        "/auth/registration/account-confirm-email/{}/",
        ann.confirm_key
    );
    let answer = server.anonymous().post_form(&path, &[]);
    assert_eq!(answer.status, 303, "{}", answer.text);
    assert_eq!(
        answer.header("location"),
        "/id/auth/registration/email-confirmed/"
    );
}

fn a_dead_confirmation_link_says_so(on: Backend) {
    let server = Server::start(on);
    let client = server.anonymous();
    let unknown = format!("{}-{}", "a".repeat(11), "b".repeat(32));
    let path = format!("/auth/registration/account-confirm-email/{unknown}/");
    let answer = client.post_form(&path, &[]);
    assert_eq!(answer.status, 404, "{}", answer.text);
    assert!(
        answer.header("content-type").starts_with("text/html"),
        "a person reads this"
    );
}

/// A person, and the path of her page for a new address.
fn change_page(server: &Server, email: &str) -> (crate::support::Person, String) {
    let ann = server.person("ann");
    let body = json!({"email": email, "password": PASSWORD});
    ann.client.post_json("/auth/email/change/", &body).ok(200);
    let key = link::change_key(&server.mail(email).text);
    (ann, format!("/auth/email/change/confirm/{key}/"))
}

fn the_page_for_a_new_address_changes_it_by_its_button(on: Backend) {
    let server = Server::start(on);
    let client = server.anonymous();
    let (ann, path) = change_page(&server, "new@example.com");
    let email = || ann.client.get("/auth/user/").ok(200)["email"].clone();
    for _ in 0..3 {
        let page = open(&client, &path);
        assert!(page.contains("<form") && page.contains("new@example.com"));
        client.send("HEAD", &path, &[], Vec::new());
    }
    assert_eq!(email(), ann.email.as_str(), "looking changes nothing");
    assert_done(&client, &submit(&client, &path, &open(&client, &path), &[]));
    assert_eq!(email(), "new@example.com");
    // A reload, and a second click.
    assert_done(&client, &submit(&client, &path, &open(&client, &path), &[]));
    server.advance(24 * 3600);
    for answer in [client.get(&path), client.post_form(&path, &[])] {
        assert_eq!(answer.status, 404, "{}", answer.text);
        assert!(answer.text.contains("This link does not work"));
    }
}

/// A person, and the path of her reset page.
fn reset_page(server: &Server) -> (crate::support::Person, String) {
    let ann = server.person("ann");
    let body = json!({"email": ann.email});
    server
        .anonymous()
        .post_json("/auth/password/reset/", &body)
        .ok(200);
    let (uid, token) = link::reset_pair(&server.mail(&ann.email).text);
    (ann, format!("/auth/password/reset/confirm/{uid}/{token}/"))
}

fn login_status(server: &Server, password: &str) -> u16 {
    let body = json!({"username": "ann", "password": password});
    server.anonymous().post_json("/auth/login/", &body).status
}

fn the_reset_page_sets_a_password_by_its_form(on: Backend) {
    let server = Server::start(on);
    let client = server.anonymous();
    let (ann, path) = reset_page(&server);
    for _ in 0..3 {
        assert!(open(&client, &path).contains("type=\"password\""));
    }
    let typed = [("new_password1", NEW), ("new_password2", NEW)];
    assert_done(
        &client,
        &submit(&client, &path, &open(&client, &path), &typed),
    );
    server.mail(&ann.email);
    assert_eq!(
        (login_status(&server, NEW), login_status(&server, PASSWORD)),
        (200, 400)
    );
    let again = [
        ("new_password1", "a third battery"),
        ("new_password2", "a third battery"),
    ];
    let answer = client.post_form(&path, &again);
    assert!((400..500).contains(&answer.status), "{}", answer.text);
    assert_eq!(login_status(&server, NEW), 200);
}

fn the_reset_page_says_what_is_wrong_and_lets_try_again(on: Backend) {
    let server = Server::start(on);
    let client = server.anonymous();
    let (ann, path) = reset_page(&server);
    let page = open(&client, &path);
    let short = [("new_password1", "k7#Qz"), ("new_password2", "k7#Qz")];
    let answer = submit(&client, &path, &page, &short);
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert!(
        answer.text.contains("too short") && answer.text.contains("<form"),
        "{}",
        answer.text
    );
    let typed = [("new_password1", NEW), ("new_password2", NEW)];
    assert_done(&client, &submit(&client, &path, &answer.text, &typed));
    server.mail(&ann.email);
    assert_eq!(login_status(&server, NEW), 200);
}

fn pages_leak_nothing_and_load_nothing(on: Backend) {
    let server = Server::start(on);
    let client = server.anonymous();
    let (ann, path) = reset_page(&server);
    let confirm = format!(
        "/auth/registration/account-confirm-email/{}/",
        ann.confirm_key
    );
    let body = json!({"email": "new@example.com", "password": PASSWORD});
    ann.client.post_json("/auth/email/change/", &body).ok(200);
    let key = link::change_key(&server.mail("new@example.com").text);
    let change = format!("/auth/email/change/confirm/{key}/");
    for path in [path, confirm, change] {
        let answer = client.get(&path);
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        let policy = answer.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe-inline"), "{policy}");
        assert!(answer.text.contains("lang=\"en\"") && answer.text.contains("name=\"viewport\""));
        for outside in [
            "src=\"http",
            "href=\"http",
            "url(http",
            "<script",
            " onclick=",
            " style=",
        ] {
            assert!(
                !answer.text.contains(outside),
                "{outside} in {}",
                answer.text
            );
        }
    }
}

fn what_callers_typed_is_shown_as_text(on: Backend) {
    let server = Server::start(on);
    let client = server.anonymous();
    for path in [
        "/auth/registration/account-confirm-email/%3Cb%3E%22x/",
        "/auth/email/change/confirm/%3Cb%3E%22x/",
        "/auth/password/reset/confirm/%3Cb%3E%22x/%3Cb%3E%22x/",
    ] {
        for answer in [
            client.get(path),
            client.post_form(path, &[("new_password1", "<b>\"x")]),
        ] {
            assert!(answer.status < 500, "{}", answer.text);
            assert!(!answer.text.contains("<b>"), "{}", answer.text);
        }
    }
}
