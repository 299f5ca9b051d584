//! What file and database say of the master keys, put together.

use super::Registered;
use crate::crypto::{RootId, RootSecret, Version, Versions};

/// What file and database say.
pub(super) struct Known {
    pub(super) secrets: Vec<RootSecret>,
    pub(super) registered: Vec<Registered>,
    /// It could not be read when it was last looked into.
    pub(super) is_file_bad: bool,
    /// Keys in use that have left the file, which was said.
    left: Vec<RootId>,
    /// The database took a retirement back, and that was said.
    pub(super) is_contradicted: bool,
}

impl Known {
    pub(super) fn new(secrets: Vec<RootSecret>, registered: Vec<Registered>) -> Self {
        Self {
            secrets,
            registered,
            is_file_bad: false,
            left: Vec::new(),
            is_contradicted: false,
        }
    }

    /// The versions to use; none, if no key that was registered is at hand.
    pub(super) fn versions(&self) -> Option<Versions<RootSecret>> {
        let row = |id| self.registered.iter().find(|row| row.id == id);
        let mut versions: Vec<Version<RootSecret>> = self
            .secrets
            .iter()
            .map(|secret| (secret, row(secret.id())))
            .filter(|(_, row)| row.is_none_or(Registered::is_in_use))
            .map(|(secret, row)| Version {
                id: secret.id(),
                current_from: row.map(|row| row.current_from),
                value: secret.clone(),
            })
            .collect();
        let first = versions
            .iter()
            .filter(|version| version.current_from.is_some());
        let first = first.min_by_key(|version| version.current_from)?.id;
        let place = versions.iter().position(|version| version.id == first)?;
        let first = versions.swap_remove(place);
        Some(Versions {
            first,
            others: versions,
        })
    }

    /// The same rows, and keys that were retired before are retired: whoever knows one of these
    /// could write to the database, too. Whether they said otherwise.
    pub(super) fn hold_to_retirements(&self, registered: &mut Vec<Registered>) -> bool {
        let mut is_contradicted = false;
        for retired in self
            .registered
            .iter()
            .filter(|row| row.retired_at.is_some())
        {
            match registered.iter_mut().find(|row| row.id == retired.id) {
                Some(row) if row.retired_at.is_some() => continue,
                Some(row) => row.retired_at = retired.retired_at,
                None => registered.push(retired.clone()),
            }
            is_contradicted = true;
        }
        // The order in which databases sort ids is their own.
        registered.sort_by_key(|row| (row.current_from, row.id));
        is_contradicted
    }

    /// Goes on with what is in the file now, and with keys in use that are not in it any more.
    /// Whether anything has changed, and which of the latter are new.
    pub(super) fn take_over(&mut self, mut secrets: Vec<RootSecret>) -> (bool, Vec<RootId>) {
        let ids = |secrets: &[RootSecret]| -> Vec<RootId> {
            secrets.iter().map(RootSecret::id).collect()
        };
        let (before, in_use) = (ids(&self.secrets), self.in_use().collect::<Vec<_>>());
        let in_file = ids(&secrets);
        let has_left = |one: &&RootSecret| {
            let id = one.id();
            in_use.contains(&id) && !in_file.contains(&id)
        };
        let left: Vec<RootSecret> = self.secrets.iter().filter(has_left).cloned().collect();
        let news = ids(&left).into_iter().filter(|id| !self.left.contains(id));
        let news = news.collect();
        self.left = ids(&left);
        secrets.extend(left);
        self.secrets = secrets;
        (ids(&self.secrets) != before, news)
    }

    /// Keys that are in use and not at hand.
    pub(super) fn missing(&self) -> Vec<RootId> {
        let has = |id| self.secrets.iter().any(|secret| secret.id() == id);
        self.in_use().filter(|id| !has(*id)).collect()
    }

    /// Keys that are not retired.
    pub(super) fn in_use(&self) -> impl Iterator<Item = RootId> {
        let in_use = self.registered.iter().filter(|row| row.is_in_use());
        in_use.map(|row| row.id)
    }
}
