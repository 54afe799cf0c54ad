//! How often a route may be called, by address and, for signed-in routes, by user as well.
//!
//! **Abuse**: floods, scraping, guessing ids. **How**: two limiters a route, which both must agree. One joint key (address, user)
//! would hand out a fresh budget for each new account and each new address. Keys are the address as `client_ip` believes it
//! (IPv6 by prefix) and the *verified* user: nothing that a client merely claims. Each route has buckets of its own.
//! A refusal says when to come back and nothing else.
//! **Not stopped**: a flood from very many addresses. Counts are per process: with N replicas the budget is N times as large; the
//! counts that security rests on are in PostgreSQL (`login_guard`).
//! **ASVS** 2.4.1, 6.3.1, 15.3.4 · **Attack** `attacks::resources`
//!
//! This file is the only one that uses actix-governor, which is GPL-3.0-or-later (the README says what that means). To do without
//! it: keep the tiers, use `governor::RateLimiter` (MIT) in a `from_fn` middleware here, and nothing else changes.

use std::net::IpAddr;
use std::time::Duration;

use actix_governor::governor::NotUntil;
use actix_governor::governor::clock::{Clock, DefaultClock, QuantaInstant};
use actix_governor::governor::middleware::NoOpMiddleware;
use actix_governor::{GovernorConfig, GovernorConfigBuilder, KeyExtractor};
use actix_web::dev::ServiceRequest;
use actix_web::{HttpMessage, HttpResponse, HttpResponseBuilder, ResponseError};

use super::caller::Caller;
use crate::base::id::UserId;
use crate::config::{LimitSettings, Rate};
use crate::http::client_ip::ClientAddr;
use crate::http::error::ApiError;

/// How strict a route is. The rates are settings (`STRONGROOM_LIMITS_…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Reads.
    Standard,
    /// Sign-in: bounds the capacity it takes. Failures have a far smaller budget in `login_guard`.
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
}

impl Tier {
    /// All of them.
    pub const ALL: [Self; 9] = [
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
        }
    }

    fn rate(self, settings: &LimitSettings) -> Rate {
        match self {
            Self::Standard => settings.standard,
            Self::SignIn => settings.sign_in,
            Self::Registration => settings.registration,
            Self::Reset => settings.reset,
            Self::Refresh => settings.refresh,
            Self::Write => settings.write,
            Self::Export => settings.export,
            Self::Upload => settings.upload,
            Self::UnknownPath => settings.unknown_path,
        }
    }
}

/// The limiters of one route. Made once and shared by all workers: made inside the server's closure there would be one a worker.
#[derive(Clone)]
pub struct RouteLimits {
    pub by_address: GovernorConfig<ByAddress, NoOpMiddleware>,
    pub by_user: GovernorConfig<ByUser, NoOpMiddleware>,
}

impl RouteLimits {
    /// Fresh limiters at this tier's rate. `None` only for a rate of zero, which the configuration refuses.
    #[must_use]
    pub fn new(tier: Tier, settings: &LimitSettings) -> Option<Self> {
        let rate = tier.rate(settings);
        let period = rate.window.checked_div(rate.count)?.max(Duration::from_nanos(1));
        let mut builder = GovernorConfigBuilder::default();
        builder.period(period).burst_size(rate.count);
        Some(Self {
            by_address: builder.key_extractor(ByAddress).finish()?,
            by_user: builder.key_extractor(ByUser).finish()?,
        })
    }

    /// Forgets keys whose budget is full again; without this they stay for ever.
    pub fn sweep(&self) {
        self.by_address.limiter().retain_recent();
        self.by_address.limiter().shrink_to_fit();
        self.by_user.limiter().retain_recent();
        self.by_user.limiter().shrink_to_fit();
    }

    /// How many keys are kept now.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.by_address.limiter().len() + self.by_user.limiter().len()
    }
}

/// One budget an address.
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

/// One budget a verified user.
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
    let wait = until.wait_time_from(DefaultClock::default().now());
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    ApiError::TooManyRequests { retry_after: seconds.max(1), challenge: None }.error_response()
}
