//! A profile, and how it may change.

use chrono::{DateTime, Utc};

use crate::base::id::UserId;
use crate::base::person::{Bio, DisplayName};

/// What a user says of himself.
pub struct Profile {
    pub id: UserId,
    pub email: String,
    pub display_name: String,
    pub bio: Option<String>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A change: what is `None` stays. There is nothing in it but what a user may change of himself.
pub struct ProfileChange {
    pub display_name: Option<DisplayName>,
    /// `Some(None)` takes it away.
    pub bio: Option<Option<Bio>>,
}

impl Profile {
    /// This profile after the change, as its next version.
    #[must_use]
    pub fn changed(self, change: &ProfileChange, now: DateTime<Utc>) -> Self {
        let display_name = change.display_name.as_ref().map(|name| name.as_str().to_owned());
        let bio = change.bio.as_ref().map(|bio| bio.as_ref().map(|bio| bio.as_str().to_owned()));
        Self {
            display_name: display_name.unwrap_or(self.display_name),
            bio: bio.unwrap_or(self.bio),
            version: self.version + 1,
            updated_at: now,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_stays_and_null_takes_away() {
        let profile = || Profile {
            id: UserId::new(),
            email: "ann@example.com".into(),
            display_name: "Ann".into(),
            bio: Some("Bookkeeper".into()),
            version: 3,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        };
        let now = DateTime::from_timestamp(5, 0).unwrap();
        let renamed =
            profile().changed(&ProfileChange { display_name: Some("Anna".parse().unwrap()), bio: None }, now);
        assert_eq!((renamed.display_name.as_str(), renamed.bio.as_deref()), ("Anna", Some("Bookkeeper")));
        assert_eq!((renamed.version, renamed.updated_at), (4, now));
        let silent = profile().changed(&ProfileChange { display_name: None, bio: Some(None) }, now);
        assert_eq!((silent.display_name.as_str(), silent.bio), ("Ann", None));
    }
}
