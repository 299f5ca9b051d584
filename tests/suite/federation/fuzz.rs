//! Whatever an app brings, and whatever a provider answers: never a 500, nothing is written, and
//! every refusal is a JSON problem (security line 129).

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use super::House;
use crate::support::provider::{Reply, raw};
use crate::support::{Backend, on_both};

on_both!(nobody_is_let_in_by_nonsense);

/// Values of every type, and some that look right.
fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        "[A-Za-z0-9_.-]{0,200}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({"a": [1, {}]})),
    ]
}

fn members(names: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let one = (prop::sample::select(names), value());
    let all = prop::collection::vec(one, 0..5);
    all.prop_map(|all| {
        let all = all
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        Value::Object(all.collect::<Map<_, _>>())
    })
}

fn reply() -> impl Strategy<Value = Reply> {
    const NAMES: [&str; 6] = ["id_token", "access_token", "error", "sub", "keys", "issuer"];
    prop_oneof![
        (
            prop::sample::select(&[200, 201, 302, 400, 404][..]),
            members(&NAMES)
        )
            .prop_map(|(status, body)| Reply::Json(status, body)),
        prop::collection::vec(any::<u8>(), 0..200).prop_map(|bytes| raw("200 OK", &bytes)),
        prop::collection::vec(any::<u8>(), 0..200).prop_map(Reply::Raw),
    ]
}

fn nobody_is_let_in_by_nonsense(on: Backend) {
    const FIELDS: [&str; 6] = [
        "access_token",
        "code",
        "id_token",
        "nonce",
        "code_verifier",
        "unknown",
    ];
    let house = House::new(on);
    let mut runner = TestRunner::new(Config {
        cases: 48,
        failure_persistence: None,
        ..Config::default()
    });
    let case = (members(&FIELDS), reply());
    let run = runner.run(&case, |(mut body, reply)| {
        house.provider.replies("/token", reply);
        if body.as_object().is_some_and(Map::is_empty) {
            body = json!({"code": "c"});
        }
        let answer = house.post(&body);
        prop_assert!(matches!(answer.status, 400 | 503), "{}", answer.text);
        let media_type = answer.header("content-type");
        prop_assert_eq!(media_type, "application/problem+json");
        Ok(())
    });
    run.expect("every case");
    assert_eq!(house.server.stored()[..2], [0, 0]);
}
