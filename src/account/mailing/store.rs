use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::{MailRequest, Reason};
use crate::account::Email;
use crate::clock::Time;
use crate::ids::MailRequestId;
use crate::storage::schema::mail_requests;
use crate::storage::{Conn, loaded, stored};

/// Requests looked at in one go.
const SLICE: i64 = 64;

const REGISTRATION: &str = "registration";
const CONFIRMATION: &str = "confirmation";
const RESET: &str = "reset";

#[derive(Queryable)]
struct Row {
    id: String,
    reason: String,
    email: String,
    subject: Option<String>,
    address: Option<String>,
    created_at: NaiveDateTime,
}

/// A row, and what it says: nothing, if another version wrote it.
pub(super) struct Found {
    pub(super) id: MailRequestId,
    pub(super) created_at: Time,
    pub(super) request: Option<MailRequest>,
}

impl From<Row> for Found {
    fn from(row: Row) -> Self {
        let (id, created_at) = (MailRequestId::from(row.id), loaded(row.created_at));
        let reason = match (row.reason.as_str(), row.subject) {
            (REGISTRATION, Some(subject)) => Some(Reason::Registration(subject.into())),
            (CONFIRMATION, None) => Some(Reason::Confirmation),
            (RESET, None) => Some(Reason::Reset),
            _ => None,
        };
        let request = reason.zip(Email::parse(&row.email));
        let request = request.map(|(reason, email)| MailRequest {
            id: id.clone(),
            reason,
            email,
            address: row.address.and_then(|address| address.parse().ok()),
            created_at,
        });
        Self {
            id,
            created_at,
            request,
        }
    }
}

/// Notes a request, in the caller's transaction.
pub(in crate::account) fn insert(conn: &mut Conn, request: &MailRequest) -> QueryResult<()> {
    let (reason, subject) = match &request.reason {
        Reason::Registration(subject) => (REGISTRATION, Some(subject.as_str())),
        Reason::Confirmation => (CONFIRMATION, None),
        Reason::Reset => (RESET, None),
    };
    diesel::insert_into(mail_requests::table)
        .values((
            mail_requests::id.eq(request.id.as_str()),
            mail_requests::reason.eq(reason),
            mail_requests::email.eq(request.email.text()),
            mail_requests::subject.eq(subject),
            mail_requests::address.eq(request.address.map(|address| address.to_string())),
            mail_requests::created_at.eq(stored(request.created_at)),
        ))
        .execute(conn)?;
    Ok(())
}

/// The first few after `last`.
pub(super) fn list_after(conn: &mut Conn, last: Option<&MailRequestId>) -> QueryResult<Vec<Found>> {
    let rows: Vec<Row> = mail_requests::table
        .filter(mail_requests::id.gt(last.map_or("", MailRequestId::as_str)))
        .order(mail_requests::id)
        .limit(SLICE)
        .load(conn)?;
    Ok(rows.into_iter().map(Found::from).collect())
}

/// Whether it was still there.
pub(super) fn delete(conn: &mut Conn, id: &MailRequestId) -> QueryResult<bool> {
    Ok(diesel::delete(mail_requests::table.find(id.as_str())).execute(conn)? == 1)
}
