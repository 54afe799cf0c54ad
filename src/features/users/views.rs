use chrono::{DateTime, Utc};
use garde::Validate;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{Profile, ProfileChange};
use crate::base::id::UserId;
use crate::base::person::{Bio, DisplayName};
use crate::http::body::fits;
use crate::http::error::{ApiError, ApiResult};
use crate::http::partial::present;
use crate::security::authentication::credentials::check_max_length;

/// The profile of the caller.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "a0000000-0000-4000-8000-000000000001", "email": "anna@demo.example", "display_name": "Anna Demo",
    "bio": "Keeps the books.", "role": "user"
}))]
pub struct ProfileView {
    #[schema(value_type = String, format = Uuid)]
    id: UserId,
    /// The address with which the user logs in.
    #[schema(format = Email)]
    email: String,
    /// The name that is shown to others.
    #[schema(max_length = 100, format = "line")]
    display_name: String,
    /// A short text about the user.
    #[schema(max_length = 500, format = "paragraph")]
    bio: Option<String>,
    /// The role: `user` or `admin`. Only the operator can change it, on the command line.
    #[schema(max_length = 5, pattern = "^(user|admin)$")]
    role: String,
    created_at: DateTime<Utc>,
    /// The time of the last change of the profile. A change of the password does not count.
    updated_at: DateTime<Utc>,
}

impl From<Profile> for ProfileView {
    fn from(profile: Profile) -> Self {
        let Profile { id, email, display_name, bio, role, created_at, updated_at, .. } = profile;
        Self { id, email, display_name, bio, role, created_at, updated_at }
    }
}

/// A partial update of the profile. An omitted field does not change.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"display_name": "Anna D.", "bio": "Keeps the books."}))]
pub struct UpdateProfile {
    /// The name that is shown to others.
    #[serde(default, deserialize_with = "present")]
    #[garde(inner(custom(fits::<DisplayName>)))]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100, format = "line")]
    display_name: Option<String>,
    /// A short text about the user. Null removes it.
    #[serde(default, deserialize_with = "present")]
    #[garde(inner(inner(custom(fits::<Bio>))))]
    #[schema(value_type = Option<String>, required = false, max_length = 500, format = "paragraph")]
    bio: Option<Option<String>>,
}

impl TryFrom<&UpdateProfile> for ProfileChange {
    type Error = ApiError;

    fn try_from(body: &UpdateProfile) -> ApiResult<Self> {
        let name = body.display_name.as_deref().map(str::parse).transpose();
        let bio = body.bio.as_ref().map(|bio| bio.as_deref().map(str::parse).transpose()).transpose();
        Ok(Self {
            display_name: name.map_err(|_| ApiError::invalid("/display_name", "must be a display name"))?,
            bio: bio.map_err(|_| ApiError::invalid("/bio", "must be text"))?,
        })
    }
}

/// The password that the deletion of the account requires (re-authentication).
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"password": "printed by cargo run"}))]
pub struct DeleteAccount {
    /// The current password.
    #[garde(custom(check_max_length))]
    #[schema(value_type = String, format = Password)]
    pub password: SecretString,
}

/// The current password and the new password.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "current_password": "printed by cargo run", "new_password": "seven quiet green lanterns"
}))]
pub struct ChangePassword {
    /// The current password.
    #[garde(custom(check_max_length))]
    #[schema(value_type = String, format = Password)]
    pub current_password: SecretString,
    /// The new password: 12 to 64 characters of any kind. It must not be a common password or the user's own name.
    #[garde(custom(check_max_length))]
    #[schema(value_type = String, format = Password, min_length = 12, max_length = 64)]
    pub new_password: SecretString,
}
