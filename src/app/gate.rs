//! Enforces each row of the route table before a handler runs: body limit, authentication, rate limits and role.

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
use crate::security::sessions::refresh_tokens::cookie;
use crate::security::websockets;

/// Determines who may call an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everyone, without authentication.
    Public,
    /// Authenticated users.
    SignedIn,
    /// Administrators. Each request reads the role from the database, so a removed administrator loses access at once.
    Admin,
    /// Browsers that send the refresh cookie from a page of an allowed origin.
    Cookie,
    /// Users with an access token. If the token is missing or has expired, browsers as in [`Access::Cookie`].
    TokenOrCookie,
    /// Clients that send a ticket as the first message of a WebSocket. For browsers, the origin must be allowed.
    Ticket,
}

/// The columns of the route table that the middleware in this file enforces for one endpoint.
#[derive(Clone, Copy)]
pub struct Rules {
    pub access: Access,
    pub body: BodyLimit,
    pub takes_query: bool,
}

/// Middleware that enforces the body limit.
pub async fn limit_body<B: MessageBody>(
    rules: Rules,
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    match body_limits::enforce(&mut request, rules.body) {
        Ok(()) => Ok(next.call(request).await?.map_into_left_body()),
        Err(refusal) => Ok(request.error_response(refusal).map_into_right_body()),
    }
}

/// Middleware that authenticates the caller.
/// Public requests and failed authentications count against the rate limit of the client's address.
pub async fn authenticate<B: MessageBody>(
    access: Access,
    limits: Option<RouteLimits>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    match authorize(access, limits.as_ref(), &request).await {
        Ok(()) => Ok(next.call(request).await?.map_into_left_body()),
        Err(refusal) => Ok(request.error_response(refusal).map_into_right_body()),
    }
}

async fn authorize(access: Access, limits: Option<&RouteLimits>, request: &ServiceRequest) -> ApiResult<()> {
    let client = ClientAddr::of(request);
    let charge = || limits.map_or(Ok(()), |limits| limits.charge_address(client));
    let refuse = |refusal| charge().and(Err(refusal));
    match access {
        Access::Public => charge(),
        Access::SignedIn | Access::Admin => {
            let caller = service::<Authenticator>(request)?.authenticate(request.headers(), charge).await?;
            request.extensions_mut().insert(caller);
            Ok(())
        }
        // The handler checks the ticket later, because it arrives as the first message of the WebSocket.
        Access::Ticket => websockets::check_origin(request, &service::<AllowedOrigins>(request)?).or_else(refuse),
        Access::Cookie => check_cookie(request, limits, charge),
        Access::TokenOrCookie => {
            let has_cookie = accepts_cookie(request);
            if request.headers().contains_key(header::AUTHORIZATION) || !has_cookie {
                let charge = || if has_cookie { Ok(()) } else { charge() };
                match service::<Authenticator>(request)?.authenticate(request.headers(), charge).await {
                    Err(ApiError::Unauthenticated) if has_cookie => {}
                    caller => {
                        let caller = caller?;
                        limits.map_or(Ok(()), |limits| limits.charge_user(caller.user()))?;
                        request.extensions_mut().insert(caller);
                        return Ok(());
                    }
                }
            }
            check_cookie(request, limits, charge)
        }
    }
}

/// Returns whether the refresh cookie may replace a missing or expired access token.
/// If the request contains an expired token, it must also contain the CSRF header.
/// Without a token, [`csrf::check`] refuses a request without the header later, with an error that names the header.
fn accepts_cookie(request: &ServiceRequest) -> bool {
    let headers = request.headers();
    let has_cookie = cookies::all(cookie::COOKIE, headers).next().is_some();
    has_cookie && (headers.contains_key(csrf::CSRF_HEADER) || !headers.contains_key(header::AUTHORIZATION))
}

/// Checks the CSRF header, and counts the request against the rate limit of the cookie's user.
fn check_cookie(
    request: &ServiceRequest,
    limits: Option<&RouteLimits>,
    charge: impl Fn() -> ApiResult<()>,
) -> ApiResult<()> {
    let origins = service::<AllowedOrigins>(request)?;
    csrf::check(request.headers(), &origins).or_else(|refusal| charge().and(Err(refusal)))?;
    match cookie::read(&service::<Authenticator>(request)?.keys, request.headers()) {
        // The MAC of the cookie is valid. The handler checks whether the refresh token was used or revoked.
        Ok((_, user)) => limits.map_or(Ok(()), |limits| limits.charge_user(user)),
        // The MAC is invalid, so the request counts against the address. The handler refuses the cookie.
        Err(_) => charge(),
    }
}

/// Middleware that checks the role of the caller. It also refuses query fields on a route that reads no query.
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
        let admin = service::<Administrators>(request)?.authorize(caller).await?;
        request.extensions_mut().insert(admin);
    }
    if !rules.takes_query && !request.query_string().is_empty() {
        return Err(ApiError::invalid("", "this path takes no query"));
    }
    Ok(())
}

fn service<T: 'static>(request: &ServiceRequest) -> ApiResult<Data<T>> {
    request
        .app_data::<Data<T>>()
        .cloned()
        .ok_or_else(|| ApiError::internal("a service is missing in the application data"))
}
