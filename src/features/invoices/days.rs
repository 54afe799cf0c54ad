//! Days of an owner's invoices: in the time zone of their business (`me/business`), and with its payment terms.

use chrono::{DateTime, Days, NaiveDate, Utc};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::base::day;
use crate::base::time_zone::TimeZone;
use crate::http::error::{ApiError, ApiResult};
use crate::http::rules;

/// How many days before today an invoice can be issued on. So one that was sent by hand can still be entered.
pub const MAX_DAYS_BACK: Days = Days::new(30);

/// How an owner counts days.
#[derive(Clone, Copy, Debug)]
pub struct Calendar {
    pub time_zone: TimeZone,
    /// From the day of issue to the due date, where a draft has none.
    pub payment_terms: Option<Days>,
}

impl Calendar {
    /// The day that it is for the business.
    #[must_use]
    pub fn today(&self, now: DateTime<Utc>) -> NaiveDate {
        self.time_zone.day(now)
    }

    /// The day of issue: the one that is asked for, or today.
    ///
    /// # Errors
    /// Names the first and the last possible day.
    pub fn day_of_issue(&self, wanted: &IssueInvoice, now: DateTime<Utc>) -> ApiResult<NaiveDate> {
        let today = self.today(now);
        let first = today - MAX_DAYS_BACK;
        match wanted.issue_date.as_deref().map_or(Some(today), day::parse) {
            Some(day) if (first..=today).contains(&day) => Ok(day),
            _ => {
                let expected = format!("must be a day from {first} to {today}, which is today for your business");
                Err(ApiError::invalid("/issue_date", expected))
            }
        }
    }

    /// When an invoice that is issued on this day is due by the terms.
    #[must_use]
    pub fn due(&self, issued_on: NaiveDate) -> Option<NaiveDate> {
        issued_on.checked_add_days(self.payment_terms?)
    }
}

/// How a draft is issued. Without a body it is issued today.
#[derive(Default, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"issue_date": "2026-11-30"}))]
pub struct IssueInvoice {
    /// The day of issue: today or one of the 30 days before, in the time zone of the business, and not before the day of the last
    /// issued invoice. Left out or null: today.
    #[garde(inner(custom(rules::day)))]
    #[schema(format = Date)]
    issue_date: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day_of_issue(zone: &str, wanted: Option<&str>, now: &str) -> Option<String> {
        let calendar = Calendar { time_zone: zone.parse().unwrap(), payment_terms: None };
        let wanted = IssueInvoice { issue_date: wanted.map(str::to_owned) };
        calendar.day_of_issue(&wanted, now.parse().unwrap()).ok().map(|day| day.to_string())
    }

    #[test]
    fn day_of_issue_is_today_or_one_of_thirty_days_before() {
        let issued = |wanted| day_of_issue("UTC", wanted, "2026-03-31T12:00:00Z");
        assert_eq!(issued(None).as_deref(), Some("2026-03-31"));
        for day in ["2026-03-31", "2026-03-01"] {
            assert_eq!(issued(Some(day)).as_deref(), Some(day));
        }
        for day in ["2026-04-01", "2026-02-28", "yesterday"] {
            assert_eq!(issued(Some(day)), None, "{day}");
        }
    }

    #[test]
    fn today_is_a_day_of_the_business() {
        let now = "2026-12-31T12:00:00Z";
        assert_eq!(day_of_issue("Pacific/Auckland", None, now).as_deref(), Some("2027-01-01"));
        assert_eq!(day_of_issue("Pacific/Auckland", Some("2027-01-01"), now).as_deref(), Some("2027-01-01"));
        assert_eq!(day_of_issue("America/Los_Angeles", Some("2027-01-01"), now), None);
    }

    #[test]
    fn payment_terms_are_counted_from_the_day_of_issue() {
        let calendar = Calendar { time_zone: TimeZone::UTC, payment_terms: Some(Days::new(30)) };
        assert_eq!(
            calendar.due("2027-12-31".parse().unwrap()).map(|day| day.to_string()).as_deref(),
            Some("2028-01-30")
        );
    }
}
