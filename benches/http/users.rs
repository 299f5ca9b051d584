//! Many users, as rows alone: what a server has to start with that was in use for years.

use std::net::SocketAddr;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};

use crate::Outcome;
use crate::client::{Client, Target};
use crate::database::Database;

/// The first of them came then, in ms (2020-01-01), and one more each second.
const FIRST: i64 = 1_577_836_800_000;

const COLUMNS: &str = "id, username, username_key, email, email_key, email_verified_at, \
     first_name, last_name, password_hash, password_changed_at, is_active, created_at";

/// All with a name of their own, a confirmed address and one password: that of a client, hashed
/// once, for which there must be one already.
pub(crate) fn fill(database: &Database, users: u32) -> Outcome<()> {
    if database.name == "SQLite" {
        fill_sqlite(database, users)
    } else {
        fill_postgresql(database, users)
    }
}

/// Whether one of them is let in: otherwise the rows would be no users.
pub(crate) async fn check(server: SocketAddr, users: u32) -> Outcome<()> {
    let target = Target::look_at(server).await?;
    Client::log_in(&target, &format!("user{users}@example.com")).await?;
    Ok(())
}

/// While no server runs. What is not synced at once is synced by the end.
fn fill_sqlite(database: &Database, users: u32) -> Outcome<()> {
    let file = database.url.strip_prefix("sqlite://").ok_or("no SQLite")?;
    let path = database.directory.path().join(file);
    let mut conn = SqliteConnection::establish(&path.to_string_lossy())?;
    conn.batch_execute(&format!(
        "PRAGMA synchronous = OFF; \
         INSERT INTO users ({COLUMNS}) \
         WITH RECURSIVE numbers(n) AS ( \
             SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {users} \
         ), made AS ( \
             SELECT {FIRST} + n * 1000 AS ms, 'user' || n AS name, \
                 'user' || n || '@example.com' AS email, \
                 strftime('%Y-%m-%d %H:%M:%f', {FIRST} / 1000 + n, 'unixepoch') AS time \
             FROM numbers \
         ) \
         SELECT printf('%08x-%04x-7%03x-%04x-%012x', ms >> 16, ms & 65535, random() & 4095, \
                 32768 | (random() & 16383), random() & 281474976710655), \
             name, name, email, email, time, '', '', \
             (SELECT password_hash FROM users WHERE username LIKE 'c%' LIMIT 1), time, TRUE, time \
         FROM made; \
         PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(TRUNCATE);"
    ))?;
    Ok(())
}

fn fill_postgresql(database: &Database, users: u32) -> Outcome<()> {
    let mut conn = PgConnection::establish(&database.url)?;
    conn.batch_execute(&format!(
        "INSERT INTO users ({COLUMNS}) \
         SELECT lpad(to_hex(ms >> 16), 8, '0') || '-' || lpad(to_hex(ms & 65535), 4, '0') \
                 || '-7' || lpad(to_hex(floor(random() * 4096)::int), 3, '0') \
                 || '-' || to_hex(32768 + floor(random() * 16384)::int) \
                 || '-' || lpad(to_hex(floor(random() * 281474976710656)::bigint), 12, '0'), \
             name, name, email, email, time, '', '', \
             (SELECT password_hash FROM users WHERE username LIKE 'c%' LIMIT 1), time, TRUE, time \
         FROM ( \
             SELECT {FIRST} + n * 1000 AS ms, 'user' || n AS name, \
                 'user' || n || '@example.com' AS email, \
                 to_timestamp({FIRST} / 1000 + n) AT TIME ZONE 'UTC' AS time \
             FROM generate_series(1, {users}::bigint) AS n \
         ) AS made"
    ))?;
    // Or PostgreSQL does it by itself, in the middle of what is measured.
    conn.batch_execute("VACUUM (ANALYZE) users")?;
    Ok(())
}
