use actix_web::http::header::{self, USER_AGENT};
use actix_web::web::Data;
use actix_web::{CustomizeResponder, Either, HttpRequest, HttpResponse, Responder};

use super::model::{ClientDescription, NewProfile};
use super::refresh_store::RefreshOutcome;
use super::session_store::IssuedSession;
use super::store::AuthStore;
use super::views::{ConfirmRegistration, ConfirmReset, Login, Register, RequestReset, SessionList, TokenView};
use crate::base::clock::Clock;
use crate::base::email::EmailAddress;
use crate::base::id::SessionId;
use crate::http::body::JsonBody;
use crate::http::client_ip::ClientAddr;
use crate::http::error::{ApiError, ApiResult};
use crate::http::params::PathId;
use crate::http::reply::{Accepted, Json, NoContent};
use crate::security::audit::event::{Event, EventKind};
use crate::security::authentication::credentials::Credentials;
use crate::security::authentication::device_cookies::DeviceCookie;
use crate::security::crypto::secret_tokens::SecretToken;
use crate::security::limits::mail_budgets::MailOrigin;
use crate::security::sessions::access_tokens::AccessTokens;
use crate::security::sessions::caller::Caller;
use crate::security::sessions::refresh_tokens::cookie::{self, clear_browser_data};

/// Sends a confirmation link. If the address already has an account, the mail says so instead.
/// The reply is 202 in both cases, to prevent user enumeration.
pub async fn register(
    request: HttpRequest,
    address: ClientAddr,
    JsonBody(body): JsonBody<Register>,
    credentials: Data<Credentials>,
    store: Data<AuthStore>,
) -> ApiResult<Accepted> {
    let email = EmailAddress::try_from(&body)?;
    let origin = mail_origin(&store, &request, &email, address);
    let queued = store.register(&email, &origin).await?;
    let subject = credentials.sign_in(email.as_str(), address).subject();
    Event::new(EventKind::AuthnRegistrationRequested).reason(mail_reason(queued)).subject(subject).record();
    Ok(Accepted)
}

/// Returns the origin of the request, which has its own mail budget: the device if the request has a device cookie of
/// the account, and otherwise the client's network.
fn mail_origin(store: &AuthStore, request: &HttpRequest, email: &EmailAddress, address: ClientAddr) -> MailOrigin {
    let device = DeviceCookie::from_headers(&store.keys, email.as_str(), request.headers(), store.clock.now());
    MailOrigin::new(device.map(|device| device.id()), address)
}

/// Verifies the token before it hashes the password, because hashing is expensive.
/// If the password is rejected, the token remains valid.
pub async fn confirm(
    JsonBody(body): JsonBody<ConfirmRegistration>,
    credentials: Data<Credentials>,
    store: Data<AuthStore>,
) -> ApiResult<NoContent> {
    let profile = NewProfile::try_from(&body)?;
    let token = SecretToken::parse_secret(&body.token).ok_or_else(invalid_token)?;
    let email = store.registered_address(&token).await?.ok_or_else(invalid_token)?;
    let hash =
        credentials.hash_new_password("/password", &body.password, &email, profile.display_name.as_str()).await?;
    let user = store.confirm(&token, &profile, &hash).await?.ok_or_else(invalid_token)?;
    Event::new(EventKind::UserCreated).reason("confirmed").user(user).record();
    Ok(NoContent)
}

/// Every failed login returns the same 401, to prevent user enumeration.
pub async fn login(
    request: HttpRequest,
    address: ClientAddr,
    JsonBody(body): JsonBody<Login>,
    credentials: Data<Credentials>,
    store: Data<AuthStore>,
    tokens: Data<AccessTokens>,
    clock: Data<Clock>,
) -> ApiResult<SessionReply> {
    let email: Option<EmailAddress> = body.email.parse().ok();
    // Failed logins are counted by the normalized address, so that all spellings of an address share one counter.
    let name = email.as_ref().map_or(body.email.trim(), EmailAddress::as_str);
    let found = store.credentials(email.as_ref()).await?;
    let (epoch, solution) = (found.account.as_ref().map(|account| account.device_epoch), body.altcha.as_deref());
    let attempt = credentials.sign_in_with(name, address, request.headers(), epoch, solution);
    let verified = credentials.check(attempt, &body.password, found, EventKind::AuthnLoginFail).await?;
    let user_agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
    let client = ClientDescription::new(user_agent, address);
    let old_token = cookie::read(&store.keys, request.headers()).ok().map(|(token, _)| token);
    let issued = store.open_session(&verified, old_token.as_ref(), &client).await?;
    Event::new(EventKind::AuthnLoginSuccess).user(issued.user).session(issued.session).record();
    Event::new(EventKind::SessionCreated).user(issued.user).session(issued.session).record();
    let device_cookie = credentials.device_cookie(name, verified.device_epoch())?;
    Ok(session_reply(&issued, &tokens, &clock)?.append_header((header::SET_COOKIE, device_cookie)))
}

/// Every failed refresh returns the same 401, which also deletes the refresh cookie.
pub async fn refresh(
    request: HttpRequest,
    store: Data<AuthStore>,
    tokens: Data<AccessTokens>,
    clock: Data<Clock>,
) -> ApiResult<Either<SessionReply, HttpResponse>> {
    let Some(issued) = exchange(&request, &store).await? else { return Ok(Either::Right(unusable_cookie())) };
    Event::new(EventKind::SessionRenewed).user(issued.user).session(issued.session).record();
    session_reply(&issued, &tokens, &clock).map(Either::Left)
}

/// Exchanges the refresh token in the cookie for a new one.
/// If the token cannot be used, records a security event and returns `None`.
async fn exchange(request: &HttpRequest, store: &AuthStore) -> ApiResult<Option<IssuedSession>> {
    let event = match cookie::read(&store.keys, request.headers()) {
        Err(fault) => Event::new(EventKind::AuthnTokenInvalid).reason(fault.code()),
        Ok((token, _)) => match store.refresh(&token).await? {
            RefreshOutcome::Issued(issued) => return Ok(Some(issued)),
            RefreshOutcome::Unknown => Event::new(EventKind::AuthnTokenInvalid).reason("unknown_refresh_token"),
            RefreshOutcome::Ended { reason, session } => {
                Event::new(EventKind::AuthnTokenRevoked).reason(reason).session(session)
            }
            RefreshOutcome::Stolen { user, session } => {
                Event::new(EventKind::AuthnTokenReuse).reason("refresh_token").user(user).session(session)
            }
        },
    };
    event.record();
    Ok(None)
}

fn unusable_cookie() -> HttpResponse {
    let mut refusal = HttpResponse::from_error(ApiError::Unauthenticated);
    refusal.headers_mut().append(header::SET_COOKIE, cookie::clear());
    refusal
}

/// Ends the session. If the access token has expired, the refresh cookie is sufficient.
/// The handler then refreshes the session first, because a refresh detects a stolen token.
pub async fn logout(
    request: HttpRequest,
    caller: Option<Caller>,
    store: Data<AuthStore>,
) -> ApiResult<Either<CustomizeResponder<NoContent>, HttpResponse>> {
    let (user, session) = match caller {
        Some(caller) => (caller.user(), caller.session()),
        None => match exchange(&request, &store).await? {
            Some(issued) => (issued.user, issued.session),
            None => return Ok(Either::Right(unusable_cookie())),
        },
    };
    store.revocations.end(user, session, "logout").await?;
    Ok(Either::Left(clear_browser_data()))
}

pub async fn list_sessions(caller: Caller, store: Data<AuthStore>) -> ApiResult<Json<SessionList>> {
    let sessions = store.live_sessions(&caller).await?;
    Ok(Json(SessionList::new(sessions, caller.session())))
}

/// Returns 404 for sessions of other users, and for sessions that have ended or never existed.
pub async fn end_session(
    caller: Caller,
    PathId(id): PathId<SessionId>,
    store: Data<AuthStore>,
) -> ApiResult<CustomizeResponder<NoContent>> {
    if !store.end(&caller, id, "ended_by_user").await? {
        return Err(ApiError::NotFound);
    }
    Ok(if id == caller.session() { clear_browser_data() } else { NoContent.customize() })
}

pub async fn end_all_sessions(caller: Caller, store: Data<AuthStore>) -> ApiResult<CustomizeResponder<NoContent>> {
    store.end_all(&caller).await?;
    Ok(clear_browser_data())
}

/// Sends a link if the account exists. The reply is always 202, to prevent user enumeration.
pub async fn request_reset(
    request: HttpRequest,
    address: ClientAddr,
    JsonBody(body): JsonBody<RequestReset>,
    credentials: Data<Credentials>,
    store: Data<AuthStore>,
) -> ApiResult<Accepted> {
    let email = EmailAddress::try_from(&body)?;
    let origin = mail_origin(&store, &request, &email, address);
    let queued = store.request_reset(&email, &origin).await?;
    let subject = credentials.sign_in(email.as_str(), address).subject();
    Event::new(EventKind::AuthnResetRequested).reason(mail_reason(queued)).subject(subject).record();
    Ok(Accepted)
}

/// Sets the new password, ends all sessions and unlocks the account.
/// The response sets a device cookie. So the user can log in even if an attacker locks the account again.
pub async fn reset(
    JsonBody(body): JsonBody<ConfirmReset>,
    credentials: Data<Credentials>,
    store: Data<AuthStore>,
) -> ApiResult<CustomizeResponder<NoContent>> {
    let token = SecretToken::parse_secret(&body.token).ok_or_else(invalid_token)?;
    let account = store.find_reset_account(&token).await?.ok_or_else(invalid_token)?;
    let hash = credentials
        .hash_new_password("/new_password", &body.new_password, &account.email, &account.display_name)
        .await?;
    let (user, epoch) = store.reset_password(&token, &hash).await?.ok_or_else(invalid_token)?;
    credentials.reset_counters(user, &account.email).await?;
    let device_cookie = credentials.device_cookie(&account.email, epoch)?;
    Ok(NoContent.customize().append_header((header::SET_COOKIE, device_cookie)))
}

/// Returns the reason for the security event. The response does not contain the reason, because a used-up mail budget
/// reveals requests of other clients.
fn mail_reason(queued: bool) -> &'static str {
    if queued { "" } else { "mail_budget_spent" }
}

/// Unknown, used, invalidated and expired tokens get the same error.
fn invalid_token() -> ApiError {
    ApiError::invalid("/token", "is wrong, used or out of date")
}

/// The body contains the access token, and a cookie contains the refresh token.
pub type SessionReply = CustomizeResponder<Json<TokenView>>;

pub fn session_reply(issued: &IssuedSession, tokens: &AccessTokens, clock: &Clock) -> ApiResult<SessionReply> {
    let token = tokens.issue(issued.user, issued.session, issued.lifetime, clock.now()).map_err(ApiError::internal)?;
    let lifetime = issued.lifetime.to_std().unwrap_or_default();
    let cookie = cookie::set(&issued.cookie, lifetime).map_err(ApiError::internal)?;
    let expires_in = tokens.token_lifetime(issued.lifetime);
    let view = TokenView { access_token: token.into(), token_type: "Bearer", expires_in };
    Ok(Json(view).customize().append_header((header::SET_COOKIE, cookie)))
}
