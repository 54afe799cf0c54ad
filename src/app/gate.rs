//! What a row of the table asks of a request before its handler runs.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage};

use crate::http::client_ip::ClientAddr;
use crate::http::cookies;
use crate::http::error::{ApiError, ApiResult};
use crate::security::authorization::administrators::Administrators;
use crate::security::browser::AllowedOrigins;
use crate::security::browser::csrf;
use crate::security::limits::body_limits::{self, BodyLimit};
use crate::security::limits::rate_limits::RouteLimits;
use crate::security::sessions::caller::{Authenticator, Caller};
use crate::security::sessions::refresh_tokens;
use crate::security::websockets;

/// Who may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Public,
    /// Users with a live session, on their own objects.
    SignedIn,
    /// Administrators, on everybody's account: the database is asked who is one, at each request.
    Admin,
    /// The browser that holds the refresh cookie, from a page of ours.
    Cookie,
    /// The holder of a session: by access token, or by the refresh cookie from a page of ours when that token has expired.
    TokenOrCookie,
    /// Clients that send a ticket as the first message of a WebSocket; browsers only from an allowed origin.
    Ticket,
}

/// The columns that the gate enforces.
#[derive(Clone, Copy)]
pub struct Rules {
    pub access: Access,
    pub body: BodyLimit,
    pub takes_query: bool,
}

/// The body's size and time.
///
/// # Errors
/// What the rest returns.
pub async fn cap<B: MessageBody>(
    rules: Rules,
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    match body_limits::enforce(&mut request, rules.body) {
        Ok(()) => Ok(next.call(request).await?.map_into_left_body()),
        Err(refusal) => Ok(request.error_response(refusal).map_into_right_body()),
    }
}

/// Who calls. The address pays for public requests, and for those that fail to prove who sent them: once its budget is
/// exhausted, they get 429 instead of their refusal.
///
/// # Errors
/// What the rest returns.
pub async fn authenticate<B: MessageBody>(
    access: Access,
    limits: Option<RouteLimits>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    match prove(access, limits.as_ref(), &request).await {
        Ok(()) => Ok(next.call(request).await?.map_into_left_body()),
        Err(refusal) => Ok(request.error_response(refusal).map_into_right_body()),
    }
}

async fn prove(access: Access, limits: Option<&RouteLimits>, request: &ServiceRequest) -> ApiResult<()> {
    let client = ClientAddr::of(request);
    let charge = || limits.map_or(Ok(()), |limits| limits.charge_address(client));
    let refuse = |refusal| charge().and(Err(refusal));
    match access {
        Access::Public => charge(),
        Access::SignedIn | Access::Admin => {
            let caller = wired::<Authenticator>(request)?.caller(request.headers(), charge).await?;
            request.extensions_mut().insert(caller);
            Ok(())
        }
        // Who comes is told by the ticket, on the socket.
        Access::Ticket => websockets::check_origin(request, &wired::<AllowedOrigins>(request)?).or_else(refuse),
        Access::Cookie => prove_cookie(request, limits, charge),
        Access::TokenOrCookie => {
            let stands_in = cookie_stands_in(request);
            if request.headers().contains_key(header::AUTHORIZATION) || !stands_in {
                let charge = || if stands_in { Ok(()) } else { charge() };
                match wired::<Authenticator>(request)?.caller(request.headers(), charge).await {
                    Err(ApiError::Unauthenticated) if stands_in => {}
                    caller => {
                        let caller = caller?;
                        limits.map_or(Ok(()), |limits| limits.charge_user(caller.user()))?;
                        request.extensions_mut().insert(caller);
                        return Ok(());
                    }
                }
            }
            prove_cookie(request, limits, charge)
        }
    }
}

/// Whether the refresh cookie may take the place of an access token that is missing or has expired: it is there, and so is the
/// header that a page of another origin cannot send. Without any token that header is missed later, by [`csrf::check`].
fn cookie_stands_in(request: &ServiceRequest) -> bool {
    let headers = request.headers();
    let has_cookie = cookies::each(refresh_tokens::COOKIE, headers).next().is_some();
    has_cookie && (headers.contains_key(csrf::CSRF_HEADER) || !headers.contains_key(header::AUTHORIZATION))
}

/// A page of ours sent the refresh cookie. Its user pays, as far as the cookie proves who that is.
fn prove_cookie(
    request: &ServiceRequest,
    limits: Option<&RouteLimits>,
    charge: impl Fn() -> ApiResult<()>,
) -> ApiResult<()> {
    csrf::check(request, &wired::<AllowedOrigins>(request)?).or_else(|refusal| charge().and(Err(refusal)))?;
    match refresh_tokens::presented(&wired::<Authenticator>(request)?.keys, request.headers()) {
        // Used, revoked or alive: only a look-up tells, and this comes before it.
        Ok((_, user)) => limits.map_or(Ok(()), |limits| limits.charge_user(user)),
        // The handler refuses a cookie without our MAC, without a look-up.
        Err(_) => charge(),
    }
}

/// The role, and that nothing hides in a query that nobody reads.
///
/// # Errors
/// What the rest returns.
pub async fn admit<B: MessageBody>(
    rules: Rules,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    match check(rules, &request).await {
        Ok(()) => Ok(next.call(request).await?.map_into_left_body()),
        Err(refusal) => Ok(request.error_response(refusal).map_into_right_body()),
    }
}

async fn check(rules: Rules, request: &ServiceRequest) -> ApiResult<()> {
    if rules.access == Access::Admin {
        let caller = request.extensions().get::<Caller>().cloned().ok_or(ApiError::Unauthenticated)?;
        let admin = wired::<Administrators>(request)?.prove(caller).await?;
        request.extensions_mut().insert(admin);
    }
    if !rules.takes_query && !request.query_string().is_empty() {
        return Err(ApiError::invalid("", "this path takes no query"));
    }
    Ok(())
}

fn wired<T: 'static>(request: &ServiceRequest) -> ApiResult<Data<T>> {
    request.app_data::<Data<T>>().cloned().ok_or_else(|| ApiError::internal("a service is not wired"))
}
