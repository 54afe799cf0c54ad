//! A user as administrators see him, and what they search by.

use chrono::{DateTime, Utc};

use crate::base::id::UserId;
use crate::base::page::Position;

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    User,
    Admin,
}

/// Whether a user may use the service at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Active,
    Disabled,
}

impl Role {
    /// As it is kept.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
        }
    }

    /// What is kept as this word, if anything is.
    #[must_use]
    pub fn kept(word: &str) -> Option<Self> {
        [Self::User, Self::Admin].into_iter().find(|role| role.word() == word)
    }
}

impl Status {
    /// As it is kept.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }

    /// What is kept as this word, if anything is.
    #[must_use]
    pub fn kept(word: &str) -> Option<Self> {
        [Self::Active, Self::Disabled].into_iter().find(|status| status.word() == word)
    }
}

/// A user.
#[derive(Clone, Debug)]
pub struct Account {
    pub id: UserId,
    pub email: String,
    pub display_name: String,
    pub role: Role,
    pub status: Status,
    /// So many sign-ins failed that his own would fail too.
    pub locked: bool,
    /// When one of his live sessions was last renewed.
    pub last_active_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

impl Account {
    /// Where he stands in a list.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { created_at: self.created_at, id: self.id.uuid() }
    }
}

/// What a list is narrowed to. `None` narrows nothing.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Part of the address, in lower case.
    pub email: Option<String>,
    pub role: Option<Role>,
    pub status: Option<Status>,
}

impl Filter {
    /// The same text for the same filter and only then: what a cursor is bound to.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{self:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_read_as_it_is_written() {
        for role in [Role::User, Role::Admin] {
            assert_eq!(Role::kept(role.word()), Some(role));
        }
        for status in [Status::Active, Status::Disabled] {
            assert_eq!(Status::kept(status.word()), Some(status));
        }
        assert_eq!((Role::kept("root"), Status::kept("")), (None, None));
    }

    #[test]
    fn a_filter_has_one_text() {
        let filter = |email: Option<&str>| Filter { email: email.map(str::to_owned), ..Filter::default() };
        assert_ne!(filter(None).text(), filter(Some("None")).text());
        assert_ne!(filter(Some("a\", role: Some(Admin)")).text(), {
            let role = Some(Role::Admin);
            Filter { role, ..filter(Some("a")) }.text()
        });
    }
}
