//! The route table: one row per endpoint.
//! No column has a default, so each endpoint states its access, rate tier and body limit.
//!
//! [`mount`] creates the routes from the rows, and [`super::openapi`] generates the OpenAPI document.
//! Tests walk all rows, so they also attack new endpoints (`tests/api/contract/`).

use std::collections::BTreeSet;

use actix_governor::Governor;
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, Handler, HttpResponse, Responder, Route, guard};

pub use super::gate::Access;
use super::gate::{self, Rules};
#[cfg(feature = "dev")]
use crate::config::Profile;
use crate::config::Settings;
use crate::features::about::{docs as about_docs, handlers as about};
use crate::features::admin::{docs as admin_docs, handlers as admin};
use crate::features::auth::{docs as auth_docs, handlers as auth};
use crate::features::business::{docs as business_docs, handlers as business};
use crate::features::console::{self, docs as console_docs};
use crate::features::customers::docs as customer_docs;
use crate::features::customers::model::Customer;
#[cfg(feature = "dev")]
use crate::features::demo::accounts as demo;
use crate::features::demo::attack_accounts::{docs as attack_docs, handlers as attack_accounts};
use crate::features::documents::{content, docs as document_docs, handlers as documents};
use crate::features::events::{docs as event_docs, handlers as events};
use crate::features::health::{docs as health_docs, handlers as health};
use crate::features::invoices::credit_notes::{docs as credit_docs, handlers as credit_notes};
use crate::features::invoices::{docs as invoice_docs, export, handlers as invoices, pdf, preview, status_sums};
use crate::features::live::{docs as live_docs, handlers as live};
use crate::features::mail_pages::{self, docs as page_docs};
use crate::features::reference::{self, docs as reference_docs};
use crate::features::resources;
use crate::features::security_summary::{docs as summary_docs, handlers as summaries};
use crate::features::users::{docs as user_docs, handlers as users};
use crate::http::error::{ApiError, ApiResult};
use crate::http::form::ENVELOPE;
use crate::http::signature::{Describe, Docs, Signature};
use crate::security::limits::body_limits::BodyLimit::{self, Form, Json, None as Empty};
use crate::security::limits::body_limits::SMALL_JSON as SMALL;
use crate::security::limits::rate_limits::{RouteLimits, Tier};

/// One row of the route table.
pub struct Endpoint {
    pub method: Method,
    pub path: &'static str,
    pub access: Access,
    pub tier: Tier,
    pub body: BodyLimit,
    /// The parts of request and response that follow from the types of the handler.
    pub signature: Signature,
    pub docs: Docs,
    handler: Box<dyn Fn(Route) -> Route + Send + Sync>,
}

macro_rules! row_functions {
    ($($name:ident $method:ident)*) => {$(
        fn $name<F, Args>(
            path: &'static str,
            access: Access,
            tier: Tier,
            body: BodyLimit,
            handler: F,
            docs: Docs,
        ) -> Endpoint
        where
            F: Handler<Args> + Copy + Send + Sync,
            F::Output: Responder + Describe,
            Args: FromRequest + Describe + 'static,
        {
            let signature = Signature::of(&handler);
            let handler = Box::new(move |route: Route| route.to(handler));
            Endpoint { method: Method::$method, path, access, tier, body, signature, docs, handler }
        }
    )*};
}

row_functions! { get GET post POST put PUT patch PATCH delete DELETE }

/// Returns all endpoints.
#[must_use]
pub fn table() -> Vec<Endpoint> {
    use Access::{Admin, Cookie, Public, SignedIn, Ticket, TokenOrCookie};
    use Tier::{Asset, Export, Preview, Refresh, Registration, Reset, SignIn, Standard, Unlimited, Upload, Write};
    const ATTACK_FILES: &str = "/console/{version}/attacks/{file}";
    /// Larger than `SMALL`, because an invoice has up to 100 lines.
    const INVOICE: BodyLimit = Json(64 * 1024);
    /// The default limit of an upload. [`with_limits`] replaces it with the setting.
    const UPLOAD: BodyLimit = Form(10 * 1024 * 1024 + ENVELOPE);
    let mut table = vec![
        post("/api/v1/auth/register", Public, Registration, SMALL, auth::register, auth_docs::REGISTER),
        post("/api/v1/auth/confirm", Public, Registration, SMALL, auth::confirm, auth_docs::CONFIRM),
        post("/api/v1/auth/login", Public, SignIn, SMALL, auth::login, auth_docs::LOGIN),
        post("/api/v1/auth/refresh", Cookie, Refresh, Empty, auth::refresh, auth_docs::REFRESH),
        post("/api/v1/auth/logout", TokenOrCookie, Write, Empty, auth::logout, auth_docs::LOGOUT),
        post("/api/v1/auth/password-reset", Public, Reset, SMALL, auth::request_reset, auth_docs::REQUEST_RESET),
        post("/api/v1/auth/password-reset/confirm", Public, Reset, SMALL, auth::reset, auth_docs::RESET),
        get("/api/v1/auth/sessions", SignedIn, Standard, Empty, auth::list_sessions, auth_docs::LIST_SESSIONS),
        delete("/api/v1/auth/sessions", SignedIn, Write, Empty, auth::end_all_sessions, auth_docs::END_ALL_SESSIONS),
        delete("/api/v1/auth/sessions/{id}", SignedIn, Write, Empty, auth::end_session, auth_docs::END_SESSION),
        get("/api/v1/me", SignedIn, Standard, Empty, users::read, user_docs::READ),
        patch("/api/v1/me", SignedIn, Write, SMALL, users::update, user_docs::UPDATE),
        delete("/api/v1/me", SignedIn, Write, SMALL, users::delete, user_docs::DELETE),
        get("/api/v1/me/business", SignedIn, Standard, Empty, business::read, business_docs::READ),
        put("/api/v1/me/business", SignedIn, Write, SMALL, business::replace, business_docs::REPLACE),
        post("/api/v1/me/password", SignedIn, Write, SMALL, users::change_password, user_docs::CHANGE_PASSWORD),
        get("/api/v1/me/security-events", SignedIn, Standard, Empty, events::own, event_docs::OWN),
        post("/api/v1/customers", SignedIn, Write, SMALL, resources::create::<Customer>, customer_docs::CREATE),
        get("/api/v1/customers", SignedIn, Standard, Empty, resources::list::<Customer>, customer_docs::LIST),
        get("/api/v1/customers/{id}", SignedIn, Standard, Empty, resources::read::<Customer>, customer_docs::READ),
        patch("/api/v1/customers/{id}", SignedIn, Write, SMALL, resources::update::<Customer>, customer_docs::UPDATE),
        delete("/api/v1/customers/{id}", SignedIn, Write, Empty, resources::delete::<Customer>, customer_docs::DELETE),
        post("/api/v1/invoices", SignedIn, Write, INVOICE, invoices::create, invoice_docs::CREATE),
        get("/api/v1/invoices", SignedIn, Standard, Empty, invoices::list, invoice_docs::LIST),
        post("/api/v1/invoices/preview", SignedIn, Preview, INVOICE, preview::preview, invoice_docs::PREVIEW),
        get("/api/v1/invoices/totals", SignedIn, Standard, Empty, status_sums::totals, invoice_docs::TOTALS),
        get("/api/v1/invoices/export", SignedIn, Export, Empty, export::export, invoice_docs::EXPORT),
        get("/api/v1/invoices/{id}", SignedIn, Standard, Empty, invoices::read, invoice_docs::READ),
        get("/api/v1/invoices/{id}/pdf", SignedIn, Export, Empty, pdf::pdf, invoice_docs::PDF),
        put("/api/v1/invoices/{id}", SignedIn, Write, INVOICE, invoices::replace, invoice_docs::REPLACE),
        delete("/api/v1/invoices/{id}", SignedIn, Write, Empty, invoices::delete, invoice_docs::DELETE),
        post("/api/v1/invoices/{id}/issue", SignedIn, Write, SMALL, invoices::issue, invoice_docs::ISSUE),
        post("/api/v1/invoices/{id}/void", SignedIn, Write, Empty, invoices::void, invoice_docs::VOID),
        post("/api/v1/invoices/{id}/payments", SignedIn, Write, SMALL, invoices::pay, invoice_docs::PAY),
        get("/api/v1/invoices/{id}/payments", SignedIn, Standard, Empty, invoices::payments, invoice_docs::PAYMENTS),
        post("/api/v1/invoices/{id}/credit-notes", SignedIn, Write, SMALL, credit_notes::create, credit_docs::CREATE),
        get("/api/v1/credit-notes", SignedIn, Standard, Empty, credit_notes::list, credit_docs::LIST),
        get("/api/v1/credit-notes/{id}", SignedIn, Standard, Empty, credit_notes::read, credit_docs::READ),
        get("/api/v1/credit-notes/{id}/pdf", SignedIn, Export, Empty, pdf::credit_note, credit_docs::PDF),
        post("/api/v1/documents", SignedIn, Upload, UPLOAD, documents::create, document_docs::CREATE),
        get("/api/v1/documents", SignedIn, Standard, Empty, documents::list, document_docs::LIST),
        get("/api/v1/documents/{id}", SignedIn, Standard, Empty, documents::read, document_docs::READ),
        get("/api/v1/documents/{id}/content", SignedIn, Standard, Empty, content::content, document_docs::CONTENT),
        patch("/api/v1/documents/{id}", SignedIn, Write, SMALL, documents::update, document_docs::UPDATE),
        delete("/api/v1/documents/{id}", SignedIn, Write, Empty, documents::delete, document_docs::DELETE),
        post("/api/v1/live/tickets", SignedIn, Write, Empty, live::ticket, live_docs::TICKET),
        get("/api/v1/live", Ticket, Standard, Empty, live::connect, live_docs::CONNECT),
        get("/api/v1/admin/users", Admin, Standard, Empty, admin::users, admin_docs::USERS),
        get("/api/v1/admin/users/{id}", Admin, Standard, Empty, admin::user, admin_docs::USER),
        post("/api/v1/admin/users/{id}/unlock", Admin, Write, Empty, admin::unlock, admin_docs::UNLOCK),
        post("/api/v1/admin/users/{id}/disable", Admin, Write, Empty, admin::disable, admin_docs::DISABLE),
        post("/api/v1/admin/users/{id}/enable", Admin, Write, Empty, admin::enable, admin_docs::ENABLE),
        delete("/api/v1/admin/users/{id}/sessions", Admin, Write, Empty, admin::end_sessions, admin_docs::END_SESSIONS),
        get("/api/v1/admin/security-summary", Admin, Standard, Empty, summaries::summary, summary_docs::SUMMARY),
        get("/api/v1/admin/security-events", Admin, Standard, Empty, events::all, event_docs::ALL),
        get("/api/v1/admin/alerts", Admin, Standard, Empty, events::alerts, event_docs::ALERTS),
        post(attack_accounts::PATH, Admin, Write, Empty, attack_accounts::create, attack_docs::CREATE),
        get("/health/live", Public, Unlimited, Empty, health::live, health_docs::LIVE),
        get("/health/ready", Public, Unlimited, Empty, health::ready, health_docs::READY),
        get("/problems", Public, Standard, Empty, about::problems, about_docs::PROBLEMS),
        get("/.well-known/security.txt", Public, Standard, Empty, about::security_txt, about_docs::SECURITY_TXT),
        get("/.well-known/change-password", Public, Standard, Empty, about::password_page, about_docs::PASSWORD_PAGE),
        get("/.well-known/jwks.json", Public, Standard, Empty, about::jwks, about_docs::JWKS),
        get("/api/v1/openapi.json", Public, Standard, Empty, reference::document, reference_docs::DOCUMENT),
        get("/docs", Public, Standard, Empty, reference::page, reference_docs::PAGE),
        get("/docs/page.css", Public, Standard, Empty, reference::style, reference_docs::STYLE),
        get("/docs/page.js", Public, Standard, Empty, reference::script, reference_docs::SCRIPT),
        get("/confirm", Public, Standard, Empty, mail_pages::confirm, page_docs::CONFIRM),
        get("/reset", Public, Standard, Empty, mail_pages::reset, page_docs::RESET),
        get("/mail-page.css", Public, Standard, Empty, mail_pages::style, page_docs::STYLE),
        get("/mail-page.js", Public, Standard, Empty, mail_pages::script, page_docs::SCRIPT),
        get("/icon.svg", Public, Standard, Empty, mail_pages::icon, page_docs::ICON),
        get("/console/{version}/style.css", Public, Asset, Empty, console::style, console_docs::STYLE),
        get("/console/{version}/{file}", Public, Asset, Empty, console::script, console_docs::SCRIPT),
        get(ATTACK_FILES, Public, Asset, Empty, console::attack_script, console_docs::ATTACK_SCRIPT),
    ];
    table.extend(console::VIEWS.map(|path| get(path, Public, Standard, Empty, console::page, console_docs::PAGE)));
    table
}

/// Returns the endpoints that exist only in the development profile.
/// They are not part of the API, so the OpenAPI document does not contain them.
#[cfg(feature = "dev")]
fn development(profile: Profile) -> Vec<Endpoint> {
    match profile {
        Profile::Development => {
            vec![post("/dev/demo-users", Access::Public, Tier::Standard, Empty, demo::list, demo::DOCS)]
        }
        Profile::Production => Vec::new(),
    }
}

impl Endpoint {
    /// Returns whether the endpoint also replies to HEAD (`http/head.rs`).
    fn supports_head(&self) -> bool {
        self.method == Method::GET && self.access != Access::Ticket
    }

    /// Returns whether the settings enable the endpoint.
    /// Settings can disable the API reference, the console and the attack panel.
    pub(super) fn is_served(&self, settings: &Settings) -> bool {
        (settings.http.docs || !self.path.starts_with("/docs"))
            && (settings.http.console || !console::serves(self.path))
            && (settings.http.attack_panel || !is_of_attack_panel(self.path))
    }
}

/// Returns method and path of all endpoints, including HEAD. Metrics use them as labels.
pub fn methods_and_paths() -> impl Iterator<Item = (&'static str, &'static str)> {
    let name = |method: &Method| METHODS.into_iter().find(|known| *known == method.as_str()).unwrap_or("other");
    table().into_iter().flat_map(move |endpoint| {
        let head = endpoint.supports_head().then_some("HEAD");
        [Some(name(&endpoint.method)), head].into_iter().flatten().map(move |method| (method, endpoint.path))
    })
}

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

pub struct Mounted {
    pub endpoint: Endpoint,
    pub limits: Option<RouteLimits>,
}

/// Returns all enabled endpoints with new rate limiters, and the limiters of unknown paths; `None` if a rate is 0.
#[must_use]
pub fn with_limits(settings: &Settings) -> Option<(Vec<Mounted>, RouteLimits)> {
    // In the result, the outer `None` means that the tier has no limit. The inner `None` means that its rate is 0.
    let limits = |tier: Tier| tier.rate(&settings.limits).map(RouteLimits::new);
    let form = settings.documents.max_bytes + ENVELOPE;
    let endpoints = table();
    #[cfg(feature = "dev")]
    let endpoints = endpoints.into_iter().chain(development(settings.profile)).collect::<Vec<_>>();
    let mounted = endpoints
        .into_iter()
        .filter(|endpoint| endpoint.is_served(settings))
        .map(|endpoint| Endpoint { body: endpoint.body.with_form_limit(form), ..endpoint })
        .map(|endpoint| match limits(endpoint.tier) {
            Some(limits) => Some(Mounted { limits: Some(limits?), endpoint }),
            None => Some(Mounted { limits: None, endpoint }),
        })
        .collect::<Option<_>>()?;
    Some((mounted, limits(Tier::UnknownPath)??))
}

fn is_of_attack_panel(path: &str) -> bool {
    console::serves_attacks(path) || path == attack_accounts::PATH
}

pub fn mount(config: &mut ServiceConfig, endpoints: &[Mounted], unknown: &RouteLimits) {
    // Fixed paths come first, because actix compares a request with the routes in their order.
    // For a path that contains an id, actix needs a slow regular expression.
    let path = |mounted: &Mounted| (mounted.endpoint.path.contains('{'), mounted.endpoint.path);
    for (_, path) in endpoints.iter().map(path).collect::<BTreeSet<_>>() {
        // A resource replies to a wrong method with 405 and `Allow`. `App::route` would reply 404.
        let resource = endpoints
            .iter()
            .filter(|mounted| mounted.endpoint.path == path)
            .fold(web::resource(path), |resource, mounted| resource.route(layered(mounted)));
        config.service(resource);
    }
    let not_found = web::to(not_found).wrap(Governor::new(&unknown.by_address));
    config.default_service(not_found);
}

/// Adds the middleware of an endpoint to its handler.
/// In actix, the last `wrap` runs first. A request passes the steps 1 to 4 in this order.
fn layered(mounted: &Mounted) -> Route {
    let Mounted { endpoint, limits } = mounted;
    let access = endpoint.access;
    let rules = Rules { access, body: endpoint.body, takes_query: endpoint.signature.takes_query() };
    let methods = match endpoint.supports_head() {
        true => web::route().guard(guard::Any(guard::Get()).or(guard::Head())),
        false => web::method(endpoint.method.clone()),
    };
    let mut route = (endpoint.handler)(methods)
        // 4. Check the role. This step comes last, because it reads the database.
        .wrap(from_fn(move |request, next| gate::admit(rules, request, next)));
    // 3. Limit the rate of verified callers, first of the user and then of the address.
    // Other users can share the address, so requests over the user's own limit do not count against the address.
    if let Some(limits) = limits.as_ref().filter(|_| access != Access::Public) {
        route = route.wrap(Governor::new(&limits.by_verified_address));
        if matches!(access, Access::SignedIn | Access::Admin) {
            route = route.wrap(Governor::new(&limits.by_user));
        }
    }
    let limits = limits.clone();
    route
        // 2. Authenticate. Public requests and failed authentications count against the address.
        .wrap(from_fn(move |request, next| gate::authenticate(access, limits.clone(), request, next)))
        // 1. Limit the body, before the service reads any of it.
        .wrap(from_fn(move |request, next| gate::limit_body(rules, request, next)))
}

async fn not_found() -> ApiResult<HttpResponse> {
    Err(ApiError::NotFound)
}
