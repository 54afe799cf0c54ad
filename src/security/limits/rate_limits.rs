//! Rate limits per route, by client address and by user (CWE-770, API4:2023).
//!
//! **Attack**: floods, scraping, enumeration of ids; a flood that exhausts the budget of users behind the same NAT.
//! **Control**: each route has three token buckets (GCRA, actix-governor):
//! - per client address (IPv6: per /56), for public routes and for requests that fail to authenticate;
//! - per user, for verified callers;
//! - per address, for all verified callers together, [`VERIFIED_SHARE`] times larger.
//!
//! So a flood without a valid token cannot exhaust the budget of users behind the same address. Requests beyond a user's own
//! budget are not charged to the address. A joint key (address, user) would give every new account a fresh budget. A request that
//! fails to authenticate costs a signature check (2 µs for HS256) and no query. Once the budget of its address is exhausted, it gets
//! 429 instead of 401.
//! The refresh cookie names its user under a MAC, so a refresh is charged to that user without a query. All sessions of a user share
//! one budget: otherwise a user with 50 sessions could exhaust the address. Health checks have no limit, since a load balancer shares
//! its address with clients. A refusal is 429 with `Retry-After` and no other hint.
//!
//! **Limits**: a flood from very many addresses. Each replica counts for itself (login throttling counts in PostgreSQL). A refresh
//! cookie is charged before its database lookup, so a thief with a used one can exhaust its user's refresh budget; the user can still
//! sign in. The user of a WebSocket handshake is not known yet: it is charged to the larger address bucket only, so one client
//! can exhaust that bucket with 50 times as many handshakes as the tier allows.
//! **ASVS**: 2.4.1, 6.3.1, 15.3.4 · **Test**: `attacks::limits::rate_limits`
//!
//! Only this file uses actix-governor's limiters, which are GPL-3.0-or-later (see the README). To replace them, keep the tiers, use
//! `governor::RateLimiter` (MIT) here and a `from_fn` middleware in `app/routes.rs`.

use std::net::IpAddr;
use std::time::Duration;

use actix_governor::governor::NotUntil;
use actix_governor::governor::clock::{Clock, DefaultClock, QuantaInstant};
use actix_governor::governor::middleware::NoOpMiddleware;
use actix_governor::{GovernorConfig, GovernorConfigBuilder, KeyExtractor};
use actix_web::dev::ServiceRequest;
use actix_web::{HttpMessage, HttpResponse, HttpResponseBuilder};

use crate::base::id::UserId;
use crate::config::{LimitSettings, Rate};
use crate::http::client_ip::ClientAddr;
use crate::http::error::{ApiError, ApiResult};
use crate::security::sessions::caller::Caller;

/// How many user budgets the verified callers of one address share.
pub const VERIFIED_SHARE: u32 = 50;

/// The rate limit tier of a route. The rates are settings (`STRONGROOM_LIMITS_…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Reads.
    Standard,
    /// Login. Failures have a much smaller budget in `login_throttling`.
    SignIn,
    /// Registration and its confirmation.
    Registration,
    /// Password reset and its confirmation.
    Reset,
    /// Refresh of an access token.
    Refresh,
    /// Changes.
    Write,
    /// Exports and PDFs, which take more work than a page of a list.
    Export,
    /// File uploads.
    Upload,
    /// Paths that do not exist.
    UnknownPath,
    /// Health checks. Together they cost at most one query per second.
    Unlimited,
}

impl Tier {
    /// The tiers that have a rate.
    pub const LIMITED: [Self; 9] = [
        Self::Standard,
        Self::SignIn,
        Self::Registration,
        Self::Reset,
        Self::Refresh,
        Self::Write,
        Self::Export,
        Self::Upload,
        Self::UnknownPath,
    ];

    /// The name in settings and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::SignIn => "sign_in",
            Self::Registration => "registration",
            Self::Reset => "reset",
            Self::Refresh => "refresh",
            Self::Write => "write",
            Self::Export => "export",
            Self::Upload => "upload",
            Self::UnknownPath => "unknown_path",
            Self::Unlimited => "unlimited",
        }
    }

    /// Returns the configured rate.
    #[must_use]
    pub fn rate(self, settings: &LimitSettings) -> Option<Rate> {
        Some(match self {
            Self::Standard => settings.standard,
            Self::SignIn => settings.sign_in,
            Self::Registration => settings.registration,
            Self::Reset => settings.reset,
            Self::Refresh => settings.refresh,
            Self::Write => settings.write,
            Self::Export => settings.export,
            Self::Upload => settings.upload,
            Self::UnknownPath => settings.unknown_path,
            Self::Unlimited => return None,
        })
    }
}

/// The limiters of one route, shared by all workers.
#[derive(Clone)]
pub struct RouteLimits {
    /// Public routes, and requests that fail to authenticate.
    pub by_address: GovernorConfig<ByAddress, NoOpMiddleware>,
    pub by_verified_address: GovernorConfig<ByAddress, NoOpMiddleware>,
    pub by_user: GovernorConfig<ByUser, NoOpMiddleware>,
}

impl RouteLimits {
    /// Creates limiters with this rate. Returns `None` for a rate of zero, which the configuration refuses.
    #[must_use]
    pub fn new(rate: Rate) -> Option<Self> {
        let builder = |count: u32| {
            let period = rate.window.checked_div(count)?.max(Duration::from_nanos(1));
            let mut builder = GovernorConfigBuilder::default();
            builder.period(period).burst_size(count);
            Some(builder)
        };
        Some(Self {
            by_address: builder(rate.count)?.key_extractor(ByAddress).finish()?,
            by_verified_address: builder(rate.count.saturating_mul(VERIFIED_SHARE))?
                .key_extractor(ByAddress)
                .finish()?,
            by_user: builder(rate.count)?.key_extractor(ByUser).finish()?,
        })
    }

    /// Charges an address for a public request, or for one that has failed to authenticate.
    ///
    /// # Errors
    /// [`ApiError::TooManyRequests`] if its budget is exhausted.
    pub fn charge_address(&self, client: ClientAddr) -> ApiResult<()> {
        self.by_address.limiter().check_key(&client.prefix()).map_err(|until| too_many(&until))
    }

    /// Charges the user named by a refresh cookie, whose MAC was verified.
    ///
    /// # Errors
    /// [`ApiError::TooManyRequests`] if their budget is exhausted.
    pub fn charge_user(&self, user: UserId) -> ApiResult<()> {
        self.by_user.limiter().check_key(&user).map_err(|until| too_many(&until))
    }

    /// Removes keys whose budget is full again.
    pub fn sweep(&self) {
        for limiter in [self.by_address.limiter(), self.by_verified_address.limiter()] {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
        self.by_user.limiter().retain_recent();
        self.by_user.limiter().shrink_to_fit();
    }

    /// The number of keys (metrics).
    #[must_use]
    pub fn keys(&self) -> usize {
        self.by_address.limiter().len() + self.by_verified_address.limiter().len() + self.by_user.limiter().len()
    }
}

/// One bucket per address.
#[derive(Clone)]
pub struct ByAddress;

impl KeyExtractor for ByAddress {
    type Key = IpAddr;
    type KeyExtractionError = ApiError;

    fn extract(&self, request: &ServiceRequest) -> Result<IpAddr, ApiError> {
        Ok(ClientAddr::of(request).prefix())
    }

    fn exceed_rate_limit_response(&self, until: &NotUntil<QuantaInstant>, _: HttpResponseBuilder) -> HttpResponse {
        refusal(until)
    }
}

/// One bucket per verified user.
#[derive(Clone)]
pub struct ByUser;

impl KeyExtractor for ByUser {
    type Key = UserId;
    type KeyExtractionError = ApiError;

    fn extract(&self, request: &ServiceRequest) -> Result<UserId, ApiError> {
        let caller = request.extensions().get::<Caller>().map(Caller::user);
        caller.ok_or(ApiError::Unauthenticated)
    }

    fn exceed_rate_limit_response(&self, until: &NotUntil<QuantaInstant>, _: HttpResponseBuilder) -> HttpResponse {
        refusal(until)
    }
}

/// Replaces actix-governor's response, which has `x-ratelimit-after` (a hint to attackers) and rounds `Retry-After` down.
fn refusal(until: &NotUntil<QuantaInstant>) -> HttpResponse {
    HttpResponse::from_error(too_many(until))
}

fn too_many(until: &NotUntil<QuantaInstant>) -> ApiError {
    let wait = until.wait_time_from(DefaultClock::default().now());
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    ApiError::TooManyRequests { retry_after: seconds.max(1), challenge: None }
}
