//! Times in the settings that are lowered, or differ between nodes: what verifiers were told counts
//! until it has run out.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde_json::Value;
use signet::app::App;
use signet::clock::Clock;
use signet::config::Period;
use signet::storage::Access;
use signet::storage::schema::{nodes, signing_keys};

use crate::support::{Backend, Installation, Server, on_both};

on_both!(
    what_verifiers_were_told_counts_after_it_was_lowered,
    what_no_node_can_have_said_binds_nobody,
    a_token_of_a_clock_that_is_ahead_as_far_as_it_may_be_counts,
    who_only_looks_changes_no_key_whatever_time_his_clock_has_it,
    before_the_first_start_there_is_no_signing_key,
);

fn guards(installation: &Installation) -> (i64, i64) {
    let plan = installation.run(&["keys", "plan", "--json"]);
    let plan: Value = serde_json::from_str(&plan).expect("JSON");
    let seconds = |name| plan["guards"][name].as_i64().expect("a number");
    (seconds("least_lead_seconds"), seconds("least_rest_seconds"))
}

fn what_verifiers_were_told_counts_after_it_was_lowered(on: Backend) {
    let installation = Installation::new(on);
    let long = [
        ("keys", "jwks_max_age", "\"1h\""),
        ("keys", "reload_every", "\"5s\""),
        ("tokens", "access_ttl", "\"30m\""),
    ];
    installation.start(&long).stop();
    // With the delivered times: five minutes, and ten.
    installation.start(&[]).stop();
    // clock_skew 1m
    assert_eq!(guards(&installation), (3600 + 5 + 60, 1800 + 60));
    let told = installation.run(&["keys", "rotate", "--earliest", "--json"]);
    let told: Value = serde_json::from_str(&told).expect("JSON");
    let next = &told["changed"][0];
    let time = |name: &str| -> chrono::DateTime<chrono::Utc> {
        next[name].as_str().expect("text").parse().expect("a time")
    };
    let lead = time("activate_at") - time("publish_at");
    assert!(lead.num_seconds() >= 3660, "{next}");
    let run_out = installation.rows(|conn| {
        let long_ago = chrono::DateTime::UNIX_EPOCH.naive_utc();
        diesel::update(nodes::table.filter(nodes::jwks_max_age_s.eq(3600)))
            .set(nodes::bound_until.eq(long_ago))
            .execute(conn)
    });
    assert_eq!(run_out, 1);
    assert_eq!(guards(&installation), (300 + 61, 600 + 60));
}

fn what_no_node_can_have_said_binds_nobody(on: Backend) {
    let installation = Installation::new(on);
    installation.start(&[]).stop();
    let delivered = (300 + 61, 600 + 60);
    let never = match on {
        Backend::Sqlite => ["oops", "9000-01-01 00:00:00"],
        Backend::Postgresql => ["infinity", "9000-01-01 00:00:00"],
    };
    for until in never {
        let change = format!(
            "UPDATE nodes SET jwks_max_age_s = 9000000000, access_ttl_s = -1, \
             reload_every_s = 1, bound_until = '{until}'"
        );
        installation.rows(move |conn| diesel::sql_query(&change).execute(conn));
        assert_eq!(guards(&installation), delivered, "{until}");
    }
    // What it can have said is no longer than any setting.
    installation.rows(|conn| {
        let soon = diesel::update(nodes::table);
        let hour = chrono::TimeDelta::hours(1);
        let seen: chrono::NaiveDateTime = nodes::table.select(nodes::seen_at).get_result(conn)?;
        soon.set(nodes::bound_until.eq(Some(seen + hour)))
            .execute(conn)
    });
    assert_eq!(guards(&installation).0, 86_400 + 61);
}

fn a_token_of_a_clock_that_is_ahead_as_far_as_it_may_be_counts(on: Backend) {
    for (allowed, ahead, status) in [(300, 290, 200), (300, 310, 401), (0, 55, 200), (0, 65, 401)] {
        let server = Server::with(on, |config| {
            config.keys.clock_skew = Period::seconds(allowed);
        });
        let ann = server.person("ann");
        server.advance(ahead);
        let answer = super::refresh(&server, &mut { ann });
        server.advance(-ahead);
        assert_eq!(super::verify(&server, &answer), status, "{allowed} {ahead}");
    }
}

type Time = Option<NaiveDateTime>;

fn who_only_looks_changes_no_key_whatever_time_his_clock_has_it(on: Backend) {
    let server = Server::start(on);
    let columns = (
        signing_keys::kid,
        signing_keys::activate_at,
        signing_keys::retire_at,
        signing_keys::remove_at,
    );
    let rows = || {
        let rows = signing_keys::table.order(signing_keys::kid).select(columns);
        server.load::<(String, NaiveDateTime, Time, Time), _>(rows)
    };
    let keys = &server.app.keys;
    let next = keys.rotate(keys.default_algorithm(), signet::keys::Start::Earliest);
    crate::support::block_on(next).expect("a next key");
    let before = rows();
    for days in [200, -400] {
        let clock = Clock::frozen(server.clock.now() + chrono::TimeDelta::days(days));
        let config = (*server.app.config).clone();
        App::build_for(config, clock, Access::Command).expect("a command");
        assert_eq!(rows(), before, "{days}");
    }
}

fn before_the_first_start_there_is_no_signing_key(on: Backend) {
    let installation = Installation::new(on);
    installation.write_config(&[]);
    let told = installation.run(&["keys", "list"]);
    assert!(told.contains("when it starts"), "{told}");
    assert_eq!(installation.run(&["keys", "list", "--json"]).trim(), "[]");
    installation.run(&["keys", "rotate"]);
    let list = installation.run(&["keys", "list"]);
    assert!(
        list.contains("active") && list.contains("pending"),
        "{list}"
    );
}
