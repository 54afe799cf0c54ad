//! Everything that handlers are given, made once and shared by all workers.

use std::sync::Arc;

use actix_web::web::{Data, ServiceConfig};
use chrono::TimeDelta;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::Semaphore;

use super::{openapi, routes};
use crate::base::clock::Clock;
use crate::config::{BucketSettings, Settings};
use crate::db::announcements::Announcements;
use crate::db::exhaustion::Exhaustion;
use crate::db::pool::{PoolLimits, connect_lazily};
use crate::features::about::handlers::SecurityContact;
use crate::features::admin::store::AdminStore;
use crate::features::auth::mail::{MailBell, MailKind};
use crate::features::auth::store::AuthStore;
use crate::features::business::store::BusinessStore;
use crate::features::customers::store::CustomerStore;
use crate::features::demo::Doors;
use crate::features::documents::intake::Intake;
use crate::features::documents::removal_store::Removals;
use crate::features::documents::room_store::Quota;
use crate::features::documents::store::DocumentStore;
use crate::features::events::store::EventStore;
use crate::features::health::Readiness;
use crate::features::invoices::pdf::Printer;
use crate::features::invoices::store::InvoiceStore;
use crate::features::live::hub::{CHANNEL as OBJECT_CHANGED, Live};
use crate::features::live::objects::Objects;
use crate::features::reference::{Document, Page};
use crate::features::users::purge_store::OwnerPurge;
use crate::features::users::store::UserStore;
use crate::http::client_ip::TrustedProxies;
use crate::http::form;
use crate::http::lifecycle::Lifecycle;
use crate::http::problem::ProblemBase;
use crate::security::audit::recorder::Recorder;
use crate::security::authentication::credentials::Credentials;
use crate::security::authentication::login_throttling::LoginThrottle;
use crate::security::authentication::passwords::Passwords;
use crate::security::authentication::passwords::breaches::BreachService;
use crate::security::authorization::administrators::Administrators;
use crate::security::authorization::cursors::Cursors;
use crate::security::browser::AllowedOrigins;
use crate::security::communication::outbound::BadDoor;
use crate::security::crypto::keys::Keys;
use crate::security::detection::alerts::Alerts;
use crate::security::detection::rules::Rules;
use crate::security::files::uploads::PdfInspector;
use crate::security::limits::row_quotas::RowQuotas;
use crate::security::sessions::access_tokens::AccessTokens;
use crate::security::sessions::caller::Authenticator;
use crate::security::sessions::revocations::{CHANNEL as SESSION_ENDED, Revocations};
use crate::security::sessions::tickets::Tickets;
use crate::storage::{Bucket, Storage, StorageError};
use crate::telemetry::metrics::Metrics;

/// Why the service cannot be put together. The configuration was checked before, so each is rare.
#[derive(Debug, thiserror::Error)]
pub enum WiringError {
    #[error("the master key cannot be used: {0}")]
    MasterKey(String),
    #[error("alerts cannot be sent: {0}")]
    Alerts(#[from] BadDoor),
    #[error("the breach service cannot be asked: {0}")]
    BreachService(BadDoor),
    #[error("mail cannot be sent: {0}")]
    Mail(String),
    #[error("the signing key cannot be used: {0}")]
    SigningKey(String),
    #[error("passwords cannot be hashed with these parameters: {0}")]
    Passwords(String),
    #[error("the OpenAPI document cannot be written: {0}")]
    Openapi(#[from] serde_json::Error),
    #[error("documents cannot be kept ({0}): is STRONGROOM_DOCUMENTS_FOLDER a folder of the service's own?")]
    Storage(#[from] StorageError),
    #[error("the fonts cannot be read")]
    Fonts,
    #[error("a rate limit is zero")]
    RateLimit,
}

/// The parts, wired.
#[derive(Clone)]
pub struct Services {
    pub settings: Arc<Settings>,
    pub clock: Clock,
    pub pool: PgPool,
    pub exhaustion: Exhaustion,
    pub keys: Arc<Keys>,
    pub recorder: Recorder,
    pub authenticator: Authenticator,
    pub administrators: Administrators,
    pub credentials: Credentials,
    pub auth: AuthStore,
    pub users: UserStore,
    pub mail_bell: MailBell,
    pub alerts: Alerts,
    pub announcements: Arc<Announcements>,
    pub live: Arc<Live>,
    pub intake: Intake,
    pub cursors: Arc<Cursors>,
    pub metrics: Arc<Metrics>,
    pub lifecycle: Lifecycle,
    admin: AdminStore,
    pub quotas: RowQuotas,
    pub purge: OwnerPurge,
    pub printer: Arc<Printer>,
    readiness: Arc<Readiness>,
    openapi: Document,
    page: Arc<Page>,
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
        let keys = Keys::configured(&settings.secrets.master_keys)
            .map_err(|error| WiringError::MasterKey(error.to_string()))?;
        let keys = Arc::new(keys);
        let recorder = Recorder::new(keys.clone(), clock.clone(), settings.replica.clone());
        let tokens = AccessTokens::new(&settings.jwt).map_err(|error| WiringError::SigningKey(error.to_string()))?;
        let passwords =
            Passwords::new(&settings.passwords).map_err(|error| WiringError::Passwords(error.to_string()))?;
        let breaches = settings.breaches.as_ref().map(|to| BreachService::new(to, settings.profile, clock.clone()));
        let breaches = breaches.transpose().map_err(WiringError::BreachService)?.map(Arc::new);
        let longest = TimeDelta::from_std(settings.jwt.ttl).unwrap_or(TimeDelta::hours(1));
        let revocations = Arc::new(Revocations::new(pool.clone(), clock.clone(), longest));
        let throttle = LoginThrottle {
            keys: Arc::clone(&keys),
            pool: pool.clone(),
            settings: settings.login.clone(),
            clock: clock.clone(),
            lock_mail: MailKind::AccountLocked.name(),
        };
        let admin = AdminStore {
            pool: pool.clone(),
            throttle: throttle.clone(),
            keys: keys.clone(),
            revocations: revocations.clone(),
            clock: clock.clone(),
        };
        let mail_bell = MailBell::default();
        let objects = Objects {
            invoices: InvoiceStore::new(pool.clone()),
            customers: CustomerStore::new(pool.clone()),
            documents: DocumentStore::new(pool.clone()),
        };
        let tickets = Tickets::new(pool.clone(), clock.clone());
        let auth = AuthStore::new(
            pool.clone(),
            keys.clone(),
            revocations.clone(),
            mail_bell.clone(),
            settings.sessions.clone(),
            clock.clone(),
        );
        let openapi = openapi::build(&settings.http.public_url)?;
        let metrics = Metrics::new(routes::methods_and_paths(), openapi::codes());
        let lifecycle = Lifecycle::default();
        let intake = intake(&settings, &pool, &clock)?;
        Ok(Self {
            metrics: Arc::new(metrics),
            intake,
            announcements: Arc::new(Announcements::new(pool.clone(), vec![SESSION_ENDED, OBJECT_CHANGED])),
            live: Arc::new(Live::new(tickets, objects, revocations.clone(), clock.clone())),
            users: UserStore::new(pool.clone(), auth.clone(), revocations.clone(), mail_bell.clone(), clock.clone()),
            auth,
            administrators: Administrators::new(pool.clone()),
            authenticator: Authenticator {
                keys: keys.clone(),
                tokens: Arc::new(tokens),
                revocations,
                clock: clock.clone(),
            },
            credentials: Credentials { throttle, passwords: Arc::new(passwords), breaches, keys: keys.clone() },
            cursors: Arc::new(Cursors::new(&keys)),
            admin,
            quotas: RowQuotas::new(settings.quotas),
            purge: OwnerPurge::new(pool.clone()),
            printer: Arc::new(Printer::new().ok_or(WiringError::Fonts)?),
            page: Arc::new(Page::of(&openapi, &openapi::order())),
            openapi: Document::of(&openapi)?,
            alerts: Alerts::new(pool.clone(), &settings.alerts),
            readiness: Arc::new(Readiness::new(pool.clone(), lifecycle.clone())),
            lifecycle,
            mail_bell,
            exhaustion: Exhaustion::new(clock.clone()),
            settings,
            clock,
            pool,
            keys,
            recorder,
        })
    }

    /// What counts the security events.
    #[must_use]
    pub fn rules(&self) -> Rules {
        let revocations = self.authenticator.revocations.clone();
        Rules { settings: self.settings.rules.clone(), alerts: self.alerts.clone(), revocations }
    }

    /// What the demo data go in by.
    #[must_use]
    pub fn doors(&self) -> Doors {
        let Self { pool, authenticator, credentials, auth, recorder, clock, intake, .. } = self.clone();
        Doors { pool, authenticator, credentials, auth, recorder, clock, intake }
    }

    /// Hands the parts to one worker's application.
    pub fn register(&self, config: &mut ServiceConfig) {
        let pool = &self.pool;
        config
            .app_data(Data::new(self.clock.clone()))
            .app_data(Data::new(self.recorder.clone()))
            .app_data(Data::new(self.exhaustion.clone()))
            .app_data(Data::new(self.authenticator.clone()))
            .app_data(Data::new(self.administrators.clone()))
            .app_data(Data::from(self.authenticator.tokens.clone()))
            .app_data(Data::from(self.authenticator.revocations.clone()))
            .app_data(Data::new(self.credentials.clone()))
            .app_data(Data::from(self.cursors.clone()))
            .app_data(Data::from(self.printer.clone()))
            .app_data(Data::new(self.settings.profile))
            .app_data(Data::new(AllowedOrigins(self.settings.cors.allowed_origins.clone())))
            .app_data(Data::new(TrustedProxies(self.settings.http.trusted_proxies.clone())))
            .app_data(Data::new(ProblemBase(self.settings.http.public_url.clone())))
            .app_data(Data::new(SecurityContact(self.settings.http.security_contact.clone())))
            .app_data(Data::new(self.openapi.clone()))
            .app_data(Data::from(self.page.clone()))
            .app_data(Data::from(self.metrics.clone()))
            .app_data(Data::new(self.auth.clone()))
            .app_data(Data::new(self.users.clone()))
            .app_data(Data::new(self.purge.clone()))
            .app_data(Data::new(self.quotas.clone()))
            .app_data(Data::new(self.admin.clone()))
            .app_data(Data::new(EventStore::new(pool.clone())))
            .app_data(Data::new(self.alerts.clone()))
            .app_data(Data::new(BusinessStore::new(pool.clone())))
            .app_data(Data::new(CustomerStore::new(pool.clone())))
            .app_data(Data::new(InvoiceStore::new(pool.clone())))
            .app_data(Data::new(DocumentStore::new(pool.clone())))
            .app_data(Data::new(self.intake.clone()))
            .app_data(Data::new(self.intake.removals.clone()))
            .app_data(Data::from(self.intake.storage.clone()))
            .app_data(form::config())
            .app_data(Data::from(self.live.clone()))
            .app_data(Data::new(self.lifecycle.clone()))
            .app_data(Data::from(self.readiness.clone()));
    }
}

fn intake(settings: &Settings, pool: &PgPool, clock: &Clock) -> Result<Intake, StorageError> {
    let documents = &settings.documents;
    let bucket = documents.bucket.clone().map(|BucketSettings { endpoint, name, region, access_key, secret_key }| {
        Bucket { endpoint, name, region, access_key, secret_key }
    });
    let storage = Arc::new(Storage::open(&documents.folder, bucket.as_ref())?);
    Ok(Intake {
        removals: Removals::new(pool.clone(), storage.clone(), clock.clone()),
        quota: Quota { bytes: documents.quota_bytes, files: documents.quota_count },
        max_bytes: documents.max_bytes,
        max_pixels: documents.max_pixels,
        cores: Arc::new(Semaphore::new(settings.http.workers)),
        pdfs: PdfInspector { program: documents.pdf_inspector.clone() },
        pool: pool.clone(),
        clock: clock.clone(),
        storage,
    })
}
