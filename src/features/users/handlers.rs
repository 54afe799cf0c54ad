use actix_web::CustomizeResponder;
use actix_web::http::header;
use actix_web::web::Data;

use super::model::ProfileChange;
use super::purge_store::OwnerPurge;
use super::store::UserStore;
use super::views::{ChangePassword, DeleteAccount, ProfileView, UpdateProfile};
use crate::base::clock::Clock;
use crate::features::auth::handlers::{SessionReply, session_reply};
use crate::features::auth::model::ClientDescription;
use crate::http::body::JsonBody;
use crate::http::conditional::IfMatch;
use crate::http::error::{ApiError, ApiResult};
use crate::http::reply::{NoContent, Versioned};
use crate::security::audit::event::{Event, EventKind};
use crate::security::authentication::credentials::Credentials;
use crate::security::sessions::access_tokens::AccessTokens;
use crate::security::sessions::caller::Caller;
use crate::security::sessions::refresh_tokens::cookie::clear_browser_data;

pub async fn read(caller: Caller, store: Data<UserStore>) -> ApiResult<Versioned<ProfileView>> {
    let profile = store.profile(&caller).await?.ok_or(ApiError::NotFound)?;
    Ok(Versioned { version: profile.version, view: profile.into() })
}

/// Address and role cannot be changed.
pub async fn update(
    caller: Caller,
    version: IfMatch,
    JsonBody(body): JsonBody<UpdateProfile>,
    store: Data<UserStore>,
    clock: Data<Clock>,
) -> ApiResult<Versioned<ProfileView>> {
    let change = ProfileChange::try_from(&body)?;
    let profile = store.profile(&caller).await?.ok_or(ApiError::NotFound)?;
    version.check(profile.version)?;
    let changed = profile.changed(&change, clock.now());
    if !store.save(&caller, &changed).await? {
        return Err(ApiError::PreconditionFailed);
    }
    Event::new(EventKind::UserUpdated).reason("profile").user(caller.user()).session(caller.session()).record();
    Ok(Versioned { version: changed.version, view: changed.into() })
}

/// Requires the password, because an access token can be stolen.
/// A wrong password counts as a failed login and returns 401 `invalid_credentials`.
pub async fn delete(
    caller: Caller,
    JsonBody(body): JsonBody<DeleteAccount>,
    credentials: Data<Credentials>,
    store: Data<UserStore>,
    purge: Data<OwnerPurge>,
) -> ApiResult<CustomizeResponder<NoContent>> {
    let attempt = credentials.reauthenticate(&caller);
    let found = store.credentials(&caller).await?;
    let verified = credentials.check(attempt, &body.password, found, EventKind::AuthnLoginFail).await?;
    store.delete(&caller, &verified).await?;
    purge.wake();
    Ok(clear_browser_data())
}

/// Requires the current password. All sessions end, including the current one (session fixation, ASVS 7.2.4).
/// All device cookies become invalid too. So an attacker who has stolen tokens or cookies can no longer use them.
/// The response contains a new session and a new device cookie.
pub async fn change_password(
    caller: Caller,
    client: ClientDescription,
    JsonBody(body): JsonBody<ChangePassword>,
    credentials: Data<Credentials>,
    store: Data<UserStore>,
    tokens: Data<AccessTokens>,
    clock: Data<Clock>,
) -> ApiResult<SessionReply> {
    let profile = store.profile(&caller).await?.ok_or(ApiError::NotFound)?;
    let attempt = credentials.reauthenticate(&caller);
    let found = store.credentials(&caller).await?;
    let verified =
        credentials.check(attempt, &body.current_password, found, EventKind::AuthnPasswordChangeFail).await?;
    let hash = credentials
        .hash_new_password("/new_password", &body.new_password, &profile.email, &profile.display_name)
        .await?;
    let (issued, epoch) = store.change_password(&caller, &verified, &hash, &client).await?;
    Event::new(EventKind::SessionCreated).user(issued.user).session(issued.session).record();
    let device_cookie = credentials.device_cookie(&profile.email, epoch)?;
    Ok(session_reply(&issued, &tokens, &clock)?.append_header((header::SET_COOKIE, device_cookie)))
}
