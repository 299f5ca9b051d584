//! What file and database say of the master keys, put together.

use super::Registered;
use crate::crypto::{RootId, RootSecret, Version, Versions};

/// What file and database say.
pub(super) struct Known {
    pub(super) secrets: Vec<RootSecret>,
    /// Which of them are in the file, as it was when it was last looked into.
    in_file: Vec<RootId>,
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
            in_file: ids(&secrets),
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
                // One that is being revoked only opens.
                current_from: row.filter(|row| row.vouches()).map(|row| row.current_from),
                value: secret.clone(),
            })
            .collect();
        let first = versions
            .iter()
            .filter(|version| version.current_from.is_some());
        let first = first.min_by_key(|version| version.current_from);
        let is_registered = |version: &&Version<RootSecret>| row(version.id).is_some();
        let first = first.or_else(|| versions.iter().find(is_registered))?.id;
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

    /// Goes on with what is in the file now, and with keys that are not in it any more: those in use,
    /// and others until the other nodes know that they are gone from here. Whether anything has
    /// changed, and which of those in use are new.
    pub(super) fn take_over(&mut self, mut secrets: Vec<RootSecret>) -> (bool, Vec<RootId>) {
        let before = ids(&self.secrets);
        self.in_file = ids(&secrets);
        let has_left = |one: &&RootSecret| !self.in_file.contains(&one.id());
        let left: Vec<RootSecret> = self.secrets.iter().filter(has_left).cloned().collect();
        let missed: Vec<RootId> = ids(&left)
            .into_iter()
            .filter(|id| self.is_in_use(*id))
            .collect();
        let news = missed.iter().filter(|id| !self.left.contains(id));
        let news = news.copied().collect();
        self.left = missed;
        secrets.extend(left);
        self.secrets = secrets;
        (ids(&self.secrets) != before, news)
    }

    /// The keys that this node has for good: in the file, or in use.
    pub(super) fn at_hand(&self) -> Vec<RootId> {
        let mut at_hand = ids(&self.secrets);
        at_hand.retain(|id| self.is_at_hand(*id));
        at_hand
    }

    /// Lets the others go; whether there were any.
    pub(super) fn let_go(&mut self) -> bool {
        let (at_hand, before) = (self.at_hand(), self.secrets.len());
        self.secrets.retain(|one| at_hand.contains(&one.id()));
        self.secrets.len() < before
    }

    fn is_at_hand(&self, id: RootId) -> bool {
        self.in_file.contains(&id) || self.is_in_use(id)
    }

    fn is_in_use(&self, id: RootId) -> bool {
        self.in_use().any(|one| one == id)
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

fn ids(secrets: &[RootSecret]) -> Vec<RootId> {
    secrets.iter().map(RootSecret::id).collect()
}
