//! Durations as people write them: `10m`, `30d`.

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;

/// Units and their seconds, longest first.
const UNITS: [(char, u32); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// A span of whole seconds, written `45s`, `10m`, `12h`, `30d` (or `0s`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(u32);

/// The text is no [`Period`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a duration: one whole number and its unit (s, m, h or d), like 45s, 10m, 12h or 30d, \
     at most 49710d"
)]
pub struct InvalidPeriod;

impl Period {
    /// So many seconds.
    pub const fn seconds(seconds: u32) -> Self {
        Self(seconds)
    }

    /// So many minutes.
    pub const fn minutes(minutes: u32) -> Self {
        Self(minutes * 60)
    }

    /// So many days.
    pub const fn days(days: u32) -> Self {
        Self(days * 86_400)
    }

    /// In seconds.
    pub const fn as_secs(self) -> u32 {
        self.0
    }

    /// As a signed difference of times.
    pub fn delta(self) -> TimeDelta {
        TimeDelta::seconds(i64::from(self.0))
    }
}

impl FromStr for Period {
    type Err = InvalidPeriod;

    fn from_str(text: &str) -> Result<Self, InvalidPeriod> {
        UNITS
            .iter()
            .find_map(|&(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)))
            // `u32` alone would also take a sign
            .filter(|(number, _)| number.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|(number, seconds)| number.parse::<u32>().ok()?.checked_mul(seconds))
            .map(Self)
            .ok_or(InvalidPeriod)
    }
}

/// The shortest exact form: `1d`, not `24h`.
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, seconds) = UNITS
            .into_iter()
            .find(|(_, seconds)| self.0 > 0 && self.0.is_multiple_of(*seconds))
            .unwrap_or(('s', 1));
        write!(f, "{}{unit}", self.0 / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_the_shortest_exact_form() {
        let cases = [
            ("0s", 0, "0s"),
            ("0d", 0, "0s"),
            ("45s", 45, "45s"),
            ("90s", 90, "90s"),
            ("600s", 600, "10m"),
            ("90m", 5_400, "90m"),
            ("12h", 43_200, "12h"),
            ("24h", 86_400, "1d"),
            ("30d", 2_592_000, "30d"),
            ("49710d", 4_294_944_000, "49710d"),
        ];
        for (text, seconds, shown) in cases {
            let period: Period = text.parse().expect(text);
            assert_eq!(period, Period::seconds(seconds), "{text}");
            assert_eq!(period.to_string(), shown, "{text}");
        }
    }

    #[test]
    fn refuses_overflow_and_garbage() {
        let cases = [
            "",
            "s",
            "10",
            "m10",
            "-1s",
            "+5m",
            " 5m",
            "5m ",
            "5 m",
            "1.5h",
            "1h30m",
            "5M",
            "5w",
            "5ms",
            "٣s",
            "49711d",
            "4294967296s",
            "99999999999999999999s",
        ];
        for text in cases {
            assert_eq!(text.parse::<Period>(), Err(InvalidPeriod), "{text:?}");
        }
    }
}
