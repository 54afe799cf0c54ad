//! Creates the services of each feature from the settings.

use std::sync::Arc;

use chrono::TimeDelta;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::Semaphore;

use crate::base::clock::Clock;
use crate::config::{BucketSettings, DatabaseSettings, Settings};
use crate::db::outbox::Notifier;
use crate::db::pool::{PoolLimits, connect_lazily};
use crate::features::admin::store::AdminStore;
use crate::features::auth::mail::MailKind;
use crate::features::auth::store::AuthStore;
use crate::features::documents::blob_deletion_store::BlobDeletionQueue;
use crate::features::documents::quota_store::Quota;
use crate::features::documents::upload_service::UploadService;
use crate::features::live::hub::Live;
use crate::features::resources::Resources;
use crate::features::users::store::UserStore;
use crate::security::authentication::credentials::Credentials;
use crate::security::authentication::login_throttling::LoginThrottle;
use crate::security::authentication::passwords::Passwords;
use crate::security::authentication::passwords::breaches::BreachService;
use crate::security::authorization::administrators::Administrators;
use crate::security::authorization::cursors::Cursors;
use crate::security::communication::outbound::OutboundClientError;
use crate::security::crypto::keys::Keys;
use crate::security::files::uploads::PdfInspector;
use crate::security::limits::row_quotas::RowQuotas;
use crate::security::sessions::access_tokens::AccessTokens;
use crate::security::sessions::caller::Authenticator;
use crate::security::sessions::revocations::Revocations;
use crate::security::sessions::tickets::Tickets;
use crate::storage::{Bucket, Storage, StorageError};

/// Errors that occur while services are created. They are rare, because `config` has already validated the settings.
#[derive(Debug, thiserror::Error)]
pub enum WiringError {
    #[error("the master key cannot be used: {0}")]
    MasterKey(String),
    #[error("alerts cannot be sent: {0}")]
    Alerts(#[from] OutboundClientError),
    #[error("the client of the breach service cannot be created: {0}")]
    BreachService(OutboundClientError),
    #[error("mail cannot be sent: {0}")]
    Mail(String),
    #[error("the signing key cannot be used: {0}")]
    SigningKey(String),
    #[error("passwords cannot be hashed with these parameters: {0}")]
    Passwords(String),
    #[error("the OpenAPI document cannot be written: {0}")]
    Openapi(#[from] serde_json::Error),
    #[error("documents cannot be stored ({0}): set STRONGROOM_DOCUMENTS_FOLDER to a folder that only the service uses")]
    Storage(#[from] StorageError),
    #[error("the fonts cannot be read")]
    Fonts,
    #[error("a rate limit is zero")]
    RateLimit,
}

fn limits(settings: &DatabaseSettings) -> PoolLimits {
    PoolLimits {
        max_connections: settings.max_connections,
        acquire_timeout: settings.acquire_timeout,
        statement_timeout: settings.statement_timeout,
    }
}

/// The settings and services that several features share.
pub(super) struct Base {
    pub settings: Arc<Settings>,
    pub clock: Clock,
    pub pool: PgPool,
    pub keys: Arc<Keys>,
}

impl Base {
    pub fn new(settings: Arc<Settings>, database: PgConnectOptions, clock: Clock) -> Result<Self, WiringError> {
        let pool = connect_lazily(database, limits(&settings.database));
        let keys = Keys::from_settings(&settings.secrets.master_keys)
            .map_err(|error| WiringError::MasterKey(error.to_string()))?;
        Ok(Self { settings, clock, pool, keys: Arc::new(keys) })
    }

    /// Returns the pool of the connection that receives notifications.
    pub fn listen_pool(&self) -> PgPool {
        let database = &self.settings.database;
        match &database.listen_url {
            // The second connection is for a reconnect, because a lost connection can stay in the pool for minutes.
            Some(url) => connect_lazily(url.clone(), PoolLimits { max_connections: 2, ..limits(database) }),
            None => self.pool.clone(),
        }
    }

    pub fn authenticator(&self) -> Result<Authenticator, WiringError> {
        let jwt = &self.settings.jwt;
        let tokens = AccessTokens::new(jwt).map_err(|error| WiringError::SigningKey(error.to_string()))?;
        let longest = TimeDelta::from_std(jwt.ttl).unwrap_or(TimeDelta::hours(1));
        let revocations = Revocations::new(self.pool.clone(), self.clock.clone(), longest);
        Ok(Authenticator {
            keys: self.keys.clone(),
            tokens: Arc::new(tokens),
            revocations: Arc::new(revocations),
            clock: self.clock.clone(),
        })
    }

    pub fn credentials(&self) -> Result<Credentials, WiringError> {
        let Self { settings, clock, pool, keys } = self;
        let passwords =
            Passwords::new(&settings.passwords).map_err(|error| WiringError::Passwords(error.to_string()))?;
        let breaches = settings.breaches.as_ref().map(|to| BreachService::new(to, settings.profile, clock.clone()));
        let breaches = breaches.transpose().map_err(WiringError::BreachService)?;
        let throttle = LoginThrottle {
            keys: keys.clone(),
            pool: pool.clone(),
            settings: settings.login.clone(),
            clock: clock.clone(),
            lock_mail_kind: MailKind::AccountLocked.name(),
        };
        let (passwords, breaches) = (Arc::new(passwords), breaches.map(Arc::new));
        Ok(Credentials { throttle, passwords, breaches, keys: keys.clone() })
    }

    pub fn auth(&self, revocations: &Arc<Revocations>, mail_notifier: &Notifier) -> AuthStore {
        let Self { settings, clock, pool, keys } = self;
        let (sessions, notifier) = (settings.sessions.clone(), mail_notifier.clone());
        AuthStore::new(pool.clone(), keys.clone(), revocations.clone(), notifier, sessions, clock.clone())
    }

    pub fn users(&self, auth: &AuthStore, revocations: &Arc<Revocations>, mail_notifier: &Notifier) -> UserStore {
        let (pool, clock) = (self.pool.clone(), self.clock.clone());
        UserStore::new(pool, auth.clone(), revocations.clone(), mail_notifier.clone(), clock)
    }

    pub fn admin(&self, throttle: &LoginThrottle, revocations: &Arc<Revocations>) -> AdminStore {
        AdminStore {
            pool: self.pool.clone(),
            throttle: throttle.clone(),
            keys: self.keys.clone(),
            revocations: revocations.clone(),
            clock: self.clock.clone(),
        }
    }

    pub fn resources(&self) -> Resources {
        Resources {
            pool: self.pool.clone(),
            quotas: RowQuotas::new(self.settings.row_quota),
            cursors: Cursors::new(&self.keys),
            clock: self.clock.clone(),
        }
    }

    pub fn live(&self, administrators: &Administrators, revocations: &Arc<Revocations>) -> Live {
        let Self { clock, pool, .. } = self;
        let tickets = Tickets::new(pool.clone(), clock.clone());
        Live::new(tickets, administrators.clone(), pool.clone(), revocations.clone(), clock.clone())
    }

    pub fn upload_service(&self) -> Result<UploadService, StorageError> {
        let Self { settings, clock, pool, .. } = self;
        let documents = &settings.documents;
        let bucket =
            documents.bucket.clone().map(|BucketSettings { endpoint, name, region, access_key, secret_key }| Bucket {
                endpoint,
                name,
                region,
                access_key,
                secret_key,
            });
        let storage = Arc::new(Storage::open(&documents.folder, bucket.as_ref())?);
        Ok(UploadService {
            deletions: BlobDeletionQueue {
                pool: pool.clone(),
                storage: storage.clone(),
                clock: clock.clone(),
                notifier: Notifier::default(),
            },
            quota: Quota { bytes: documents.quota_bytes, files: documents.quota_count },
            max_bytes: documents.max_bytes,
            max_pixels: documents.max_pixels,
            inspection_slots: Arc::new(Semaphore::new(settings.http.workers)),
            pdfs: PdfInspector { program: documents.pdf_inspector.clone() },
            pool: pool.clone(),
            clock: clock.clone(),
            storage,
        })
    }
}
