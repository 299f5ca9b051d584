//! The own profile.

use super::store::{self, Changes};
use super::{Accounts, User, Username, not_found};
use crate::error::{Error, Result};
use crate::event::{self, Event};
use crate::limits::Rule;
use crate::storage::violates_unique;
use crate::token::AccessClaims;
use crate::web::Facts;

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
    /// On `username`: somebody else has it. The account is disabled or gone.
    pub async fn update_profile(
        &self,
        claims: &AccessClaims,
        profile: Profile,
        facts: &Facts,
    ) -> Result<User> {
        if profile.username.is_some() {
            // Which names are taken is not to be had wholesale, here no more than at registration.
            let rule = Rule::per_minute(self.0.limits.settings().logins_per_minute);
            self.take_turn("registration-try", rule, facts).await?;
        }
        let taken = || Error::field("username", "A user with that username already exists.");
        let subject = claims.sub.clone();
        let now = self.0.clock.now();
        let event = Event::of(event::Kind::ProfileUpdated, &subject, now)
            .in_session(&claims.sid)
            .from_address(facts.address);
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
            let Some(before) = store::find(conn, &subject)?.filter(|user| user.is_active) else {
                return Ok(Some(None));
            };
            let after = store::update_profile(conn, &subject, &changes)?;
            let changed = after.iter().flat_map(|after| changed(&before, after));
            let changed: Vec<&str> = changed.collect();
            if !changed.is_empty() {
                event::record(conn, &event.clone().with("fields", changed))?;
            }
            Ok(Some(after))
        });
        match wrote.await {
            Ok(Some(Some(user))) => Ok(user),
            Ok(Some(None)) => Err(not_found()),
            Ok(None) => Err(taken()),
            Err(error) if violates_unique(&error, "username_key") => Err(taken()),
            Err(error) => Err(error),
        }
    }
}

/// The names of the fields that differ; never what is in them.
fn changed(before: &User, after: &User) -> impl Iterator<Item = &'static str> {
    let fields = [
        ("username", before.username != after.username),
        ("first_name", before.first_name != after.first_name),
        ("last_name", before.last_name != after.last_name),
    ];
    fields
        .into_iter()
        .filter_map(|(name, differs)| differs.then_some(name))
}
