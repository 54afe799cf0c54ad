//! Time zones. An invoice contains dates, and the date of a timestamp depends on the time zone.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

/// A time zone of the IANA database, which is compiled into the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeZone(Tz);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an IANA time zone, for example Europe/Amsterdam")]
pub struct BadTimeZone;

impl TimeZone {
    /// UTC, the time zone of a business that has not chosen another one.
    pub const UTC: Self = Self(Tz::UTC);

    /// Returns the IANA name, for example `Europe/Amsterdam`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Returns the date of a timestamp in this time zone.
    #[must_use]
    pub fn day(self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.0).date_naive()
    }
}

impl FromStr for TimeZone {
    type Err = BadTimeZone;

    fn from_str(text: &str) -> Result<Self, BadTimeZone> {
        text.parse().map(Self).map_err(|_| BadTimeZone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn day_changes_at_midnight_of_the_zone() {
        let day = |zone: &str, at: &str| zone.parse::<TimeZone>().unwrap().day(at.parse().unwrap()).to_string();
        assert_eq!(day("Pacific/Auckland", "2026-12-31T10:59:59Z"), "2026-12-31");
        assert_eq!(day("Pacific/Auckland", "2026-12-31T11:00:00Z"), "2027-01-01");
        assert_eq!(day("America/Los_Angeles", "2027-01-01T07:59:59Z"), "2026-12-31");
        assert_eq!(day("America/Los_Angeles", "2027-01-01T08:00:00Z"), "2027-01-01");
    }

    #[test]
    fn only_names_of_the_database_are_accepted() {
        for name in ["UTC", "Europe/Amsterdam", "America/Argentina/Buenos_Aires", "Asia/Calcutta"] {
            assert_eq!(name.parse::<TimeZone>().unwrap().name(), name);
        }
        for name in ["", "Mars/Olympus", "utc", "+01:00", "Europe/Amsterdam ", "../etc/passwd", "CET-1CEST"] {
            assert_eq!(name.parse::<TimeZone>(), Err(BadTimeZone), "{name:?}");
        }
    }
}
