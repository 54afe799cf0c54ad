//! Mass assignment: no request has a field for a role, an id or an owner, and unknown fields are refused.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::USER_AGENT;
use actix_web::{FromRequest, HttpRequest};
use chrono::{DateTime, Utc};
use garde::Validate;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{ClientDescription, LiveSession, NewProfile};
use crate::base::email::EmailAddress;
use crate::base::id::SessionId;
use crate::base::person::{Bio, DisplayName};
use crate::http::body::fits;
use crate::http::client_ip::ClientAddr;
use crate::http::error::{ApiError, ApiResult};
use crate::http::signature::Describe;
use crate::security::authentication::credentials::check_max_length;
use crate::security::crypto::secret_output::SecretOutput;

/// The address of a new user. The user sends password and name later, with the confirmation.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "carla@example.com"}))]
pub struct Register {
    /// The confirmation link is sent to this address. Surrounding white space is removed.
    /// An internationalised domain is stored as A-labels (`xn--…`).
    #[garde(custom(fits::<EmailAddress>))]
    #[schema(max_length = 100, format = Email)]
    email: String,
}

impl TryFrom<&Register> for EmailAddress {
    type Error = ApiError;

    fn try_from(body: &Register) -> ApiResult<Self> {
        body.email.parse().map_err(|_| ApiError::invalid("/email", "must be an e-mail address"))
    }
}

/// The token from the confirmation mail, and the password and profile of the new user.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "token": "kV3xS0mE-t0ken-fr0m-the-1ink-in-the-mai1-AA", "password": "seven quiet green lanterns", "display_name": "Carla",
    "bio": "Keeps the books."
}))]
pub struct ConfirmRegistration {
    /// The token from the link in the mail. It follows `#token=`.
    #[garde(skip)]
    #[schema(value_type = String, min_length = 43, max_length = 43, pattern = "^[A-Za-z0-9_-]{43}$")]
    pub token: SecretString,
    /// The password: 12 to 64 characters of any kind. It must not be a common password or the user's own name.
    #[garde(custom(check_max_length))]
    #[schema(value_type = String, format = Password, min_length = 12, max_length = 64)]
    pub password: SecretString,
    /// The name that is shown to others.
    #[garde(custom(fits::<DisplayName>))]
    #[schema(min_length = 1, max_length = 100, format = "line")]
    display_name: String,
    /// A short text about the user.
    #[serde(default)]
    #[garde(inner(custom(fits::<Bio>)))]
    #[schema(max_length = 500, format = "paragraph")]
    bio: Option<String>,
}

impl TryFrom<&ConfirmRegistration> for NewProfile {
    type Error = ApiError;

    fn try_from(body: &ConfirmRegistration) -> ApiResult<Self> {
        let misfit = |pointer| move |_| ApiError::invalid(pointer, "must be text");
        Ok(Self {
            display_name: body
                .display_name
                .parse()
                .map_err(|_| ApiError::invalid("/display_name", "must be a display name"))?,
            bio: body.bio.as_deref().map(str::parse).transpose().map_err(misfit("/bio"))?,
        })
    }
}

/// The address and the password of a user.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "anna@demo.example", "password": "printed by cargo run"}))]
pub struct Login {
    /// The address of the user. Surrounding white space is removed. A malformed address is treated like an unknown one.
    #[garde(length(chars, max = 254))]
    #[schema(max_length = 254)]
    pub email: String,
    /// The password, at most 64 characters.
    #[garde(custom(check_max_length))]
    #[schema(value_type = String, format = Password)]
    pub password: SecretString,
    /// The solution of the `challenge` in a 429 response, in the format of ALTCHA's widgets: base64 of a JSON object.
    #[serde(default)]
    #[garde(length(chars, max = 1000))]
    #[schema(max_length = 1000, example = "eyJhbGdvcml0aG0iOiJTSEEtMjU2IiwibnVtYmVyIjo0MjF9")]
    pub altcha: Option<String>,
}

/// The access token of a login or refresh. The refresh token is in a cookie that scripts cannot read.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "access_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2lnbmF0dXJl", "token_type": "Bearer", "expires_in": 600
}))]
pub struct TokenView {
    /// The access token. Send it in the header `Authorization: Bearer …`.
    #[schema(value_type = String, max_length = 2000, pattern = "^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+$")]
    pub access_token: SecretOutput,
    /// The type of the token: always `Bearer`.
    #[schema(max_length = 6, pattern = "^Bearer$")]
    pub token_type: &'static str,
    /// Lifetime of the access token in seconds.
    #[schema(minimum = 1, maximum = 3600)]
    pub expires_in: i64,
}

/// The address of the account whose password is to be reset.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "anna@demo.example"}))]
pub struct RequestReset {
    /// If there is an account with this address, a link is sent to it.
    #[garde(custom(fits::<EmailAddress>))]
    #[schema(max_length = 100, format = Email)]
    email: String,
}

impl TryFrom<&RequestReset> for EmailAddress {
    type Error = ApiError;

    fn try_from(body: &RequestReset) -> ApiResult<Self> {
        body.email.parse().map_err(|_| ApiError::invalid("/email", "must be an e-mail address"))
    }
}

/// The token from the reset mail, and the new password.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "token": "kV3xS0mE-t0ken-fr0m-the-1ink-in-the-mai1-AA", "new_password": "seven quiet green lanterns"
}))]
pub struct ConfirmReset {
    /// The token from the link in the mail. It follows `#token=`.
    #[garde(skip)]
    #[schema(value_type = String, min_length = 43, max_length = 43, pattern = "^[A-Za-z0-9_-]{43}$")]
    pub token: SecretString,
    /// The password: 12 to 64 characters of any kind. It must not be a common password or the user's own name.
    #[garde(custom(check_max_length))]
    #[schema(value_type = String, format = Password, min_length = 12, max_length = 64)]
    pub new_password: SecretString,
}

impl Describe for ClientDescription {}

impl FromRequest for ClientDescription {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let program = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
        let address = ClientAddr::from_request(request, payload).into_inner();
        ready(address.map(|address| Self::new(program, address)))
    }
}

/// The caller's active sessions, most recently used first, at most ten.
#[derive(Serialize, ToSchema)]
pub struct SessionList {
    #[schema(max_items = 10)]
    pub items: Vec<SessionView>,
}

/// One session.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "5e000000-0000-4000-8000-000000000001", "client": "curl/8.14.1", "address": "192.0.2.7", "current": true
}))]
pub struct SessionView {
    /// The id of the session, for `DELETE /api/v1/auth/sessions/{id}`. The id is not a secret.
    #[schema(value_type = String, format = Uuid)]
    id: SessionId,
    created_at: DateTime<Utc>,
    /// The time of the last use, accurate to one minute.
    last_used_at: DateTime<Utc>,
    /// The user agent of the client that logged in.
    #[schema(max_length = 200, pattern = "^[ -~]*$")]
    client: String,
    /// The IP address of the client that logged in.
    #[schema(max_length = 45, pattern = "^[0-9a-f.:]+$")]
    address: String,
    /// Whether this request belongs to the session.
    current: bool,
}

impl SessionList {
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
