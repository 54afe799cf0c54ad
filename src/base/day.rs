//! Dates in the API. The only accepted form is `2026-01-31`.
//! The parser of chrono also accepts spaces, signs and years of six digits. PostgreSQL cannot store all of these years.

use chrono::{Datelike, NaiveDate};

/// Earlier dates are refused, because they are probably typing errors.
pub const FIRST_YEAR: i32 = 2000;

/// Parses a date of the form `YYYY-MM-DD`. Returns `None` for every other text.
#[must_use]
pub fn parse(text: &str) -> Option<NaiveDate> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    ((FIRST_YEAR..=9999).contains(&day.year()) && day.to_string() == text).then_some(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn date_is_accepted_in_one_form_only() {
        assert_eq!(parse("2028-02-29").map(|day| day.to_string()).as_deref(), Some("2028-02-29"));
        for text in [
            "",
            "2027-02-29",
            "2027-1-5",
            " 2027-01-05",
            "2027-01-05 ",
            "+2027-01-05",
            "1999-12-31",
            "12027-01-05",
            "2027-01-05T00:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
