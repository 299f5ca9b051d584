//! Letters that wait while the master key changes.

use super::*;
use crate::crypto::{Version, Versions};

impl House {
    /// From `seconds` from now on another master key is current; `keeps` says whether the former
    /// one is still at hand.
    fn change_master_key(&self, seconds: i64, keeps: bool) {
        let version = |byte, current_from| {
            let value = RootSecret::new([byte; 32]);
            Version {
                id: value.id(),
                current_from: Some(current_from),
                value,
            }
        };
        let now = self.clock.now();
        let new = version(2, now + TimeDelta::seconds(seconds));
        let old = version(1, now - TimeDelta::days(1));
        let (first, others) = if keeps {
            (old, vec![new])
        } else {
            (new, Vec::new())
        };
        self.roots.replace(Versions { first, others });
    }

    async fn count(&self, byte: u8) -> i64 {
        let id = RootSecret::new([byte; 32]).id();
        let count = self.db.read(move |conn| count_sealed_under(conn, id));
        count.await.unwrap()
    }
}

#[tokio::test]
async fn what_waits_is_sealed_anew_and_sent() {
    let house = House::new();
    let mailer = house.in_memory();
    // More than one slice.
    for number in 0..70 {
        house
            .post(&mailer, &format!("ann{number}@example.com"))
            .await;
    }
    assert_eq!(house.count(1).await, 70);
    house.change_master_key(60, true);
    assert_eq!(mailer.reseal(house.clock.now()).await.unwrap(), 0);
    let then = house.clock.now() + TimeDelta::seconds(60);
    assert_eq!(mailer.reseal(then).await.unwrap(), 70);
    assert_eq!((house.count(1).await, house.count(2).await), (0, 70));
    house.change_master_key(60, false);
    assert_eq!(mailer.deliver_due().await.unwrap(), 70);
    assert_eq!(mailer.captured().len(), 70);
}

#[tokio::test]
async fn what_this_node_cannot_open_waits_for_one_that_can() {
    let house = House::new();
    let mailer = house.in_memory();
    house.post(&mailer, "ann@example.com").await;
    house.change_master_key(0, false);
    assert_eq!(mailer.deliver_due().await.unwrap(), 1);
    assert!(mailer.captured().is_empty());
    let row = house.row().await;
    assert!(row.dead_at.is_none() && row.attempts == 1);
    assert_eq!(mailer.reseal(house.clock.now()).await.unwrap(), 0);
    house.change_master_key(0, true);
    house.clock.advance(TimeDelta::minutes(1));
    assert_eq!(mailer.deliver_due().await.unwrap(), 1);
    assert_eq!(mailer.captured().len(), 1);
}

#[tokio::test]
async fn what_only_a_lost_key_opens_is_dropped() {
    let house = House::new();
    let mailer = house.in_memory();
    house.post(&mailer, "ann@example.com").await;
    house.change_master_key(0, true);
    house.clock.advance(TimeDelta::seconds(1));
    house.post(&mailer, "bob@example.com").await;
    let left = [RootSecret::new([2; 32]).id()];
    let drop = house
        .db
        .write(move |conn| drop_sealed_otherwise(conn, &left));
    assert_eq!(drop.await.unwrap(), 1);
    assert_eq!(mailer.deliver_due().await.unwrap(), 1);
    assert_eq!(mailer.captured()[0].to, "bob@example.com");
}
