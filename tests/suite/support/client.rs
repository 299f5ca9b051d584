//! The HTTP client of the tests: sends exactly what a test says and reports everything that came
//! back; follows no redirects, keeps no cookies, takes no status for an error.

use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;
use ureq::Agent;
use ureq::http::{HeaderMap, Request};

use super::Contract;

/// Somebody who asks: anonymous, or with an access token.
#[derive(Clone)]
pub(crate) struct Client {
    agent: Agent,
    base: String,
    bearer: Option<String>,
    /// Every answer is held to it.
    contract: Option<Arc<Contract>>,
}

/// All that came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// The body, if it is JSON; else null.
    pub(crate) json: Value,
}

/// Why there is no answer: the connection broke.
pub(crate) type Broken = ureq::Error;

impl Client {
    /// An anonymous client of the server at `base` (`http://host:port`).
    pub(crate) fn new(base: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .allow_non_standard_methods(true)
            .proxy(None)
            .timeout_global(Some(Duration::from_mins(1)))
            .build();
        Self {
            agent: config.into(),
            base: base.to_owned(),
            bearer: None,
            contract: None,
        }
    }

    /// The same client, of a server whose answers are to be as `contract` says.
    pub(crate) fn holding_to(self, contract: Arc<Contract>) -> Self {
        Self {
            contract: Some(contract),
            ..self
        }
    }

    /// The same client with an access token.
    pub(crate) fn with_bearer(&self, token: &str) -> Self {
        Self {
            bearer: Some(token.to_owned()),
            ..self.clone()
        }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], Vec::new())
    }

    pub(crate) fn post_json(&self, path: &str, body: &Value) -> Answer {
        self.send_json("POST", path, body)
    }

    pub(crate) fn put_json(&self, path: &str, body: &Value) -> Answer {
        self.send_json("PUT", path, body)
    }

    pub(crate) fn patch_json(&self, path: &str, body: &Value) -> Answer {
        self.send_json("PATCH", path, body)
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], Vec::new())
    }

    pub(crate) fn delete_json(&self, path: &str, body: &Value) -> Answer {
        self.send_json("DELETE", path, body)
    }

    fn send_json(&self, method: &str, path: &str, body: &Value) -> Answer {
        let headers = [("content-type", "application/json")];
        self.send(method, path, &headers, body.to_string().into_bytes())
    }

    /// Posts bytes as they are.
    pub(crate) fn post_raw(
        &self,
        path: &str,
        media_type: &str,
        body: impl Into<Vec<u8>>,
    ) -> Answer {
        self.send("POST", path, &[("content-type", media_type)], body.into())
    }

    /// Posts `application/x-www-form-urlencoded`.
    pub(crate) fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        self.post_raw(path, "application/x-www-form-urlencoded", form.finish())
    }

    /// Posts `multipart/form-data` (RFC 7578).
    pub(crate) fn post_multipart(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let part = |(name, value): &(&str, &str)| {
            format!("Content-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let parts: Vec<String> = fields.iter().map(part).collect();
        let body = format!(
            "--frontier\r\n{}--frontier--\r\n",
            parts.join("--frontier\r\n")
        );
        self.post_raw(path, "multipart/form-data; boundary=frontier", body)
    }

    /// One exchange, which must succeed as such.
    #[track_caller]
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        match self.try_send(method, path, headers, body) {
            Ok(answer) => {
                if let Some(contract) = &self.contract {
                    let found = contract.check(method, path, &answer);
                    let start: String = answer.text.chars().take(500).collect();
                    assert_eq!(found, Ok(()), "{method} {path}: {} {start}", answer.status);
                }
                answer
            }
            Err(error) => panic!("{method} {path}: no answer: {error}"),
        }
    }

    /// One exchange with a server that may die in the middle of it. `Ok` only when the whole
    /// answer was read.
    pub(crate) fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Answer, Broken> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        if let Some(token) = &self.bearer {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = if body.is_empty() && !matches!(method, "POST" | "PUT" | "PATCH") {
            self.agent.run(request.body(())?)?
        } else {
            self.agent.run(request.body(body)?)?
        };
        let (parts, body) = response.into_parts();
        let bytes = body.into_with_config().limit(u64::MAX).read_to_vec()?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let json = serde_json::from_str(&text).unwrap_or_default();
        Ok(Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text,
            json,
        })
    }

    /// Posts JSON to a server that may die in the middle of it.
    pub(crate) fn try_post(&self, path: &str, body: &Value) -> Result<Answer, Broken> {
        let headers = [("content-type", "application/json")];
        self.try_send("POST", path, &headers, body.to_string().into_bytes())
    }
}

impl Answer {
    /// A header's value, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap_or_default())
    }

    /// Holds the answer to be a success with plain JSON, and gives its body.
    #[track_caller]
    pub(crate) fn ok(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(
            self.header("content-type"),
            "application/json",
            "{}",
            self.text
        );
        self.json
    }

    /// Only the status matters.
    #[track_caller]
    pub(crate) fn has_status(&self, status: u16) {
        assert_eq!(self.status, status, "{}", self.text);
    }

    /// Holds the answer to be a success with exactly this body.
    #[track_caller]
    pub(crate) fn is(self, status: u16, body: &Value) {
        assert_eq!(&self.ok(status), body);
    }

    /// Holds the answer to be a problem document (RFC 9457) with exactly these members beside
    /// `type`, `title` and `status`: what the contract's clients read.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, contract: &Value) {
        assert_eq!(self.status, status, "{}", self.text);
        let (code, rest) = self.problem_members();
        assert_eq!(&Value::Object(rest), contract);
        match contract.get("code") {
            Some(shown) => assert_eq!(&Value::from(code), shown, "type and code differ"),
            None if contract.get("detail").is_none() => {
                assert!(
                    matches!(&*code, "validation_error" | "password_refused"),
                    "{code}"
                );
            }
            None => {}
        }
    }

    /// Holds the answer to be a problem document, and gives the error's code and the members
    /// beside `type`, `title` and `status`.
    #[track_caller]
    pub(crate) fn problem_members(&self) -> (String, Map<String, Value>) {
        let media_type = self.header("content-type");
        assert_eq!(
            media_type, "application/problem+json",
            "{} {}",
            self.status, self.text
        );
        let mut members = self.json.as_object().expect("an object").clone();
        assert_eq!(
            members.remove("status"),
            Some(self.status.into()),
            "{}",
            self.text
        );
        let title = members.remove("title").unwrap_or_default();
        assert!(
            title.as_str().is_some_and(|title| !title.is_empty()),
            "{}",
            self.text
        );
        let kind = members.remove("type").unwrap_or_default();
        let code = kind
            .as_str()
            .and_then(|kind| kind.strip_prefix("urn:signet:error:"));
        let code = code
            .unwrap_or_else(|| panic!("type: {}", self.text))
            .to_owned();
        let letters = |letter: char| letter.is_ascii_lowercase() || letter == '_';
        assert!(!code.is_empty() && code.chars().all(letters), "{code}");
        (code, members)
    }

    /// A text member of the body.
    #[track_caller]
    pub(crate) fn member(&self, name: &str) -> String {
        let value = self.json.get(name).and_then(Value::as_str);
        value
            .unwrap_or_else(|| panic!("no {name}: {} {}", self.status, self.text))
            .to_owned()
    }
}
