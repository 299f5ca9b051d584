//! Identifiers. What we make ourselves is a UUIDv7 (RFC 9562, section 5.7): time-ordered, so that
//! new rows are neighbours in an index; people who were imported keep the key they had.

use std::fmt;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use uuid::Builder;

use crate::clock::Time;
use crate::crypto;

/// A fresh UUIDv7 in its canonical text form.
fn uuid_v7(now: Time) -> String {
    uuid_v7_of(now, &crypto::random::<10>())
}

fn uuid_v7_of(now: Time, random: &[u8; 10]) -> String {
    let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, random)
        .into_uuid()
        .hyphenated()
        .to_string()
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// A new one, ordered by `now`.
            pub fn generate(now: Time) -> Self {
                Self(uuid_v7(now))
            }

            /// The text form.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// A person's public identifier: `pk`, `user_id` and `sub` on the wire. Never reused.
    Subject
}
id! {
    /// A session (token family): the claim `sid`.
    SessionId
}
id! {
    /// Another provider's word for a person.
    IdentityId
}
id! {
    /// That a mail is to be written.
    MailRequestId
}
id! {
    /// A message in the outbox.
    MessageId
}
id! {
    /// An audit event.
    EventId
}
impl EventId {
    /// The lowest id of that moment: every id from then on is higher or the same.
    pub fn floor(at: Time) -> Self {
        Self(uuid_v7_of(at, &[0; 10]))
    }
}
id! {
    /// One request, in logs and in the header `X-Request-Id`.
    RequestId
}
impl RequestId {
    /// The next one of this process. Nothing hangs on nobody guessing it, so what is random in it is
    /// drawn once and counted up from there (RFC 9562, section 6.2): every request has one, and the
    /// kernel's random numbers were a noticeable part of a short answer.
    pub fn next(now: Time) -> Self {
        static START: LazyLock<[u8; 10]> = LazyLock::new(crypto::random);
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let [high, low, rest @ ..] = *START;
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let rest = u64::from_be_bytes(rest).wrapping_add(count).to_be_bytes();
        let mut random = [high, low, 0, 0, 0, 0, 0, 0, 0, 0];
        random.split_at_mut(2).1.copy_from_slice(&rest);
        Self(uuid_v7_of(now, &random))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, TimeDelta};

    #[test]
    fn ids_are_unique_uuid_v7_and_ordered_by_time() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let older = Subject::generate(now);
        let newer = Subject::generate(now + TimeDelta::milliseconds(1));
        assert!(older < newer);
        assert_ne!(older, Subject::generate(now));
        assert_eq!(older.as_str().len(), 36);
        assert!(EventId::floor(now) < EventId::generate(now));
        assert!(EventId::generate(now) < EventId::floor(now + TimeDelta::milliseconds(1)));
        assert_eq!(&older.as_str()[14..15], "7");
    }

    #[test]
    fn requests_of_the_same_moment_have_their_own_ids() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let ids: std::collections::BTreeSet<_> = (0..1000).map(|_| RequestId::next(now)).collect();
        assert_eq!(ids.len(), 1000);
        assert!(
            ids.iter()
                .all(|id| id.as_str().starts_with("01a3185c-5000-7")),
            "{ids:?}"
        );
    }
}
