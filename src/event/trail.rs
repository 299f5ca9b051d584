//! Reading the trail: its newest part, and what comes.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde_json::{Map, Value};

use super::{Kind, store};
use crate::clock::Time;
use crate::error::Result;
use crate::ids::{EventId, SessionId, Subject};
use crate::storage::Db;

/// Events that one question gives at most.
const LIMIT: u32 = 10_000;

/// Events that are fetched at once while following.
const PAGE: i64 = 1_000;

/// An event can be committed this long after its id was made, or its node's clock be late, and a
/// follower still meets it.
const OVERLAP: TimeDelta = TimeDelta::seconds(10);

/// Which events.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// From then on.
    pub since: Option<Time>,
    /// Of these kinds; none: of all.
    pub kinds: Vec<Kind>,
    /// About this person.
    pub subject: Option<Subject>,
    /// So many at most, the newest; never more than 10,000.
    pub limit: u32,
}

/// One event, as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Time-ordered.
    pub id: EventId,
    /// When.
    pub at: Time,
    /// What; a newer version may have recorded a [`Kind`] that this one does not know.
    pub kind: String,
    /// To whom.
    pub subject: Option<Subject>,
    /// In which session.
    pub session: Option<SessionId>,
    /// From which network address.
    pub address: Option<String>,
    /// What else belongs to it.
    pub details: Map<String, Value>,
}

/// The newest events that fit, oldest of them first.
///
/// # Errors
/// Only those of the database.
pub async fn recent(db: &Db, query: &Query) -> Result<Vec<Recorded>> {
    let query = Query {
        limit: query.limit.min(LIMIT),
        ..query.clone()
    };
    db.read(move |conn| store::list_newest(conn, &query)).await
}

/// Meets each event once, as it comes.
///
/// Ids are ordered by the time at which they were made, and transactions commit in another order:
/// so the last ten seconds are looked through again each time, for what was not met yet.
pub struct Follower {
    newest: Time,
    met: BTreeSet<EventId>,
}

impl Follower {
    /// Follows from `now` on; what is there already is met.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn start(db: &Db, now: Time) -> Result<Self> {
        let mut follower = Self {
            newest: now,
            met: BTreeSet::new(),
        };
        follower.next(db, now).await?;
        Ok(follower)
    }

    /// These were met in another way.
    pub fn has_met(&mut self, events: &[Recorded]) {
        self.met.extend(events.iter().map(|event| event.id.clone()));
    }

    /// What has come since.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn next(&mut self, db: &Db, now: Time) -> Result<Vec<Recorded>> {
        // A node whose clock is ahead must not hide what the others record.
        let from = EventId::floor(self.newest.min(now) - OVERLAP);
        let mut came = Vec::new();
        let mut after = from.clone();
        loop {
            let start = after.clone();
            let page = db.read(move |conn| store::list_after(conn, &start, PAGE));
            let page = page.await?;
            let Some(last) = page.last() else { break };
            after = last.id.clone();
            self.newest = self.newest.max(last.at);
            came.extend(
                page.into_iter()
                    .filter(|event| self.met.insert(event.id.clone())),
            );
        }
        self.met = self.met.split_off(&from);
        Ok(came)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::config;
    use crate::event::{Event, record};
    use crate::storage::Access;

    /// A database, and the moment at which everything begins.
    fn database() -> (tempfile::TempDir, Db, Time) {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/signet.db", directory.path().display());
        let settings = config::Database {
            url: url.into(),
            ..config::Database::default()
        };
        let db = Db::open(&settings, Access::Serve).unwrap();
        (
            directory,
            db,
            DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
        )
    }

    async fn happen(db: &Db, kind: Kind, at: Time) -> EventId {
        let event = Event::of(kind, &"1".into(), at);
        let id = event.id.clone();
        let wrote = db.write(move |conn| record(conn, &event));
        wrote.await.unwrap();
        id
    }

    fn ids(events: &[Recorded]) -> Vec<EventId> {
        events.iter().map(|event| event.id.clone()).collect()
    }

    #[tokio::test]
    async fn the_newest_are_given_oldest_first_within_the_bounds() {
        let (_directory, db, start) = database();
        let mut all = Vec::new();
        for second in 0..5 {
            let kind = [Kind::LoginSucceeded, Kind::LoggedOut][second % 2];
            let at = start + TimeDelta::seconds(i64::try_from(second).unwrap());
            all.push(happen(&db, kind, at).await);
        }
        let ask = async |query: Query| ids(&recent(&db, &query).await.unwrap());
        let limit = 100;
        let none = Query {
            limit,
            ..Query::default()
        };
        assert_eq!(ask(none.clone()).await, all);
        assert_eq!(
            ask(Query {
                limit: 2,
                ..none.clone()
            })
            .await,
            all[3..]
        );
        let since = Some(start + TimeDelta::seconds(3));
        assert_eq!(
            ask(Query {
                since,
                ..none.clone()
            })
            .await,
            all[3..]
        );
        let kinds = vec![Kind::LoggedOut];
        let odd = [all[1].clone(), all[3].clone()];
        assert_eq!(
            ask(Query {
                kinds,
                ..none.clone()
            })
            .await,
            odd
        );
        let kinds = vec![Kind::LoggedOut, Kind::LoginSucceeded];
        assert_eq!(
            ask(Query {
                kinds,
                ..none.clone()
            })
            .await,
            all
        );
        let subject = Some("2".into());
        assert!(ask(Query { subject, ..none }).await.is_empty());
    }

    #[tokio::test]
    async fn a_follower_meets_each_event_once_however_late_it_is_committed() {
        let (_directory, db, start) = database();
        let second = TimeDelta::seconds(1);
        happen(&db, Kind::LoginSucceeded, start - second).await;
        let mut follower = Follower::start(&db, start).await.unwrap();
        assert!(follower.next(&db, start + second).await.unwrap().is_empty());
        let newer = happen(&db, Kind::LoggedOut, start + second * 8).await;
        let now = start + second * 8;
        assert_eq!(ids(&follower.next(&db, now).await.unwrap()), [newer]);
        // Its transaction began before that of the one that was met.
        let late = happen(&db, Kind::LoggedOut, start + second).await;
        assert_eq!(ids(&follower.next(&db, now).await.unwrap()), [late]);
        assert!(follower.next(&db, now).await.unwrap().is_empty());
        // A clock that is ahead hides nothing of what the others record.
        let ahead = happen(&db, Kind::LoggedOut, now + TimeDelta::hours(1)).await;
        assert_eq!(ids(&follower.next(&db, now).await.unwrap()), [ahead]);
        let usual = happen(&db, Kind::LoggedOut, now + second).await;
        let later = now + second;
        assert_eq!(ids(&follower.next(&db, later).await.unwrap()), [usual]);
        let idle = now + TimeDelta::hours(2);
        assert!(follower.next(&db, idle).await.unwrap().is_empty());
        assert!(follower.met.len() < 2, "what is past is forgotten");
    }

    #[tokio::test]
    async fn a_follower_loses_nothing_in_a_rush() {
        let (_directory, db, start) = database();
        let mut follower = Follower::start(&db, start).await.unwrap();
        let count = usize::try_from(PAGE).unwrap() * 2 + 7;
        let wrote = db.write(move |conn| {
            (0..count).try_for_each(|_| record(conn, &Event::new(Kind::LoginSucceeded, start)))
        });
        wrote.await.unwrap();
        assert_eq!(follower.next(&db, start).await.unwrap().len(), count);
        assert!(follower.next(&db, start).await.unwrap().is_empty());
    }
}
