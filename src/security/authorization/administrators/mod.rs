//! Functions for administrators are closed to everybody else.
//!
//! **Attack**: calling a function that one's role lacks: by its address, by a role that one claims, by a token from before one was
//! demoted or disabled.
//! **Control**: [`AdminCaller`] has no public constructor: the route's gate makes one after asking the *database*
//! for role, status and session, at each request of an administrator. Nothing is kept in memory and no token has a role in it, so
//! there is nothing to go stale on any replica. Every store method for administrators takes it, and every statement asks once more
//! (`is_active_admin`), so that whoever is demoted between the gate and the statement changes nothing. The database's own role of
//! the service may not write roles or status at all; the command line makes and unmakes administrators.
//! **Limits**: an administrator who does harm; each of his acts leaves an event.
//! **ASVS**: 8.1.1, 8.2.1, 8.3.1, 8.3.2 · **Test**: `attacks::authorization::function_level`

mod store;

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use sqlx::PgPool;

use crate::base::id::UserId;
use crate::http::error::{ApiError, ApiResult};
use crate::security::audit::event::{Event, EventKind};
use crate::security::sessions::caller::Caller;

/// Who calls, proved to be an administrator.
#[derive(Clone, Debug)]
pub struct AdminCaller(Caller);

impl AdminCaller {
    /// Who it is.
    #[must_use]
    pub fn user(&self) -> UserId {
        self.0.user()
    }
}

/// Put there by the route's gate, so a handler that takes one on any other route refuses everybody.
impl FromRequest for AdminCaller {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let admin = request.extensions().get::<Self>().cloned();
        ready(admin.ok_or(ApiError::Forbidden))
    }
}

/// Tells administrators from others.
#[derive(Clone)]
pub struct Administrators {
    pool: PgPool,
}

impl Administrators {
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// This caller as an administrator.
    ///
    /// # Errors
    /// [`ApiError::Forbidden`] for one who is none; [`ApiError::Unauthenticated`] where the session has ended or the user is
    /// disabled or gone; [`ApiError::Unavailable`] when it cannot be asked: a failed part never opens the door.
    pub async fn prove(&self, caller: Caller) -> ApiResult<AdminCaller> {
        match store::standing(&self.pool, &caller).await? {
            Some(standing) if standing.live && standing.admin => Ok(AdminCaller(caller)),
            Some(standing) if standing.live => Err(ApiError::Forbidden),
            _ => {
                // The announcement of its end is still on its way to this replica.
                Event::new(EventKind::AuthnTokenRevoked)
                    .user(caller.user())
                    .session(caller.session())
                    .reason("session_ended")
                    .record();
                Err(ApiError::Unauthenticated)
            }
        }
    }
}
