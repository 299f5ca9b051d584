//! Many people and their sessions, as rows alone: what a server has to do with that was in use for
//! years. Everything about the nth of them follows from n.

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};

use super::Outcome;
use super::client::Client;
use super::database::Database;

/// The first person came then, in ms (2020-01-01), and one more each second.
const FIRST_PERSON: i64 = 1_577_836_800_000;
/// From one session to the next, in ms.
const BETWEEN_SESSIONS: i64 = 4;

const PERSON: &str = "id, username, username_key, email, email_key, email_verified_at, \
     first_name, last_name, password_hash, password_changed_at, is_active, created_at";
const SESSION: &str = "id, subject, client, generation, rotated_at, created_at, \
     idle_expires_at, expires_at, auth_time, amr, scope, address, user_agent, epoch";
const USER_AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
     Chrome/142.0.0.0 Safari/537.36";

/// From the first (which has number 1, not 0) to the last of those that are to be there.
pub(crate) type Numbers = std::ops::RangeInclusive<u64>;

/// Sessions of so many people, as evenly as it goes.
#[derive(Clone, Copy)]
pub(crate) struct Sessions {
    /// When the first was opened, in ms.
    pub(crate) first: i64,
    pub(crate) people: u64,
}

/// The e-mail address of a person. Their password is that of all clients.
pub(crate) fn email(number: u64) -> String {
    format!("user{number}@example.com")
}

/// The subject of a person.
pub(crate) fn subject(number: u64) -> Outcome<String> {
    id(FIRST_PERSON, 1000, number)
}

impl Sessions {
    /// The id of a session.
    pub(crate) fn id(&self, number: u64) -> Outcome<String> {
        id(self.first, BETWEEN_SESSIONS, number)
    }

    /// Who has it, by number.
    pub(crate) fn person(&self, number: u64) -> u64 {
        1 + number % self.people
    }

    /// When it was opened, in ms.
    pub(crate) fn opened(&self, number: u64) -> Outcome<i64> {
        Ok(self.first + i64::try_from(number)? * BETWEEN_SESSIONS)
    }
}

/// Adds people. Each has a name of their own, a confirmed address, and the password hash of the
/// first of the clients, which must be there.
///
/// No server runs meanwhile; what is not synced at once is synced by the end.
pub(crate) fn add_people(database: &Database, numbers: &Numbers) -> Outcome<()> {
    let hash = format!(
        "(SELECT password_hash FROM users WHERE username_key = '{}')",
        Client::name(0)
    );
    let made = Made::new(database, (FIRST_PERSON, 1000), "n", numbers);
    let Made { id, time, from } = &made;
    let email = "'user' || n || '@example.com'";
    add(
        database,
        &format!(
            "INSERT INTO users ({PERSON}) \
             SELECT {id}, 'user' || n, 'user' || n, {email}, {email}, {time}, '', '', \
                 {hash}, {time}, TRUE, {time} FROM {from}"
        ),
        "users",
    )
}

/// Adds sessions of people who are there, as they are once opened.
///
/// As for [`add_people`].
pub(crate) fn add_sessions(
    database: &Database,
    sessions: Sessions,
    numbers: &Numbers,
) -> Outcome<()> {
    let opened = (sessions.first, BETWEEN_SESSIONS);
    let made = Made::new(database, opened, "n", numbers);
    let Made { id, time, from } = &made;
    let person = format!("(1 + n % {})", sessions.people);
    let whose = Made::new(database, (FIRST_PERSON, 1000), &person, numbers).id;
    let (idle, end) = (made.later(30), made.later(90));
    add(
        database,
        &format!(
            "INSERT INTO sessions ({SESSION}) \
             SELECT {id}, {whose}, 'first-party', 0, {time}, {time}, {idle}, {end}, {time}, 'pwd', \
                 '', '192.0.2.7', '{USER_AGENT}', (SELECT epoch FROM instance) FROM {from}"
        ),
        "sessions",
    )
}

/// How a dialect of SQL makes rows out of numbers.
struct Made {
    /// A version 7 UUID (RFC 9562).
    id: String,
    time: String,
    from: String,
}

impl Made {
    /// The nth is made `each` ms after the one before it.
    fn new(database: &Database, (first, each): (i64, i64), n: &str, numbers: &Numbers) -> Self {
        let (from, to) = numbers.clone().into_inner();
        let ms = format!("({first} + {n} * {each})");
        let spread = format!("({n} * {SPREAD})");
        if database.is_sqlite() {
            return Self {
                id: format!(
                    "printf('%08x-%04x-7%03x-%04x-%012x', {ms} >> 16, {ms} & 65535, {n} & 4095, \
                     32768 | ({n} & 16383), {spread} & 281474976710655)"
                ),
                time: format!(
                    "strftime('%Y-%m-%d %H:%M:%S', {ms} / 1000, 'unixepoch') \
                     || printf('.%03d', {ms} % 1000)"
                ),
                from: format!(
                    "(WITH RECURSIVE numbers(n) AS \
                     (SELECT {from} UNION ALL SELECT n + 1 FROM numbers WHERE n < {to}) \
                     SELECT n FROM numbers)"
                ),
            };
        }
        let hex = |width: u8, value: &str| format!("lpad(to_hex({value}), {width}, '0')");
        Self {
            id: [
                hex(8, &format!("{ms} >> 16")),
                hex(4, &format!("{ms} & 65535")),
                hex(4, &format!("28672 | ({n} & 4095)")),
                hex(4, &format!("32768 | ({n} & 16383)")),
                hex(12, &format!("{spread} & 281474976710655")),
            ]
            .join(" || '-' || "),
            time: format!("(to_timestamp({ms} / 1000.0) AT TIME ZONE 'UTC')"),
            from: format!("generate_series({from}::bigint, {to}::bigint) AS n"),
        }
    }

    /// So many days after it was made.
    fn later(&self, days: u8) -> String {
        let Self { time, .. } = self;
        if time.starts_with("strftime") {
            time.replace("'unixepoch'", &format!("'unixepoch', '+{days} days'"))
        } else {
            format!("({time} + interval '{days} days')")
        }
    }
}

/// Makes neighbours differ in more than their last bits.
const SPREAD: u64 = 2_654_435_761;

/// The same id as [`Made`] makes.
fn id(first: i64, each: i64, number: u64) -> Outcome<String> {
    let ms = first + i64::try_from(number)? * each;
    let (version, variant) = (0x7000 | (number & 0xfff), 0x8000 | (number & 0x3fff));
    let tail = number.wrapping_mul(SPREAD) & 0xffff_ffff_ffff;
    let (high, low) = (ms >> 16, ms & 0xffff);
    Ok(format!(
        "{high:08x}-{low:04x}-{version:04x}-{variant:04x}-{tail:012x}"
    ))
}

fn add(database: &Database, insert: &str, table: &str) -> Outcome<()> {
    let Some(file) = database.file() else {
        let mut conn = PgConnection::establish(&database.url)?;
        conn.batch_execute(insert)?;
        // Or PostgreSQL does it by itself, in the middle of what is measured.
        conn.batch_execute(&format!("VACUUM (ANALYZE) {table}"))?;
        return Ok(conn.batch_execute("CHECKPOINT")?);
    };
    let mut conn = SqliteConnection::establish(&file.to_string_lossy())?;
    conn.batch_execute(&format!(
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; \
         PRAGMA cache_size = -2000000; {insert}; \
         PRAGMA locking_mode = NORMAL; PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL;"
    ))?;
    drop(conn);
    std::fs::File::open(file)?.sync_all()?;
    Ok(())
}
