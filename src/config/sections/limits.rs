//! What one caller may ask for.

use crate::config::Period;

/// `[limits]`: against guessing passwords and flooding mailboxes.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Without them, something in front must limit.
    pub enabled: bool,
    /// Wrong passwords in a row that cost no delay.
    pub free_failures: u32,
    /// Wrong passwords in a row after which only a reset by mail helps, or an operator.
    pub max_failures: u32,
    /// The longest delay between two tries.
    pub max_delay: Period,
    /// Logins tried from one address.
    pub logins_per_minute: u32,
    /// Registrations from one address.
    pub registrations_per_hour: u32,
    /// Mails of one kind that callers can have sent to one address.
    pub mails_per_hour: u32,
    /// Mails that callers can have sent to all addresses together.
    pub mails_per_hour_in_all: u32,
    /// The same mail is sent to the same address again after this time.
    pub mail_cooldown: Period,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            enabled: true,
            free_failures: 5,
            max_failures: 100,
            max_delay: Period::minutes(60),
            logins_per_minute: 30,
            registrations_per_hour: 10,
            mails_per_hour: 3,
            mails_per_hour_in_all: 1000,
            mail_cooldown: Period::minutes(1),
        }
    }
}
