//! `[account]`.

use super::Rules;
use crate::config::{EmailVerification, Period};

/// First parts of paths that are the server's own, now or by design.
pub(super) const TAKEN: [&str; 8] = [
    "livez",
    "readyz",
    ".well-known",
    "openapi.json",
    "docs",
    "admin",
    "oauth2",
    "metrics",
];

/// User names are no longer than this.
const LONGEST_USERNAME: usize = 150;

/// A reset link is as good as the password, and mailboxes keep it.
const LONGEST_RESET: Period = Period::days(1);
const LONGEST_CONFIRMATION: Period = Period::days(7);

impl Rules<'_> {
    pub(super) fn account(&mut self) {
        let account = &self.config.account;
        self.prefix();
        self.require(
            !account.login_with.is_empty(),
            "account.login_with",
            "nobody could log in",
            "name email, username, or both",
        );
        self.require(
            (1..=LONGEST_USERNAME).contains(&account.username_min_length),
            "account.username_min_length",
            &format!(
                "{} is outside of what is allowed",
                account.username_min_length
            ),
            &format!("choose 1 to {LONGEST_USERNAME}"),
        );
        let some = Period::seconds(1);
        self.within("account.reset_ttl", account.reset_ttl, some..=LONGEST_RESET);
        self.positive("account.unconfirmed_ttl", account.unconfirmed_ttl);
        let range = some..=LONGEST_CONFIRMATION;
        let sound = range.contains(&account.confirm_ttl);
        self.within("account.confirm_ttl", account.confirm_ttl, range);
        self.require_all(
            !sound
                || account.email_verification != EmailVerification::Mandatory
                || account.confirm_ttl <= account.unconfirmed_ttl,
            &[
                "account.confirm_ttl",
                "account.unconfirmed_ttl",
                "account.email_verification",
            ],
            &format!(
                "{} is longer than the account waits for it, {}",
                account.confirm_ttl, account.unconfirmed_ttl
            ),
            "choose confirm_ttl no longer than unconfirmed_ttl",
        );
    }

    fn prefix(&mut self) {
        const PATH: &str = "account.prefix";
        let prefix = &self.config.account.prefix;
        self.require(
            is_prefix(prefix),
            PATH,
            &format!("{prefix:?} is not a path to mount routes under"),
            "write it like /auth: a slash before each part, none at the end; empty for no prefix",
        );
        let first = prefix.split('/').nth(1).unwrap_or_default();
        self.require(
            !TAKEN.contains(&first),
            PATH,
            &format!("/{first} is taken by the server itself"),
            "choose another one, like /auth",
        );
    }
}

/// Empty, or `/part` any number of times.
pub(super) fn is_prefix(prefix: &str) -> bool {
    let ok = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    match prefix.strip_prefix('/') {
        None => prefix.is_empty(),
        Some(parts) => parts
            .split('/')
            .all(|part| !matches!(part, "" | "." | "..") && part.bytes().all(ok)),
    }
}
