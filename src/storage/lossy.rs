//! Text in a row that may have been damaged.

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::pg::{Pg, PgValue};
use diesel::sql_types::{Binary, Text};
use diesel::sqlite::{Sqlite, SqliteType};

use super::connection::{MultiBackend, MultiRawValue};

/// Text as it stands in a row, with [`char::REPLACEMENT_CHARACTER`] where it is no UTF-8. SQLite keeps
/// whatever was written into a column, and a query fails as a whole if one value of one row cannot be
/// read: so this is for tables whose every row is read at once.
///
/// What is no text there, whatever it reads like, ends with such a character: no statement that names
/// the text would find its row.
#[derive(Clone, Debug, PartialEq, Eq, FromSqlRow)]
pub struct Lossy(String);

impl From<Lossy> for String {
    fn from(text: Lossy) -> Self {
        text.0
    }
}

impl FromSql<Text, Pg> for Lossy {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(String::from_utf8_lossy(value.as_bytes()).into_owned()))
    }
}

impl FromSql<Text, Sqlite> for Lossy {
    fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        // Before it is read: that makes a text of everything.
        let is_text = matches!(value.value_type(), Some(SqliteType::Text));
        let bytes = <Vec<u8> as FromSql<Binary, Sqlite>>::from_sql(value)?;
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        if !is_text {
            text.push(char::REPLACEMENT_CHARACTER);
        }
        Ok(Self(text))
    }
}

impl FromSql<Text, MultiBackend> for Lossy {
    fn from_sql(value: MultiRawValue<'_>) -> deserialize::Result<Self> {
        value.from_sql::<Self, Text>()
    }
}
