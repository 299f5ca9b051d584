//! Random histories of one person's sessions, played on the store and on the reference.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::store::{self, Rotation};
use super::model::{ABSOLUTE, LEEWAY};
use super::world::{Event, FAMILIES, Rotate, Token, Until, World};
use super::*;

on_both_databases![
    refreshing_follows_the_table,
    without_its_condition_on_the_generation_it_does_not,
    with_an_unlimited_leeway_it_does_not,
    with_a_microsecond_more_of_leeway_it_does_not,
];

fn refreshing_follows_the_table(house: &House) {
    let found = try_out(house, sequences(), store::rotate, house.policy());
    assert_eq!(found, None);
}

fn without_its_condition_on_the_generation_it_does_not(house: &House) {
    let found = try_out(house, MUTANT_SEQUENCES, rotate_anyway, house.policy());
    assert!(found.is_some_and(|it| it.contains("minimal failing input")));
}

fn with_an_unlimited_leeway_it_does_not(house: &House) {
    is_noticed(house, ABSOLUTE * 1_000);
}

fn with_a_microsecond_more_of_leeway_it_does_not(house: &House) {
    is_noticed(house, LEEWAY + TimeDelta::microseconds(1));
}

fn is_noticed(house: &House, leeway: TimeDelta) {
    let policy = Policy {
        leeway,
        ..house.policy()
    };
    let found = try_out(house, MUTANT_SEQUENCES, store::rotate, policy);
    assert!(found.is_some_and(|it| it.contains("minimal failing input")));
}

/// A mutation must be found among so many; the search ends with the first that shows it.
const MUTANT_SEQUENCES: u32 = 20_000;

/// The longest history.
const EVENTS: usize = 24;

/// The conditional write without its condition on the generation.
fn rotate_anyway(conn: &mut Conn, rotation: &Rotation<'_>) -> QueryResult<Option<Session>> {
    let mut any = *rotation;
    any.presented.generation = sessions::table
        .filter(sessions::id.eq(rotation.presented.id.as_str()))
        .select(sessions::generation)
        .get_result(conn)?;
    store::rotate(conn, &any)
}

fn try_out(house: &House, count: u32, rotate: Rotate, policy: Policy) -> Option<String> {
    let history = || vec(event(), 1..EVENTS);
    find_counterexample(count, 200, history, |events| {
        wait_for(async {
            let mut world = World::new(house, rotate, policy).await;
            for event in events {
                world.play(event).await?;
            }
            // Every beginning of a history is one as well, so that looking at its end is enough.
            world.has_one_live_leaf_at_most().await
        })
    })
}

fn event() -> impl Strategy<Value = Event> {
    let family = 0..FAMILIES;
    let token = prop_oneof![
        6 => Just(Token::Live),
        5 => Just(Token::Previous),
        1 => (2..4_i64).prop_map(Token::Older),
        1 => (1..3_i64).prop_map(Token::NotYetGiven),
    ];
    let edge = || prop_oneof![Just(-1_i64), Just(0), Just(1_000_000)];
    let until = prop_oneof![
        2 => Just(Until::NextSecond),
        2 => Just(Until::Later),
        4 => edge().prop_map(Until::EndOfLeeway),
        1 => edge().prop_map(Until::EndOfIdling),
        1 => edge().prop_map(Until::End),
    ];
    prop_oneof![
        14 => (family.clone(), token).prop_map(|(family, token)| Event::Present(family, token)),
        7 => (family.clone(), until).prop_map(|(family, until)| Event::Wait(family, until)),
        2 => Just(Event::Open),
        1 => family.clone().prop_map(Event::Logout),
        1 => family.prop_map(Event::PasswordChange),
        1 => Just(Event::PasswordReset),
        1 => Just(Event::Disable),
        2 => Just(Event::Enable),
        1 => Just(Event::Restore),
    ]
}
