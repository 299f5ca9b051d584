//! What honest clients and thieves live to see, through [`Sessions::refresh`] itself.

use proptest::collection::vec;
use proptest::prelude::*;

use super::model::LEEWAY;
use super::*;
use crate::storage::schema::{events, outbox};

on_both_databases![
    an_honest_client_is_never_logged_out,
    a_thief_with_an_old_token_ends_the_family,
];

/// A use of one token by its client: some time after the last one, several copies of the request
/// arrive within the leeway, in whatever order; some answers are lost. In microseconds.
#[derive(Clone, Debug)]
struct Round {
    pause: i64,
    copies: Vec<Copy>,
}

#[derive(Clone, Debug)]
struct Copy {
    /// After the first one.
    delay: i64,
    is_answer_lost: bool,
}

fn round() -> impl Strategy<Value = Round> {
    let leeway = LEEWAY.num_microseconds().unwrap();
    let delay = prop_oneof![Just(0), 0..leeway, Just(leeway - 1)];
    let copy = (delay, any::<bool>()).prop_map(|(delay, is_answer_lost)| Copy {
        delay,
        is_answer_lost,
    });
    let pause = prop_oneof![Just(0), 0..600_000_000_i64];
    (pause, vec(copy, 0..5)).prop_map(|(pause, copies)| Round { pause, copies })
}

/// A client that keeps the newest refresh token it was given.
struct Client<'h> {
    house: &'h House,
    clock: Clock,
    sessions: Sessions,
    subject: Subject,
    id: SessionId,
    token: String,
}

impl<'h> Client<'h> {
    async fn login(house: &'h House) -> Self {
        let clock = Clock::frozen(model::start());
        let sessions = house.sessions(&clock);
        let subject = house.person().await;
        let (id, token) = house.login(&sessions, &subject).await;
        Self {
            house,
            clock,
            sessions,
            subject,
            id,
            token,
        }
    }

    async fn refresh(&self, token: &str) -> Result<TokenPair> {
        self.sessions.refresh(token, &nowhere()).await
    }

    async fn play(&mut self, round: Round) -> TestCaseResult {
        self.clock.advance(TimeDelta::microseconds(round.pause));
        let mut copies = round.copies;
        copies.sort_by_key(|copy| copy.delay);
        // The first request always arrives; if no answer does, the client asks once more.
        let successor = self.accepted().await?;
        let mut passed = 0;
        for copy in &copies {
            self.clock
                .advance(TimeDelta::microseconds(copy.delay - passed));
            passed = copy.delay;
            prop_assert_eq!(&self.accepted().await?, &successor, "another successor");
        }
        if copies.iter().all(|copy| copy.is_answer_lost) {
            prop_assert_eq!(&self.accepted().await?, &successor, "another successor");
        }
        prop_assert_ne!(&successor, &self.token);
        self.token = successor;
        Ok(())
    }

    async fn accepted(&self) -> Result<String, TestCaseError> {
        let pair = self.refresh(&self.token).await;
        let pair = pair.map_err(|error| TestCaseError::fail(format!("logged out: {error}")))?;
        let subject = self
            .sessions
            .authenticate(&pair.access.token)
            .await
            .unwrap()
            .sub;
        prop_assert_eq!(&subject, &self.subject);
        Ok(pair.refresh.token)
    }

    /// How many events of reuse, and how many letters about it, there are.
    async fn traces(&self) -> (i64, i64) {
        let subject = self.subject.to_string();
        let read = self.house.app.db.read(move |conn| {
            let reuses = events::table
                .filter(events::subject.eq(&subject))
                .filter(events::kind.eq("refresh_token_reuse"));
            let letters =
                outbox::table.filter(outbox::recipient.eq(format!("{subject}@example.com")));
            Ok((
                reuses.count().get_result(conn)?,
                letters.count().get_result(conn)?,
            ))
        });
        read.await.unwrap()
    }
}

fn an_honest_client_is_never_logged_out(house: &House) {
    let rounds = || vec(round(), 1..8);
    let found = find_counterexample(sequences() / 4, 200, rounds, |rounds| {
        wait_for(async {
            let mut client = Client::login(house).await;
            for round in rounds {
                client.play(round).await?;
            }
            prop_assert_eq!(client.traces().await, (0, 0));
            Ok(())
        })
    });
    assert_eq!(found, None);
}

/// Either the thief comes last, or the robbed client does; in both cases nobody goes on.
fn a_thief_with_an_old_token_ends_the_family(house: &House) {
    let story = || {
        let before = vec(round(), 0..3);
        let late = prop_oneof![Just(0_i64), 0..600_000_000_i64];
        (before, vec(round(), 1..3), late, any::<bool>())
    };
    let found = find_counterexample(
        sequences() / 8,
        200,
        story,
        |(before, after, late, swap)| {
            wait_for(async {
                let mut client = Client::login(house).await;
                for round in before {
                    client.play(round).await?;
                }
                let stolen = client.token.clone();
                for round in after {
                    client.play(round).await?;
                }
                client.clock.advance(LEEWAY + TimeDelta::microseconds(late));
                // Who is robbed and who robs is all the same to the server.
                let fresh = client.token.clone();
                let newest = if swap {
                    client.refresh(&fresh).await.ok()
                } else {
                    None
                };
                let old = client.refresh(&stolen).await;
                prop_assert_eq!(refusal(old), Some("Token is blacklisted".to_owned()));
                for token in [Some(fresh), newest.map(|pair| pair.refresh.token)] {
                    let Some(token) = token else { continue };
                    prop_assert!(client.refresh(&token).await.is_err(), "the family lives on");
                }
                let rows = house.rows(&client.subject).await;
                prop_assert_eq!(rows.len(), 1);
                prop_assert_eq!(&rows[0].id, client.id.as_str());
                prop_assert_eq!(rows[0].revoke_reason.as_deref(), Some("reuse"));
                prop_assert_eq!(client.traces().await, (1, 1));
                Ok(())
            })
        },
    );
    assert_eq!(found, None);
}

fn refusal(answer: Result<TokenPair>) -> Option<String> {
    answer.err()?.detail().map(str::to_owned)
}
