//! A persona: somebody with an account, logged in.

use serde_json::json;

use super::{Answer, Client, Server, link};

/// Everybody's password, until a test changes it.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// Somebody who registered: `ann` is `ann@example.com`.
pub(crate) struct Person {
    pub(crate) pk: String,
    pub(crate) username: String,
    pub(crate) email: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
    /// Of her confirmation mail; empty where none is sent.
    pub(crate) confirm_key: String,
    /// With her access token.
    pub(crate) client: Client,
}

impl Person {
    pub(super) fn register(server: &Server, name: &str) -> Self {
        let client = server.anonymous();
        let email = format!("{name}@example.com");
        let body =
            json!({"username": name, "email": email, "password1": PASSWORD, "password2": PASSWORD});
        // As from our own page, where cookies are used.
        let headers = [
            ("content-type", "application/json"),
            ("sec-fetch-site", "same-origin"),
        ];
        let path = format!("{}/registration/", server.prefix);
        let answer = client.send("POST", &path, &headers, body.to_string().into_bytes());
        assert_eq!(answer.status, 201, "{}", answer.text);
        // Others' may come between.
        let mut mails = server.mails().into_iter().rev();
        let mail = mails.find(|mail| mail.to == email);
        let confirm_key = mail
            .map(|mail| link::confirm_key(&mail.text))
            .unwrap_or_default();
        let answer = if answer.json.get("access").is_some() {
            answer
        } else {
            let path = format!("{}/registration/verify-email/", server.prefix);
            client
                .post_json(&path, &json!({"key": confirm_key}))
                .ok(200);
            login(&client, &server.prefix, name, PASSWORD)
        };
        let access = answer.member("access");
        Self {
            pk: answer.json["user"]["pk"].as_str().expect("pk").to_owned(),
            username: name.to_owned(),
            email,
            client: client.with_bearer(&access),
            refresh: answer.member("refresh"),
            access,
            confirm_key,
        }
    }
}

fn login(client: &Client, prefix: &str, name: &str, password: &str) -> Answer {
    client.post_json(
        &format!("{prefix}/login/"),
        &json!({"username": name, "password": password}),
    )
}
