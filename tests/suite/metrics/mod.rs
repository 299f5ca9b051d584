//! What operators are told: that it is in the right form, true, all of it, and about nobody.
#![expect(
    clippy::float_cmp,
    clippy::cast_precision_loss,
    reason = "what is compared are whole numbers, and small ones"
)]

mod documents;
mod text;

use std::collections::BTreeMap;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use secrecy::ExposeSecret;
use serde_json::json;
use signet::keys::Start;

use crate::support::{Backend, Installation, PASSWORD, Person, Server, block_on, on_both};
use text::Scrape;

on_both!(
    what_is_told_is_documented,
    what_is_done_is_counted,
    tokens_are_alive_until_they_expire,
    a_job_that_does_not_run_is_late,
    keys_are_told_of_with_their_times,
    mail_that_waits_is_told_of,
    nobodys_data_is_in_it,
    what_is_made_up_makes_no_series,
    it_is_for_operators_alone,
    a_slow_database_is_left_out,
    a_database_that_is_away_is_left_out,
    the_start_names_the_listener,
);

fn login(server: &Server, password: &str) -> u16 {
    let body = json!({"username": "ann", "password": password});
    server.anonymous().post_json("/auth/login/", &body).status
}

fn refresh(server: &Server, token: &str) -> crate::support::Answer {
    let body = json!({"refresh": token});
    server.anonymous().post_json("/auth/token/refresh/", &body)
}

fn what_is_told_is_documented(on: Backend) {
    let server = Server::start(on);
    server.person("ann");
    let keys = &server.app.keys;
    block_on(keys.rotate(keys.default_algorithm(), Start::Announced)).expect("a next key");
    server.advance(0);
    assert_eq!(
        Scrape::of(&server).families,
        documents::documented(Some(on))
    );
}

/// What has grown between two scrapes, and by how much.
fn grown(before: &Scrape, after: &Scrape, name: &str) -> BTreeMap<String, f64> {
    let of_name = after
        .series
        .iter()
        .filter(|(series, _)| series.split('{').next() == Some(name));
    let by = of_name.map(|(series, value)| {
        let before = before.series.get(series).copied().unwrap_or_default();
        (series.clone(), value - before)
    });
    by.filter(|(_, by)| *by != 0.0).collect()
}

fn what_is_done_is_counted(on: Backend) {
    let server = Server::start(on);
    let ann = server.confirmed("ann");
    let before = Scrape::of(&server);
    assert_eq!(login(&server, PASSWORD), 200);
    assert_eq!(login(&server, PASSWORD), 200);
    assert_eq!(login(&server, "something else"), 400);
    let next = refresh(&server, &ann.refresh).member("refresh");
    assert_eq!(refresh(&server, &ann.refresh).member("refresh"), next);
    server.advance(60);
    refresh(&server, &ann.refresh).has_status(401);
    refresh(&server, &next).has_status(401);
    refresh(&server, "rubbish").has_status(401);
    server.mail(&ann.email);
    let after = Scrape::of(&server);

    let grown = |name| grown(&before, &after, name);
    let expected = |series: &[(&str, f64)]| -> BTreeMap<String, f64> {
        let series = series.iter().map(|(name, by)| ((*name).to_owned(), *by));
        series.collect()
    };
    let request = "signet_http_requests_total";
    assert_eq!(
        grown(request),
        expected(&[
            (
                r#"signet_http_requests_total{method="POST",route="/auth/login/",status="200"}"#,
                2.0
            ),
            (
                r#"signet_http_requests_total{method="POST",route="/auth/login/",status="400"}"#,
                1.0
            ),
            (
                r#"signet_http_requests_total{method="POST",route="/auth/token/refresh/",status="200"}"#,
                2.0
            ),
            (
                r#"signet_http_requests_total{method="POST",route="/auth/token/refresh/",status="401"}"#,
                3.0
            ),
        ])
    );
    assert_eq!(
        grown("signet_http_request_seconds_count"),
        expected(&[
            (
                r#"signet_http_request_seconds_count{route="/auth/login/"}"#,
                3.0
            ),
            (
                r#"signet_http_request_seconds_count{route="/auth/token/refresh/"}"#,
                5.0
            ),
        ])
    );
    assert_eq!(
        grown("signet_token_refreshes_total"),
        expected(&[
            (r#"signet_token_refreshes_total{outcome="rotated"}"#, 1.0),
            (r#"signet_token_refreshes_total{outcome="repeated"}"#, 1.0),
            (r#"signet_token_refreshes_total{outcome="reused"}"#, 1.0),
            (r#"signet_token_refreshes_total{outcome="refused"}"#, 2.0),
        ])
    );
    // Two logins, and two answers to one refresh token.
    let issued: Vec<f64> = grown("signet_tokens_issued_total").into_values().collect();
    assert_eq!(issued, [4.0]);
    let by = |name| after.value(name, &[]) - before.value(name, &[]);
    assert_eq!(by("signet_mail_sent_total"), 1.0);
    let hashes = grown("signet_password_seconds_count");
    assert_eq!(hashes["signet_password_seconds_count"], 3.0);
    assert!(
        grown("signet_database_read_seconds_count")["signet_database_read_seconds_count"] >= 3.0
    );
    assert!(
        grown("signet_database_write_seconds_count")["signet_database_write_seconds_count"] >= 6.0
    );
    assert_eq!(after.sum("signet_database_errors_total", &[]), 0.0);
    assert_eq!(after.value("signet_http_requests_in_flight", &[]), 0.0);
    if on == Backend::Sqlite {
        let sum = grown("signet_database_group_writes_sum");
        assert!(sum["signet_database_group_writes_sum"] >= 6.0);
    }
}

fn tokens_are_alive_until_they_expire(on: Backend) {
    let server = Server::start(on);
    let alive = || Scrape::of(&server).value("signet_tokens_alive", &[]);
    let ann = server.person("ann");
    assert_eq!(alive(), 1.0);
    server.advance(300);
    refresh(&server, &ann.refresh).ok(200);
    assert_eq!(alive(), 2.0);
    // Ten minutes after the first one, and the hundredth part of them.
    server.advance(306);
    assert_eq!(alive(), 1.0);
    server.advance(300);
    assert_eq!(alive(), 0.0);
    let issued = Scrape::of(&server).value("signet_tokens_issued_total", &[]);
    assert_eq!(issued, 2.0, "what was issued stays");
}

fn a_job_that_does_not_run_is_late(on: Backend) {
    let server = Server::start(on);
    let job = [r#"job="delete_unconfirmed_accounts""#];
    let begun = server.clock.now().timestamp();
    let next = "signet_job_next_run_timestamp_seconds";
    let has_run = |scrape: &Scrape| scrape.value(next, &job) > begun as f64;
    // It runs as soon as the server has started.
    let found = (0..20_000).any(|_| has_run(&Scrape::of(&server)));
    assert!(found, "the job does not run");
    let late = |seconds| {
        server.advance(seconds);
        let scrape = Scrape::of(&server);
        let is_passing = scrape.value("signet_check_passing", &[r#"check="jobs""#]);
        (scrape.value("signet_job_late", &job), is_passing)
    };
    // Just before the job is due again: what runs beside the test leaves it alone.
    let (is_late, _) = late(3_599);
    assert_eq!(is_late, 0.0);
    let status = server.app.board.list();
    let (_, status) = status
        .iter()
        .find(|(name, _)| *name == "delete_unconfirmed_accounts")
        .expect("the job");
    assert_eq!(status.next_run_at.timestamp(), begun + 3_600);
    let (is_late, is_passing) = late(3_607);
    assert_eq!((is_late, is_passing), (1.0, 0.0));
}

fn keys_are_told_of_with_their_times(on: Backend) {
    let server = Server::start(on);
    let state = |scrape: &Scrape, state: &str| {
        scrape.sum("signet_signing_key_state", &[&format!("state=\"{state}\"")])
    };
    let before = Scrape::of(&server);
    assert_eq!(
        (state(&before, "active"), state(&before, "pending")),
        (1.0, 0.0)
    );
    let rotation = "signet_signing_key_next_rotation_timestamp_seconds";
    let alone = before.value(rotation, &[r#"algorithm="ES256""#]);
    let begun = server.clock.now().timestamp();
    assert_eq!(alone, (begun - 60 + 60 * 86_400) as f64);

    let keys = &server.app.keys;
    block_on(keys.rotate(keys.default_algorithm(), Start::Announced)).expect("a next key");
    server.advance(0);
    let after = Scrape::of(&server);
    assert_eq!(
        (state(&after, "active"), state(&after, "pending")),
        (1.0, 1.0)
    );
    let day = (begun + 86_400) as f64;
    assert_eq!(after.value(rotation, &[]), day);
    assert_eq!(
        after.value("signet_signing_key_retire_timestamp_seconds", &[]),
        day
    );
    let removed = after.value("signet_signing_key_remove_timestamp_seconds", &[]);
    assert_eq!(removed, day + 86_400.0 + 660.0);

    server.advance(86_400);
    let later = Scrape::of(&server);
    assert_eq!(
        (state(&later, "active"), state(&later, "retired")),
        (1.0, 1.0)
    );
    assert_eq!(later.value(rotation, &[]), day + 60.0 * 86_400.0);
    assert_eq!(
        later.value("signet_check_passing", &[r#"check="signing_key""#]),
        1.0
    );
    assert_eq!(later.value("signet_signing_keys_age_seconds", &[]), 0.0);
    server.clock.advance(chrono::TimeDelta::days(3));
    let gone = Scrape::of(&server);
    assert_eq!(
        state(&gone, "retired"),
        0.0,
        "what is removed is not told of"
    );
}

fn mail_that_waits_is_told_of(on: Backend) {
    use signet::storage::schema::outbox;
    let server = Server::start(on);
    server.person("ann");
    let now = server.clock.now().naive_utc();
    // Not due for a day, so that the server leaves them alone.
    let due = now + chrono::TimeDelta::days(1);
    for (id, age, is_dead) in [("1", 90, false), ("2", 30, false), ("3", 900, true)] {
        server.rows(move |conn| {
            let row = (
                outbox::id.eq(id),
                outbox::kind.eq("canary"),
                outbox::recipient.eq("canary@example.com"),
                outbox::sealed_message.eq(Vec::new()),
                outbox::created_at.eq(now - chrono::TimeDelta::seconds(age)),
                outbox::expires_at.eq(due),
                outbox::next_attempt_at.eq(due),
                outbox::attempts.eq(1),
                outbox::dead_at.eq(is_dead.then_some(now)),
            );
            diesel::insert_into(outbox::table).values(row).execute(conn)
        });
    }
    let scrape = Scrape::of(&server);
    assert_eq!(scrape.value("signet_mail_waiting", &[]), 2.0);
    assert_eq!(
        scrape.value("signet_mail_oldest_waiting_seconds", &[]),
        90.0
    );
    assert_eq!(scrape.value("signet_mail_dead_letters", &[]), 1.0);
    server.rows(|conn| diesel::delete(outbox::table).execute(conn));
    let scrape = Scrape::of(&server);
    assert_eq!(scrape.value("signet_mail_oldest_waiting_seconds", &[]), 0.0);
}

/// A value that is in no program.
const CANARY: &str = "Canary4711";

/// Asks every route there is, with the canary wherever a caller can put one.
fn ask_everything(server: &Server, person: &Person) {
    let routes = signet::server::routes(&server.app.config);
    let body = json!({
        "username": CANARY, "email": format!("{CANARY}@example.com"), "password": CANARY,
        "password1": CANARY, "password2": CANARY, "token": CANARY, "refresh": CANARY,
        "key": CANARY, "uid": CANARY, "old_password": CANARY, "new_password1": CANARY,
        "first_name": CANARY, "code": CANARY,
    });
    for route in routes.list() {
        let mut path = route.path.clone();
        while let Some((before, rest)) = path.split_once('{') {
            let (_, after) = rest.split_once('}').expect("a brace");
            path = format!("{before}{CANARY}{after}");
        }
        let path = format!("{path}?{CANARY}={CANARY}");
        let headers = [
            ("content-type", "application/json"),
            ("x-forwarded-for", "203.0.113.77"),
            ("user-agent", CANARY),
            ("x-request-id", CANARY),
        ];
        for client in [&server.anonymous(), &person.client] {
            // The answer is no matter, and must not be held to the API's document.
            let method = route.method.as_str();
            let body = body.to_string().into_bytes();
            client
                .try_send(method, &path, &headers, body)
                .expect("an answer");
        }
    }
}

fn nobodys_data_is_in_it(on: Backend) {
    let server = Server::start(on);
    let ann = server.person("Canary4711ann");
    ask_everything(&server, &ann);
    server.mails();
    let text = server.operator().get("/metrics").text;
    Scrape::parse(&text);
    assert!(text.contains(r#"route="/auth/sessions/{id}/""#), "{text}");
    let lower = text.to_lowercase();
    let secrets = [&ann.access, &ann.refresh, &ann.confirm_key, &ann.pk];
    let secrets = secrets.map(|secret| secret.to_lowercase());
    for canary in ["canary4711", "203.0.113.77", "127.0.0.1", "@", "example"] {
        assert!(!lower.contains(canary), "{canary}: {text}");
    }
    for secret in secrets {
        assert!(!lower.contains(&secret), "{secret}: {text}");
    }
}

fn what_is_made_up_makes_no_series(on: Backend) {
    let server = Server::start(on);
    let made_up = |seed: u32| {
        for number in seed..seed + 20 {
            let path = format!("/{number}/made/up/{number}");
            server.anonymous().get(&path).has_status(404);
            for path in [path.as_str(), "/auth/login/", "/livez"] {
                let method = format!("MADE{number}");
                let answer = server.anonymous().try_send(&method, path, &[], Vec::new());
                answer.expect("an answer");
            }
        }
    };
    made_up(0);
    let before = Scrape::of(&server);
    made_up(1_000);
    let after = Scrape::of(&server);
    let names = |scrape: &Scrape| -> Vec<String> {
        let http = scrape.series.keys().filter(|name| name.contains("_http_"));
        http.cloned().collect()
    };
    assert_eq!(names(&before), names(&after));
    let other = [r#"method="other""#, r#"route="unmatched""#];
    let request = "signet_http_requests_total";
    assert_eq!(before.value(request, &other), 20.0);
    assert_eq!(after.value(request, &other), 40.0);
}

fn it_is_for_operators_alone(on: Backend) {
    let server = Server::start(on);
    for path in ["/metrics", "/metrics/"] {
        let answer = server.anonymous().get(path);
        answer.has_status(404);
        assert!(!answer.text.contains("signet_"), "{}", answer.text);
        server.operator().get(path).has_status(200);
    }
    let operator = server.operator();
    operator.get("/livez").has_status(200);
    operator.get("/readyz").has_status(200);
    operator.get("/.well-known/jwks.json").has_status(404);
    let body = json!({"username": "ann", "password": PASSWORD});
    operator.post_json("/auth/login/", &body).has_status(404);
    operator.post_json("/metrics", &body).has_status(405);
    // What operators ask for is not part of what is measured.
    let scrape = Scrape::of(&server);
    let counted = scrape.value("signet_http_requests_total", &[]);
    assert_eq!(counted, 2.0);
}

/// A connection of the test's own to a server's database.
fn outside(server: &Server) -> PgConnection {
    let url = server.app.config.database.url.expose_secret();
    PgConnection::establish(url).expect("a connection")
}

/// A table that nobody else can read stands for all that is slow.
fn a_slow_database_is_left_out(on: Backend) {
    if on == Backend::Sqlite {
        return; // Its readers wait for nobody.
    }
    let server = Server::start(on);
    let errors = |scrape: &Scrape| scrape.value("signet_scrape_errors_total", &[]);
    let before = Scrape::of(&server);
    assert_eq!(
        (
            errors(&before),
            before.families.contains_key("signet_mail_waiting")
        ),
        (0.0, true)
    );
    let mut holder = outside(&server);
    let lock = "BEGIN; LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE";
    holder.batch_execute(lock).expect("the lock");
    let during = Scrape::of(&server);
    assert_eq!(errors(&during), 1.0);
    assert!(!during.families.contains_key("signet_mail_waiting"));
    assert_eq!(
        during.value("signet_check_passing", &[r#"check="database""#]),
        0.0
    );
    assert!(during.families.contains_key("signet_signing_key_state"));
    holder.batch_execute("ROLLBACK").expect("the end of it");
    let after = Scrape::of(&server);
    assert_eq!(
        (
            errors(&after),
            after.families.contains_key("signet_mail_waiting")
        ),
        (1.0, true)
    );
}

fn a_database_that_is_away_is_left_out(on: Backend) {
    if on == Backend::Sqlite {
        return; // It is part of the process.
    }
    let server = Server::start(on);
    let url = server.app.config.database.url.expose_secret();
    let name = url.rsplit('/').next().expect("a name").to_owned();
    // Who closes the door stands outside.
    let other = crate::postgres::database();
    let mut operator = PgConnection::establish(&other).expect("a connection");
    let mut close = |is_open: bool| {
        let door = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {is_open}");
        operator.batch_execute(&door).expect("the door");
        let out = format!(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{name}'"
        );
        operator.batch_execute(&out).expect("nobody left");
    };
    close(false);
    server.anonymous().get("/readyz").has_status(503);
    let during = Scrape::of(&server);
    assert!(during.value("signet_scrape_errors_total", &[]) >= 1.0);
    assert_eq!(
        during.value("signet_check_passing", &[r#"check="database""#]),
        0.0
    );
    let failed = r#"kind="unavailable""#;
    assert!(during.value("signet_database_errors_total", &[failed]) >= 1.0);
    server.operator().get("/livez").has_status(200);
    server.operator().get("/readyz").has_status(503);
    close(true);
    let is_back = || Scrape::of(&server).value("signet_check_passing", &[r#"check="database""#]);
    assert!(
        (0..1_000).any(|_| is_back() == 1.0),
        "it does not come back"
    );
}

fn the_start_names_the_listener(on: Backend) {
    let installation = Installation::new(on);
    let process = installation.start(&[("server", "admin_listen", "\"127.0.0.1:0\"")]);
    let output = process.output();
    let (_, rest) = output.split_once("(metrics: http://").expect("the address");
    let (address, _) = rest.split_once("/metrics)").expect("its end");
    let client = crate::support::Client::new(&format!("http://{address}"));
    let scrape = Scrape::parse(&client.get("/metrics").text);
    let kind = match on {
        Backend::Sqlite => r#"database="SQLite""#,
        Backend::Postgresql => r#"database="PostgreSQL""#,
    };
    assert_eq!(scrape.value("signet_build_info", &[kind]), 1.0);
    process.anonymous().get("/metrics").has_status(404);
}
