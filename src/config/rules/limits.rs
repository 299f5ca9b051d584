//! `[limits]`.

use super::Rules;
use crate::config::Period;

impl Rules<'_> {
    pub(super) fn limits(&mut self) {
        let limits = &self.config.limits;
        self.count("limits.free_failures", limits.free_failures, 1, 20);
        // NIST SP 800-63B-4, section 3.2.2: no more than 100 in a row
        self.count("limits.max_failures", limits.max_failures, 10, 100);
        self.require_all(
            limits.free_failures < limits.max_failures,
            &["limits.free_failures", "limits.max_failures"],
            "is not below max_failures",
            "choose less",
        );
        let range = Period::minutes(1)..=Period::days(1);
        self.within("limits.max_delay", limits.max_delay, range);
        let cooldown = Period::seconds(0)..=Period::minutes(60);
        self.within("limits.mail_cooldown", limits.mail_cooldown, cooldown);
        for (path, count) in [
            ("limits.logins_per_minute", limits.logins_per_minute),
            (
                "limits.registrations_per_hour",
                limits.registrations_per_hour,
            ),
            ("limits.mails_per_hour", limits.mails_per_hour),
            ("limits.mails_per_hour_in_all", limits.mails_per_hour_in_all),
        ] {
            self.count(path, count, 1, 1_000_000);
        }
    }

    fn count(&mut self, path: &str, count: u32, least: u32, most: u32) {
        self.require(
            (least..=most).contains(&count),
            path,
            &format!("{count} is outside of what is allowed"),
            &format!("choose {least} to {most}"),
        );
    }
}
