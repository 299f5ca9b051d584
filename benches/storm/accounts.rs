//! Who asks: clients that go on as ever, and accounts that the storm logs in to.

use std::ops::Range;

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::Outcome;
use crate::client::{Client, Target};
use crate::installation::Installation;

/// So many that the turn of each comes only after an answer must have come: with fewer, late answers
/// would hold up requests that had nothing to do with them. Each refreshes a session of its own.
const REFRESHING: u16 = 128;
const VERIFYING: u16 = 256;
/// The storm logs in to so many accounts of those who refresh.
const STORMED: u16 = 64;
const HONEST: u16 = 1000;
/// Verifiers have numbers from here on.
const FIRST_VERIFYING: u16 = 2000;
const FIRST_BUSY: u16 = 1100;
/// So many keep the hashing threads busy, and do not fill their queue.
pub(crate) const BUSY: u16 = 8;

pub(crate) struct Accounts {
    pub(crate) refreshing: Vec<Client>,
    /// They fetch the JWKS.
    pub(crate) verifying: Vec<Client>,
    /// They log in again and again, to see how many hashes that gives.
    pub(crate) busy: Vec<Client>,
    /// Logs in now and then, from an address of its own.
    pub(crate) honest: Client,
    /// Sees when it is over, from another.
    pub(crate) scout: Client,
}

impl Accounts {
    pub(crate) async fn register(server: &Installation) -> Outcome<Self> {
        let target = Target::look_at(server.address()).await?;
        let register = async |numbers: Range<u16>| {
            stream::iter(numbers)
                .map(|number| Client::register(&target, number))
                .buffered(usize::from(BUSY))
                .try_collect()
                .await
        };
        let mut verifying = Vec::new();
        for number in 0..VERIFYING {
            verifying.push(Client::new(&target, FIRST_VERIFYING + number).await?);
        }
        Ok(Self {
            refreshing: register(0..REFRESHING).await?,
            verifying,
            busy: register(FIRST_BUSY..FIRST_BUSY + BUSY).await?,
            honest: Client::register(&target, HONEST).await?,
            scout: Client::register(&target, HONEST + 1).await?,
        })
    }
}

/// The e-mail address of an account that the storm knows.
pub(crate) fn stormed(number: u64) -> String {
    format!("c{}-0@example.com", number % u64::from(STORMED))
}
