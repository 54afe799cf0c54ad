//! Rate limits per route, by client address and by user (CWE-770, API4:2023).
//!
//! **Attack**: floods, scraping, enumeration of ids; a flood that exhausts the budget of users behind the same NAT.
//! **Control**: each route has three kinds of token buckets (GCRA, actix-governor):
//! - one per client address (IPv6: per /56), for public routes and for requests that fail to authenticate;
//! - one per user, for verified callers;
//! - one per address that all verified callers of the address share. It is [`VERIFIED_SHARE`] times larger.
//!
//! A flood without a valid token cannot exhaust the budget of users behind the same address. A request that fails to
//! authenticate costs a signature check (2 µs for HS256) and no query. When the budget of its address is exhausted, it
//! gets 429 instead of 401.
//!
//! Requests beyond a user's own budget are not charged to the address. All sessions of a user share one budget;
//! otherwise a user with 50 sessions could exhaust the budget of the address. A joint key of address and user would be
//! wrong, because it would give every new account a new budget. The refresh cookie contains the user's id and a MAC, so
//! a refresh is charged to that user without a query.
//!
//! Health checks have no limit, because a load balancer may share its address with clients. A refusal is 429 with
//! `Retry-After` and no other hint.
//!
//! **Limits**: a flood from very many addresses is not stopped, because each address stays below its limit. Each
//! replica counts for itself; only login throttling counts in PostgreSQL. A refresh is charged before the token is
//! looked up in the database. So a thief with a used refresh cookie can exhaust the refresh budget of its user, who can
//! still log in. A WebSocket handshake is charged before its user is known, so only to the bucket that verified callers
//! share. One client can exhaust this bucket with 50 times as many handshakes as the tier allows.
//! **ASVS**: 2.4.1, 6.3.1, 15.3.4 · **Test**: `attacks::limits::rate_limits`
//!
//! Only this file uses the limiters of actix-governor, whose licence is GPL-3.0-or-later (see the README). To replace
//! them, keep the tiers, use `governor::RateLimiter` (MIT) here, and write a `from_fn` middleware in `app/routes.rs`.

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

/// The size of the bucket that the verified callers of an address share, in budgets of one user.
pub const VERIFIED_SHARE: u32 = 50;

/// The rate limit tier of a route. The rate of each tier is a setting (`STRONGROOM_LIMITS_…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Requests that only read.
    Standard,
    /// Logins. `login_throttling` has a much smaller budget for failed logins.
    SignIn,
    /// Registrations and their confirmations.
    Registration,
    /// Password resets and their confirmations.
    Reset,
    /// Refreshes of access tokens.
    Refresh,
    /// Requests that change data.
    Write,
    /// Computations that store nothing. A client sends one while its user types.
    Preview,
    /// Exports and PDFs, which take more work than a page of a list.
    Export,
    /// File uploads.
    Upload,
    /// Scripts and styles of our pages. They are compiled into the binary and cost no query. A page loads about 20, so
    /// their rate is larger than that of other reads.
    Asset,
    /// Requests to paths that do not exist.
    UnknownPath,
    /// Health checks. Together, they cost at most one query per second.
    Unlimited,
}

impl Tier {
    /// The tiers that have a rate limit.
    pub const LIMITED: [Self; 11] = [
        Self::Standard,
        Self::SignIn,
        Self::Registration,
        Self::Reset,
        Self::Refresh,
        Self::Write,
        Self::Preview,
        Self::Export,
        Self::Upload,
        Self::Asset,
        Self::UnknownPath,
    ];

    /// Returns the name that settings and metrics use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::SignIn => "sign_in",
            Self::Registration => "registration",
            Self::Reset => "reset",
            Self::Refresh => "refresh",
            Self::Write => "write",
            Self::Preview => "preview",
            Self::Export => "export",
            Self::Upload => "upload",
            Self::Asset => "asset",
            Self::UnknownPath => "unknown_path",
            Self::Unlimited => "unlimited",
        }
    }

    /// Returns the configured rate, or `None` for an unlimited tier.
    #[must_use]
    pub fn rate(self, settings: &LimitSettings) -> Option<Rate> {
        Some(match self {
            Self::Standard => settings.standard,
            Self::SignIn => settings.sign_in,
            Self::Registration => settings.registration,
            Self::Reset => settings.reset,
            Self::Refresh => settings.refresh,
            Self::Write => settings.write,
            Self::Preview => settings.preview,
            Self::Export => settings.export,
            Self::Upload => settings.upload,
            Self::Asset => settings.asset,
            Self::UnknownPath => settings.unknown_path,
            Self::Unlimited => return None,
        })
    }
}

/// The limiters of one route. All workers share them.
#[derive(Clone)]
pub struct RouteLimits {
    /// For public routes, and for requests that fail to authenticate.
    pub by_address: GovernorConfig<ByAddress, NoOpMiddleware>,
    pub by_verified_address: GovernorConfig<ByAddress, NoOpMiddleware>,
    pub by_user: GovernorConfig<ByUser, NoOpMiddleware>,
}

impl RouteLimits {
    /// Creates limiters with this rate. Returns `None` if the rate is zero, which the configuration refuses.
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

    /// Charges an address for a request on a public route, or for a request that has failed to authenticate.
    ///
    /// # Errors
    /// [`ApiError::TooManyRequests`] if the budget of the address is exhausted.
    pub fn charge_address(&self, client: ClientAddr) -> ApiResult<()> {
        self.by_address.limiter().check_key(&client.prefix()).map_err(|until| too_many(&until))
    }

    /// Charges the user that a refresh cookie names. The MAC of the cookie has been verified.
    ///
    /// # Errors
    /// [`ApiError::TooManyRequests`] if the budget of the user is exhausted.
    pub fn charge_user(&self, user: UserId) -> ApiResult<()> {
        self.by_user.limiter().check_key(&user).map_err(|until| too_many(&until))
    }

    /// Removes the buckets that are full again.
    pub fn sweep(&self) {
        for limiter in [self.by_address.limiter(), self.by_verified_address.limiter()] {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
        self.by_user.limiter().retain_recent();
        self.by_user.limiter().shrink_to_fit();
    }

    /// Returns the number of buckets, for the metrics.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.by_address.limiter().len() + self.by_verified_address.limiter().len() + self.by_user.limiter().len()
    }
}

/// Selects one bucket per address.
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

/// Selects one bucket per verified user.
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

/// Replaces the response of actix-governor. That response contains `x-ratelimit-after`, a hint to attackers, and rounds
/// `Retry-After` down.
fn refusal(until: &NotUntil<QuantaInstant>) -> HttpResponse {
    HttpResponse::from_error(too_many(until))
}

fn too_many(until: &NotUntil<QuantaInstant>) -> ApiError {
    let wait = until.wait_time_from(DefaultClock::default().now());
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    ApiError::TooManyRequests { retry_after: seconds.max(1), challenge: None }
}
