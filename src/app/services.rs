//! The services that handlers use. All threads share one instance of each.

use std::sync::Arc;

use actix_web::web::{Data, ServiceConfig};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;

use super::wiring::{Base, WiringError};
use super::{openapi, routes};
use crate::base::clock::Clock;
#[cfg(feature = "dev")]
use crate::config::Profile;
use crate::config::Settings;
use crate::db::exhaustion::Exhaustion;
use crate::db::notifications::NotificationListener;
use crate::db::outbox::Notifier;
use crate::features::about::handlers::SecurityContact;
use crate::features::admin::store::AdminStore;
use crate::features::auth::store::AuthStore;
use crate::features::business::store::BusinessStore;
use crate::features::console::{self, AttackPanel};
use crate::features::demo::DemoServices;
#[cfg(feature = "dev")]
use crate::features::demo::accounts::Accounts as DemoAccounts;
use crate::features::demo::attack_accounts::model::AttackerPage;
use crate::features::documents::store::DocumentStore;
use crate::features::documents::upload_service::UploadService;
use crate::features::events::store::EventStore;
use crate::features::health::Readiness;
use crate::features::invoices::pdf::PdfRenderer;
use crate::features::invoices::store::InvoiceStore;
use crate::features::live::hub::Live;
use crate::features::mail_pages::ConsolePage;
use crate::features::reference::{Document, Page};
use crate::features::resources::Resources;
use crate::features::security_summary::store::SummaryStore;
use crate::features::users::purge_store::OwnerPurge;
use crate::features::users::store::UserStore;
use crate::http::client_ip::TrustedProxies;
use crate::http::deadline::ReplyTimeout;
use crate::http::form;
use crate::http::lifecycle::Lifecycle;
use crate::http::problem::ProblemBase;
use crate::security::audit::recorder::Recorder;
use crate::security::authentication::credentials::Credentials;
use crate::security::authorization::administrators::Administrators;
use crate::security::authorization::cursors::Cursors;
use crate::security::browser::AllowedOrigins;
use crate::security::crypto::keys::Keys;
use crate::security::detection::alerts::Alerts;
use crate::security::detection::rules::Rules;
use crate::security::limits::row_quotas::RowQuotas;
use crate::security::sessions::access_tokens::BadTokens;
use crate::security::sessions::caller::Authenticator;
use crate::security::sessions::revocations::CHANNEL as SESSION_ENDED;
use crate::telemetry::metrics::Metrics;

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
    pub mail_notifier: Notifier,
    pub alerts: Alerts,
    pub announcements: Arc<NotificationListener>,
    pub live: Arc<Live>,
    pub uploads: UploadService,
    pub cursors: Arc<Cursors>,
    pub metrics: Arc<Metrics>,
    pub lifecycle: Lifecycle,
    admin: AdminStore,
    pub quotas: RowQuotas,
    resources: Resources,
    pub purge: OwnerPurge,
    pub pdf_renderer: Arc<PdfRenderer>,
    readiness: Arc<Readiness>,
    openapi: Document,
    page: Arc<Page>,
    #[cfg(feature = "dev")]
    pub demo_accounts: DemoAccounts,
    bad_tokens: Option<BadTokens>,
    pub attacker_page: AttackerPage,
}

impl Services {
    /// Creates the services. The first request connects to the database.
    pub fn new(settings: Arc<Settings>, database: PgConnectOptions, clock: Clock) -> Result<Self, WiringError> {
        let base = Base::new(settings, database, clock)?;
        let authenticator = base.authenticator()?;
        let credentials = base.credentials()?;
        let revocations = &authenticator.revocations;
        let mail_notifier = Notifier::default();
        let auth = base.auth(revocations, &mail_notifier);
        let document = openapi::build(&base.settings.http.public_url)?;
        let lifecycle = Lifecycle::default();
        let resources = base.resources();
        let administrators = Administrators::new(base.pool.clone(), base.clock.clone());
        let live = base.live(&administrators, revocations);
        let admin = base.admin(&credentials.throttle, revocations);
        let users = base.users(&auth, revocations, &mail_notifier);
        let uploads = base.upload_service()?;
        let listen_pool = base.listen_pool();
        let Base { settings, clock, pool, keys } = base;
        Ok(Self {
            metrics: Arc::new(Metrics::new(routes::methods_and_paths(), openapi::codes())),
            announcements: Arc::new(NotificationListener::new(pool.clone(), listen_pool, SESSION_ENDED)),
            live: Arc::new(live),
            administrators,
            cursors: Arc::new(resources.cursors.clone()),
            quotas: resources.quotas.clone(),
            resources,
            purge: OwnerPurge::new(pool.clone()),
            pdf_renderer: Arc::new(PdfRenderer::new().ok_or(WiringError::Fonts)?),
            page: Arc::new(Page::of(&document, &openapi::order(&settings), settings.profile)),
            openapi: Document::of(&document)?,
            alerts: Alerts::new(pool.clone(), &settings.alerts),
            readiness: Arc::new(Readiness::new(pool.clone(), lifecycle.clone())),
            exhaustion: Exhaustion::new(clock.clone()),
            #[cfg(feature = "dev")]
            demo_accounts: DemoAccounts::default(),
            #[cfg(feature = "dev")]
            bad_tokens: bad_tokens(&settings, &authenticator, &clock)?,
            #[cfg(not(feature = "dev"))]
            bad_tokens: None,
            attacker_page: AttackerPage::default(),
            recorder: Recorder::new(keys.clone(), clock.clone(), settings.replica.clone()),
            authenticator,
            credentials,
            auth,
            users,
            admin,
            uploads,
            mail_notifier,
            lifecycle,
            settings,
            clock,
            pool,
            keys,
        })
    }

    #[must_use]
    pub fn rules(&self) -> Rules {
        let revocations = self.authenticator.revocations.clone();
        Rules { settings: self.settings.rules.clone(), alerts: self.alerts.clone(), revocations }
    }

    #[must_use]
    pub fn demo_services(&self) -> DemoServices {
        let Self { pool, authenticator, credentials, auth, recorder, clock, uploads, purge, .. } = self.clone();
        DemoServices { pool, authenticator, credentials, auth, recorder, clock, uploads, purge }
    }

    fn summaries(&self) -> SummaryStore {
        let Self { settings, pool, recorder, clock, .. } = self.clone();
        let (max_connections, replica) = (settings.database.max_connections, settings.replica.clone());
        SummaryStore { pool, max_connections, recorder, replica, clock }
    }

    pub fn register(&self, config: &mut ServiceConfig) {
        let pool = &self.pool;
        let console = || console::html(self.settings.profile, self.settings.http.attack_panel, false);
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
            .app_data(Data::from(self.pdf_renderer.clone()))
            .app_data(Data::new(self.settings.profile))
            .app_data(Data::new(AttackPanel(self.settings.http.attack_panel)))
            .app_data(Data::new(self.demo_services()))
            .app_data(Data::new(self.bad_tokens.clone()))
            .app_data(Data::new(self.attacker_page.clone()))
            .app_data(Data::new(AllowedOrigins(self.settings.cors.allowed_origins.clone())))
            .app_data(Data::new(TrustedProxies(self.settings.http.trusted_proxies.clone())))
            .app_data(Data::new(ProblemBase(self.settings.http.public_url.clone())))
            .app_data(Data::new(ReplyTimeout(self.settings.http.reply_timeout)))
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
            .app_data(Data::new(self.summaries()))
            .app_data(Data::new(BusinessStore::new(pool.clone())))
            .app_data(Data::new(self.resources.clone()))
            .app_data(Data::new(InvoiceStore::new(pool.clone())))
            .app_data(Data::new(DocumentStore::new(pool.clone())))
            .app_data(Data::new(self.uploads.clone()))
            .app_data(Data::new(self.uploads.deletions.clone()))
            .app_data(Data::from(self.uploads.storage.clone()))
            .app_data(form::config())
            .app_data(Data::from(self.live.clone()))
            .app_data(Data::new(self.lifecycle.clone()))
            .app_data(Data::from(self.readiness.clone()))
            .app_data(Data::new(ConsolePage(self.settings.http.console.then(console))));
        #[cfg(feature = "dev")]
        config.app_data(Data::new(self.demo_accounts.clone()));
    }
}

/// Returns the invalid tokens that the attack panel sends.
#[cfg(feature = "dev")]
fn bad_tokens(
    settings: &Settings,
    authenticator: &Authenticator,
    clock: &Clock,
) -> Result<Option<BadTokens>, WiringError> {
    if settings.profile != Profile::Development {
        return Ok(None);
    }
    let tokens = authenticator.tokens.bad_tokens(clock.now());
    tokens.map(Some).map_err(|error| WiringError::SigningKey(error.to_string()))
}
