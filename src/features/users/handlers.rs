//! See and change one's own profile, change the password, leave.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Data;

use super::model::ProfileChange;
use super::purge_store::OwnerPurge;
use super::store::UserStore;
use super::views::{ChangePassword, DeleteAccount, ProfileView, UpdateProfile};
use crate::base::clock::Clock;
use crate::features::auth::handlers::signed_in;
use crate::features::auth::model::ClientSeen;
use crate::http::body::JsonBody;
use crate::http::conditional::IfMatch;
use crate::http::error::{ApiError, ApiResult};
use crate::http::reply::{no_content, ok_versioned};
use crate::security::audit::event::{Event, EventKind};
use crate::security::authentication::credentials::Credentials;
use crate::security::sessions::access_tokens::AccessTokens;
use crate::security::sessions::caller::Caller;
use crate::security::sessions::refresh_tokens::forget_browser;

/// `GET me`
pub async fn read(caller: Caller, store: Data<UserStore>) -> ApiResult<HttpResponse> {
    let profile = store.profile(&caller).await?.ok_or(ApiError::NotFound)?;
    Ok(ok_versioned(profile.version, &ProfileView::from(profile)))
}

/// `PATCH me`: the name and the words about oneself. Not the address, not the role.
pub async fn update(
    caller: Caller,
    version: IfMatch,
    JsonBody(body): JsonBody<UpdateProfile>,
    store: Data<UserStore>,
    clock: Data<Clock>,
) -> ApiResult<HttpResponse> {
    let change = ProfileChange::try_from(&body)?;
    let profile = store.profile(&caller).await?.ok_or(ApiError::NotFound)?;
    version.check(profile.version)?;
    let changed = profile.changed(&change, clock.now());
    if !store.save(&caller, &changed).await? {
        return Err(ApiError::PreconditionFailed);
    }
    Event::new(EventKind::UserUpdated).reason("profile").user(caller.user()).session(caller.session()).record();
    Ok(ok_versioned(changed.version, &ProfileView::from(changed)))
}

/// `DELETE me`: asks for the password, because a stolen token must not be enough. A wrong one is counted like a failed sign-in
/// and answered with 401 `invalid_credentials`.
pub async fn delete(
    caller: Caller,
    JsonBody(body): JsonBody<DeleteAccount>,
    credentials: Data<Credentials>,
    store: Data<UserStore>,
    purge: Data<OwnerPurge>,
) -> ApiResult<HttpResponse> {
    let attempt = credentials.reauthenticate(&caller);
    let found = store.credentials(&caller).await?;
    let verified = credentials.check(attempt, &body.password, found, EventKind::AuthnLoginFail).await?;
    store.delete(&caller, &verified).await?;
    purge.wake();
    Ok(forget_browser(no_content()))
}

/// `POST me/password`: asks for the current one. All sessions end, this one too, and device cookies are void; the reply holds the
/// tokens of a new session, so that a stolen token is worth nothing afterwards (session fixation, ASVS 7.2.4), and a new device
/// cookie.
pub async fn change_password(
    caller: Caller,
    client: ClientSeen,
    JsonBody(body): JsonBody<ChangePassword>,
    credentials: Data<Credentials>,
    store: Data<UserStore>,
    tokens: Data<AccessTokens>,
    clock: Data<Clock>,
) -> ApiResult<HttpResponse> {
    let profile = store.profile(&caller).await?.ok_or(ApiError::NotFound)?;
    let attempt = credentials.reauthenticate(&caller);
    let found = store.credentials(&caller).await?;
    let verified =
        credentials.check(attempt, &body.current_password, found, EventKind::AuthnPasswordChangeFail).await?;
    let hash = credentials.choose("/new_password", &body.new_password, &profile.email, &profile.display_name).await?;
    let (granted, epoch) = store.change_password(&caller, &verified, &hash, &client).await?;
    Event::new(EventKind::SessionCreated).user(granted.user).session(granted.session).record();
    let mut reply = signed_in(&granted, &tokens, &clock)?;
    reply.headers_mut().append(header::SET_COOKIE, credentials.device_cookie(&profile.email, epoch)?);
    Ok(reply)
}
