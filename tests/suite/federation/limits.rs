//! What one caller may ask for counts here, too.

use serde_json::json;

use super::House;
use crate::support::{Backend, on_both};

on_both!(
    logins_and_newcomers_count_for_the_callers_network,
    an_address_gets_no_more_mails_than_from_registrations,
);

fn logins_and_newcomers_count_for_the_callers_network(on: Backend) {
    let house = House::with(on, |config| {
        config.limits.enabled = true;
        config.limits.logins_per_minute = 5;
        config.limits.registrations_per_hour = 2;
    });
    house.login("ada");
    house.login("grace");
    // A third newcomer must wait, and who is known need not.
    let answer = house.present(&house.claims("linus"));
    assert_eq!(answer.status, 429, "{}", answer.text);
    assert_ne!(answer.header("retry-after"), "");
    house.login("ada");
    // Nor can anybody have us ask a provider as often as they like.
    house.provider.publish(&[]);
    for _ in 0..8 {
        house.post(&json!({"code": "made up"}));
    }
    assert_eq!(house.provider.asked("/token").len(), 1);
    assert_eq!(house.present(&house.claims("ada")).status, 429);
    house.server.advance(60);
    house.login("ada");
    house.server.advance(3600);
    house.login("linus");
}

fn an_address_gets_no_more_mails_than_from_registrations(on: Backend) {
    let house = House::with(on, |config| config.limits.enabled = true);
    for number in 0..6 {
        let mut claims = house.claims(&format!("mallory-{number}"));
        claims["email"] = json!("ann@example.com");
        claims["email_verified"] = json!(false);
        house.present(&claims).ok(200);
    }
    assert_eq!(house.server.mails().len(), 3);
}
