//! Migrations: embedded, run at start, never past what this program knows.

use diesel::Connection;
use diesel::backend::Backend;
use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};

use super::refused;
use crate::error::{Error, Result};

/// The migrations a run applied, oldest first; empty when the schema was up to date.
pub type Applied = Vec<String>;

/// Applies what is pending.
///
/// # Errors
/// A failing migration (its transaction is undone), or a schema that a newer program made.
pub(super) fn run<C, DB>(conn: &mut C, source: EmbeddedMigrations) -> Result<Applied>
where
    C: Connection<Backend = DB> + MigrationHarness<DB>,
    DB: Backend,
    EmbeddedMigrations: MigrationSource<DB>,
{
    refuse_newer(conn, &source)?;
    let applied = conn
        .run_pending_migrations(source)
        .map_err(Error::internal)?;
    Ok(applied.iter().map(ToString::to_string).collect())
}

fn refuse_newer<C, DB>(conn: &mut C, source: &EmbeddedMigrations) -> Result<()>
where
    C: Connection<Backend = DB> + MigrationHarness<DB>,
    DB: Backend,
    EmbeddedMigrations: MigrationSource<DB>,
{
    let known: Vec<Box<dyn Migration<DB>>> = source.migrations().map_err(Error::internal)?;
    let known: Vec<MigrationVersion<'_>> = known.iter().map(|one| one.name().version()).collect();
    let applied = conn.applied_migrations().map_err(Error::internal)?;
    match applied.iter().find(|version| !known.contains(version)) {
        Some(version) => Err(refused(format!(
            "the database has the migration {version}, which this program does not know: it was \
             upgraded by a newer version. Run that version, or restore the backup made before it"
        ))),
        None => Ok(()),
    }
}
