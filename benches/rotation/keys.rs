//! The table of the signing keys, read and changed behind the nodes' backs.

use std::time::{Duration, SystemTime};

use diesel::sql_types::{BigInt, Text};
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl};

use crate::Outcome;

#[derive(QueryableByName)]
struct Moment {
    #[diesel(sql_type = BigInt)]
    micros: i64,
}

/// When a key was revoked, by the clock of the process that did it.
pub(crate) fn revoked_at(database: &str, kid: &str) -> Outcome<SystemTime> {
    let mut connection = PgConnection::establish(database)?;
    let moment: Moment = diesel::sql_query(
        "SELECT (extract(epoch FROM revoked_at) * 1000000)::bigint AS micros \
         FROM signing_keys WHERE kid = $1",
    )
    .bind::<Text, _>(kid)
    .get_result(&mut connection)?;
    Ok(SystemTime::UNIX_EPOCH + Duration::from_micros(moment.micros.try_into()?))
}

/// The control: what a server would do that publishes a key and signs with it at once.
pub(crate) async fn take_away_lead(database: String) -> Outcome<()> {
    let mut connection = PgConnection::establish(&database)?;
    loop {
        // At the end of the old key's life nothing changes: its tokens live out as ever.
        diesel::sql_query(
            "WITH begun AS (
                 UPDATE signing_keys SET activate_at = publish_at
                 WHERE activate_at > publish_at RETURNING publish_at
             )
             UPDATE signing_keys SET retire_at = begun.publish_at FROM begun
             WHERE activate_at < begun.publish_at AND retire_at > begun.publish_at",
        )
        .execute(&mut connection)?;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
