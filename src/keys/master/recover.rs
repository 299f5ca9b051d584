//! Going on after a master key was lost: what was sealed under it is given up, and nothing else.

use std::path::Path;

use diesel::QueryResult;

use super::operate::retire;
use super::{Registered, file};
use crate::clock::{Clock, Time};
use crate::config::Config;
use crate::crypto::{RootId, RootSecret, Roots, Vault};
use crate::error::Result;
use crate::event;
use crate::keys::operate::refused;
use crate::keys::{Changed, Entry, Policy, Purpose, SIGNING_KEYS};

use super::store as master_keys;
use crate::keys::store as keys;
use crate::mail;
use crate::node;
use crate::storage::{Conn, Db};

/// What was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The master keys that are lost.
    pub lost: Vec<RootId>,
    /// The one that is current now.
    pub current: RootId,
    /// Signing keys that sign no longer: what they signed verifies until it expires. And keys that left:
    /// they only verified, and can be imported again.
    pub signing_keys: Vec<Changed>,
    /// Mails that cannot be sent any more.
    pub mails: usize,
}

/// Gives up what only lost master keys open: their signing keys end, waiting mails are dropped, and
/// `end_sessions` does so in the same transaction. A key is made where none is left.
///
/// # Errors
/// Nothing is lost; a server is running, which then still has the key; the file is unusable.
pub async fn recover(
    db: &Db,
    clock: &Clock,
    config: &Config,
    end_sessions: fn(&mut Conn, Time) -> QueryResult<()>,
) -> Result<Recovered> {
    let path: &Path = &config.keys.master_key_file;
    let (now, skew) = (clock.now(), config.keys.clock_skew.delta());
    let read = move |conn: &mut Conn| {
        Ok((
            master_keys::list(conn)?,
            keys::needed(conn, now)?,
            node::settle(conn, now, skew)?,
        ))
    };
    let (registered, needed, nodes) = db.write(read).await?;
    if let Some(node) = nodes.first() {
        return Err(refused(format!(
            "{} is running, and has the master key in its memory: stop all servers first",
            node.name
        )));
    }
    let at_hand: Vec<RootId> = if path.exists() {
        file::read(path)?.iter().map(RootSecret::id).collect()
    } else {
        Vec::new()
    };
    let lost = lost(&registered, &needed, &at_hand);
    if lost.is_empty() && registered.iter().any(Registered::is_in_use) {
        return Err(refused(
            "every master key that is in use is at hand".to_owned(),
        ));
    }
    if !path.exists() {
        file::create(path)?;
    } else if !at_hand.iter().any(|id| can_follow(*id, &registered)) {
        if file::has_room(path)? {
            file::append(path)?;
        } else {
            file::put_aside(path)?;
            file::create(path)?;
        }
    }
    let secrets = file::read(path)?;
    let policy = Policy::new(config);
    let give_up = move |conn: &mut Conn| {
        let recovered = give_up(conn, &secrets, &lost, &policy, now)?;
        if recovered.is_ok() {
            end_sessions(conn, now)?;
        }
        Ok(recovered)
    };
    db.write(give_up).await?
}

/// Whether a key that is at hand is in use, or could be: it is not retired, nor about to be.
fn can_follow(id: RootId, registered: &[Registered]) -> bool {
    let is_over = |row: &Registered| row.id == id && !row.vouches();
    !registered.iter().any(is_over)
}

/// Keys that were in use and are not at hand. What a row claims to be sealed under counts only while
/// no key was registered yet: another name there is damage.
fn lost(registered: &[Registered], needed: &[RootId], at_hand: &[RootId]) -> Vec<RootId> {
    let in_use = registered.iter().filter(|row| row.is_in_use());
    let mut lost: Vec<RootId> = in_use.map(|row| row.id).collect();
    if registered.is_empty() {
        lost.extend(needed);
    }
    lost.retain(|id| !at_hand.contains(id));
    lost.sort();
    lost.dedup();
    lost
}

fn give_up(
    conn: &mut Conn,
    secrets: &[RootSecret],
    lost: &[RootId],
    policy: &Policy,
    now: Time,
) -> QueryResult<Result<Recovered>> {
    keys::lock(conn)?;
    let at_hand: Vec<RootId> = secrets.iter().map(RootSecret::id).collect();
    let mut registered = master_keys::list(conn)?;
    let is_lost = |row: &Registered| lost.contains(&row.id) && row.is_in_use();
    let still_lost = registered.iter().filter(|row| is_lost(row)).count();
    let is_same = registered.is_empty() || still_lost == lost.len();
    registered.retain(|row| !is_lost(row));
    // Decided before anything is written: a refusal changes nothing.
    let current = next(&registered, &at_hand, now).filter(|id| is_same && at_hand.contains(id));
    let Some(current) = current else {
        return Ok(Err(refused(
            "the master keys were changed meanwhile: try again".to_owned(),
        )));
    };
    let known = master_keys::list(conn)?;
    for id in lost {
        // What rows say that they were sealed under, of an installation whose keys are not registered.
        if known.iter().all(|row| row.id != *id) {
            master_keys::register(conn, *id, now, now)?;
        }
        retire(conn, *id, "lost", now)?;
    }
    if registered.iter().all(|row| row.id != current) {
        master_keys::register(conn, current, now, now)?;
    }
    let vault = secrets.iter().find(|secret| secret.id() == current);
    let vault = vault.map(|secret| Vault::new(&Roots::single(secret.clone()), SIGNING_KEYS));
    let retired: Vec<RootId> = master_keys::list(conn)?
        .iter()
        .filter(|row| row.retired_at.is_some())
        .map(|row| row.id)
        .chain(lost.iter().copied())
        .collect();
    let mut signing_keys = Vec::new();
    for row in keys::sealed_under(conn, &retired)? {
        // Its public part stays published: that it is ours is the word of who recovers. What is
        // under a key that was retired before is nobody's.
        let is_ours = row.sealers().any(|id| lost.contains(&id));
        if let (Some(vault), Purpose::Sign, true) = (&vault, row.purpose(), is_ours) {
            keys::replace_sealed(conn, &row, &row.vouched_for(vault, now))?;
        }
        if let Some(entry) = row.entry() {
            signing_keys.extend(end(conn, entry, policy, now)?);
        }
    }
    let mails = mail::drop_sealed_otherwise(conn, &at_hand)?;
    Ok(Ok(Recovered {
        lost: lost.to_vec(),
        current,
        signing_keys,
        mails,
    }))
}

/// The key to go on with: one that was in use before and is not lost, or a new one.
fn next(registered: &[Registered], at_hand: &[RootId], now: Time) -> Option<RootId> {
    let is_new = |id: &&RootId| registered.iter().all(|row| row.id != **id);
    super::current(registered, now).or_else(|| at_hand.iter().find(is_new).copied())
}

/// What a key does that can be opened no longer: it signs no more, or, if it only verified, leaves. For
/// nobody knows that it is the one that was imported, and whoever has it can import it again.
fn end(
    conn: &mut Conn,
    mut entry: Entry,
    policy: &Policy,
    now: Time,
) -> QueryResult<Option<Changed>> {
    let changed = match entry.purpose {
        Purpose::Verify if entry.lifetime.gone_at(now).is_none() => {
            keys::delete(conn, &entry.kid)?;
            Changed::Forgotten(entry.kid)
        }
        Purpose::Sign if entry.is_to_sign(now) => {
            entry.lifetime = policy.ended(entry.lifetime, now, now);
            keys::update(conn, &entry)?;
            Changed::Rescheduled(entry)
        }
        Purpose::Sign | Purpose::Verify => return Ok(None),
    };
    event::record(conn, &changed.event(now))?;
    Ok(Some(changed))
}
