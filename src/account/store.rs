use chrono::NaiveDateTime;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Integer;

use super::{Email, User, Username};
use crate::clock::Time;
use crate::ids::Subject;
use crate::storage::schema::{identities, users};
use crate::storage::{Conn, loaded, stored};

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
struct Row {
    id: String,
    username: Option<String>,
    email: Option<String>,
    email_key: Option<String>,
    email_verified_at: Option<NaiveDateTime>,
    first_name: String,
    last_name: String,
    password_hash: Option<String>,
    is_active: bool,
    created_at: NaiveDateTime,
    last_login_at: Option<NaiveDateTime>,
}

impl From<Row> for User {
    fn from(row: Row) -> Self {
        Self {
            subject: row.id.into(),
            username: row.username,
            email: row.email,
            email_key: row.email_key,
            email_verified_at: row.email_verified_at.map(loaded),
            first_name: row.first_name,
            last_name: row.last_name,
            password_hash: row.password_hash,
            is_active: row.is_active,
            created_at: loaded(row.created_at),
            last_login_at: row.last_login_at.map(loaded),
        }
    }
}

pub(super) fn find(conn: &mut Conn, subject: &Subject) -> QueryResult<Option<User>> {
    let row = users::table.find(subject.as_str()).select(Row::as_select());
    Ok(row.get_result(conn).optional()?.map(User::from))
}

/// Names are looked up by "this or the next": a row is read whether or not somebody has the name,
/// since it would show in the time if there were none to read. Unless nothing comes after it.
pub(super) fn find_by_username(conn: &mut Conn, key: &str) -> QueryResult<Option<User>> {
    let nearest: Option<(Option<String>, Row)> = users::table
        .filter(users::username_key.ge(key))
        .order(users::username_key)
        .limit(1)
        .select((users::username_key, Row::as_select()))
        .get_result(conn)
        .optional()?;
    let found = nearest.filter(|(found, _)| found.as_deref() == Some(key));
    Ok(found.map(|(_, row)| row.into()))
}

/// Who has confirmed the address.
pub(super) fn find_by_email(conn: &mut Conn, key: &str) -> QueryResult<Option<User>> {
    let nearest: Option<Row> = users::table
        .filter(users::email_key.ge(key))
        .filter(users::email_verified_at.is_not_null())
        .order(users::email_key)
        .limit(1)
        .select(Row::as_select())
        .get_result(conn)
        .optional()?;
    Ok(nearest
        .map(User::from)
        .filter(|user| user.email_key.as_deref() == Some(key)))
}

/// Whom an address means: the one who confirmed it, else the first active one who claims it, so that
/// nobody loses anything by what others claim later. Both are always looked for.
pub(super) fn find_claim(conn: &mut Conn, key: &str) -> QueryResult<Option<User>> {
    let owner = find_by_email(conn, key)?;
    let nearest: Option<Row> = users::table
        .filter(users::email_key.ge(key))
        .filter(users::is_active.eq(true))
        .order((users::email_key, users::id))
        .limit(1)
        .select(Row::as_select())
        .get_result(conn)
        .optional()?;
    let claim = nearest
        .map(User::from)
        .filter(|user| user.email_key.as_deref() == Some(key));
    Ok(owner.or(claim))
}

/// All whom an address may mean: the one who confirmed it, else those who claim it; of more than
/// `limit`, some that chance picks, so that nobody is left out for ever.
pub(super) fn list_by_email(conn: &mut Conn, key: &str, limit: i64) -> QueryResult<Vec<User>> {
    if let Some(owner) = find_by_email(conn, key)? {
        return Ok(vec![owner]);
    }
    let claims: Vec<Row> = users::table
        .filter(users::email_key.eq(key))
        .order(sql::<Integer>("RANDOM()"))
        .limit(limit)
        .select(Row::as_select())
        .load(conn)?;
    Ok(claims.into_iter().map(User::from).collect())
}

/// One page of accounts after `after`, in the order of their ids.
pub(super) fn list(conn: &mut Conn, after: &str, limit: i64) -> QueryResult<Vec<User>> {
    let rows: Vec<Row> = users::table
        .filter(users::id.gt(after))
        .order(users::id)
        .limit(limit)
        .select(Row::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(User::from).collect())
}

/// An account to be.
#[derive(Clone)]
pub(super) struct NewRow {
    pub(super) subject: Subject,
    pub(super) username: Option<Username>,
    pub(super) email: Option<Email>,
    pub(super) email_verified_at: Option<Time>,
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) password_hash: Option<String>,
    pub(super) confirm_by: Option<Time>,
    pub(super) created_at: Time,
    pub(super) last_login_at: Option<Time>,
}

pub(super) fn insert(conn: &mut Conn, new: &NewRow) -> QueryResult<()> {
    let username = new.username.as_ref();
    let email = new.email.as_ref();
    diesel::insert_into(users::table)
        .values((
            users::id.eq(new.subject.as_str()),
            users::username.eq(username.map(Username::text)),
            users::username_key.eq(username.map(Username::key)),
            users::email.eq(email.map(Email::text)),
            users::email_key.eq(email.map(Email::key)),
            users::email_verified_at.eq(new.email_verified_at.map(stored)),
            users::first_name.eq(&new.first_name),
            users::last_name.eq(&new.last_name),
            users::password_hash.eq(new.password_hash.as_ref()),
            users::password_changed_at.eq(stored(new.created_at)),
            users::is_active.eq(true),
            users::confirm_by.eq(new.confirm_by.map(stored)),
            users::created_at.eq(stored(new.created_at)),
            users::last_login_at.eq(new.last_login_at.map(stored)),
        ))
        .execute(conn)?;
    Ok(())
}

/// The one conditional write of a login: only if the account is still active and its password
/// still the one that was verified. Whether it was so.
pub(super) fn update_at_login(
    conn: &mut Conn,
    user: &User,
    new_hash: Option<&str>,
    now: Time,
) -> QueryResult<bool> {
    let unchanged = users::table
        .find(user.subject.as_str())
        .filter(users::is_active.eq(true))
        .filter(users::password_hash.eq(user.password_hash.as_deref()));
    let hash = new_hash.or(user.password_hash.as_deref());
    let updated = diesel::update(unchanged)
        .set((
            users::last_login_at.eq(stored(now)),
            users::password_hash.eq(hash),
        ))
        .execute(conn)?;
    Ok(updated == 1)
}

/// Notes a login without a password, if the account is active. Whether it is.
pub(super) fn update_at_entry(conn: &mut Conn, subject: &Subject, now: Time) -> QueryResult<bool> {
    let active = users::table
        .find(subject.as_str())
        .filter(users::is_active.eq(true));
    let updated = diesel::update(active)
        .set(users::last_login_at.eq(stored(now)))
        .execute(conn)?;
    Ok(updated == 1)
}

/// Sets a password if it is still the one that was seen. Whether it was so.
pub(super) fn update_password(
    conn: &mut Conn,
    user: &User,
    new_hash: &str,
    now: Time,
) -> QueryResult<bool> {
    // `IS` would be the null-safe comparison in one of the two databases only.
    let unchanged = users::table
        .find(user.subject.as_str())
        .filter(users::is_active.eq(true));
    let change = (
        users::password_hash.eq(new_hash),
        users::password_changed_at.eq(stored(now)),
    );
    let updated = match user.password_hash.as_deref() {
        Some(hash) => diesel::update(unchanged.filter(users::password_hash.eq(hash)))
            .set(change)
            .execute(conn)?,
        None => diesel::update(unchanged.filter(users::password_hash.is_null()))
            .set(change)
            .execute(conn)?,
    };
    Ok(updated == 1)
}

/// Takes the account for this transaction if it is active and its password still the one that was
/// seen. Whether it was so; without a password it never is.
pub(super) fn lock_unchanged(conn: &mut Conn, user: &User) -> QueryResult<bool> {
    let unchanged = users::table
        .find(user.subject.as_str())
        .filter(users::is_active.eq(true))
        .filter(users::password_hash.eq(user.password_hash.as_deref()));
    let held = diesel::update(unchanged)
        .set(users::is_active.eq(users::is_active))
        .execute(conn)?;
    Ok(held == 1)
}

/// Gives an account an address that it has confirmed, unless it is somebody else's. Whether it has
/// it.
pub(super) fn update_email(
    conn: &mut Conn,
    subject: &Subject,
    email: &Email,
    now: Time,
) -> QueryResult<bool> {
    let owner = find_by_email(conn, email.key())?;
    if owner.is_some_and(|owner| owner.subject != *subject) {
        return Ok(false);
    }
    let account = users::table
        .find(subject.as_str())
        .filter(users::is_active.eq(true));
    let no_deadline: Option<NaiveDateTime> = None;
    let updated = diesel::update(account)
        .set((
            users::email.eq(email.text()),
            users::email_key.eq(email.key()),
            users::email_verified_at.eq(stored(now)),
            users::confirm_by.eq(no_deadline),
        ))
        .execute(conn)?;
    Ok(updated == 1)
}

/// Makes `subject` the owner of the address, unless somebody is already, or it has another address
/// by now. Whether it is the owner.
pub(super) fn confirm_email(
    conn: &mut Conn,
    subject: &Subject,
    key: &str,
    now: Time,
) -> QueryResult<bool> {
    if let Some(owner) = find_by_email(conn, key)? {
        return Ok(owner.subject == *subject);
    }
    let claim = users::table
        .find(subject.as_str())
        .filter(users::email_key.eq(key))
        .filter(users::is_active.eq(true))
        .filter(users::email_verified_at.is_null());
    let no_deadline: Option<NaiveDateTime> = None;
    let confirmed = diesel::update(claim)
        .set((
            users::email_verified_at.eq(stored(now)),
            users::confirm_by.eq(no_deadline),
        ))
        .execute(conn)?;
    Ok(confirmed == 1)
}

/// What of a profile is to change; `None`: stays.
#[derive(AsChangeset, Default, Clone)]
#[diesel(table_name = users)]
pub(super) struct Changes {
    pub(super) username: Option<String>,
    pub(super) username_key: Option<String>,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
}

pub(super) fn update_profile(
    conn: &mut Conn,
    subject: &Subject,
    changes: &Changes,
) -> QueryResult<Option<User>> {
    let is_empty =
        changes.username.is_none() && changes.first_name.is_none() && changes.last_name.is_none();
    if !is_empty {
        diesel::update(users::table.find(subject.as_str()))
            .set(changes.clone())
            .execute(conn)?;
    }
    find(conn, subject)
}

/// Allows or forbids logging in; whether the account was there and in the other state.
pub(super) fn set_active(conn: &mut Conn, subject: &Subject, is_active: bool) -> QueryResult<bool> {
    let account = users::table
        .find(subject.as_str())
        .filter(users::is_active.ne(is_active));
    Ok(diesel::update(account)
        .set(users::is_active.eq(is_active))
        .execute(conn)?
        == 1)
}

/// Deletes an account with all that hangs on it; whether it was there.
pub(super) fn delete(conn: &mut Conn, subject: &Subject) -> QueryResult<bool> {
    Ok(diesel::delete(users::table.find(subject.as_str())).execute(conn)? == 1)
}

/// Takes away every way in through another provider; how many there were.
pub(super) fn delete_identities(conn: &mut Conn, subject: &Subject) -> QueryResult<usize> {
    let all = identities::table.filter(identities::subject.eq(subject.as_str()));
    diesel::delete(all).execute(conn)
}

/// Deletes a slice of the accounts that had to confirm their address and did not; which. Each is
/// looked at again by its own statement: it may have been confirmed meanwhile.
pub(super) fn delete_unconfirmed(
    conn: &mut Conn,
    now: Time,
    limit: i64,
) -> QueryResult<Vec<Subject>> {
    let late: Vec<String> = users::table
        .filter(users::confirm_by.le(stored(now)))
        .limit(limit)
        .select(users::id)
        .load(conn)?;
    let mut deleted = Vec::new();
    for id in late {
        let still_late = users::table
            .find(&id)
            .filter(users::confirm_by.le(stored(now)))
            .filter(users::email_verified_at.is_null());
        if diesel::delete(still_late).execute(conn)? == 1 {
            deleted.push(id.into());
        }
    }
    Ok(deleted)
}

/// Takes an account for this transaction, so that what follows happens once at a time.
pub(super) fn lock(conn: &mut Conn, subject: &Subject) -> QueryResult<()> {
    let account = users::table.find(subject.as_str());
    diesel::update(account)
        .set(users::is_active.eq(users::is_active))
        .execute(conn)?;
    Ok(())
}
