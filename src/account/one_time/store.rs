use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::super::store as account;
use super::{Purpose, Secret};
use crate::clock::Time;
use crate::ids::Subject;
use crate::storage::schema::one_time_tokens;
use crate::storage::{Conn, Keyed, free, stored};

/// Stores a one-time secret's digest; older ones of its kind are worth nothing from now on.
pub(in crate::account) fn insert_token(conn: &mut Conn, token: &NewToken) -> QueryResult<()> {
    // One at a time: two that run side by side would not see, and not replace, each other's.
    account::lock(conn, &token.subject)?;
    delete_tokens(conn, &token.subject, token.purpose)?;
    diesel::insert_into(one_time_tokens::table)
        .values((
            one_time_tokens::digest.eq(token.secret.digest()),
            one_time_tokens::purpose.eq(token.purpose.name()),
            one_time_tokens::subject.eq(token.subject.as_str()),
            one_time_tokens::address.eq(&token.address),
            one_time_tokens::created_at.eq(stored(token.created_at)),
            one_time_tokens::expires_at.eq(stored(token.expires_at)),
        ))
        .execute(conn)?;
    sweep_tokens(conn, token.created_at)
}

/// A one-time secret to be.
#[derive(Clone)]
pub(in crate::account) struct NewToken {
    pub(in crate::account) secret: Secret,
    pub(in crate::account) purpose: Purpose,
    pub(in crate::account) subject: Subject,
    pub(in crate::account) address: String,
    pub(in crate::account) created_at: Time,
    pub(in crate::account) expires_at: Time,
}

/// Whom and which address a one-time secret is for.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub(in crate::account) struct Token {
    subject: String,
    pub(in crate::account) address: String,
    consumed_at: Option<NaiveDateTime>,
}

impl Token {
    pub(in crate::account) fn subject(&self) -> Subject {
        self.subject.as_str().into()
    }

    pub(in crate::account) fn is_consumed(&self) -> bool {
        self.consumed_at.is_some()
    }
}

/// A secret that has not expired, used or not.
pub(in crate::account) fn find_token(
    conn: &mut Conn,
    purpose: Purpose,
    digest: &str,
    now: Time,
) -> QueryResult<Option<Token>> {
    one_time_tokens::table
        .find(digest)
        .filter(one_time_tokens::purpose.eq(purpose.name()))
        .filter(one_time_tokens::expires_at.gt(stored(now)))
        .select((
            one_time_tokens::subject,
            one_time_tokens::address,
            one_time_tokens::consumed_at,
        ))
        .get_result(conn)
        .optional()
}

/// The one conditional write by which a secret is used up; whether this call did it.
pub(in crate::account) fn consume_token(
    conn: &mut Conn,
    purpose: Purpose,
    digest: &str,
    now: Time,
) -> QueryResult<bool> {
    let unused = one_time_tokens::table
        .find(digest)
        .filter(one_time_tokens::purpose.eq(purpose.name()))
        .filter(one_time_tokens::expires_at.gt(stored(now)))
        .filter(one_time_tokens::consumed_at.is_null());
    let set = one_time_tokens::consumed_at.eq(stored(now));
    Ok(diesel::update(unused).set(set).execute(conn)? == 1)
}

/// Makes all secrets of a kind worthless.
pub(in crate::account) fn delete_tokens(
    conn: &mut Conn,
    subject: &Subject,
    purpose: Purpose,
) -> QueryResult<()> {
    let tokens = one_time_tokens::table
        .filter(one_time_tokens::subject.eq(subject.as_str()))
        .filter(one_time_tokens::purpose.eq(purpose.name()));
    diesel::delete(tokens).execute(conn)?;
    Ok(())
}

/// Makes everybody's worthless.
pub(in crate::account) fn delete_all_tokens(conn: &mut Conn) -> QueryResult<()> {
    diesel::delete(one_time_tokens::table).execute(conn)?;
    Ok(())
}

const TABLE: Keyed = Keyed {
    table: "one_time_tokens",
    key: "digest",
};

/// Expired secrets deleted by each new one at most: more than are made, so the table stays bounded.
const SLICE: i64 = 4;

fn sweep_tokens(conn: &mut Conn, now: Time) -> QueryResult<()> {
    let expired: Vec<String> = one_time_tokens::table
        .filter(one_time_tokens::expires_at.le(stored(now)))
        .order(one_time_tokens::expires_at)
        .limit(SLICE)
        .select(one_time_tokens::digest)
        .load(conn)?;
    for digest in free(conn, TABLE, expired)? {
        diesel::delete(one_time_tokens::table.find(digest)).execute(conn)?;
    }
    Ok(())
}
