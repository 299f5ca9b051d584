//! The revocation matrix (T-14): what becomes of each credential when something ends it, and that
//! nothing of it is undone by a kill and a restart (security lines 8, 34, 49 to 52 and 88).

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Backend, Client, Installation, PASSWORD, Process, link, on_both};

on_both!(each_event_ends_what_it_should_and_a_restart_undoes_nothing);

const MAIL_LIMIT: Duration = Duration::from_mins(1);
const NEW: &str = "paper-clip-sunrise";

/// `y`: it works. `-`: it does not. The first five are of the session in which the event happens
/// (or of which it is), the next two of another one of the same person; then links in mails that
/// were sent before, and the password that was right before.
const MATRIX: &str = "
                       access  verify  cookie refresh replayed | access2 refresh2 | reset confirm change | login
nothing                   y       y       y       y       y    |    y       y     |   y      y      y    |   y
reauthenticate            y       y       y       y       y    |    y       y     |   y      y      y    |   y
profile changed           y       y       y       y       y    |    y       y     |   y      y      y    |   y
logout                    -       -       -       -       -    |    y       y     |   y      y      y    |   y
ended by the other        -       -       -       -       -    |    y       y     |   y      y      y    |   y
reuse of a token          -       -       -       -       -    |    y       y     |   y      y      y    |   y
logout everywhere         -       -       -       -       -    |    -       -     |   y      y      y    |   y
password changed          y       y       y       y       y    |    -       -     |   -      y      -    |   -
password reset            -       -       -       -       -    |    -       -     |   -      y      -    |   -
address changed           y       y       y       y       y    |    y       y     |   -      -      y    |   y
disabled                  -       -       -       -       -    |    -       -     |   -      -      -    |   -
deleted by an operator    -       -       -       -       -    |    -       -     |   -      -      -    |   -
deleted by its owner      -       -       -       -       -    |    -       -     |   -      -      -    |   -
";

/// The events and what is to be true after each.
fn rows() -> Vec<(&'static str, String)> {
    let rows = MATRIX.trim_start_matches('\n').lines().skip(1);
    rows.map(|row| {
        let (event, cells) = row.split_at(26);
        let cells: String = cells.chars().filter(|it| "y-".contains(*it)).collect();
        assert_eq!(cells.len(), 11, "{row}: no cell is undefined");
        (event.trim(), cells)
    })
    .collect()
}

/// Everything that speaks for one person.
struct Credentials {
    name: String,
    pk: String,
    first: Tokens,
    second: Tokens,
    reset: (String, String),
    confirm: String,
    change: String,
}

struct Tokens {
    access: String,
    refresh: String,
    /// The one before.
    replayed: String,
}

fn each_event_ends_what_it_should_and_a_restart_undoes_nothing(on: Backend) {
    let installation = Installation::new(on);
    // Tokens in cookies and in bodies both.
    let settings = [
        ("cookies", "enabled", "true"),
        ("cookies", "http_only", "false"),
        // A debug build on a busy machine takes its time; a repeated refresh must not come late.
        ("tokens", "refresh_leeway", "\"5m\""),
    ];
    let process = installation.start(&settings);
    let rows = rows();
    let mut people: Vec<Credentials> = (0..rows.len())
        .map(|number| Credentials::obtain(&installation, &process, number))
        .collect();
    for ((event, _), person) in rows.iter().zip(&people) {
        happen(event, person, &installation, &process);
    }
    let mut look = |process: &Process, when: &str| {
        for ((event, expected), person) in rows.iter().zip(&mut people) {
            let found = person.try_all(process);
            assert_eq!(&found, expected, "after `{event}`, {when}");
        }
    };
    look(&process, "at once");
    process.kill();
    let process = installation.start(&settings);
    look(&process, "after kill -9 and a restart");
    // The epoch ends every session there is, and nothing else.
    installation.run(&["sessions", "end-all", "--yes"]);
    for ((event, expected), person) in rows.iter().zip(&mut people) {
        let rest = expected.split_at(7).1;
        assert_eq!(
            person.try_all(&process),
            format!("-------{rest}"),
            "{event}"
        );
    }
}

fn happen(event: &str, person: &Credentials, installation: &Installation, process: &Process) {
    let client = process.anonymous();
    let own = client.with_bearer(&person.first.access);
    let other = client.with_bearer(&person.second.access);
    let new_password =
        |name: &str| json!({name: PASSWORD, "new_password1": NEW, "new_password2": NEW});
    let refresh = json!({ "refresh": person.first.refresh });
    match event {
        "nothing" => {}
        "reauthenticate" => {
            let body = json!({ "password": PASSWORD });
            own.post_json("/auth/reauthenticate/", &body).ok(200);
        }
        "profile changed" => {
            own.patch_json("/auth/user/", &json!({"first_name": "A"}))
                .ok(200);
        }
        "logout" => {
            client
                .with_bearer("-")
                .post_json("/auth/logout/", &refresh)
                .ok(200);
        }
        "ended by the other" => {
            let sessions = other.get("/auth/sessions/").ok(200);
            let sessions = sessions.as_array().expect("a list");
            let mut mine = sessions.iter().filter(|it| it["current"] == false);
            let id = mine.next().expect("the first one")["id"].clone();
            let path = format!("/auth/sessions/{}/", id.as_str().expect("an id"));
            other.send("DELETE", &path, &[], Vec::new()).has_status(204);
        }
        "reuse of a token" => {
            let oldest = json!({ "refresh": person.first.replayed });
            let bearer = client.with_bearer("-");
            bearer.post_json("/auth/token/refresh/", &refresh).ok(200);
            bearer
                .post_json("/auth/token/refresh/", &oldest)
                .has_status(401);
        }
        "logout everywhere" => {
            own.post_json("/auth/logout/all/", &json!({})).ok(200);
        }
        "password changed" => {
            own.post_json("/auth/password/change/", &new_password("old_password"))
                .ok(200);
        }
        "password reset" => {
            let mut body = new_password("");
            body["uid"] = person.reset.0.as_str().into();
            body["token"] = person.reset.1.as_str().into();
            let bearer = client.with_bearer("-");
            bearer
                .post_json("/auth/password/reset/confirm/", &body)
                .ok(200);
        }
        "address changed" => {
            let body = json!({ "key": person.change });
            let bearer = client.with_bearer("-");
            bearer
                .post_json("/auth/email/change/confirm/", &body)
                .ok(200);
        }
        "disabled" => {
            installation.run(&["users", "disable", &person.name]);
        }
        "deleted by an operator" => {
            installation.run(&["users", "delete", &person.name, "--yes"]);
        }
        "deleted by its owner" => {
            let body = json!({ "password": PASSWORD }).to_string().into_bytes();
            let json = [("content-type", "application/json")];
            own.send("DELETE", "/auth/user/", &json, body)
                .has_status(204);
        }
        other => panic!("nobody knows how to do `{other}`"),
    }
}

impl Credentials {
    fn obtain(installation: &Installation, process: &Process, number: usize) -> Self {
        let client = process.anonymous().with_bearer("-");
        let name = format!("person{number}");
        let (email, new) = (format!("{name}@example.com"), format!("{name}@example.net"));
        let body =
            json!({"username": name, "email": email, "password1": PASSWORD, "password2": PASSWORD});
        let registered = client.post_json("/auth/registration/", &body);
        let first = Tokens::of(
            &client,
            registered.member("access"),
            registered.member("refresh"),
        );
        let body = json!({"username": name, "password": PASSWORD});
        let second = client.post_json("/auth/login/", &body);
        let second = Tokens::of(&client, second.member("access"), second.member("refresh"));
        client
            .post_json("/auth/password/reset/", &json!({ "email": email }))
            .ok(200);
        let body = json!({"email": new, "password": PASSWORD});
        let own = process.anonymous().with_bearer(&first.access);
        own.post_json("/auth/email/change/", &body).ok(200);
        let mail = |to: &str, mark| {
            let mail = installation.mail.wait(to, mark, MAIL_LIMIT);
            mail.unwrap_or_else(|| panic!("no {mark} for {to}")).text
        };
        Self {
            pk: registered.json["user"]["pk"]
                .as_str()
                .expect("pk")
                .to_owned(),
            reset: link::reset_pair(&mail(&email, "password/reset/confirm")),
            confirm: link::confirm_key(&mail(&email, "account-confirm-email")),
            change: link::change_key(&mail(&new, "email/change/confirm")),
            name,
            first,
            second,
        }
    }

    /// Tries each, in the order of the matrix. None is used up by it, but refresh tokens are
    /// exchanged for their successors.
    fn try_all(&mut self, process: &Process) -> String {
        let anonymous = process.anonymous();
        // Cookies alone would have to prove where they come from.
        let client = anonymous.with_bearer("-");
        let is_shown = |client: &Client| {
            let answer = client.get("/auth/user/");
            answer.status == 200 && answer.json["pk"] == self.pk.as_str()
        };
        let page = |path: String| anonymous.get(&format!("/auth/{path}/")).status == 200;
        let posts = |path: &str, body: Value| client.post_json(&format!("/auth/{path}/"), &body);
        let cookie = format!("__Host-signet-access={}", self.first.access);
        let cookie = [("cookie", cookie.as_str())];
        let (uid, token) = &self.reset;
        let (confirm, change) = (&self.confirm, &self.change);
        let login = json!({"username": self.name, "password": PASSWORD});
        let found = [
            is_shown(&anonymous.with_bearer(&self.first.access)),
            posts("token/verify", json!({"token": self.first.access})).status == 200,
            anonymous
                .send("GET", "/auth/user/", &cookie, Vec::new())
                .status
                == 200,
            self.first.exchange(&client),
            self.first.replay(&client),
            is_shown(&anonymous.with_bearer(&self.second.access)),
            self.second.exchange(&client),
            page(format!("password/reset/confirm/{uid}/{token}")),
            page(format!("registration/account-confirm-email/{confirm}")),
            page(format!("email/change/confirm/{change}")),
            posts("login", login).status == 200,
        ];
        found
            .map(|works| if works { 'y' } else { '-' })
            .iter()
            .collect()
    }
}

impl Tokens {
    /// One refresh old, so that there is a token before the newest.
    fn of(client: &Client, access: String, refresh: String) -> Self {
        let replayed = String::new();
        let mut tokens = Self {
            access,
            refresh,
            replayed,
        };
        assert!(tokens.exchange(client));
        tokens
    }

    fn exchange(&mut self, client: &Client) -> bool {
        let body = json!({ "refresh": self.refresh });
        let answer = client.post_json("/auth/token/refresh/", &body);
        if answer.status == 200 {
            self.replayed = std::mem::replace(&mut self.refresh, answer.member("refresh"));
        }
        answer.status == 200
    }

    /// The token before the newest gives the newest again.
    fn replay(&self, client: &Client) -> bool {
        let body = json!({ "refresh": self.replayed });
        let answer = client.post_json("/auth/token/refresh/", &body);
        answer.status == 200 && answer.member("refresh") == self.refresh
    }
}
