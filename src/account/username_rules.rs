//! Which user names can be chosen here, beside what every user name must be.

use std::collections::HashSet;

use super::User;
use super::identifier::{Username, username_key};
use crate::config;

/// The rules of `[account]` for user names.
#[derive(Clone, Debug)]
pub struct UsernameRules {
    min_length: usize,
    /// Canonical forms: a name is blocked in whatever spelling.
    blocked: HashSet<String>,
}

impl UsernameRules {
    /// From `[account]`.
    pub fn new(settings: &config::Account) -> Self {
        let blocked = settings.username_blocklist.iter();
        Self {
            min_length: settings.username_min_length,
            blocked: blocked.map(|name| username_key(name)).collect(),
        }
    }

    /// Why nobody can choose the name, in the words of the contract; `None` if it can be chosen.
    /// Whoever has it keeps it, in whatever spelling.
    pub(super) fn refusal(&self, name: &Username, holder: Option<&User>) -> Option<String> {
        let own = holder.and_then(|user| user.username.as_deref());
        if own.is_some_and(|own| username_key(own) == name.key()) {
            return None;
        }
        if name.text().chars().count() < self.min_length {
            let min = self.min_length;
            return Some(format!("Ensure this field has at least {min} characters."));
        }
        let is_blocked = self.blocked.contains(name.key());
        is_blocked.then(|| "Username can not be used. Please use other username.".to_owned())
    }
}
