//! What operators read in a terminal.

use serde_json::json;

use crate::support::{Backend, Installation, PASSWORD, on_both};

on_both!(what_people_chose_does_not_speak_to_the_terminal);

fn what_people_chose_does_not_speak_to_the_terminal(on: Backend) {
    let installation = Installation::new(on);
    let process = installation.start(&[]);
    let client = process.anonymous();
    let body = json!({"username": "ann", "password1": PASSWORD, "password2": PASSWORD});
    let answer = client.post_json("/auth/registration/", &body).ok(201);
    let access = answer["access"].as_str().expect("a token").to_owned();
    let hostile = "\u{1b}]0;mine\u{7}\nis_active          false";
    let body = json!({"first_name": hostile}).to_string().into_bytes();
    let headers = [("content-type", "application/json")];
    let ann = client.with_bearer(&access);
    ann.send("PATCH", "/auth/user/", &headers, body).ok(200);

    let shown = installation.run(&["users", "show", "ann"]);
    assert!(shown.contains(r"\u{1b}]0;mine\u{7}\nis_active"), "{shown}");
    let says_active = |line: &&str| line.starts_with("is_active");
    assert_eq!(shown.lines().filter(says_active).count(), 1, "{shown}");
    assert!(!shown.contains('\u{1b}') && !shown.contains('\u{7}'));
    let json = installation.run(&["users", "show", "ann", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["first_name"], hostile);
}

/// What the image and the compose file set, as the program reads it.
#[test]
fn the_settings_of_the_compose_file_are_good() {
    let directory = tempfile::tempdir().expect("a directory");
    let read = |name: &str| {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(root.join(name)).expect(name)
    };
    let (image, compose) = (read("Dockerfile"), read("compose.yaml"));
    let set = |line: &str, between: char| -> Option<(String, String)> {
        let line = line
            .trim()
            .trim_start_matches("ENV ")
            .trim_end_matches('\\')
            .trim();
        let (name, value) = line.split_once(between)?;
        let value = value.split(" #").next()?.trim();
        let is_setting = name.starts_with("SIGNET_") && !value.is_empty();
        is_setting.then(|| (name.to_owned(), value.to_owned()))
    };
    let mut variables: Vec<(String, String)> = Vec::new();
    variables.extend(image.lines().filter_map(|line| set(line, '=')));
    assert!(variables.len() >= 4, "{variables:?}");
    variables.extend(compose.lines().filter_map(|line| set(line, ':')));
    let url = directory.path().join("url");
    std::fs::write(
        &url,
        "postgres://signet:secret@database/signet?sslmode=disable",
    )
    .expect("it");
    let is_file = |(name, value): &mut (String, String)| {
        if name == "SIGNET_DATABASE__URL_FILE" {
            *value = url.display().to_string();
            return true;
        }
        false
    };
    assert_eq!(
        variables
            .iter_mut()
            .filter_map(|one| is_file(one).then_some(()))
            .count(),
        1
    );
    let check = std::process::Command::new(env!("CARGO_BIN_EXE_signet"))
        .args(["config", "check"])
        .env_clear()
        .envs(variables)
        .current_dir(directory.path())
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&check.stderr);
    assert!(check.status.success(), "{said}");
}
