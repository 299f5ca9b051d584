//! Refreshes that are written together: each ends as it would alone.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use futures_util::future::join_all;
use secrecy::ExposeSecret;

use super::super::store::{Presented as Token, rotate_all};
use super::*;
use crate::error::Kind;

on_both_databases![
    each_is_rotated_as_if_it_were_alone,
    an_end_that_cannot_be_read_keeps_nobody_out,
];

/// What is presented, and whether it is live.
type Presented = (SessionId, Subject, i64, bool);

fn each_is_rotated_as_if_it_were_alone(house: &House) {
    wait_for(async {
        let presented = all_kinds(house).await;
        let before = rows_of(house, &presented).await;
        let later = model::start() + TimeDelta::seconds(1);
        let asked = presented.clone();
        let rotated = house
            .write(move |conn| rotate_all(conn, &tokens(&asked), (later, later + model::IDLE)))
            .await;
        let after = rows_of(house, &presented).await;
        assert_eq!(rotated.len(), presented.len());
        for (number, (id, _, generation, is_live)) in presented.iter().enumerate() {
            let session = rotated[number].as_ref();
            assert_eq!(session.is_some(), *is_live, "the {number}th");
            if let Some(session) = session {
                assert_eq!((&session.id, session.generation), (id, generation + 1));
                assert_eq!(session.rotated_at, later);
                assert_eq!(session.idle_expires_at, later + model::IDLE);
            }
        }
        // Only what is live was written to, and each with its own.
        for (before, after) in before.iter().zip(&after) {
            let mut expected = before.clone();
            let is_it = |it: &&Presented| it.3 && it.0.as_str() == before.id;
            if presented.iter().any(|it| is_it(&it)) {
                expected.generation += 1;
                expected.rotated_at = stored(later);
                expected.idle_expires_at = stored(later + model::IDLE);
            }
            assert_eq!(&expected, after);
        }
    });
}

/// A live one, one ahead, one behind, of somebody else, ended, of a disabled account, of nobody, and
/// a live one twice and with a generation before and behind it.
async fn all_kinds(house: &House) -> Vec<Presented> {
    let sessions = &house.app.sessions;
    let (ann, ben, eve) = (
        house.person().await,
        house.person().await,
        house.person().await,
    );
    let mut all = Vec::new();
    for (generation, is_live) in [(0, true), (1, false), (-1, false)] {
        let (id, _) = house.login(sessions, &ann).await;
        all.push((id, ann.clone(), generation, is_live));
    }
    let (of_ben, _) = house.login(sessions, &ben).await;
    all.push((of_ben, ann.clone(), 0, false));
    let (ended, _) = house.login(sessions, &ben).await;
    sessions.end(&ben, &ended, &nowhere()).await.unwrap();
    all.push((ended, ben.clone(), 0, false));
    let (disabled, _) = house.login(sessions, &eve).await;
    let account = users::table.filter(users::id.eq(eve.as_str().to_owned()));
    house
        .write(move |conn| {
            diesel::update(account.clone())
                .set(users::is_active.eq(false))
                .execute(conn)
        })
        .await;
    all.push((disabled, eve, 0, false));
    all.push((SessionId::generate(model::start()), ben.clone(), 0, false));
    let (twice, _) = house.login(sessions, &ben).await;
    for (generation, is_live) in [(1, false), (0, true), (0, false), (-1, false)] {
        all.push((twice.clone(), ben.clone(), generation, is_live));
    }
    all
}

fn tokens(presented: &[Presented]) -> Vec<Token<'_>> {
    let all = presented.iter();
    all.map(|(id, subject, generation, _)| Token {
        id,
        subject,
        generation: *generation,
    })
    .collect()
}

async fn rows_of(house: &House, presented: &[Presented]) -> Vec<Row> {
    let ids: Vec<String> = presented
        .iter()
        .map(|it| it.0.as_str().to_owned())
        .collect();
    let read = house.app.db.read(move |conn| {
        sessions::table
            .filter(sessions::id.eq_any(&ids))
            .order(sessions::id)
            .select(Row::as_select())
            .load(conn)
    });
    read.await.unwrap()
}

/// Another transaction that has a session, as long as it is there.
fn holding(house: &House, id: &SessionId) -> PgConnection {
    let url = house.app.config.database.url.expose_secret();
    let mut conn = PgConnection::establish(url).unwrap();
    let hold = format!("BEGIN; SELECT id FROM sessions WHERE id = '{id}' FOR UPDATE");
    conn.batch_execute(&hold).unwrap();
    conn
}

/// When the transactions began that wait for a lock.
async fn waiting(house: &House) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Waiting {
        #[diesel(sql_type = diesel::sql_types::Text)]
        since: String,
    }
    let waiting = "SELECT xact_start::text AS since FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let read = move |conn: &mut Conn| diesel::sql_query(waiting).load::<Waiting>(conn);
    let waiting = house.app.db.read(read).await.unwrap();
    waiting.into_iter().map(|one| one.since).collect()
}

#[test]
fn a_session_that_is_being_written_to_holds_up_nobody_else() {
    let house = &House::on_postgresql();
    let sessions = &house.app.sessions;
    let subject = wait_for(house.person());
    let (busy, _) = wait_for(house.login(sessions, &subject));
    let (free, _) = wait_for(house.login(sessions, &subject));
    let _holding = holding(house, &busy);
    let presented: Vec<Presented> = [&busy, &free]
        .map(|id| (id.clone(), subject.clone(), 0, true))
        .into();
    let now = model::start();
    let rotated =
        house.write(move |conn| rotate_all(conn, &tokens(&presented), (now, now + model::IDLE)));
    let rotated = wait_for(rotated);
    assert_eq!(rotated[0], None);
    assert_eq!(rotated[1].as_ref().map(|session| &session.id), Some(&free));
}

/// Those who ask for a session that somebody holds wait for it, but not with all connections; nor do
/// those who have given up.
#[test]
fn who_waits_for_a_session_leaves_connections_to_others() {
    let house = &House::on_postgresql();
    let sessions = &house.sessions(&Clock::frozen(model::start()));
    let subject = wait_for(house.person());
    let (busy, held) = wait_for(house.login(sessions, &subject));
    let (_, mut free) = wait_for(house.login(sessions, &subject));
    let _holding = holding(house, &busy);
    wait_for(async {
        let facts = &nowhere();
        let hasty = (0..64).map(|_| {
            tokio::time::timeout(Duration::from_millis(50), sessions.refresh(&held, facts))
        });
        join_all(hasty).await;
        assert!(waiting(house).await.len() <= 4);
        let patient = (0..64).map(|_| sessions.refresh(&held, facts));
        let (refused, ()) = tokio::join!(join_all(patient), async {
            for _ in 0..20 {
                let next = sessions.refresh(&free, facts).await.unwrap();
                free = next.refresh.token;
            }
        });
        for one in refused {
            assert_eq!(one.map(|_| ()).unwrap_err().kind(), Kind::Unavailable);
        }
    });
}

/// A commit may take a moment: whoever waits for it gets the successor all the same.
#[test]
fn a_session_that_is_held_for_a_moment_is_waited_for() {
    let house = &House::on_postgresql();
    let sessions = &house.sessions(&Clock::frozen(model::start()));
    let subject = wait_for(house.person());
    let (busy, held) = wait_for(house.login(sessions, &subject));
    let holding = holding(house, &busy);
    wait_for(async {
        let let_go = async {
            // Until it has been given up once, and is waited for again.
            let mut seen = std::collections::BTreeSet::new();
            while seen.len() < 2 {
                seen.extend(waiting(house).await);
            }
            drop(holding);
        };
        let facts = &nowhere();
        let (refreshed, ()) = tokio::join!(sessions.refresh(&held, facts), let_go);
        refreshed.unwrap();
    });
}

/// A row among the oldest whose end is no time: each login looks at it, to see whether it is over.
fn an_end_that_cannot_be_read_keeps_nobody_out(house: &House) {
    let sessions = &house.sessions(&Clock::frozen(model::start()));
    wait_for(async {
        let subject = house.person().await;
        let (id, _) = house.login(sessions, &subject).await;
        house
            .write(move |conn| {
                let end = match conn {
                    Conn::Postgresql(_) => "infinity",
                    Conn::Sqlite(_) => "whenever",
                };
                conn.batch_execute(&format!(
                    "UPDATE sessions SET expires_at = '{end}' WHERE id = '{id}'"
                ))
            })
            .await;
        let (_, refresh) = house.login(sessions, &subject).await;
        sessions.refresh(&refresh, &nowhere()).await.unwrap();
    });
}
