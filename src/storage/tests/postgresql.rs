//! What only PostgreSQL does: several nodes, transactions that it undoes, connections it closes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::sql_types::Integer;

use super::*;
use crate::error::Kind;

#[derive(QueryableByName)]
struct Backend {
    #[diesel(sql_type = Integer)]
    pid: i32,
}

fn outside(url: &str) -> PgConnection {
    PgConnection::establish(url).unwrap()
}

/// Adds to the text of a note, so that every run that counts is seen.
fn append(conn: &mut Conn, id: i64) -> QueryResult<()> {
    let longer = notes::text.eq(notes::text.concat("+"));
    let changed = diesel::update(notes::table.find(id)).set(longer);
    changed.execute(conn).map(drop)
}

fn texts(place: &Place) -> Vec<String> {
    let texts = notes::table.order(notes::id).select(notes::text);
    texts.load(&mut place.outside()).unwrap()
}

#[test]
fn nodes_that_start_together_migrate_once() {
    let url = crate::postgres::database();
    let (settings, together) = (&settings(&url), &Barrier::new(4));
    let applied: Vec<usize> = thread::scope(|scope| {
        let node = || {
            together.wait();
            migrate(settings).unwrap().len()
        };
        let nodes: Vec<_> = (0..4).map(|_| scope.spawn(node)).collect();
        nodes.into_iter().map(|it| it.join().unwrap()).collect()
    });
    let busy: Vec<usize> = applied.into_iter().filter(|count| *count > 0).collect();
    assert_eq!(busy.len(), 1, "{busy:?}");
    Db::open(settings, Access::Serve).unwrap();
}

/// Who reads a table for long, as a backup does, keeps it from being changed, but nobody from reading
/// it meanwhile; and when it is done, the change is made.
#[test]
fn a_migration_that_has_to_wait_holds_up_nobody() {
    let url = crate::postgres::database();
    let settings = &settings(&url);
    migrate(settings).unwrap();
    let mut admin = outside(&url);
    admin
        .batch_execute(
            "ALTER TABLE nodes DROP COLUMN reload_every_s; \
             DELETE FROM __diesel_schema_migrations WHERE version = '20261126210000'",
        )
        .unwrap();
    let mut backup = outside(&url);
    backup
        .batch_execute("BEGIN; LOCK TABLE nodes IN ACCESS SHARE MODE")
        .unwrap();
    thread::scope(|scope| {
        let node = scope.spawn(|| migrate(settings));
        let waiting = "SELECT pid FROM pg_stat_activity \
             WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while diesel::sql_query(waiting)
            .load::<Backend>(&mut admin)
            .unwrap()
            .is_empty()
        {
            thread::yield_now();
        }
        // As nodes do it, and behind the migration, which gives up its place each time.
        admin.batch_execute("SET lock_timeout = '1500ms'").unwrap();
        for _ in 0..100 {
            admin.batch_execute("SELECT * FROM nodes").unwrap();
        }
        assert!(!node.is_finished());
        backup.batch_execute("COMMIT").unwrap();
        assert_eq!(node.join().unwrap().unwrap().len(), 1);
    });
}

/// What a database says in its own settings is not what conditional updates are written for.
#[tokio::test]
async fn transactions_see_what_was_committed_before_each_statement() {
    #[derive(QueryableByName)]
    struct Isolation {
        #[diesel(sql_type = diesel::sql_types::Text)]
        transaction_isolation: String,
    }
    let place = Place::postgresql();
    let strict = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET \
         default_transaction_isolation = serializable', current_database()); END $$";
    place.outside().batch_execute(strict).unwrap();
    restart(&place).await;
    let asked = place
        .db
        .write(|conn| diesel::sql_query("SHOW transaction_isolation").get_result(conn));
    let isolation: Isolation = asked.await.unwrap();
    assert_eq!(isolation.transaction_isolation, "read committed");
}

#[tokio::test]
async fn a_deadlock_costs_another_try() {
    let place = Place::postgresql();
    let fill = place.db.write(|conn| Ok((add(conn, 1)?, add(conn, 2)?)));
    fill.await.unwrap();
    let (runs, meeting) = (Arc::new(AtomicUsize::new(0)), Arc::new(Barrier::new(2)));
    let cross = |first: i64, second: i64| {
        let (runs, meeting) = (runs.clone(), meeting.clone());
        let (mut is_first_run, mut first, mut second) = (true, first, second);
        place.db.write(move |conn| {
            runs.fetch_add(1, Ordering::SeqCst);
            // Found out well before a wait for a lock is given up, however busy the machine.
            conn.batch_execute("SET LOCAL deadlock_timeout = '50ms'")?;
            append(conn, first)?;
            if std::mem::take(&mut is_first_run) {
                meeting.wait();
            }
            // A second run starts with the row that the other one has: it may be quicker than
            // the other one is woken, and would be in its way again with the row it gave up.
            std::mem::swap(&mut first, &mut second);
            append(conn, first)
        })
    };
    let (one, other) = tokio::join!(cross(1, 2), cross(2, 1));
    one.unwrap();
    other.unwrap();
    assert_eq!(
        runs.load(Ordering::SeqCst),
        3,
        "one was undone and run again"
    );
    assert_eq!(texts(&place), ["first++", "first++"]);
}

#[tokio::test]
async fn a_serialization_failure_costs_another_try() {
    let place = Place::postgresql();
    place.db.write(|conn| add(conn, 1)).await.unwrap();
    let (runs, meeting) = (Arc::new(AtomicUsize::new(0)), Arc::new(Barrier::new(2)));
    let write = || {
        let (runs, meeting) = (runs.clone(), meeting.clone());
        let mut is_first_run = true;
        place.db.write(move |conn| {
            runs.fetch_add(1, Ordering::SeqCst);
            conn.batch_execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")?;
            let seen = all_notes(conn)?;
            if std::mem::take(&mut is_first_run) {
                meeting.wait();
            }
            append(conn, 1).map(|()| seen.len())
        })
    };
    let (one, other) = tokio::join!(write(), write());
    assert_eq!((one.unwrap(), other.unwrap()), (1, 1));
    assert_eq!(
        runs.load(Ordering::SeqCst),
        3,
        "one was undone and run again"
    );
    assert_eq!(texts(&place), ["first++"]);
}

#[tokio::test]
async fn a_failure_for_good_is_not_tried_again() {
    let place = Place::postgresql();
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let failed = place.db.write(move |conn| {
        counted.fetch_add(1, Ordering::SeqCst);
        conn.batch_execute("SELECT 1 / 0")
    });
    assert_eq!(failed.await.unwrap_err().kind(), Kind::Internal);
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    place.db.write(|conn| add(conn, 1)).await.unwrap();
}

#[tokio::test]
async fn a_lock_that_is_not_given_is_a_passing_failure() {
    let place = Place::postgresql();
    place.db.write(|conn| add(conn, 1)).await.unwrap();
    let mut holder = place.outside();
    holder
        .batch_execute("BEGIN; SELECT * FROM notes FOR UPDATE")
        .unwrap();
    let kept_waiting = place.db.write(|conn| {
        conn.batch_execute("SET LOCAL lock_timeout = '10ms'")?;
        append(conn, 1)
    });
    let error = kept_waiting.await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable, "{error:?}");
    assert!(error.retry_after().is_some());
    holder.batch_execute("ROLLBACK").unwrap();
    place.db.write(|conn| append(conn, 1)).await.unwrap();
}

/// Every connection of the pool at once: each is held until all are.
async fn pids(place: &Place) -> Vec<i32> {
    let all = Arc::new(Barrier::new(place.settings.pool_size as usize));
    let reads = (0..place.settings.pool_size).map(|_| {
        let all = all.clone();
        place.db.read(move |conn| {
            all.wait();
            let backend = diesel::sql_query("SELECT pg_backend_pid() AS pid");
            backend.get_result::<Backend>(conn).map(|it| it.pid)
        })
    });
    let pids = futures_util::future::join_all(reads).await;
    pids.into_iter().map(Result::unwrap).collect()
}

/// What a restart of the server is to the pool: all its connections are gone.
async fn restart(place: &Place) {
    let mut operator = place.outside();
    for pid in pids(place).await {
        let end = format!("SELECT pg_terminate_backend({pid}, 10000)");
        operator.batch_execute(&end).unwrap();
    }
}

#[tokio::test]
async fn connections_that_died_idle_are_replaced_unnoticed() {
    let place = Place::postgresql();
    restart(&place).await;
    for id in 0..8 {
        place.db.write(move |conn| add(conn, id)).await.unwrap();
    }
    restart(&place).await;
    for _ in 0..8 {
        assert_eq!(place.db.read(all_notes).await.unwrap().len(), 8);
    }
}

#[tokio::test]
async fn a_connection_that_dies_at_work_fails_one_write_as_passing() {
    let place = Place::postgresql();
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let dying = place.db.write(move |conn| {
        counted.fetch_add(1, Ordering::SeqCst);
        add(conn, 1)?;
        conn.batch_execute("SELECT pg_terminate_backend(pg_backend_pid())")
    });
    let error = dying.await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable, "{error:?}");
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    for id in 10..18 {
        place.db.write(move |conn| add(conn, id)).await.unwrap();
    }
    assert_eq!(place.notes(), (10..18).collect::<Vec<i64>>());
}

#[test]
fn commits_that_are_not_durable_are_refused_unless_allowed() {
    let url = crate::postgres::database();
    let name = url
        .rsplit('/')
        .next()
        .and_then(|name| name.split('?').next());
    let change = format!(
        "ALTER DATABASE {} SET synchronous_commit = off",
        name.unwrap()
    );
    outside(&url).batch_execute(&change).unwrap();
    let mut settings = settings(&url);
    let Err(refused) = Db::open(&settings, Access::Serve) else {
        panic!("it was opened");
    };
    let text = refused.to_string();
    assert!(text.contains("synchronous_commit=off"), "{text}");
    assert!(text.contains("allow_asynchronous_commit"), "{text}");
    settings.allow_asynchronous_commit = true;
    Db::open(&settings, Access::Serve).unwrap();
}

#[test]
fn who_clears_up_leaves_alone_what_is_being_written_to() {
    let place = Place::postgresql();
    let text = "CREATE TABLE texts (id TEXT PRIMARY KEY); INSERT INTO texts VALUES ('a'), ('b')";
    let mut other = place.outside();
    other.batch_execute(text).unwrap();
    let hold = "BEGIN; SELECT * FROM texts WHERE id = 'a' FOR UPDATE";
    other.batch_execute(hold).unwrap();
    let table = Keyed {
        table: "texts",
        key: "id",
    };
    let ids = || ["a", "b", "c"].map(str::to_owned).to_vec();
    let mut conn = place.outside();
    assert_eq!(free(&mut conn, table, ids()).unwrap(), ["b"]);
    other.batch_execute("ROLLBACK").unwrap();
    let mut found = free(&mut conn, table, ids()).unwrap();
    found.sort();
    assert_eq!(found, ["a", "b"]);
}
