//! Text in a row that may have been damaged.

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::sql_types::{Binary, Text};

/// Text as it stands in a row, with [`char::REPLACEMENT_CHARACTER`] where it is no UTF-8. SQLite keeps
/// whatever was written into a column, and a query fails as a whole if one value of one row cannot be
/// read: so this is for tables whose every row is read at once.
#[derive(Clone, Debug, PartialEq, Eq, FromSqlRow)]
pub struct Lossy(String);

impl From<Lossy> for String {
    fn from(text: Lossy) -> Self {
        text.0
    }
}

impl<DB: Backend> FromSql<Text, DB> for Lossy
where
    Vec<u8>: FromSql<Binary, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        let bytes = Vec::<u8>::from_sql(bytes)?;
        Ok(Self(String::from_utf8_lossy(&bytes).into_owned()))
    }
}
