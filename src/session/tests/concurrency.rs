//! Many at once, on threads of their own.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

on_both_databases![
    sixty_four_tabs_get_one_successor,
    after_a_logout_nothing_refreshes,
    after_an_account_is_disabled_nothing_refreshes,
    after_a_password_change_nothing_refreshes,
    after_the_epoch_is_raised_nothing_refreshes,
];

fn sixty_four_tabs_get_one_successor(house: &House) {
    let sessions = &house.app.sessions;
    let (subject, first) = wait_for(async {
        let subject = house.person().await;
        let (_, first) = house.login(sessions, &subject).await;
        (subject, first)
    });
    let pairs = at_once(64, |_| wait_for(sessions.refresh(&first, &nowhere())));
    let pairs: Vec<TokenPair> = pairs.into_iter().map(Result::unwrap).collect();
    let successors: BTreeSet<&str> = pairs.iter().map(|it| it.refresh.token.as_str()).collect();
    assert_eq!(successors.len(), 1);
    assert!(!successors.contains(first.as_str()));
    let accesses: BTreeSet<&str> = pairs.iter().map(|it| it.access.token.as_str()).collect();
    assert_eq!(accesses.len(), 64, "an access token is nobody else's");
    wait_for(async {
        for access in accesses {
            assert_eq!(sessions.authenticate(access).await.unwrap().sub, subject);
        }
        let rows = house.rows(&subject).await;
        assert_eq!((rows.len(), rows[0].generation), (1, 1));
        let successor = &pairs[0].refresh.token;
        sessions.refresh(successor, &nowhere()).await.unwrap();
    });
}

/// Each round lets a session be refreshed and ended at the same time.
const ROUNDS: usize = 40;

fn after_a_logout_nothing_refreshes(house: &House) {
    let facts = nowhere();
    race(house, |session| {
        let ended = house
            .app
            .sessions
            .end(&session.subject, &session.id, &facts);
        assert!(wait_for(ended).unwrap());
    });
}

fn after_an_account_is_disabled_nothing_refreshes(house: &House) {
    race(house, |session| {
        let accounts = &house.app.accounts;
        assert!(wait_for(accounts.set_active(&session.subject, false)).unwrap());
    });
}

fn after_a_password_change_nothing_refreshes(house: &House) {
    race(house, |session| {
        let subject = session.subject.clone();
        let why = EndReason::PasswordChanged;
        let ended = house.write(move |conn| revoke_all(conn, &subject, why, model::start()));
        assert_eq!(wait_for(ended), 1);
    });
}

fn after_the_epoch_is_raised_nothing_refreshes(house: &House) {
    race(house, |_| {
        wait_for(house.app.sessions.end_all()).unwrap();
    });
}

struct Racing {
    subject: Subject,
    id: SessionId,
}

/// Clients refresh while another thread ends their session: in every other round one that goes on
/// with each successor, in the rounds between three that repeat their first token.
fn race(house: &House, end: impl Fn(&Racing) + Sync) {
    for round in 0..ROUNDS {
        let sessions = &house.app.sessions;
        let (racing, first) = wait_for(async {
            let subject = house.person().await;
            let (id, first) = house.login(sessions, &subject).await;
            (Racing { subject, id }, first)
        });
        let goes_on = round % 2 == 0;
        let is_over = AtomicBool::new(false);
        let newest = at_once(if goes_on { 2 } else { 4 }, |number| {
            let mut token = first.clone();
            if number == 0 {
                end(&racing);
                is_over.store(true, Ordering::SeqCst);
                return token;
            }
            loop {
                let was_over = is_over.load(Ordering::SeqCst);
                let Ok(pair) = wait_for(sessions.refresh(&token, &nowhere())) else {
                    return token;
                };
                assert!(!was_over, "refreshed after the end was acknowledged");
                if goes_on {
                    token = pair.refresh.token;
                }
            }
        });
        wait_for(async {
            for token in &newest {
                assert!(sessions.refresh(token, &nowhere()).await.is_err());
            }
            // What ended the session stays ended, whatever becomes of the account.
            let accounts = &house.app.accounts;
            accounts.set_active(&racing.subject, true).await.unwrap();
            for token in newest.iter().rev() {
                assert!(sessions.refresh(token, &nowhere()).await.is_err());
            }
        });
    }
}
