//! Times in rows that one bad row must not keep from being read.

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::sql_types::Timestamp;

use crate::clock::Time;

/// A time as it stands in a row; none, if what stands there is none of the years 1 to 9999. SQLite
/// keeps whatever was written into a column, and a query fails as a whole if one value of one row
/// cannot be read: so this is for tables whose every row is read at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromSqlRow)]
pub struct Moment(Option<Time>);

impl Moment {
    /// The time, if it is one.
    pub fn time(self) -> Option<Time> {
        self.0
    }

    /// The time, or the last one that a row may have.
    pub fn or_last(self) -> Time {
        let last = NaiveDate::from_ymd_opt(9999, 1, 1).map(|day| day.and_time(NaiveTime::MIN));
        self.0.unwrap_or(last.unwrap_or_default().and_utc())
    }

    /// The time, or the beginning of all times.
    pub fn or_epoch(self) -> Time {
        self.0.unwrap_or(Time::UNIX_EPOCH)
    }
}

impl From<Time> for Moment {
    fn from(time: Time) -> Self {
        Self(Some(time))
    }
}

impl<DB: Backend> FromSql<Timestamp, DB> for Moment
where
    NaiveDateTime: FromSql<Timestamp, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        // Years beyond could not be added to.
        let time = NaiveDateTime::from_sql(bytes).ok();
        let time = time.filter(|time| (1..=9999).contains(&time.year()));
        Ok(Self(time.map(|time| time.and_utc())))
    }
}
