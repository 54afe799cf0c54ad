//! Everything that handlers are given, made once and shared by all workers.

use std::sync::Arc;

use actix_web::web::{Data, ServiceConfig};
use chrono::TimeDelta;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;

use super::openapi;
use crate::base::clock::Clock;
use crate::config::Settings;
use crate::db::pool::{PoolLimits, connect_lazily};
use crate::features::auth::mail::MailBell;
use crate::features::auth::store::AuthStore;
use crate::features::customers::store::CustomerStore;
use crate::features::demo::Doors;
use crate::features::health::Readiness;
use crate::features::invoices::store::InvoiceStore;
use crate::features::users::store::UserStore;
use crate::http::client_ip::TrustedProxies;
use crate::http::problem::ProblemBase;
use crate::security::access_tokens::AccessTokens;
use crate::security::caller::Authenticator;
use crate::security::cors::AllowedOrigins;
use crate::security::credentials::Credentials;
use crate::security::cursors::Cursors;
use crate::security::keys::Keys;
use crate::security::login_guard::LoginGuard;
use crate::security::passwords::Passwords;
use crate::security::revocations::Revocations;

/// Why the service cannot be put together. The configuration was checked before, so each is rare.
#[derive(Debug, thiserror::Error)]
pub enum WiringError {
    #[error("the master key cannot be used: {0}")]
    MasterKey(String),
    #[error("mail cannot be sent: {0}")]
    Mail(String),
    #[error("the signing key cannot be used: {0}")]
    SigningKey(String),
    #[error("passwords cannot be hashed with these parameters: {0}")]
    Passwords(String),
    #[error("the OpenAPI document cannot be written: {0}")]
    Openapi(String),
    #[error("a rate limit is zero")]
    RateLimit,
}

/// The parts, wired.
#[derive(Clone)]
pub struct Services {
    pub settings: Arc<Settings>,
    pub clock: Clock,
    pub pool: PgPool,
    pub keys: Arc<Keys>,
    pub authenticator: Authenticator,
    pub credentials: Credentials,
    pub auth: AuthStore,
    pub users: UserStore,
    pub mail_bell: MailBell,
    pub cursors: Arc<Cursors>,
    readiness: Arc<Readiness>,
    openapi: openapi::Document,
}

impl Services {
    /// Wires the parts. Nothing is connected yet.
    ///
    /// # Errors
    /// See [`WiringError`].
    pub fn new(settings: Arc<Settings>, database: PgConnectOptions, clock: Clock) -> Result<Self, WiringError> {
        let pool = connect_lazily(
            database,
            PoolLimits {
                max_connections: settings.database.max_connections,
                acquire_timeout: settings.database.acquire_timeout,
                statement_timeout: settings.database.statement_timeout,
            },
        );
        let keys =
            Keys::new(&settings.secrets.master_key).map_err(|error| WiringError::MasterKey(error.to_string()))?;
        let keys = Arc::new(keys);
        let tokens = AccessTokens::new(&settings.jwt).map_err(|error| WiringError::SigningKey(error.to_string()))?;
        let passwords =
            Passwords::new(&settings.passwords).map_err(|error| WiringError::Passwords(error.to_string()))?;
        let longest = TimeDelta::from_std(settings.jwt.ttl).unwrap_or(TimeDelta::hours(1));
        let revocations = Arc::new(Revocations::new(pool.clone(), clock.clone(), longest));
        let guard = LoginGuard { pool: pool.clone(), settings: settings.login.clone(), clock: clock.clone() };
        let mail_bell = MailBell::default();
        Ok(Self {
            auth: AuthStore::new(
                pool.clone(),
                keys.clone(),
                revocations.clone(),
                mail_bell.clone(),
                settings.sessions.clone(),
                clock.clone(),
            ),
            users: UserStore::new(pool.clone(), revocations.clone(), mail_bell.clone(), clock.clone()),
            authenticator: Authenticator { tokens: Arc::new(tokens), revocations, clock: clock.clone() },
            credentials: Credentials { guard, passwords: Arc::new(passwords), keys: keys.clone() },
            cursors: Arc::new(Cursors::new(&keys)),
            openapi: openapi::build(&settings.http.public_url)
                .map_err(|error| WiringError::Openapi(error.to_string()))?,
            readiness: Arc::new(Readiness::new(pool.clone())),
            mail_bell,
            settings,
            clock,
            pool,
            keys,
        })
    }

    /// What the demo data go in by.
    #[must_use]
    pub fn doors(&self) -> Doors {
        let Self { pool, authenticator, credentials, auth, clock, .. } = self.clone();
        Doors { pool, authenticator, credentials, auth, clock }
    }

    /// Hands the parts to one worker's application.
    pub fn register(&self, config: &mut ServiceConfig) {
        let pool = &self.pool;
        config
            .app_data(Data::new(self.clock.clone()))
            .app_data(Data::new(self.authenticator.clone()))
            .app_data(Data::from(self.authenticator.tokens.clone()))
            .app_data(Data::from(self.authenticator.revocations.clone()))
            .app_data(Data::new(self.credentials.clone()))
            .app_data(Data::from(self.cursors.clone()))
            .app_data(Data::new(self.settings.profile))
            .app_data(Data::new(AllowedOrigins(self.settings.cors.allowed_origins.clone())))
            .app_data(Data::new(TrustedProxies(self.settings.http.trusted_proxies.clone())))
            .app_data(Data::new(ProblemBase(self.settings.http.public_url.clone())))
            .app_data(Data::new(self.openapi.clone()))
            .app_data(Data::new(self.auth.clone()))
            .app_data(Data::new(self.users.clone()))
            .app_data(Data::new(CustomerStore::new(pool.clone())))
            .app_data(Data::new(InvoiceStore::new(pool.clone())))
            .app_data(Data::from(self.readiness.clone()));
    }
}
