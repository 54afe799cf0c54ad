//! Rate limits per route, by client address and by user (CWE-770, API4:2023).
//!
//! **Attack**: floods, scraping, enumeration of ids; a flood that uses up the budget of others behind the same NAT.
//! **Control**: each route has three token buckets (GCRA, actix-governor). One per client address (IPv6 by /56) pays for public
//! routes and for requests that fail to authenticate. Verified callers have one per user, and one per address that is
//! [`VERIFIED_SHARE`] times larger. A joint key (address, user) would give every new account a fresh budget. So a flood without a
//! valid token cannot exhaust the budget of users behind the same address, and a user over their own budget is not charged to the
//! address. A request that fails costs a signature check (2 µs for HS256) and no database look-up; once its address's budget is
//! exhausted it gets 429 instead of 401. The refresh cookie names its user under a MAC, so renewing a token is
//! charged to that user, without a look-up. All their sessions share the budget: with a budget per session, an insider who signs
//! in 50 times could exhaust the address.
//! Health checks have no limit: a load balancer shares its address with clients.
//! A refusal is 429 with `Retry-After` and no other hint.
//! **Limits**: a flood from very many addresses. Each replica counts for itself (login throttling counts in PostgreSQL). A refresh
//! cookie is charged before it is looked up, so a thief with a used or revoked one can exhaust its user's renewals; the user can
//! still sign in. The user of a WebSocket handshake is not known yet: it is charged to the larger bucket of the address alone,
//! which one client that opens 50 times as many as the tier allows can exhaust.
//! **ASVS**: 2.4.1, 6.3.1, 15.3.4 · **Test**: `attacks::limits::rate_limits`
//!
//! This file is the only one that uses actix-governor's limiters; it is GPL-3.0-or-later (the README says what that means). To do
//! without it: keep the tiers, use `governor::RateLimiter` (MIT) here, and a `from_fn` middleware in `app/routes.rs`.

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

/// How many users' budgets one address carries for its verified callers together.
pub const VERIFIED_SHARE: u32 = 50;

/// How strict a route is. The rates are settings (`STRONGROOM_LIMITS_…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Reads.
    Standard,
    /// Sign-in: bounds the capacity it takes. Failures have a far smaller budget in `login_throttling`.
    SignIn,
    /// Asking to join, and answering the mail.
    Registration,
    /// Asking for a new password, and answering the mail.
    Reset,
    /// Renewing an access token.
    Refresh,
    /// Anything that changes a row.
    Write,
    /// What takes far more work than to read one page.
    Export,
    /// Uploads of files: each costs disk, and time to look at.
    Upload,
    /// Paths that do not exist.
    UnknownPath,
    /// Health checks. They cost at most one query a second in all.
    Unlimited,
}

impl Tier {
    /// Those that have a budget.
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

    /// As its setting is called.
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

    /// Its rate, if it has one.
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

/// The limiters of one route. Made once and shared by all workers: made inside the server's closure there would be one a worker.
#[derive(Clone)]
pub struct RouteLimits {
    /// Public routes, and requests that fail to authenticate.
    pub by_address: GovernorConfig<ByAddress, NoOpMiddleware>,
    /// All verified callers of one address together.
    pub by_verified_address: GovernorConfig<ByAddress, NoOpMiddleware>,
    pub by_user: GovernorConfig<ByUser, NoOpMiddleware>,
}

impl RouteLimits {
    /// Fresh limiters at this rate. `None` only for a rate of zero, which the configuration refuses.
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

    /// Charges the user of a refresh cookie with our MAC.
    ///
    /// # Errors
    /// [`ApiError::TooManyRequests`] if their budget is exhausted.
    pub fn charge_user(&self, user: UserId) -> ApiResult<()> {
        self.by_user.limiter().check_key(&user).map_err(|until| too_many(&until))
    }

    /// Forgets keys whose budget is full again; without this they stay for ever.
    pub fn sweep(&self) {
        for limiter in [self.by_address.limiter(), self.by_verified_address.limiter()] {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
        self.by_user.limiter().retain_recent();
        self.by_user.limiter().shrink_to_fit();
    }

    /// How many keys are kept now.
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

/// The builder that actix-governor offers is dropped: it holds `x-ratelimit-after`, a roadmap, and a `Retry-After` rounded down.
fn refusal(until: &NotUntil<QuantaInstant>) -> HttpResponse {
    HttpResponse::from_error(too_many(until))
}

fn too_many(until: &NotUntil<QuantaInstant>) -> ApiError {
    let wait = until.wait_time_from(DefaultClock::default().now());
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    ApiError::TooManyRequests { retry_after: seconds.max(1), challenge: None }
}
