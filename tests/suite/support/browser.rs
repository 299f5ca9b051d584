//! A browser: keeps cookies, sends them back, and says of each request which page it comes from.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Value, json};

use super::{Answer, Client, PASSWORD, Server};

/// Pages of one browser share its cookies.
#[derive(Clone)]
pub(crate) struct Browser {
    client: Client,
    jar: Rc<RefCell<BTreeMap<String, String>>>,
    /// What the browser says of the page.
    says: Vec<(&'static str, String)>,
}

impl Browser {
    /// With a page of the server's own origin open.
    pub(crate) fn new(server: &Server) -> Self {
        Self {
            client: server.anonymous(),
            jar: Rc::default(),
            says: vec![("sec-fetch-site", "same-origin".into())],
        }
    }

    /// Another page in the same browser, of which it says this.
    pub(crate) fn page(&self, says: &[(&'static str, &str)]) -> Self {
        let says = says.iter().map(|(name, value)| (*name, (*value).into()));
        Self {
            says: says.collect(),
            ..self.clone()
        }
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, body)
    }

    /// Sends JSON with the cookies there are, and keeps those that come back.
    pub(crate) fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let json = [("content-type", "application/json")];
        let bytes = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        self.send_raw(method, path, &json, bytes)
    }

    pub(crate) fn send_raw(
        &self,
        method: &str,
        path: &str,
        more: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        let cookies: Vec<_> = self
            .jar
            .borrow()
            .iter()
            .map(|(n, v)| format!("{n}={v}"))
            .collect();
        let cookies = cookies.join("; ");
        let mut headers = vec![("cookie", cookies.as_str())];
        headers.extend(
            self.says
                .iter()
                .map(|(name, value)| (*name, value.as_str())),
        );
        headers.extend(more);
        headers.retain(|(_, value)| !value.is_empty());
        let answer = self.client.send(method, path, &headers, body);
        for cookie in set_cookies(&answer) {
            if cookie.attributes.iter().any(|it| it == "Max-Age=0") {
                self.jar.borrow_mut().remove(&cookie.name);
            } else {
                self.jar.borrow_mut().insert(cookie.name, cookie.value);
            }
        }
        answer
    }

    /// The value of a cookie; empty without it.
    pub(crate) fn cookie(&self, name: &str) -> String {
        self.jar.borrow().get(name).cloned().unwrap_or_default()
    }

    pub(crate) fn plant(&self, name: &str, value: &str) {
        self.jar.borrow_mut().insert(name.into(), value.into());
    }

    pub(crate) fn lose(&self, name: &str) {
        self.jar.borrow_mut().remove(name);
    }

    #[track_caller]
    pub(crate) fn register(&self, name: &str) -> Answer {
        let body = json!({"username": name, "email": format!("{name}@example.com"),
            "password1": PASSWORD, "password2": PASSWORD});
        let answer = self.post("/auth/registration/", &body);
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer
    }

    #[track_caller]
    pub(crate) fn login(&self, name: &str) -> Answer {
        let answer = self.post(
            "/auth/login/",
            &json!({"username": name, "password": PASSWORD}),
        );
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer
    }

    /// Whether its cookies open the profile.
    pub(crate) fn is_logged_in(&self) -> bool {
        self.send("GET", "/auth/user/", &Value::Null).status == 200
    }
}

/// One `Set-Cookie`.
#[derive(Debug)]
pub(crate) struct SetCookie {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) attributes: Vec<String>,
}

/// All cookies that an answer sets.
pub(crate) fn set_cookies(answer: &Answer) -> Vec<SetCookie> {
    let lines = answer.headers.get_all("set-cookie").iter();
    let one = |line: &str| {
        let mut parts = line.split("; ");
        let (name, value) = parts.next()?.split_once('=')?;
        Some(SetCookie {
            name: name.into(),
            value: value.into(),
            attributes: parts.map(str::to_owned).collect(),
        })
    };
    lines
        .map(|line| one(line.to_str().expect("ASCII")).expect("a cookie"))
        .collect()
}
