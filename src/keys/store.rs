use chrono::NaiveDateTime;
use diesel::dsl::exists;
use diesel::prelude::*;

use super::{ACCESS_TOKENS, Lifetime};
use crate::clock::Time;
use crate::crypto::{SigningKey, Vault};
use crate::error::{Error, Result};
use crate::storage::schema::{instance, outbox, signing_keys};
use crate::storage::{Conn, loaded, stored};

#[derive(Clone, Queryable, Insertable)]
#[diesel(table_name = signing_keys)]
pub(super) struct Row {
    pub(super) kid: String,
    pub(super) algorithm: String,
    purpose: String,
    public_jwk: String,
    pub(super) sealed_private: Vec<u8>,
    master_key_id: String,
    created_at: NaiveDateTime,
    publish_at: NaiveDateTime,
    activate_at: NaiveDateTime,
    retire_at: Option<NaiveDateTime>,
    remove_at: Option<NaiveDateTime>,
    revoked_at: Option<NaiveDateTime>,
}

impl Row {
    /// A new row; the private part is sealed for exactly this key in this table.
    pub(super) fn seal(
        vault: &Vault,
        signing: &SigningKey,
        private: &[u8],
        lifetime: Lifetime,
        now: Time,
    ) -> Result<Self> {
        let public = signing
            .public_jwk()
            .ok_or_else(|| Error::internal("no public part"))?;
        let mut row = Self {
            kid: public.thumbprint(),
            algorithm: signing.algorithm().name().to_owned(),
            purpose: ACCESS_TOKENS.to_owned(),
            public_jwk: serde_json::to_string(&public).map_err(Error::internal)?,
            sealed_private: Vec::new(),
            master_key_id: vault.current().to_string(),
            created_at: stored(now),
            publish_at: stored(lifetime.publish_at),
            activate_at: stored(lifetime.activate_at),
            retire_at: lifetime.retire_at.map(stored),
            remove_at: lifetime.remove_at.map(stored),
            revoked_at: lifetime.revoked_at.map(stored),
        };
        row.sealed_private = vault.seal(&row.place(), private);
        Ok(row)
    }

    /// The associated data: a sealed key moved to another row, algorithm or purpose stays closed.
    pub(super) fn place(&self) -> String {
        format!(
            "signing_keys|{}|{}|{}",
            self.kid, self.algorithm, self.purpose
        )
    }

    pub(super) fn lifetime(&self) -> Lifetime {
        Lifetime {
            publish_at: loaded(self.publish_at),
            activate_at: loaded(self.activate_at),
            retire_at: self.retire_at.map(loaded),
            remove_at: self.remove_at.map(loaded),
            revoked_at: self.revoked_at.map(loaded),
        }
    }
}

pub(super) fn list(conn: &mut Conn) -> QueryResult<Vec<Row>> {
    signing_keys::table.order(signing_keys::kid).load(conn)
}

pub(super) fn insert(conn: &mut Conn, row: &Row) -> QueryResult<()> {
    diesel::insert_into(signing_keys::table)
        .values(row.clone())
        .execute(conn)?;
    Ok(())
}

/// Takes the installation's row for this transaction, so that two nodes cannot both find nothing.
pub(super) fn lock_and_is_empty(conn: &mut Conn) -> QueryResult<bool> {
    diesel::update(instance::table)
        .set(instance::epoch.eq(instance::epoch))
        .execute(conn)?;
    diesel::select(diesel::dsl::not(exists(
        signing_keys::table.select(signing_keys::kid),
    )))
    .get_result(conn)
}

pub(super) fn any_sealed(conn: &mut Conn) -> QueryResult<bool> {
    let keys: bool =
        diesel::select(exists(signing_keys::table.select(signing_keys::kid))).get_result(conn)?;
    let mails: bool = diesel::select(exists(outbox::table.select(outbox::id))).get_result(conn)?;
    Ok(keys || mails)
}
