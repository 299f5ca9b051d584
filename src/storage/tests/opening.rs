//! What is refused at the start, with the remedy.

use super::*;

fn refusal(settings: &config::Database, access: Access) -> String {
    match Db::open(settings, access) {
        Ok(_) => panic!("{} was opened", settings.pool_size),
        Err(error) => {
            assert_eq!(error.code(), "setup");
            error.to_string()
        }
    }
}

#[test]
fn one_server_at_a_time_on_one_file_and_commands_beside_it() {
    let place = Place::sqlite();
    let text = refusal(&place.settings, Access::Serve);
    assert!(text.contains("in use by another signet process"), "{text}");
    assert!(text.contains("need PostgreSQL"), "{text}");
    let command = Db::open(&place.settings, Access::Command).unwrap();
    wait_for(command.write(|conn| add(conn, 1))).unwrap();
    wait_for(place.db.write(|conn| add(conn, 2))).unwrap();
    assert_eq!(wait_for(command.read(all_notes)).unwrap(), [1, 2]);
}

#[test]
fn a_file_is_free_again_after_its_server() {
    let Place {
        settings,
        db,
        _directory,
    } = Place::sqlite();
    let command = Db::open(&settings, Access::Command).unwrap();
    drop(db);
    // A process that another test starts has every file of this one, for the moment before it is
    // another program.
    let mut again = std::iter::repeat_with(|| Db::open(&settings, Access::Serve));
    assert!(again.by_ref().take(1_000).any(|opened| opened.is_ok()));
    drop(command);
}

#[test]
fn a_server_shares_postgresql() {
    let place = Place::postgresql();
    let other = Db::open(&place.settings, Access::Serve).unwrap();
    wait_for(other.write(|conn| add(conn, 1))).unwrap();
    assert_eq!(wait_for(place.db.read(all_notes)).unwrap(), [1]);
}

#[test]
fn an_unknown_scheme_makes_no_file() {
    let text = refusal(&settings("mysql://localhost/signet"), Access::Serve);
    assert!(text.contains("unknown scheme `mysql:`"), "{text}");
    assert!(
        text.contains("sqlite://") && text.contains("postgres://"),
        "{text}"
    );
}

#[test]
fn an_absent_server_is_told_without_its_password() {
    let nobody = settings("postgres://ann:sesame@127.0.0.1:1/signet");
    let text = refusal(&nobody, Access::Serve);
    assert!(text.contains("cannot connect to PostgreSQL"), "{text}");
    assert!(!text.contains("sesame"), "{text}");
}

#[test]
fn a_schema_from_a_newer_program_is_refused() {
    for place in [Place::sqlite(), Place::postgresql()] {
        let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231235959')";
        place.outside().batch_execute(newer).unwrap();
        let Place {
            settings,
            db,
            _directory,
        } = place;
        drop(db);
        for access in [Access::Serve, Access::Command] {
            let text = refusal(&settings, access);
            assert!(text.contains("99991231235959"), "{text}");
            assert!(text.contains("newer version"), "{text}");
        }
        let text = migrate(&settings).unwrap_err().to_string();
        assert!(text.contains("newer version"), "{text}");
    }
}

#[test]
fn migrating_again_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite://{}/signet.db", directory.path().display());
    for url in [sqlite, crate::postgres::database()] {
        let settings = settings(&url);
        assert!(migrate(&settings).unwrap().len() >= 7);
        assert_eq!(migrate(&settings).unwrap(), Applied::new());
    }
}
