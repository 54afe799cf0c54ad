use chrono::{DateTime, Utc};

use crate::base::id::UserId;
use crate::base::person::{Bio, DisplayName};

pub struct Profile {
    pub id: UserId,
    pub email: String,
    pub display_name: String,
    pub bio: Option<String>,
    pub role: String,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// The fields that users can change. `None` leaves a field unchanged.
pub struct ProfileChange {
    pub display_name: Option<DisplayName>,
    /// The bio. `Some(None)` removes it.
    pub bio: Option<Option<Bio>>,
}

impl Profile {
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
    fn omitted_fields_are_kept_and_null_clears() {
        let profile = || Profile {
            id: UserId::new(),
            email: "ann@example.com".into(),
            display_name: "Ann".into(),
            bio: Some("Bookkeeper".into()),
            role: "user".into(),
            version: 3,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        };
        let now = DateTime::from_timestamp(5, 0).unwrap();
        let renamed = profile().changed(&ProfileChange { display_name: Some("Anna".parse().unwrap()), bio: None }, now);
        assert_eq!((renamed.display_name.as_str(), renamed.bio.as_deref()), ("Anna", Some("Bookkeeper")));
        assert_eq!((renamed.version, renamed.updated_at), (4, now));
        let cleared = profile().changed(&ProfileChange { display_name: None, bio: Some(None) }, now);
        assert_eq!((cleared.display_name.as_str(), cleared.bio), ("Ann", None));
    }
}
