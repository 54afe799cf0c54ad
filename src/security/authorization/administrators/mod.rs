//! Function-level authorization: administrators only (CWE-285, CWE-862, API5:2023).
//!
//! **Attack**: a user calls a function for administrators: by guessing its URL, by claiming a role, or with a token
//! from the time before they were demoted or disabled.
//! **Control**: only [`Administrators::authorize`] creates an [`AdminCaller`].
//! The gate of the route (`app/gate.rs`) calls `authorize` for each request.
//! Role, status and session are read from the *database*. Roles are neither cached nor stored in tokens, so a role is
//! never outdated. Every store method for administrators requires an `AdminCaller` as an argument.
//! Every statement checks the role again (`is_active_admin`). So an administrator who is demoted after the check by the
//! gate cannot change anything.
//!
//! Least privilege: the service's database role cannot write roles or status.
//! Only the command line promotes and demotes administrators.
//! **Limits**: an administrator can act maliciously. Each of their actions causes an event.
//! Reads of events and alerts cause one event per view, session, address and minute.
//! **ASVS**: 8.1.1, 8.2.1, 8.3.1, 8.3.2 · **Test**: `attacks::authorization::function_level`

mod store;

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use chrono::TimeDelta;
use sqlx::PgPool;

use crate::base::clock::Clock;
use crate::base::id::UserId;
use crate::db::begin;
use crate::db::counters::{self, Increment};
use crate::http::client_ip::ClientAddr;
use crate::http::error::{ApiError, ApiResult};
use crate::http::signature::Describe;
use crate::security::audit::event::{Event, EventKind, PendingEvents};
use crate::security::sessions::caller::Caller;

#[derive(Clone, Debug)]
pub struct AdminCaller(Caller);

impl AdminCaller {
    #[must_use]
    pub fn user(&self) -> UserId {
        self.0.user()
    }
}

impl Describe for AdminCaller {}

/// Extracts the `AdminCaller` that the gate of an administrator route has stored. On other routes, fails with 403.
impl FromRequest for AdminCaller {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let admin = request.extensions().get::<Self>().cloned();
        ready(admin.ok_or(ApiError::Forbidden))
    }
}

/// Several reads of one view by one session from one address within this time cause only one event.
const READ_WINDOW: TimeDelta = TimeDelta::minutes(1);

#[derive(Clone)]
pub struct Administrators {
    pool: PgPool,
    clock: Clock,
}

impl Administrators {
    #[must_use]
    pub fn new(pool: PgPool, clock: Clock) -> Self {
        Self { pool, clock }
    }

    /// Verifies in the database that the caller is an active administrator.
    ///
    /// # Errors
    /// [`ApiError::Forbidden`] if the caller is not an administrator.
    /// [`ApiError::Unauthenticated`] if the session has ended, or if the user is disabled or deleted.
    /// [`ApiError::Unavailable`] if the database fails (fail closed).
    pub async fn authorize(&self, caller: Caller) -> ApiResult<AdminCaller> {
        match store::admin_status(&self.pool, &caller).await? {
            Some(status) if status.live && status.admin => Ok(AdminCaller(caller)),
            Some(status) if status.live => Err(ApiError::Forbidden),
            _ => {
                // The session has ended, but this replica has not been notified of its end yet.
                Event::new(EventKind::AuthnTokenRevoked)
                    .user(caller.user())
                    .session(caller.session())
                    .reason("session_ended")
                    .record();
                Err(ApiError::Unauthenticated)
            }
        }
    }

    /// Records that an administrator reads a view: the events, the alerts or the summary.
    /// All reads of one view in one session from one address within a minute cause only one event, even if different
    /// replicas answer them. If each request caused an event, a page that reloads itself would flood the audit trail.
    /// An attacker with a stolen token has another address, and so causes a separate event.
    pub async fn record_read(&self, admin: &AdminCaller, address: ClientAddr, view: &'static str) {
        match self.record_first_read(admin, address, view).await {
            Ok(pending) => pending.publish(),
            // If the counter fails, for example because the disk is full, each read is recorded.
            Err(_) => Event::new(EventKind::AdminEventsRead).reason(view).record(),
        }
    }

    /// Counts a read and, if it is the first of its minute, stores an event in the same transaction.
    /// In two transactions, a request that is cancelled after the count would leave no event.
    async fn record_first_read(
        &self,
        admin: &AdminCaller,
        address: ClientAddr,
        view: &'static str,
    ) -> ApiResult<PendingEvents> {
        let now = self.clock.now();
        let read = Increment {
            kind: EventKind::AdminEventsRead.name(),
            key: format!("{view} {} {}", admin.0.session(), address.prefix()),
            by: 1,
            window_ends_at: now + READ_WINDOW,
        };
        let mut transaction = begin(&self.pool).await?;
        let counters = counters::add(&mut *transaction, &[read], now).await?;
        let pending = match counters.iter().any(|counter| counter.count > 1) {
            true => PendingEvents::empty(),
            false => Event::new(EventKind::AdminEventsRead).reason(view).record_in(&mut transaction).await?,
        };
        transaction.commit().await?;
        Ok(pending)
    }
}
