//! The own profile.

use super::store::{self, Changes};
use super::{Accounts, User, Username};
use crate::error::{Error, Result};
use crate::ids::Subject;
use crate::storage::violates_unique;

/// What is to change; `None`: stays.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// A new user name.
    pub username: Option<Username>,
    /// A new first name, may be empty.
    pub first_name: Option<String>,
    /// A new last name, may be empty.
    pub last_name: Option<String>,
}

impl Accounts {
    /// Changes the profile. The own user name, in whatever spelling, is no conflict.
    ///
    /// # Errors
    /// On `username`: somebody else has it.
    pub async fn update_profile(&self, subject: &Subject, profile: Profile) -> Result<User> {
        let taken = || Error::field("username", "A user with that username already exists.");
        let subject = subject.clone();
        let changes = Changes {
            username: profile.username.as_ref().map(|name| name.text().to_owned()),
            username_key: profile.username.as_ref().map(|name| name.key().to_owned()),
            first_name: profile.first_name,
            last_name: profile.last_name,
        };
        // Upstream's own behaviour is that the own name, sent again, is taken.
        let is_strict = self.0.settings.is_strict;
        let wrote = self.0.db.write(move |conn| {
            if let Some(key) = &changes.username_key {
                let holder = store::find_by_username(conn, key)?;
                if holder.is_some_and(|holder| is_strict || holder.subject != subject) {
                    return Ok(None);
                }
            }
            store::update_profile(conn, &subject, &changes).map(Some)
        });
        match wrote.await {
            Ok(Some(Some(user))) => Ok(user),
            Ok(Some(None)) => Err(Error::internal("the account went away during its change")),
            Ok(None) => Err(taken()),
            Err(error) if violates_unique(&error, "username_key") => Err(taken()),
            Err(error) => Err(error),
        }
    }
}
