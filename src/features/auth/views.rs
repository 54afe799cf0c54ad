//! The wire shapes of accounts and sessions. No request has a role, an id or an owner in it, and unknown fields are refused.

use chrono::{DateTime, Utc};
use garde::Validate;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{LiveSession, Registration};
use crate::base::email::EmailAddress;
use crate::base::id::SessionId;
use crate::base::person::{Bio, DisplayName};
use crate::http::body::fits;
use crate::http::error::{ApiError, ApiResult};
use crate::security::credentials::within_cap;
use crate::security::handed_secrets::HandedSecret;

/// A wish to join.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Register {
    #[garde(custom(fits::<EmailAddress>))]
    #[schema(max_length = 100, format = Email, example = "ann@example.com")]
    email: String,
    /// 12 to 64 characters of any kind; not a common one, not one's own name.
    #[garde(custom(within_cap))]
    #[schema(value_type = String, format = Password, min_length = 12, max_length = 64)]
    pub password: SecretString,
    #[garde(custom(fits::<DisplayName>))]
    #[schema(min_length = 1, max_length = 100)]
    display_name: String,
    #[serde(default)]
    #[garde(inner(custom(fits::<Bio>)))]
    #[schema(max_length = 500)]
    bio: Option<String>,
}

impl TryFrom<&Register> for Registration {
    type Error = ApiError;

    fn try_from(body: &Register) -> ApiResult<Self> {
        let misfit = |pointer| move |_| ApiError::invalid(pointer, "does not fit");
        Ok(Self {
            email: body.email.parse().map_err(|_| ApiError::invalid("/email", "does not fit"))?,
            display_name: body.display_name.parse().map_err(|_| ApiError::invalid("/display_name", "does not fit"))?,
            bio: body.bio.as_deref().map(str::parse).transpose().map_err(misfit("/bio"))?,
        })
    }
}

/// The answer to the mail.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmRegistration {
    #[garde(skip)]
    #[schema(value_type = String, min_length = 43, max_length = 43)]
    pub token: SecretString,
}

/// Who signs in.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Not checked for its form: whatever is no address is simply unknown.
    #[garde(length(chars, max = 254))]
    #[schema(max_length = 254, example = "ann@example.com")]
    pub email: String,
    #[garde(custom(within_cap))]
    #[schema(value_type = String, format = Password)]
    pub password: SecretString,
}

/// What a sign-in or a refresh gives. The refresh token is in a cookie that no script can read.
#[derive(Serialize, ToSchema)]
pub struct TokenView {
    /// For `Authorization: Bearer …`.
    #[schema(value_type = String, max_length = 2000)]
    pub access_token: HandedSecret,
    /// `Bearer`.
    #[schema(example = "Bearer", max_length = 6)]
    pub token_type: &'static str,
    /// Seconds.
    #[schema(minimum = 1, maximum = 3600)]
    pub expires_in: i64,
}

/// Whose password is lost.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestReset {
    #[garde(custom(fits::<EmailAddress>))]
    #[schema(max_length = 100, format = Email)]
    email: String,
}

impl TryFrom<&RequestReset> for EmailAddress {
    type Error = ApiError;

    fn try_from(body: &RequestReset) -> ApiResult<Self> {
        body.email.parse().map_err(|_| ApiError::invalid("/email", "does not fit"))
    }
}

/// The answer to the mail, and the new password.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmReset {
    #[garde(skip)]
    #[schema(value_type = String, min_length = 43, max_length = 43)]
    pub token: SecretString,
    #[garde(custom(within_cap))]
    #[schema(value_type = String, format = Password, min_length = 12, max_length = 64)]
    pub new_password: SecretString,
}

/// The sessions that can still be used, latest use first. There are ten at most.
#[derive(Serialize, ToSchema)]
pub struct SessionList {
    #[schema(max_items = 10)]
    pub items: Vec<SessionView>,
}

/// One session.
#[derive(Serialize, ToSchema)]
pub struct SessionView {
    /// Ends it with `DELETE /api/v1/auth/sessions/{id}`. It is not the token.
    #[schema(value_type = String, format = Uuid)]
    id: SessionId,
    created_at: DateTime<Utc>,
    last_used_at: DateTime<Utc>,
    /// What the program that signed in called itself.
    #[schema(max_length = 200)]
    client: String,
    /// Where it signed in from.
    #[schema(max_length = 45)]
    address: String,
    /// Whether it is the one of this request.
    current: bool,
}

impl SessionList {
    /// The list as the session `current` sees it.
    #[must_use]
    pub fn new(sessions: Vec<LiveSession>, current: SessionId) -> Self {
        let view = |session: LiveSession| SessionView {
            id: session.id.into(),
            created_at: session.created_at,
            last_used_at: session.last_used_at,
            client: session.client,
            address: session.address,
            current: SessionId::from(session.id) == current,
        };
        Self { items: sessions.into_iter().map(view).collect() }
    }
}
