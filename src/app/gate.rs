//! What a row of the table asks of a request before its handler runs.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage};

use super::routes::Access;
use crate::http::error::{ApiError, ApiResult};
use crate::security::administrators::Administrators;
use crate::security::body_limits::{self, BodyLimit};
use crate::security::caller::Authenticator;
use crate::security::cors::AllowedOrigins;
use crate::security::{csrf, websockets};

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

/// The caller, the cookie's proof, and that nothing hides in a query that nobody reads.
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
    match rules.access {
        Access::Public => {}
        Access::SignedIn => {
            let caller = wired::<Authenticator>(request)?.caller(request.headers()).await?;
            request.extensions_mut().insert(caller);
        }
        Access::Admin => {
            let caller = wired::<Authenticator>(request)?.caller(request.headers()).await?;
            // First, so that the event of a refusal says who it was.
            request.extensions_mut().insert(caller.clone());
            let admin = wired::<Administrators>(request)?.prove(caller).await?;
            request.extensions_mut().insert(admin);
        }
        // Who comes is told by the ticket, on the socket.
        Access::Ticket => websockets::check_origin(request, &wired::<AllowedOrigins>(request)?)?,
        Access::Cookie => csrf::check(request, &wired::<AllowedOrigins>(request)?)?,
    }
    if !rules.takes_query && !request.query_string().is_empty() {
        return Err(ApiError::invalid("", "this path takes no query"));
    }
    Ok(())
}

fn wired<T: 'static>(request: &ServiceRequest) -> ApiResult<Data<T>> {
    request.app_data::<Data<T>>().cloned().ok_or_else(|| ApiError::internal("a service is not wired"))
}
