//! More logins than can be hashed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;

use super::{FAR_AWAY, login, server};
use crate::support::{Backend, PASSWORD, on_both};

on_both!(who_is_refused_for_want_of_room_loses_no_turn);

/// Of the limit of a network, a refusal for want of room takes nothing: nothing was looked up for
/// it, and nothing written.
fn who_is_refused_for_want_of_room_loses_no_turn(on: Backend) {
    const TURNS: u32 = 30;
    let server = server(on, |config| {
        config.limits.logins_per_minute = TURNS;
        // So slow that only four may wait.
        config.password.argon2_memory_kib = 38_912;
        config.password.argon2_time = 16;
        config.password.pool_threads = 1;
    });
    server.person("ann");
    let is_over = AtomicBool::new(false);
    let flood = |number: u32| {
        let mut turn = 0;
        while !is_over.load(Ordering::Relaxed) {
            turn += 1;
            // Each from a network of its own: nobody but the one below is limited.
            let address = format!("10.{number}.{}.{}", turn / 250, turn % 250);
            login(&server, &address, "nobody", PASSWORD);
        }
    };
    let refused = thread::scope(|scope| {
        for number in 0..12 {
            scope.spawn(move || flood(number));
        }
        let mut refused = 0;
        while refused < 2 * TURNS {
            let answer = login(&server, FAR_AWAY, "ann", PASSWORD);
            match answer.status {
                503 => refused += 1,
                200 => {}
                _ => break,
            }
        }
        is_over.store(true, Ordering::Relaxed);
        refused
    });
    assert_eq!(refused, 2 * TURNS);
    let answer = login(&server, FAR_AWAY, "ann", "not this one");
    answer.problem(
        400,
        &json!({ "non_field_errors": ["Unable to log in with provided credentials."] }),
    );
}
