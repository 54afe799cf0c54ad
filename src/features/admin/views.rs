use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::model::{Account, Filter, Role, Status};
use crate::base::id::UserId;
use crate::http::rules;
use crate::http::user_text::user_text;

/// Filter of the list of users.
#[derive(Deserialize, Serialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AccountFilter {
    /// Part of the email address, case-insensitive.
    #[serde(default, deserialize_with = "user_text")]
    #[garde(length(chars, min = 1, max = 100), inner(custom(rules::line)))]
    #[param(min_length = 1, max_length = 100, example = "demo")]
    pub email: Option<String>,
    /// Only users with this role.
    #[garde(skip)]
    #[param(inline, example = "user")]
    pub role: Option<Role>,
    /// Only users with this status.
    #[garde(skip)]
    #[param(inline, example = "active")]
    pub status: Option<Status>,
}

impl AccountFilter {
    #[must_use]
    pub fn parse(&self) -> Filter {
        Filter { email: self.email.as_deref().map(str::to_ascii_lowercase), role: self.role, status: self.status }
    }
}

/// A user, as administrators see them.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "a0000000-0000-4000-8000-000000000002", "email": "ben@demo.example", "display_name": "Ben Demo",
    "role": "user", "status": "active", "locked": false, "last_active_at": "2026-12-01T09:30:00.000001Z"
}))]
pub struct AccountView {
    #[schema(value_type = String, format = Uuid)]
    id: UserId,
    /// The email address with which the user logs in.
    #[schema(format = Email)]
    email: String,
    /// The name that is shown to others.
    #[schema(max_length = 100, format = "line")]
    display_name: String,
    /// The role: `user` or `admin`. Only the command line can change it.
    #[schema(max_length = 5, pattern = "^(user|admin)$")]
    role: &'static str,
    /// The status: `active` or `disabled`.
    #[schema(max_length = 8, pattern = "^(active|disabled)$")]
    status: &'static str,
    /// Whether failed logins have locked the account for new devices. A lock ends after 15 minutes at most.
    /// After too many failures in a row, only a password reset or an administrator ends the lock.
    locked: bool,
    /// The time at which one of the user's active sessions was last used, accurate to one minute.
    /// Null if the user has no active session.
    #[schema(required = true)]
    last_active_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl From<Account> for AccountView {
    fn from(account: Account) -> Self {
        let Account { id, email, display_name, role, status, locked, last_active_at, created_at } = account;
        Self {
            id,
            email,
            display_name,
            role: role.as_str(),
            status: status.as_str(),
            locked,
            last_active_at,
            created_at,
        }
    }
}
