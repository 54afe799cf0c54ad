//! Issue dates and due dates depend on the time zone and the payment terms of the owner's business (`me/business`).

use chrono::{DateTime, Days, NaiveDate, Utc};

use crate::base::time_zone::TimeZone;
use crate::http::error::{ApiError, ApiResult};

/// Limits backdating. A user backdates an invoice that the customer received before the user entered it here.
pub const MAX_DAYS_BACK: Days = Days::new(30);

#[derive(Clone, Copy, Debug)]
pub struct BusinessCalendar {
    pub time_zone: TimeZone,
    /// The days from the issue date to the due date, for drafts without a due date.
    pub payment_terms: Option<Days>,
}

impl BusinessCalendar {
    #[must_use]
    pub fn today(&self, now: DateTime<Utc>) -> NaiveDate {
        self.time_zone.day(now)
    }

    /// # Errors
    /// Returns a field error with the allowed dates, if the requested date is too early or in the future.
    pub fn issue_date(&self, requested: Option<NaiveDate>, now: DateTime<Utc>) -> ApiResult<NaiveDate> {
        let today = self.today(now);
        let first = today - MAX_DAYS_BACK;
        let day = requested.unwrap_or(today);
        if (first..=today).contains(&day) {
            return Ok(day);
        }
        let expected = format!("must be a day from {first} to {today}, which is today for your business");
        Err(ApiError::invalid("/issue_date", expected))
    }

    /// Returns `None` if the business has no payment terms.
    #[must_use]
    pub fn due_date(&self, issued_on: NaiveDate) -> Option<NaiveDate> {
        issued_on.checked_add_days(self.payment_terms?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issue_date(zone: &str, requested: Option<&str>, now: &str) -> Option<String> {
        let calendar = BusinessCalendar { time_zone: zone.parse().unwrap(), payment_terms: None };
        let requested = requested.map(|day| day.parse().unwrap());
        calendar.issue_date(requested, now.parse().unwrap()).ok().map(|day| day.to_string())
    }

    #[test]
    fn issue_date_is_today_or_one_of_the_30_days_before() {
        let issued = |requested| issue_date("UTC", requested, "2026-03-31T12:00:00Z");
        assert_eq!(issued(None).as_deref(), Some("2026-03-31"));
        for day in ["2026-03-31", "2026-03-01"] {
            assert_eq!(issued(Some(day)).as_deref(), Some(day));
        }
        for day in ["2026-04-01", "2026-02-28"] {
            assert_eq!(issued(Some(day)), None, "{day}");
        }
    }

    #[test]
    fn today_follows_the_time_zone_of_the_business() {
        let now = "2026-12-31T12:00:00Z";
        assert_eq!(issue_date("Pacific/Auckland", None, now).as_deref(), Some("2027-01-01"));
        assert_eq!(issue_date("Pacific/Auckland", Some("2027-01-01"), now).as_deref(), Some("2027-01-01"));
        assert_eq!(issue_date("America/Los_Angeles", Some("2027-01-01"), now), None);
    }

    #[test]
    fn payment_terms_count_from_the_issue_date() {
        let calendar = BusinessCalendar { time_zone: TimeZone::UTC, payment_terms: Some(Days::new(30)) };
        assert_eq!(
            calendar.due_date("2027-12-31".parse().unwrap()).map(|day| day.to_string()).as_deref(),
            Some("2028-01-30")
        );
    }
}
