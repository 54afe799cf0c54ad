use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// The period of a summary. It has intervals of equal length (buckets). The last bucket contains the present time.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    #[default]
    Day,
    Week,
    Month,
}

impl Period {
    #[must_use]
    pub fn buckets(self) -> u8 {
        match self {
            Self::Day => 24,
            Self::Week => 28,
            Self::Month => 30,
        }
    }

    #[must_use]
    pub fn bucket_seconds(self) -> i32 {
        match self {
            Self::Day => 3_600,
            Self::Week => 21_600,
            Self::Month => 86_400,
        }
    }

    /// Buckets start at full hours or days (UTC), so that summaries of the same hour have the same buckets.
    #[must_use]
    pub fn start(self, now: DateTime<Utc>) -> DateTime<Utc> {
        let (buckets, seconds) = (i64::from(self.buckets()), i64::from(self.bucket_seconds()));
        let end = (now.timestamp().div_euclid(seconds) + 1) * seconds;
        DateTime::from_timestamp(end - buckets * seconds, 0).unwrap_or(now)
    }
}

#[derive(Debug, Default)]
pub struct EventCounts {
    /// For each kind of event, the number of events in each bucket.
    pub kinds: BTreeMap<String, Vec<i64>>,
    /// The networks with the most warnings and critical events, each with the number of these events.
    pub networks: Vec<(String, i64)>,
    /// The users with the most warnings and critical events.
    pub accounts: Vec<AccountCount>,
    /// False if the period has too many rows. Then the oldest rows are not counted.
    pub is_complete: bool,
}

#[derive(Debug)]
pub struct AccountCount {
    pub user: Uuid,
    /// `None` if the user has been deleted.
    pub email: Option<String>,
    pub events: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_bucket_contains_the_present() {
        let now = DateTime::from_timestamp(1_796_137_199, 0).unwrap();
        for period in [Period::Day, Period::Week, Period::Month] {
            let (buckets, seconds) = (i64::from(period.buckets()), i64::from(period.bucket_seconds()));
            for now in [now, now + chrono::TimeDelta::seconds(1)] {
                let age = now.timestamp() - period.start(now).timestamp();
                assert_eq!(age / seconds, buckets - 1, "{period:?}");
                assert_eq!(period.start(now).timestamp() % seconds, 0, "{period:?}");
            }
        }
    }
}
