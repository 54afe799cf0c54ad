//! Rate limits per route, by client address and by user (CWE-770, API4:2023).
//!
//! **Attack**: floods, scraping, enumeration of ids; a flood that exhausts the budget of users behind the same NAT.
//! **Control**: each route has three kinds of token buckets (GCRA, actix-governor):
//! - one per client address (IPv6: per /56), for public routes and for requests that fail to authenticate;
//! - one per user, for authenticated requests;
//! - one per client address for the authenticated requests of all its users, [`VERIFIED_SHARE`] times larger than the
//!   bucket of one user.
//!
//! Requests with and without a valid token have separate buckets.
//! So a flood without a valid token cannot exhaust the budget of users behind the same address.
//! A request that fails to authenticate costs a signature check (2 µs for HS256) and no database query.
//! When the budget of its address is exhausted, such a request gets 429 instead of 401.
//!
//! A request that exceeds the user's own budget is not charged to the address, so one user cannot exhaust the budget of
//! others. All sessions of a user share one budget, so more sessions do not give a user more requests.
//! No bucket belongs to a pair of address and user. Otherwise an attacker could get more budget at one address by
//! registering more accounts.
//!
//! The refresh cookie contains the user's id and a MAC. So a refresh is charged to its user without a query.
//! Health checks have no limit, because a load balancer may share its address, and so its budget, with clients.
//!
//! A refusal is 429 with `Retry-After`.
//! The refusal contains no other numbers, because these would help attackers to stay just below the limit.
//!
//! **Limits**: a flood from very many addresses is not stopped, because each address stays below its limit.
//! Each replica counts for itself. Only login throttling counts in PostgreSQL, for all replicas together.
//! A refresh is charged before the refresh token is looked up in the database.
//! So an attacker with a used refresh cookie can exhaust the refresh budget of its user. The user can still log in.
//! A WebSocket handshake is charged to the bucket of all authenticated requests of its address, because its user is not
//! known yet. One client can therefore exhaust this bucket for all users of the address.
//! **ASVS**: 2.4.1, 6.3.1, 15.3.4 · **Test**: `attacks::limits::rate_limits`
//!
//! Only this file uses the limiters of actix-governor, whose licence is GPL-3.0-or-later (see the README).
//! To replace the crate, use `governor::RateLimiter` (MIT) here, and write a `from_fn` middleware in `app/routes.rs`.

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

/// How many times larger the bucket for all authenticated requests of an address is than the bucket of one user.
pub const VERIFIED_SHARE: u32 = 50;

/// The rate limit tier of a route. The rate of each tier is a setting (`STRONGROOM_LIMITS_…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Requests that only read.
    Standard,
    /// Logins. Login throttling (`login_throttling`) additionally limits failed logins, to a much smaller number.
    SignIn,
    Registration,
    /// Requests for a password reset, and the resets themselves.
    Reset,
    /// Requests for a new access token with a refresh cookie.
    Refresh,
    /// Requests that change data.
    Write,
    /// Computations that store nothing. They are frequent, because clients request them while their users type.
    Preview,
    /// Exports and PDFs, which take more CPU time than a page of a list.
    Export,
    Upload,
    /// Scripts and styles of our pages. A page loads about 20 of them. They are cheap: the binary contains them.
    Asset,
    /// Requests to paths that do not exist.
    UnknownPath,
    /// Health checks. The service caches their result, so they cost at most one query per second.
    Unlimited,
}

impl Tier {
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

/// The limiters of one route. All worker threads share them, so a limit does not grow with the number of threads.
#[derive(Clone)]
pub struct RouteLimits {
    /// One bucket per address, for public routes and for requests that fail to authenticate.
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

    /// Charges a user for a request. The caller must have verified the access token or the MAC of the refresh cookie:
    /// otherwise an attacker could use up the budget of another user.
    ///
    /// # Errors
    /// [`ApiError::TooManyRequests`] if the budget of the user is exhausted.
    pub fn charge_user(&self, user: UserId) -> ApiResult<()> {
        self.by_user.limiter().check_key(&user).map_err(|until| too_many(&until))
    }

    /// Removes the buckets that are full again, to free memory. A full bucket equals a new one.
    pub fn sweep(&self) {
        for limiter in [self.by_address.limiter(), self.by_verified_address.limiter()] {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
        self.by_user.limiter().retain_recent();
        self.by_user.limiter().shrink_to_fit();
    }

    #[must_use]
    pub fn keys(&self) -> usize {
        self.by_address.limiter().len() + self.by_verified_address.limiter().len() + self.by_user.limiter().len()
    }
}

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

/// Returns the response for a refused request. It replaces the response of actix-governor, which contains a hint for
/// attackers (`x-ratelimit-after`), and rounds `Retry-After` down, so that clients would retry too early.
fn refusal(until: &NotUntil<QuantaInstant>) -> HttpResponse {
    HttpResponse::from_error(too_many(until))
}

fn too_many(until: &NotUntil<QuantaInstant>) -> ApiError {
    let wait = until.wait_time_from(DefaultClock::default().now());
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    ApiError::TooManyRequests { retry_after: seconds.max(1), challenge: None }
}
