//! Timestamps that clients send.

use chrono::{DateTime, Datelike, Utc};

/// Parses a timestamp (RFC 3339) with a year from 2000 to 9999. PostgreSQL cannot store all years that chrono parses.
#[must_use]
pub fn parse(text: &str) -> Option<DateTime<Utc>> {
    let moment = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    (2000..=9999).contains(&moment.year()).then_some(moment)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn time_zone_is_required_and_the_year_is_bounded() {
        assert_eq!(parse("2026-12-01T10:30:00+01:00"), parse("2026-12-01T09:30:00Z"));
        assert!(parse("2026-12-01T10:30:00.000001Z").is_some());
        for bad in ["", "now", "2026-12-01", "2026-12-01T10:30:00", "1999-12-31T23:59:59Z", "-4713-01-01T00:00:00Z"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
