//! The API's document: it tells of every route and of nothing else, and what it tells is so. (That
//! answers are as described is asked of every answer that any test gets; see `support/contract`.)

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::{Value, json};
use signet::config::{Config, CsrfToken, EmailVerification, FieldNames, LoginMethod, Registration};
use signet::web::route::Description;

use crate::support::{Backend, Contract, Server};

/// Settings by which the document differs.
fn variants() -> Vec<Config> {
    let mut cookies = Config::default();
    cookies.cookies.enabled = true;
    cookies.cookies.csrf_token = CsrfToken::Always;
    cookies.compat.simplejwt_prefix = "/api/token".into();
    let federation = &mut cookies.federation;
    federation.google.client_id = "a".into();
    federation.github.client_id = "b".into();
    federation.oidc.client_id = "c".into();
    federation.oidc.name = "keycloak".into();
    let mut strict = cookies.clone();
    strict.compat.strict = true;
    strict.compat.field_names = FieldNames::Legacy;
    strict.compat.return_expiration = true;
    let mut closed = Config::default();
    closed.account.prefix = String::new();
    closed.account.registration = Registration::Closed;
    closed.account.login_with = vec![LoginMethod::Email];
    closed.account.email_verification = EmailVerification::Mandatory;
    closed.account.old_password_required = false;
    vec![Config::default(), cookies, strict, closed]
}

#[test]
fn the_document_tells_of_every_route_and_of_nothing_else() {
    for config in variants() {
        let mut mounted = BTreeSet::new();
        for route in signet::server::routes(&config).list() {
            match &route.description {
                Description::Public(operation) => {
                    assert!(!operation.summary.is_empty() && !operation.answers.is_empty());
                    assert!(mounted.insert((route.path.clone(), route.method.to_string())));
                }
                Description::Hidden(reason) => assert!(!reason.is_empty(), "{}", route.path),
            }
        }
        let contract = Contract::of(&config);
        let told = contract.operations().into_iter();
        let told: BTreeSet<_> = told.map(|(path, method, _)| (path, method)).collect();
        assert_eq!(told, mounted);
        assert!(told.len() > 15);
    }
}

#[test]
fn what_the_document_tells_of_is_there_and_no_other_verb() {
    for config in variants() {
        let server = Server::with(Backend::Sqlite, |ours| {
            ours.account = config.account.clone();
            ours.cookies = config.cookies.clone();
            ours.compat = config.compat.clone();
            ours.federation = config.federation.clone();
        });
        let client = server.anonymous();
        let contract = Contract::of(&server.app.config);
        let operations = contract.operations();
        for (path, ..) in &operations {
            for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
                let told = if method == "HEAD" { "GET" } else { method };
                let is_told = operations
                    .iter()
                    .any(|(known, verb, _)| known == path && verb == told);
                let filled = path.replace(['{', '}'], "");
                // Without this, guarded routes refuse what a browser might have been made to send.
                let headers = [("authorization", "Bearer none")];
                let answer = client.send(method, &filled, &headers, Vec::new());
                assert_eq!(answer.status == 405, !is_told, "{method} {path}");
                let is_missing = answer.status == 404 && !path.contains('{');
                assert!(!is_missing, "{method} {path}");
            }
        }
    }
}

#[test]
fn the_document_is_consistent_in_itself() {
    for config in variants() {
        let contract = Contract::of(&config);
        let document = &contract.0;
        assert_eq!(document["openapi"], "3.1.0");
        assert_eq!(document["servers"][0]["url"], config.server.public_url);
        let mut ids = BTreeSet::new();
        let tags = document["tags"].as_array().expect("tags");
        for (path, method, operation) in contract.operations() {
            let at = format!("{method} {path}");
            assert!(
                ids.insert(operation["operationId"].as_str().expect("an id")),
                "{at}"
            );
            let tag = &operation["tags"][0];
            assert!(
                tags.iter().any(|known| known["name"] == *tag),
                "{at}: {tag}"
            );
            for requirement in operation["security"].as_array().expect("who may call") {
                for name in requirement.as_object().expect("schemes").keys() {
                    let scheme = &document["components"]["securitySchemes"][name];
                    assert!(scheme.is_object(), "{at}: {name}");
                }
            }
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let in_path = parameters
                .filter(|parameter| parameter["in"] == "path")
                .count();
            assert_eq!(in_path, path.matches('{').count(), "{at}");
            examples(&contract, &at, operation);
        }
        references(&contract, document);
        let schemas = document["components"]["schemas"]
            .as_object()
            .expect("schemas");
        for name in schemas.keys() {
            let reference = json!(format!("#/components/schemas/{name}"));
            assert!(mentions(document, &reference), "nobody refers to {name}");
        }
    }
}

/// Every example is as its schema says; one would not be a sample that JSON cannot express.
fn examples(contract: &Contract, at: &str, operation: &Value) {
    let responses = operation["responses"].as_object().expect("responses");
    let bodies = responses
        .values()
        .map(|response| contract.resolved(response));
    let request = operation.get("requestBody");
    let fields = request.and_then(|body| body.pointer("/content/application~1json/example"));
    for (name, value) in fields.and_then(Value::as_object).into_iter().flatten() {
        assert_ne!(value, "", "{at}: {name} needs an example");
    }
    let bodies = bodies.chain(request);
    for body in bodies {
        for content in body["content"].as_object().into_iter().flatten() {
            let (schema, example) = (&content.1["schema"], &content.1["example"]);
            let conforms = contract.conforms(schema, example, "body");
            assert_eq!(conforms, Ok(()), "{at}: {example}");
        }
    }
}

fn references(contract: &Contract, value: &Value) {
    contract.resolved(value);
    let members = value
        .as_object()
        .into_iter()
        .flat_map(|object| object.values());
    let items = value.as_array().into_iter().flatten();
    members
        .chain(items)
        .for_each(|part| references(contract, part));
}

fn mentions(value: &Value, text: &Value) -> bool {
    let members = value
        .as_object()
        .into_iter()
        .flat_map(|object| object.values());
    let items = value.as_array().into_iter().flatten();
    value == text || members.chain(items).any(|part| mentions(part, text))
}

#[test]
fn one_name_is_one_schema() {
    for config in variants() {
        let routes = signet::server::routes(&config);
        let mut known: Vec<(String, Value)> = Vec::new();
        for route in routes.list() {
            let Description::Public(operation) = &route.description else {
                continue;
            };
            let bodies = operation
                .answers
                .iter()
                .filter_map(|answer| answer.body.as_ref());
            for body in bodies {
                let own = (body.name.clone(), body.schema.clone());
                for (name, schema) in body.inside.iter().cloned().chain([own]) {
                    let schema = serde_json::to_value(schema).expect("JSON");
                    let same = known.iter().find(|(other, _)| *other == name);
                    assert!(same.is_none_or(|same| same.1 == schema), "{name}");
                    known.push((name, schema));
                }
            }
        }
    }
}

#[test]
fn the_fields_are_those_of_the_settings() {
    let required = |config: &Config, schema: &str| {
        let contract = Contract::of(config);
        contract.0["components"]["schemas"][schema]["required"].clone()
    };
    let [open, _, _, closed] = &variants()[..] else {
        panic!("four variants");
    };
    let register = "RegisterRequest";
    assert_eq!(
        required(open, register),
        json!(["username", "password1", "password2"])
    );
    assert_eq!(
        required(closed, register),
        json!(["email", "password1", "password2"])
    );
    let change = "ChangePasswordRequest";
    let all = json!(["old_password", "new_password1", "new_password2"]);
    assert_eq!(required(open, change), all);
    assert_eq!(
        required(closed, change),
        json!(["new_password1", "new_password2"])
    );
}

#[test]
fn who_has_the_document_is_not_sent_it_again() {
    let server = Server::start(Backend::Sqlite);
    let client = server.anonymous();
    let first = client.get("/openapi.json");
    let etag = first.header("etag").to_owned();
    assert_eq!(first.header("cache-control"), "public, max-age=300");
    assert_eq!(first.ok(200), Contract::of(&server.app.config).0);
    let known = [("if-none-match", etag.as_str())];
    let again = client.send("GET", "/openapi.json", &known, Vec::new());
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    assert_eq!(again.header("etag"), etag);
}

#[test]
fn the_page_is_whole_and_speaks_with_nobody_else() {
    let server = Server::with(Backend::Sqlite, |config| {
        config.server.public_url = "http://127.0.0.1:8080/id".into();
        config.mail.service_name = "<Ours>".into();
    });
    let client = server.anonymous();
    let page = client.get("/docs");
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let policy = page.header("content-security-policy").to_owned();
    for part in [
        "default-src 'none'; script-src 'sha256-",
        "style-src 'sha256-",
        "connect-src 'self'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert!(page.text.contains("<body data-base=\"/id\">"));
    assert!(page.text.contains("href=\"/id/openapi.json\""));
    assert!(page.text.contains("&#60;Ours&#62;"));
    assert!(!page.text.contains("http:") && !page.text.contains("https:"));
    let etag = page.header("etag").to_owned();
    let known = [("if-none-match", etag.as_str())];
    let again = client.send("GET", "/docs", &known, Vec::new());
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    assert_eq!(again.header("content-security-policy"), policy);
}

#[test]
fn a_setting_takes_document_and_page_away() {
    let server = Server::with(Backend::Sqlite, |config| config.docs.enabled = false);
    for path in ["/openapi.json", "/docs", "/docs/"] {
        server.anonymous().get(path).has_status(404);
    }
}

#[test]
fn the_command_prints_what_is_served() {
    let directory = tempfile::tempdir().expect("a directory");
    let signet = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_signet"))
            .args(arguments)
            .current_dir(directory.path())
            .env_clear()
            .env("SIGNET_ACCOUNT__PREFIX", "/id")
            .output()
            .expect("the binary runs");
        assert!(output.status.success(), "{output:?}");
        output.stdout
    };
    let mut config = Config::default();
    config.account.prefix = "/id".into();
    let expected = signet::server::docs(&config)
        .expect("a document")
        .document
        .body;
    let printed = signet(&["openapi"]);
    assert_eq!(printed.trim_ascii_end(), &expected[..]);
    assert!(signet(&["openapi", "--output", "api.json"]).is_empty());
    let file = std::fs::read(directory.path().join("api.json")).expect("the file");
    assert_eq!(file, &expected[..]);
    // Neither data nor keys were made for it.
    let files = std::fs::read_dir(directory.path()).expect("the directory");
    assert_eq!(files.count(), 1);
}
