mod seal;

use diesel::dsl::exists;
use diesel::prelude::*;
use zeroize::Zeroizing;

use super::{Entry, Lifetime, Purpose};
use crate::clock::Time;
use crate::crypto::{Algorithm, PublicJwk, RootId, Vault};
use crate::error::{Error, Result};
use crate::storage::schema::{instance, outbox, signing_keys};
use crate::storage::{Conn, Lossy, Moment, stored};

/// What signs access tokens.
const ACCESS_TOKENS: &str = "access";
/// What only verifies.
const VERIFY: &str = "verify";

/// A key that is to be kept.
pub(super) struct NewKey {
    pub(super) kid: String,
    pub(super) algorithm: Algorithm,
    pub(super) public: PublicJwk,
    /// Its private part; none of a key that only verifies.
    pub(super) private: Option<Zeroizing<Vec<u8>>>,
    /// Whether it was made elsewhere.
    pub(super) is_imported: bool,
}

impl NewKey {
    pub(super) fn purpose(&self) -> Purpose {
        match self.private {
            Some(_) => Purpose::Sign,
            None => Purpose::Verify,
        }
    }
}

#[derive(Clone, PartialEq, Queryable)]
pub(super) struct Row {
    #[diesel(deserialize_as = Lossy)]
    pub(super) kid: String,
    #[diesel(deserialize_as = Lossy)]
    algorithm: String,
    #[diesel(deserialize_as = Lossy)]
    purpose: String,
    #[diesel(deserialize_as = Lossy)]
    public_jwk: String,
    pub(super) sealed_private: Vec<u8>,
    #[diesel(deserialize_as = Lossy)]
    master_key_id: String,
    created_at: Moment,
    publish_at: Moment,
    activate_at: Moment,
    retire_at: Option<Moment>,
    remove_at: Option<Moment>,
    revoked_at: Option<Moment>,
    /// None of a row that was written before there was such a seal.
    sealed_public: Option<Vec<u8>>,
}

impl Row {
    /// What the key is there for.
    pub(super) fn purpose(&self) -> Purpose {
        if self.purpose == VERIFY {
            Purpose::Verify
        } else {
            Purpose::Sign
        }
    }

    /// The public part.
    ///
    /// # Errors
    /// It is no JWK.
    pub(super) fn public(&self) -> Result<PublicJwk> {
        serde_json::from_str(&self.public_jwk).map_err(|_| {
            Error::setup(format!(
                "the signing key {} has no readable public part",
                self.kid
            ))
        })
    }

    /// Which key it is. One of ours is called so, whatever became of its public part.
    fn thumbprint(&self) -> String {
        let is_foreign = self.purpose() == Purpose::Verify;
        let public = is_foreign.then(|| self.public().ok()).flatten();
        public.map_or_else(|| self.kid.clone(), |public| public.thumbprint())
    }

    /// Whether somebody can call it by its name, which was not damaged.
    fn is_named(&self) -> bool {
        !self.kid.is_empty() && is_sayable(&self.kid)
    }

    /// What it signs with; none of a row that is no key of this version: its algorithm is not known, or
    /// nobody can name it. Such a row is never published.
    pub(super) fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm.parse().ok().filter(|_| self.is_named())
    }

    /// What a schedule goes by; none of a row that is no key of this version.
    pub(super) fn entry(self) -> Option<Entry> {
        Some(Entry {
            algorithm: self.algorithm()?,
            purpose: self.purpose(),
            lifetime: self.lifetime(),
            thumbprint: self.thumbprint(),
            kid: self.kid,
        })
    }

    /// When it does what. One whose times cannot be read is the oldest that signs: it goes on if
    /// there is no other, is replaced in good order, and gets good times by that. One that only
    /// verifies goes on with that.
    pub(super) fn lifetime(&self) -> Lifetime {
        let times = self.times();
        times.unwrap_or_else(|| Lifetime {
            retire_at: (self.purpose() == Purpose::Verify).then_some(Time::UNIX_EPOCH),
            // Whenever it was: such a row is not forgotten either.
            revoked_at: self.revoked_at.map(Moment::or_last),
            ..Lifetime::first(Time::UNIX_EPOCH)
        })
    }

    /// None, if one of them cannot be read.
    pub(super) fn times(&self) -> Option<Lifetime> {
        let end = |at: Option<Moment>| at.map_or(Some(None), |at| at.time().map(Some));
        Some(Lifetime {
            publish_at: self.publish_at.time()?,
            activate_at: self.activate_at.time()?,
            retire_at: end(self.retire_at)?,
            remove_at: end(self.remove_at)?,
            revoked_at: end(self.revoked_at)?,
        })
    }
}

/// Whether a name can be shown as it is, and be given back to the database.
pub(super) fn is_sayable(kid: &str) -> bool {
    !kid.contains(|one: char| one == char::REPLACEMENT_CHARACTER || one.is_control())
}

pub(super) fn list(conn: &mut Conn) -> QueryResult<Vec<Row>> {
    signing_keys::table.order(signing_keys::kid).load(conn)
}

pub(super) fn insert(conn: &mut Conn, row: &Row) -> QueryResult<()> {
    let life = row.lifetime();
    diesel::insert_into(signing_keys::table)
        .values((
            signing_keys::kid.eq(&row.kid),
            signing_keys::algorithm.eq(&row.algorithm),
            signing_keys::purpose.eq(&row.purpose),
            signing_keys::public_jwk.eq(&row.public_jwk),
            signing_keys::sealed_private.eq(&row.sealed_private),
            signing_keys::master_key_id.eq(&row.master_key_id),
            signing_keys::created_at.eq(stored(row.created_at.or_epoch())),
            signing_keys::publish_at.eq(stored(life.publish_at)),
            signing_keys::activate_at.eq(stored(life.activate_at)),
            signing_keys::retire_at.eq(life.retire_at.map(stored)),
            signing_keys::remove_at.eq(life.remove_at.map(stored)),
            signing_keys::revoked_at.eq(life.revoked_at.map(stored)),
            signing_keys::sealed_public.eq(&row.sealed_public),
        ))
        .execute(conn)?;
    Ok(())
}

/// The same key as that of `row`, in use for another algorithm: its id, and what it is for.
pub(super) fn of_other_algorithm(
    conn: &mut Conn,
    row: &Row,
) -> QueryResult<Option<(String, String)>> {
    signing_keys::table
        .filter(signing_keys::public_jwk.eq(&row.public_jwk))
        .filter(signing_keys::algorithm.ne(&row.algorithm))
        .filter(signing_keys::revoked_at.is_null())
        .select((signing_keys::kid, signing_keys::algorithm))
        .get_result(conn)
        .optional()
}

pub(super) fn entries(conn: &mut Conn) -> QueryResult<Vec<Entry>> {
    Ok(list(conn)?.into_iter().filter_map(Row::entry).collect())
}

/// Other times for a key that is there.
pub(super) fn update(conn: &mut Conn, entry: &Entry) -> QueryResult<()> {
    let life = &entry.lifetime;
    let updated = diesel::update(signing_keys::table.find(&entry.kid))
        .set((
            signing_keys::publish_at.eq(stored(life.publish_at)),
            signing_keys::activate_at.eq(stored(life.activate_at)),
            signing_keys::retire_at.eq(life.retire_at.map(stored)),
            signing_keys::remove_at.eq(life.remove_at.map(stored)),
            signing_keys::revoked_at.eq(life.revoked_at.map(stored)),
        ))
        .execute(conn)?;
    done(updated)?;
    if life.revoked_at.is_some() {
        // For good: who can only write to the database cannot take it back.
        let row = diesel::update(signing_keys::table.find(&entry.kid));
        row.set((
            signing_keys::sealed_private.eq(Vec::<u8>::new()),
            signing_keys::sealed_public.eq(None::<Vec<u8>>),
        ))
        .execute(conn)?;
    }
    Ok(())
}

/// Nobody is told that something was done to a row that is not there.
///
/// # Errors
/// No row was changed.
pub(super) fn done(changed: usize) -> QueryResult<()> {
    if changed == 0 {
        return Err(diesel::result::Error::NotFound);
    }
    Ok(())
}

/// Puts the sealed form of `new` in place of that of `old`, if it still is there; how often.
pub(super) fn replace_sealed(conn: &mut Conn, old: &Row, new: &Row) -> QueryResult<usize> {
    diesel::update(signing_keys::table.find(&old.kid))
        .filter(signing_keys::sealed_private.eq(&old.sealed_private))
        .filter(signing_keys::public_jwk.eq(&old.public_jwk))
        // What was sealed of a revoked key is destroyed, and stays so.
        .filter(signing_keys::revoked_at.is_null())
        .set((
            signing_keys::sealed_private.eq(&new.sealed_private),
            signing_keys::sealed_public.eq(&new.sealed_public),
            signing_keys::master_key_id.eq(&new.master_key_id),
        ))
        .execute(conn)
}

pub(super) fn count_sealed_under(conn: &mut Conn, id: RootId) -> QueryResult<i64> {
    let sealed = list(conn)?
        .into_iter()
        .filter(|row| row.is_named() && row.sealers().any(|sealer| sealer == id));
    Ok(i64::try_from(sealed.count()).unwrap_or(i64::MAX))
}

/// Under which master keys the private parts are sealed of keys that sign, or will.
pub(super) fn needed(conn: &mut Conn, now: Time) -> QueryResult<Vec<RootId>> {
    let rows = list(conn)?.into_iter();
    let signing = rows.filter(|row| row.is_named() && row.lifetime().is_to_sign(now));
    Ok(signing
        .filter_map(|row| Vault::sealed_under(&row.sealed_private))
        .collect())
}

/// The keys with a part that is sealed under one of the master keys `ids`.
pub(super) fn sealed_under(conn: &mut Conn, ids: &[RootId]) -> QueryResult<Vec<Row>> {
    let rows = list(conn)?.into_iter();
    let sealed = rows.filter(|row| row.sealers().any(|sealer| ids.contains(&sealer)));
    Ok(sealed.collect())
}

/// Whether it was there. A name that is no text cannot be called by anybody.
pub(super) fn delete(conn: &mut Conn, kid: &str) -> QueryResult<bool> {
    let deleted = diesel::delete(signing_keys::table.find(kid)).execute(conn)?;
    Ok(deleted > 0)
}

/// Takes the installation's row for this transaction, so that two nodes decide one after the other.
pub(super) fn lock(conn: &mut Conn) -> QueryResult<()> {
    diesel::update(instance::table)
        .set(instance::epoch.eq(instance::epoch))
        .execute(conn)?;
    Ok(())
}

pub(super) fn any_sealed(conn: &mut Conn) -> QueryResult<bool> {
    let keys: bool =
        diesel::select(exists(signing_keys::table.select(signing_keys::kid))).get_result(conn)?;
    let mails: bool = diesel::select(exists(outbox::table.select(outbox::id))).get_result(conn)?;
    Ok(keys || mails)
}
