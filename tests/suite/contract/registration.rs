//! `POST registration/`

use serde_json::{Value, json};
use signet::config::{EmailVerification, Registration};

use crate::support::{Answer, Backend, Client, PASSWORD, Server, on_both};

on_both!(
    gives_tokens_and_the_user_at_once,
    gives_no_tokens_where_the_address_must_be_confirmed_first,
    sends_no_mail_where_addresses_are_not_verified,
    the_pk_is_a_uuid_v7_and_the_subject,
    the_address_is_optional,
    all_missing_fields_are_named_together,
    field_messages_are_those_of_the_contract,
    numbers_are_text_and_white_space_is_trimmed,
    passwords_are_taken_exactly_as_sent,
    both_passwords_must_match,
    weak_passwords_are_refused_with_every_reason,
    all_fields_that_are_wrong_are_told_together,
    a_username_is_taken_whatever_its_case,
    a_username_has_an_alphabet,
    a_verified_address_is_taken,
    an_unverified_address_is_not_taken,
    a_taken_address_is_not_revealed_where_confirming_is_mandatory,
    nobody_registers_where_it_is_closed,
    unknown_fields_can_set_nothing,
);

fn form(name: &str) -> Value {
    let email = format!("{name}@example.com");
    json!({"username": name, "email": email, "password1": PASSWORD, "password2": PASSWORD})
}

fn register(client: &Client, body: &Value) -> Answer {
    client.post_json("/auth/registration/", body)
}

/// The usual form with one field changed.
fn with(field: &str, value: impl Into<Value>) -> Value {
    let mut form = form("ann");
    form[field] = value.into();
    form
}

fn gives_tokens_and_the_user_at_once(on: Backend) {
    let server = Server::start(on);
    let body = register(&server.anonymous(), &form("ann")).ok(201);
    let members: Vec<&String> = body.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["access", "refresh", "user"]);
    let pk = body["user"]["pk"].clone();
    let user = json!({"pk": pk, "username": "ann", "email": "ann@example.com",
        "first_name": "", "last_name": ""});
    assert_eq!(body["user"], user);
    let access = body["access"].as_str().expect("text");
    server
        .anonymous()
        .with_bearer(access)
        .get("/auth/user/")
        .is(200, &user);
    let refresh = json!({"refresh": body["refresh"]});
    server
        .anonymous()
        .post_json("/auth/token/refresh/", &refresh)
        .ok(200);
    server.mail("ann@example.com");
}

fn gives_no_tokens_where_the_address_must_be_confirmed_first(on: Backend) {
    let server = mandatory(on);
    let answer = register(&server.anonymous(), &form("ann"));
    answer.is(201, &json!({"detail": "Verification e-mail sent."}));
    server.mail("ann@example.com");
}

fn sends_no_mail_where_addresses_are_not_verified(on: Backend) {
    let server = Server::with(on, |config| {
        config.account.email_verification = EmailVerification::None;
    });
    let body = register(&server.anonymous(), &form("ann")).ok(201);
    assert!(body["access"].is_string() && body["refresh"].is_string());
    assert!(server.mails().is_empty());
}

fn the_pk_is_a_uuid_v7_and_the_subject(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let id = uuid::Uuid::parse_str(&ann.pk).expect("a UUID");
    assert_eq!(id.get_version_num(), 7);
    assert_eq!(id.hyphenated().to_string(), ann.pk);
    assert_eq!(
        crate::support::token::claims(&ann.access)["sub"],
        ann.pk.as_str()
    );
}

fn the_address_is_optional(on: Backend) {
    let server = Server::start(on);
    let body = json!({"username": "ann", "password1": PASSWORD, "password2": PASSWORD});
    let user = register(&server.anonymous(), &body).ok(201)["user"].clone();
    assert_eq!(user["email"], "");
    assert!(server.mails().is_empty());
}

fn all_missing_fields_are_named_together(on: Backend) {
    let server = Server::start(on);
    let required = json!(["This field is required."]);
    register(&server.anonymous(), &json!({})).problem(
        400,
        &json!({"username": required, "password1": required, "password2": required}),
    );
    assert_eq!(server.stored(), [0; 4]);
}

fn field_messages_are_those_of_the_contract(on: Backend) {
    let server = Server::start(on);
    let client = server.anonymous();
    for (field, value, message) in [
        ("username", json!(null), "This field may not be null."),
        ("username", json!(""), "This field may not be blank."),
        ("username", json!("  "), "This field may not be blank."),
        ("username", json!(true), "Not a valid string."),
        ("username", json!([]), "Not a valid string."),
        ("username", json!({"a": 1}), "Not a valid string."),
        (
            "username",
            json!("a\0b"),
            "Null characters are not allowed.",
        ),
        (
            "username",
            json!("a".repeat(151)),
            "Ensure this field has no more than 150 characters.",
        ),
        ("email", json!(null), "This field may not be null."),
        ("email", json!(7), "Enter a valid email address."),
        ("email", json!("ann"), "Enter a valid email address."),
        ("email", json!("ann@"), "Enter a valid email address."),
        (
            "email",
            json!("ann@example.com, bob@example.com"),
            "Enter a valid email address.",
        ),
        ("password1", json!(null), "This field may not be null."),
        ("password1", json!(""), "This field may not be blank."),
        ("password2", json!([1]), "Not a valid string."),
    ] {
        register(&client, &with(field, value)).problem(400, &json!({field: [message]}));
    }
    assert_eq!(server.stored(), [0; 4]);
    register(&client, &with("username", "a".repeat(150))).ok(201);
    server.mail("ann@example.com");
}

fn numbers_are_text_and_white_space_is_trimmed(on: Backend) {
    let server = Server::start(on);
    let client = server.anonymous();
    let user = register(&client, &with("username", 4711)).ok(201)["user"].clone();
    assert_eq!(user["username"], "4711");
    server.mail("ann@example.com");
    let mut body = with("username", " bob\t");
    body["email"] = json!(" bob@example.com\n");
    let user = register(&client, &body).ok(201)["user"].clone();
    assert_eq!(
        (&user["username"], &user["email"]),
        (&json!("bob"), &json!("bob@example.com"))
    );
    server.mail("bob@example.com");
}

fn passwords_are_taken_exactly_as_sent(on: Backend) {
    let server = Server::start(on);
    let client = server.anonymous();
    let spaced = format!(" {PASSWORD} ");
    let mut body = with("password1", spaced.as_str());
    body["password2"] = json!(spaced);
    register(&client, &body).ok(201);
    server.mail("ann@example.com");
    let login = |password: &str| {
        client.post_json(
            "/auth/login/",
            &json!({"username": "ann", "password": password}),
        )
    };
    login(PASSWORD).problem(
        400,
        &json!({"non_field_errors": ["Unable to log in with provided credentials."]}),
    );
    login(&spaced).ok(200);
}

fn both_passwords_must_match(on: Backend) {
    let server = Server::start(on);
    register(&server.anonymous(), &with("password2", "another battery")).problem(
        400,
        &json!({"non_field_errors": ["The two password fields didn't match."]}),
    );
    assert_eq!(server.stored(), [0; 4]);
}

fn weak_passwords_are_refused_with_every_reason(on: Backend) {
    let server = Server::start(on);
    let client = server.anonymous();
    let weak = |password: &str| {
        let mut body = with("password1", password);
        body["password2"] = json!(password);
        register(&client, &body)
    };
    let short = "This password is too short. It must contain at least 8 characters.";
    weak("k7#Qz").problem(400, &json!({"password1": [short]}));
    weak("password1").problem(400, &json!({"password1": ["This password is too common."]}));
    let answer = weak("qwerty");
    let (_, members) = answer.problem_members();
    let reasons = members["password1"].as_array().expect("a list");
    assert!(reasons.contains(&json!(short)), "{reasons:?}");
    assert!(
        reasons.contains(&json!("This password is too common.")),
        "{reasons:?}"
    );
    let mut body = with("password1", "annabelle.example");
    body["password2"] = body["password1"].clone();
    body["username"] = json!("annabelle.example");
    register(&client, &body).problem(
        400,
        &json!({"non_field_errors": ["The password is too similar to the username."]}),
    );
    assert_eq!(server.stored(), [0; 4]);
}

fn all_fields_that_are_wrong_are_told_together(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let key = json!({"key": ann.confirm_key});
    server
        .anonymous()
        .post_json("/auth/registration/verify-email/", &key)
        .ok(200);
    let mut body = form("ann");
    body["password1"] = json!("password1");
    body["password2"] = json!("password1");
    let errors = json!({
        "username": ["A user with that username already exists."],
        "email": ["User is already registered with this e-mail address."],
        "password1": ["This password is too common."],
    });
    register(&server.anonymous(), &body).problem(400, &errors);
}

fn a_username_is_taken_whatever_its_case(on: Backend) {
    let server = Server::start(on);
    server.person("ann");
    let mut body = form("bob");
    for name in ["ann", "ANN", " Ann "] {
        body["username"] = json!(name);
        register(&server.anonymous(), &body).problem(
            400,
            &json!({"username": ["A user with that username already exists."]}),
        );
    }
}

fn a_username_has_an_alphabet(on: Backend) {
    let server = Server::start(on);
    let message = "Enter a valid username. This value may contain only letters, numbers, and \
                   @/./+/-/_ characters.";
    for name in ["ann bee", "ann!", "a<b>", "ann\r\nbcc"] {
        register(&server.anonymous(), &with("username", name))
            .problem(400, &json!({"username": [message]}));
    }
    for (number, name) in ["ann.b+c-d_e@f", "żółć", "名前"].into_iter().enumerate() {
        let mut body = form(&format!("u{number}"));
        body["username"] = json!(name);
        let user = register(&server.anonymous(), &body).ok(201)["user"].clone();
        assert_eq!(user["username"], name);
    }
    assert_eq!(server.mails().len(), 3);
}

fn a_verified_address_is_taken(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let key = json!({"key": ann.confirm_key});
    server
        .anonymous()
        .post_json("/auth/registration/verify-email/", &key)
        .ok(200);
    for address in ["ann@example.com", "ANN@EXAMPLE.COM", "ann@Example.Com "] {
        let mut body = form("bob");
        body["email"] = json!(address);
        register(&server.anonymous(), &body).problem(
            400,
            &json!({"email": ["User is already registered with this e-mail address."]}),
        );
    }
}

fn an_unverified_address_is_not_taken(on: Backend) {
    let server = Server::start(on);
    server.person("ann");
    let mut body = form("bob");
    body["email"] = json!("ann@example.com");
    register(&server.anonymous(), &body).ok(201);
    server.mail("ann@example.com");
}

fn a_taken_address_is_not_revealed_where_confirming_is_mandatory(on: Backend) {
    let server = mandatory(on);
    let ann = server.person("ann");
    let client = server.anonymous();
    let before = server.stored();
    let mut body = form("bob");
    body["email"] = json!("Ann@example.com");
    let taken = register(&client, &body);
    let notice = server.mail(&ann.email);
    assert!(
        !notice.text.contains("account-confirm-email"),
        "{}",
        notice.text
    );
    // The username is taken from now on, as after any registration; there is nothing to confirm
    // the address with.
    let [users, sessions, tokens, _] = server.stored();
    assert_eq!(
        [users, sessions, tokens],
        [before[0] + 1, before[1], before[2]]
    );
    let free = register(&client, &form("cid"));
    server.mail("cid@example.com");
    assert_eq!((taken.status, &taken.text), (free.status, &free.text));
    taken.is(201, &json!({"detail": "Verification e-mail sent."}));
}

fn nobody_registers_where_it_is_closed(on: Backend) {
    let server = Server::with(on, |config| {
        config.account.registration = Registration::Closed;
    });
    let answer = register(&server.anonymous(), &form("ann"));
    assert_eq!(answer.status, 403, "{}", answer.text);
    let (_, members) = answer.problem_members();
    assert!(members["detail"].is_string());
    assert_eq!(server.stored(), [0; 4]);
}

fn unknown_fields_can_set_nothing(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let mut body = form("bob");
    for (field, value) in [
        ("pk", json!(ann.pk)),
        ("id", json!(ann.pk)),
        ("is_admin", json!(true)),
        ("is_staff", json!(true)),
        ("is_active", json!(false)),
        ("email_verified", json!(true)),
        ("email_verified_at", json!("2020-01-01T00:00:00Z")),
        ("first_name", json!("Eve")),
    ] {
        body[field] = value;
    }
    let user = register(&server.anonymous(), &body).ok(201)["user"].clone();
    assert_ne!(user["pk"], ann.pk.as_str());
    assert_eq!(user["first_name"], "");
    server.mail("bob@example.com");
    // Still unverified: the address is nobody's yet, so another may claim it.
    let mut claim = form("cid");
    claim["email"] = json!("bob@example.com");
    register(&server.anonymous(), &claim).ok(201);
    server.mail("bob@example.com");
}

fn mandatory(on: Backend) -> Server {
    Server::with(on, |config| {
        config.account.email_verification = EmailVerification::Mandatory;
    })
}
