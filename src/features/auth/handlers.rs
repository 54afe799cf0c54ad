//! Join, sign in, stay signed in, sign out, get back in.

use actix_web::http::header::{self, USER_AGENT};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::model::{ClientSeen, NewProfile};
use super::session_store::{Granted, Refreshed};
use super::store::AuthStore;
use super::views::{ConfirmRegistration, ConfirmReset, Login, Register, RequestReset, SessionList, TokenView};
use crate::base::clock::Clock;
use crate::base::email::EmailAddress;
use crate::base::id::SessionId;
use crate::http::body::JsonBody;
use crate::http::client_ip::ClientAddr;
use crate::http::error::{ApiError, ApiResult};
use crate::http::params::PathId;
use crate::http::reply::{accepted, no_content, ok};
use crate::security::audit::event::{Event, EventKind};
use crate::security::authentication::credentials::Credentials;
use crate::security::authentication::device_cookies::Device;
use crate::security::crypto::secret_tokens::SecretToken;
use crate::security::limits::mail_budgets::MailOrigin;
use crate::security::sessions::access_tokens::AccessTokens;
use crate::security::sessions::caller::Caller;
use crate::security::sessions::refresh_tokens::{self, forget_browser};

/// `POST auth/register`: mails a confirmation link, or "you have an account already". Always 202: only the mail tells which.
pub async fn register(
    request: HttpRequest,
    address: ClientAddr,
    JsonBody(body): JsonBody<Register>,
    credentials: Data<Credentials>,
    store: Data<AuthStore>,
) -> ApiResult<HttpResponse> {
    let email = EmailAddress::try_from(&body)?;
    let origin = mail_origin(&store, &request, &email, address);
    let queued = store.register(&email, &origin).await?;
    let subject = credentials.sign_in(email.as_str(), address).subject();
    Event::new(EventKind::AuthnRegistrationRequested).reason(mail_reason(queued)).subject(subject).record();
    Ok(accepted())
}

/// The account's device if its cookie was sent, else the network.
fn mail_origin(store: &AuthStore, request: &HttpRequest, email: &EmailAddress, address: ClientAddr) -> MailOrigin {
    let device = Device::recognise(&store.keys, email.as_str(), request.headers(), store.clock.now());
    MailOrigin::new(device.map(|device| device.id()), address)
}

/// `POST auth/confirm`: creates the account with the password of the person who read the mail, without signing in. Only a live
/// token is worth a hash. A password that is refused leaves the token alive.
pub async fn confirm(
    JsonBody(body): JsonBody<ConfirmRegistration>,
    credentials: Data<Credentials>,
    store: Data<AuthStore>,
) -> ApiResult<HttpResponse> {
    let profile = NewProfile::try_from(&body)?;
    let token = SecretToken::typed(&body.token).ok_or_else(dead_token)?;
    let email = store.registered_address(&token).await?.ok_or_else(dead_token)?;
    let hash = credentials.choose("/password", &body.password, &email, profile.display_name.as_str()).await?;
    let user = store.confirm(&token, &profile, &hash).await?.ok_or_else(dead_token)?;
    Event::new(EventKind::UserCreated).reason("confirmed").user(user).record();
    Ok(no_content())
}

/// `POST auth/login`: a new session, or the one refusal that there is.
pub async fn login(
    request: HttpRequest,
    address: ClientAddr,
    JsonBody(body): JsonBody<Login>,
    credentials: Data<Credentials>,
    store: Data<AuthStore>,
    tokens: Data<AccessTokens>,
    clock: Data<Clock>,
) -> ApiResult<HttpResponse> {
    let email: Option<EmailAddress> = body.email.parse().ok();
    // One account has one name, however it was spelled; and what is no address has a counter as well.
    let name = email.as_ref().map_or(body.email.trim(), EmailAddress::as_str);
    let found = store.credentials(email.as_ref()).await?;
    let (epoch, solution) = (found.account.as_ref().map(|account| account.device_epoch), body.altcha.as_deref());
    let attempt = credentials.sign_in_with(name, address, request.headers(), epoch, solution);
    let verified = credentials.check(attempt, &body.password, found, EventKind::AuthnLoginFail).await?;
    let program = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
    let brought = refresh_tokens::presented(&store.keys, request.headers()).ok().map(|(token, _)| token);
    let granted = store.open_session(&verified, brought.as_ref(), &ClientSeen::new(program, address)).await?;
    Event::new(EventKind::AuthnLoginSuccess).user(granted.user).session(granted.session).record();
    Event::new(EventKind::SessionCreated).user(granted.user).session(granted.session).record();
    let mut reply = signed_in(&granted, &tokens, &clock)?;
    reply.headers_mut().append(header::SET_COOKIE, credentials.device_cookie(name, verified.device_epoch())?);
    Ok(reply)
}

/// `POST auth/refresh`: the cookie's token is exchanged. Every failure is the same 401, and takes the useless cookie away.
pub async fn refresh(
    request: HttpRequest,
    store: Data<AuthStore>,
    tokens: Data<AccessTokens>,
    clock: Data<Clock>,
) -> ApiResult<HttpResponse> {
    let Some(granted) = exchange(&request, &store).await? else { return Ok(unusable_cookie()) };
    Event::new(EventKind::SessionRenewed).user(granted.user).session(granted.session).record();
    signed_in(&granted, &tokens, &clock)
}

/// Exchanges the token in the refresh cookie. `None`: it is not usable; the event says why.
async fn exchange(request: &HttpRequest, store: &AuthStore) -> ApiResult<Option<Granted>> {
    let event = match refresh_tokens::presented(&store.keys, request.headers()) {
        Err(fault) => Event::new(EventKind::AuthnTokenInvalid).reason(fault.code()),
        Ok((token, _)) => match store.refresh(&token).await? {
            Refreshed::Granted(granted) => return Ok(Some(granted)),
            Refreshed::Unknown => Event::new(EventKind::AuthnTokenInvalid).reason("unknown_refresh_token"),
            Refreshed::Over { reason, session } => {
                Event::new(EventKind::AuthnTokenRevoked).reason(reason).session(session)
            }
            Refreshed::Stolen { user, session } => {
                Event::new(EventKind::AuthnTokenReuse).reason("refresh_token").user(user).session(session)
            }
        },
    };
    event.record();
    Ok(None)
}

fn unusable_cookie() -> HttpResponse {
    refresh_tokens::take_cookie(HttpResponse::from_error(ApiError::Unauthenticated))
}

/// `POST auth/logout`: this session ends at once; tokens that have not expired are worth nothing. The cookie alone is enough, since
/// a page whose access token has expired has nothing else. It is exchanged first, so that a replayed one is detected here too.
pub async fn logout(request: HttpRequest, caller: Option<Caller>, store: Data<AuthStore>) -> ApiResult<HttpResponse> {
    let (user, session) = match caller {
        Some(caller) => (caller.user(), caller.session()),
        None => match exchange(&request, &store).await? {
            Some(granted) => (granted.user, granted.session),
            None => return Ok(unusable_cookie()),
        },
    };
    store.revocations.end(user, session, "logout").await?;
    Ok(forget_browser(no_content()))
}

/// `GET auth/sessions`: where one is signed in.
pub async fn list_sessions(caller: Caller, store: Data<AuthStore>) -> ApiResult<HttpResponse> {
    let sessions = store.live_sessions(&caller).await?;
    Ok(ok(&SessionList::new(sessions, caller.session())))
}

/// `DELETE auth/sessions/{id}`: a stranger's session, one that has ended and one that never was are not found alike.
pub async fn end_session(
    caller: Caller,
    PathId(id): PathId<SessionId>,
    store: Data<AuthStore>,
) -> ApiResult<HttpResponse> {
    if !store.end(&caller, id, "ended_by_user").await? {
        return Err(ApiError::NotFound);
    }
    Ok(if id == caller.session() { forget_browser(no_content()) } else { no_content() })
}

/// `DELETE auth/sessions`: all of them, this one too.
pub async fn end_all_sessions(caller: Caller, store: Data<AuthStore>) -> ApiResult<HttpResponse> {
    store.end_all(&caller).await?;
    Ok(forget_browser(no_content()))
}

/// `POST auth/password-reset`: always 202; a mail goes out where there is an account.
pub async fn request_reset(
    request: HttpRequest,
    address: ClientAddr,
    JsonBody(body): JsonBody<RequestReset>,
    credentials: Data<Credentials>,
    store: Data<AuthStore>,
) -> ApiResult<HttpResponse> {
    let email = EmailAddress::try_from(&body)?;
    let origin = mail_origin(&store, &request, &email, address);
    let queued = store.request_reset(&email, &origin).await?;
    let subject = credentials.sign_in(email.as_str(), address).subject();
    Event::new(EventKind::AuthnResetRequested).reason(mail_reason(queued)).subject(subject).record();
    Ok(accepted())
}

/// `POST auth/password-reset/confirm`: a new password, the end of every session and of the account's lock. Nobody is signed in by
/// it; but the device is known from now on, so that whoever keeps guessing does not lock its owner out again before he has signed
/// in. A password that is refused leaves the token alive.
pub async fn confirm_reset(
    JsonBody(body): JsonBody<ConfirmReset>,
    credentials: Data<Credentials>,
    store: Data<AuthStore>,
) -> ApiResult<HttpResponse> {
    let token = SecretToken::typed(&body.token).ok_or_else(dead_token)?;
    let holder = store.reset_holder(&token).await?.ok_or_else(dead_token)?;
    let hash = credentials.choose("/new_password", &body.new_password, &holder.email, &holder.display_name).await?;
    let (user, epoch) = store.reset_password(&token, &hash).await?.ok_or_else(dead_token)?;
    credentials.reset_counters(user, &holder.email).await?;
    let mut reply = no_content();
    reply.headers_mut().append(header::SET_COOKIE, credentials.device_cookie(&holder.email, epoch)?);
    Ok(reply)
}

/// The reason in the event of a request for a mail. The client is not told.
fn mail_reason(queued: bool) -> &'static str {
    if queued { "" } else { "mail_budget_spent" }
}

/// The one answer for a token that is wrong, used, ended by another one, or too old.
fn dead_token() -> ApiError {
    ApiError::invalid("/token", "is wrong, used or out of date")
}

/// The reply that hands out a session's tokens: the access token in the body, the refresh token as a cookie.
///
/// # Errors
/// [`ApiError::Internal`], if the token cannot be signed.
pub fn signed_in(granted: &Granted, tokens: &AccessTokens, clock: &Clock) -> ApiResult<HttpResponse> {
    let token = tokens.issue(granted.user, granted.session, granted.lives, clock.now()).map_err(ApiError::internal)?;
    let lives = granted.lives.to_std().unwrap_or_default();
    let cookie = refresh_tokens::set_cookie(&granted.cookie, lives).map_err(ApiError::internal)?;
    let expires_in = tokens.lifetime_within(granted.lives);
    let view = TokenView { access_token: token.into(), token_type: "Bearer", expires_in };
    let mut reply = ok(&view);
    reply.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(reply)
}
