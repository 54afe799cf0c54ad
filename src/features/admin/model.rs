use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::base::id::UserId;
use crate::base::page::Position;

/// A user's role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    User,
    Admin,
}

/// Whether a user may use the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Active,
    Disabled,
}

impl Role {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
        }
    }

    #[must_use]
    pub fn from_stored(name: &str) -> Option<Self> {
        [Self::User, Self::Admin].into_iter().find(|role| role.as_str() == name)
    }
}

impl Status {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }

    #[must_use]
    pub fn from_stored(name: &str) -> Option<Self> {
        [Self::Active, Self::Disabled].into_iter().find(|status| status.as_str() == name)
    }
}

#[derive(Clone, Debug)]
pub struct Account {
    pub id: UserId,
    pub email: String,
    pub display_name: String,
    pub role: Role,
    pub status: Status,
    /// Whether the account is temporarily locked after failed logins.
    pub locked: bool,
    /// The time at which one of the user's active login sessions was last used.
    /// `None` if the user has no active login session.
    pub last_active_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

impl Account {
    #[must_use]
    pub fn position(&self) -> Position {
        Position { created_at: self.created_at, id: self.id.uuid() }
    }
}

/// The filter of the list of accounts. A field that is `None` matches every account.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Part of the email address, in lower case.
    pub email: Option<String>,
    pub role: Option<Role>,
    pub status: Option<Status>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_values_round_trip() {
        for role in [Role::User, Role::Admin] {
            assert_eq!(Role::from_stored(role.as_str()), Some(role));
        }
        for status in [Status::Active, Status::Disabled] {
            assert_eq!(Status::from_stored(status.as_str()), Some(status));
        }
        assert_eq!((Role::from_stored("root"), Status::from_stored("")), (None, None));
    }
}
