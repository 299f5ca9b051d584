use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::Identity;
use crate::clock::Time;
use crate::ids::{IdentityId, Subject};
use crate::storage::schema::identities;
use crate::storage::{Conn, loaded, stored};

#[derive(Queryable, Selectable)]
#[diesel(table_name = identities)]
struct Row {
    id: String,
    subject: String,
    provider: String,
    issuer: String,
    external_id: String,
    last_login_at: Option<NaiveDateTime>,
    created_at: NaiveDateTime,
}

impl From<Row> for Identity {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            subject: row.subject.into(),
            provider: row.provider,
            issuer: row.issuer,
            external_id: row.external_id,
            last_login_at: row.last_login_at.map(loaded),
            created_at: loaded(row.created_at),
        }
    }
}

/// Whom an issuer means by an id.
pub(super) fn find(
    conn: &mut Conn,
    issuer: &str,
    external_id: &str,
) -> QueryResult<Option<Identity>> {
    let row = identities::table
        .filter(identities::issuer.eq(issuer))
        .filter(identities::external_id.eq(external_id))
        .select(Row::as_select());
    Ok(row.get_result(conn).optional()?.map(Identity::from))
}

/// A person's identities, the oldest first.
pub(super) fn list(conn: &mut Conn, subject: &Subject) -> QueryResult<Vec<Identity>> {
    let rows: Vec<Row> = identities::table
        .filter(identities::subject.eq(subject.as_str()))
        .order(identities::id)
        .select(Row::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(Identity::from).collect())
}

pub(super) fn insert(conn: &mut Conn, identity: &Identity) -> QueryResult<()> {
    diesel::insert_into(identities::table)
        .values((
            identities::id.eq(identity.id.as_str()),
            identities::subject.eq(identity.subject.as_str()),
            identities::provider.eq(&identity.provider),
            identities::issuer.eq(&identity.issuer),
            identities::external_id.eq(&identity.external_id),
            identities::last_login_at.eq(identity.last_login_at.map(stored)),
            identities::created_at.eq(stored(identity.created_at)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Notes a login, if the identity still is that person's. Whether it is.
pub(super) fn touch(conn: &mut Conn, identity: &Identity, now: Time) -> QueryResult<bool> {
    let same = identities::table
        .find(identity.id.as_str())
        .filter(identities::subject.eq(identity.subject.as_str()));
    let touched = diesel::update(same)
        .set(identities::last_login_at.eq(stored(now)))
        .execute(conn)?;
    Ok(touched == 1)
}

pub(super) fn delete(conn: &mut Conn, id: &IdentityId) -> QueryResult<()> {
    diesel::delete(identities::table.find(id.as_str())).execute(conn)?;
    Ok(())
}
