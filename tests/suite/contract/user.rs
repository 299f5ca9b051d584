//! `GET|PUT|PATCH user/`

use serde_json::{Value, json};

use crate::support::{Backend, PASSWORD, Person, Server, on_both};

on_both!(
    shows_oneself,
    patch_changes_what_is_sent,
    put_needs_the_username,
    ones_own_username_is_not_taken,
    a_new_username_logs_in_and_the_old_one_is_free,
    what_may_not_be_written_is_ignored,
    field_errors,
);

fn user(person: &Person, first_name: &str, last_name: &str) -> Value {
    json!({"pk": person.pk, "username": person.username, "email": person.email,
        "first_name": first_name, "last_name": last_name})
}

fn shows_oneself(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let bob = server.person("bob");
    let answer = ann.client.get("/auth/user/");
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.is(200, &user(&ann, "", ""));
    bob.client.get("/auth/user/").is(200, &user(&bob, "", ""));
}

fn patch_changes_what_is_sent(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let patch = |body: Value| ann.client.patch_json("/auth/user/", &body);
    patch(json!({"first_name": " Ann ", "last_name": "Ö’Hara"}))
        .is(200, &user(&ann, "Ann", "Ö’Hara"));
    patch(json!({"first_name": ""})).is(200, &user(&ann, "", "Ö’Hara"));
    patch(json!({})).is(200, &user(&ann, "", "Ö’Hara"));
    ann.client
        .get("/auth/user/")
        .is(200, &user(&ann, "", "Ö’Hara"));
}

fn put_needs_the_username(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let put = |body: Value| ann.client.put_json("/auth/user/", &body);
    put(json!({"first_name": "Ann"}))
        .problem(400, &json!({"username": ["This field is required."]}));
    ann.client.get("/auth/user/").is(200, &user(&ann, "", ""));
    put(json!({"username": "ann", "first_name": "Ann"})).is(200, &user(&ann, "Ann", ""));
}

fn ones_own_username_is_not_taken(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    ann.client
        .put_json("/auth/user/", &json!({"username": "ann"}))
        .is(200, &user(&ann, "", ""));
    let shouting = ann
        .client
        .patch_json("/auth/user/", &json!({"username": "ANN"}))
        .ok(200);
    assert_eq!(shouting["username"], "ANN");
    let bob = server.person("bob");
    for name in ["ann", "ANN", "aNn"] {
        bob.client
            .patch_json("/auth/user/", &json!({"username": name}))
            .problem(
                400,
                &json!({"username": ["A user with that username already exists."]}),
            );
    }
}

fn a_new_username_logs_in_and_the_old_one_is_free(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    ann.client
        .patch_json("/auth/user/", &json!({"username": "anna"}))
        .ok(200);
    let login = |name: &str| {
        let body = json!({"username": name, "password": PASSWORD});
        server.anonymous().post_json("/auth/login/", &body)
    };
    assert_eq!(login("anna").ok(200)["user"]["pk"], ann.pk.as_str());
    assert_eq!(login("ann").status, 400);
    server.person("ann");
}

fn what_may_not_be_written_is_ignored(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let body = json!({"pk": "1", "email": "eve@example.com", "is_admin": true, "is_staff": true,
        "email_verified": true, "is_active": false, "password": "another battery"});
    ann.client
        .patch_json("/auth/user/", &body)
        .is(200, &user(&ann, "", ""));
    let body = json!({"username": "ann", "password": PASSWORD});
    server.anonymous().post_json("/auth/login/", &body).ok(200);
}

fn field_errors(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("ann");
    let too_long = json!(["Ensure this field has no more than 150 characters."]);
    let long = "a".repeat(151);
    for (body, errors) in [
        (
            json!({"username": ""}),
            json!({"username": ["This field may not be blank."]}),
        ),
        (
            json!({"username": null}),
            json!({"username": ["This field may not be null."]}),
        ),
        (
            json!({"username": long, "first_name": long, "last_name": long}),
            json!({"username": too_long, "first_name": too_long, "last_name": too_long}),
        ),
        (
            json!({"first_name": ["x"]}),
            json!({"first_name": ["Not a valid string."]}),
        ),
        (
            json!({"last_name": "a\0"}),
            json!({"last_name": ["Null characters are not allowed."]}),
        ),
    ] {
        ann.client
            .patch_json("/auth/user/", &body)
            .problem(400, &errors);
    }
    ann.client.get("/auth/user/").is(200, &user(&ann, "", ""));
}
