//! The API on one screen: one row an endpoint. No column has a default, so an endpoint without a decision does not compile.
//!
//! The rows mount the routes ([`mount`]), write the OpenAPI document ([`super::openapi`]), and are walked by
//! `tests/api/contract/`: a row that is added tomorrow is attacked tomorrow.

use actix_governor::Governor;
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Route};

use super::gate::{self, Rules};
use super::openapi::{self, Docs, docs};
use crate::config::LimitSettings;
use crate::features::about::handlers as about;
use crate::features::auth::{handlers as auth, views as auth_views};
use crate::features::customers::{handlers as customers, views as customer_views};
use crate::features::health::handlers as health;
use crate::features::invoices::{handlers as invoices, payments, views as invoice_views};
use crate::features::users::{handlers as users, views as user_views};
use crate::http::error::{ApiError, ApiResult};
use crate::security::body_limits::BodyLimit::{self, Json, None as NoBody};
use crate::security::body_limits::SMALL_JSON;
use crate::security::rate_limits::{RouteLimits, Tier};

/// Who may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Public,
    /// Everybody with a live session, on his own objects.
    SignedIn,
    /// The browser that holds the refresh cookie, from a page of ours.
    Cookie,
}

/// One endpoint.
pub struct Endpoint {
    pub method: Method,
    pub path: &'static str,
    pub access: Access,
    pub tier: Tier,
    pub body: BodyLimit,
    pub handler: fn(Route) -> Route,
    pub docs: Docs,
}

/// Every endpoint.
#[must_use]
#[rustfmt::skip]
pub fn table() -> Vec<Endpoint> {
    use Access::{Cookie, Public, SignedIn};
    use Tier::{Refresh, Registration, Reset, SignIn, Standard, Write};
    use auth_views::{ConfirmRegistration, ConfirmReset, Login, Register, RequestReset, SessionList, TokenView};
    use customer_views::{CustomerPage, CustomerView, NewCustomer, UpdateCustomer, CustomerQuery};
    use invoice_views::{InvoiceDraft, InvoicePage, InvoiceQuery, InvoiceView};
    use payments::{NewPayment, PaymentPage, PaymentQuery, PaymentView};
    use user_views::{ChangePassword, DeleteAccount, ProfileView, UpdateProfile};
    let (get, post, put, patch, delete) = (Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE);
    /// An invoice has up to 100 lines.
    const INVOICE: BodyLimit = Json(64 * 1024);
    let row = |method: &Method, path, access, tier, body, handler, docs| Endpoint { method: method.clone(), path, access, tier, body, handler, docs };
    vec![
        row(&post,   "/api/v1/auth/register",               Public,   Registration, SMALL_JSON, |r| r.to(auth::register),           docs("Ask to join").takes::<Register>().answers(202)),
        row(&post,   "/api/v1/auth/confirm",                Public,   Registration, SMALL_JSON, |r| r.to(auth::confirm),            docs("Answer the mail and join").takes::<ConfirmRegistration>().answers(204)),
        row(&post,   "/api/v1/auth/login",                  Public,   SignIn,       SMALL_JSON, |r| r.to(auth::login),              docs("Sign in").takes::<Login>().gives::<TokenView>(200).refuses(&[401])),
        row(&post,   "/api/v1/auth/refresh",                Cookie,   Refresh,      NoBody,     |r| r.to(auth::refresh),            docs("Renew the access token").gives::<TokenView>(200)),
        row(&post,   "/api/v1/auth/logout",                 SignedIn, Write,        NoBody,     |r| r.to(auth::logout),             docs("End this session").answers(204)),
        row(&post,   "/api/v1/auth/password-reset",         Public,   Reset,        SMALL_JSON, |r| r.to(auth::request_reset),      docs("Ask for a new password").takes::<RequestReset>().answers(202)),
        row(&post,   "/api/v1/auth/password-reset/confirm", Public,   Reset,        SMALL_JSON, |r| r.to(auth::confirm_reset),      docs("Answer the mail and choose a new password").takes::<ConfirmReset>().answers(204)),
        row(&get,    "/api/v1/auth/sessions",               SignedIn, Standard,     NoBody,     |r| r.to(auth::list_sessions),      docs("See one's sessions").gives::<SessionList>(200)),
        row(&delete, "/api/v1/auth/sessions",               SignedIn, Write,        NoBody,     |r| r.to(auth::end_all_sessions),   docs("End all of one's sessions").answers(204)),
        row(&delete, "/api/v1/auth/sessions/{id}",          SignedIn, Write,        NoBody,     |r| r.to(auth::end_session),        docs("End one of one's sessions").answers(204)),

        row(&get,    "/api/v1/me",                          SignedIn, Standard,     NoBody,     |r| r.to(users::read),              docs("See one's profile").gives::<ProfileView>(200).versioned()),
        row(&patch,  "/api/v1/me",                          SignedIn, Write,        SMALL_JSON, |r| r.to(users::update),            docs("Change one's profile").takes::<UpdateProfile>().gives::<ProfileView>(200).versioned()),
        row(&delete, "/api/v1/me",                          SignedIn, Write,        SMALL_JSON, |r| r.to(users::delete),            docs("Delete one's account").takes::<DeleteAccount>().answers(204).refuses(&[401, 429])),
        row(&post,   "/api/v1/me/password",                 SignedIn, Write,        SMALL_JSON, |r| r.to(users::change_password),   docs("Change one's password").takes::<ChangePassword>().answers(204)),

        row(&post,   "/api/v1/customers",                   SignedIn, Write,        SMALL_JSON, |r| r.to(customers::create),        docs("Create a customer").keyed().takes::<NewCustomer>().gives::<CustomerView>(201).versioned()),
        row(&get,    "/api/v1/customers",                   SignedIn, Standard,     NoBody,     |r| r.to(customers::list),          docs("List one's customers, newest first").queries::<CustomerQuery>().gives::<CustomerPage>(200)),
        row(&get,    "/api/v1/customers/{id}",              SignedIn, Standard,     NoBody,     |r| r.to(customers::read),          docs("Read a customer").gives::<CustomerView>(200).versioned()),
        row(&patch,  "/api/v1/customers/{id}",              SignedIn, Write,        SMALL_JSON, |r| r.to(customers::update),        docs("Change a customer").takes::<UpdateCustomer>().gives::<CustomerView>(200).versioned()),
        row(&delete, "/api/v1/customers/{id}",              SignedIn, Write,        NoBody,     |r| r.to(customers::delete),        docs("Delete a customer who has no invoices").answers(204).versioned().refuses(&[409])),

        row(&post,   "/api/v1/invoices",                    SignedIn, Write,        INVOICE,    |r| r.to(invoices::create),         docs("Create a draft").keyed().takes::<InvoiceDraft>().gives::<InvoiceView>(201).versioned()),
        row(&get,    "/api/v1/invoices",                    SignedIn, Standard,     NoBody,     |r| r.to(invoices::list),           docs("List one's invoices, newest first").queries::<InvoiceQuery>().gives::<InvoicePage>(200)),
        row(&get,    "/api/v1/invoices/{id}",               SignedIn, Standard,     NoBody,     |r| r.to(invoices::read),           docs("Read an invoice").gives::<InvoiceView>(200).versioned()),
        row(&put,    "/api/v1/invoices/{id}",               SignedIn, Write,        INVOICE,    |r| r.to(invoices::replace),        docs("Replace a draft").takes::<InvoiceDraft>().gives::<InvoiceView>(200).versioned().refuses(&[409])),
        row(&delete, "/api/v1/invoices/{id}",               SignedIn, Write,        NoBody,     |r| r.to(invoices::delete),         docs("Delete a draft").answers(204).versioned().refuses(&[409])),
        row(&post,   "/api/v1/invoices/{id}/issue",         SignedIn, Write,        NoBody,     |r| r.to(invoices::issue),          docs("Issue a draft: it gets its number").gives::<InvoiceView>(200).versioned().refuses(&[409])),
        row(&post,   "/api/v1/invoices/{id}/void",          SignedIn, Write,        NoBody,     |r| r.to(invoices::void),           docs("Void an invoice without payments").gives::<InvoiceView>(200).versioned().refuses(&[409])),
        row(&post,   "/api/v1/invoices/{id}/payments",      SignedIn, Write,        SMALL_JSON, |r| r.to(invoices::pay),            docs("Record a payment").keyed().takes::<NewPayment>().gives::<PaymentView>(201).refuses(&[409])),
        row(&get,    "/api/v1/invoices/{id}/payments",      SignedIn, Standard,     NoBody,     |r| r.to(invoices::payments),       docs("List an invoice's payments, newest first").queries::<PaymentQuery>().gives::<PaymentPage>(200)),

        row(&get,    "/health/live",                        Public,   Standard,     NoBody,     |r| r.to(health::live),             docs("Whether the process runs").answers(204)),
        row(&get,    "/health/ready",                       Public,   Standard,     NoBody,     |r| r.to(health::ready),            docs("Whether requests can be served").answers(204)),
        row(&get,    "/problems",                           Public,   Standard,     NoBody,     |r| r.to(about::problems),          docs("What the codes of refusals mean").answers(200)),
        row(&get,    "/.well-known/security.txt",           Public,   Standard,     NoBody,     |r| r.to(about::security_txt),      docs("Whom to tell of a hole").answers(200)),
        row(&get,    "/.well-known/jwks.json",              Public,   Standard,     NoBody,     |r| r.to(about::jwks),              docs("The public keys of access tokens, if they are asymmetric").answers(200).refuses(&[404])),
        row(&get,    "/api/v1/openapi.json",                Public,   Standard,     NoBody,     |r| r.to(openapi::document),        docs("This document").answers(200)),
    ]
}

/// An endpoint with its limiters, which all workers share.
pub struct Mounted {
    pub endpoint: Endpoint,
    pub limits: RouteLimits,
}

/// Every endpoint with fresh limiters, and those of unknown paths.
///
/// # Errors
/// A rate of zero.
pub fn with_limits(settings: &LimitSettings) -> ApiResult<(Vec<Mounted>, RouteLimits)> {
    let limits = |tier| RouteLimits::new(tier, settings).ok_or_else(|| ApiError::internal("a rate limit of zero"));
    let mounted = table()
        .into_iter()
        .map(|endpoint| Ok(Mounted { limits: limits(endpoint.tier)?, endpoint }))
        .collect::<ApiResult<_>>()?;
    Ok((mounted, limits(Tier::UnknownPath)?))
}

/// Mounts every endpoint with the layers that its row asks for.
pub fn mount(config: &mut ServiceConfig, endpoints: &[Mounted], unknown: &RouteLimits) {
    let mut paths: Vec<&'static str> = endpoints.iter().map(|mounted| mounted.endpoint.path).collect();
    paths.dedup();
    for path in paths {
        // A resource, not App::route: it answers a wrong method with 405 and Allow.
        let resource = endpoints
            .iter()
            .filter(|mounted| mounted.endpoint.path == path)
            .fold(web::resource(path), |resource, mounted| resource.route(layered(mounted)));
        config.service(resource);
    }
    let nothing_here = web::to(nothing_here).wrap(Governor::new(&unknown.by_address));
    config.default_service(nothing_here);
}

/// From the inside out, so the last layer here runs first.
fn layered(mounted: &Mounted) -> Route {
    let Mounted { endpoint, limits } = mounted;
    let rules = Rules { access: endpoint.access, body: endpoint.body, takes_query: endpoint.docs.takes_query() };
    let mut route = (endpoint.handler)(web::method(endpoint.method.clone()));
    // 4. The user's budget, once it is proved who he is.
    if endpoint.access == Access::SignedIn {
        route = route.wrap(Governor::new(&limits.by_user));
    }
    route
        // 3. Who calls, and whether he may.
        .wrap(from_fn(move |request, next| gate::admit(rules, request, next)))
        // 2. The address's budget: before any work on tokens.
        .wrap(Governor::new(&limits.by_address))
        // 1. The size of what is coming: before anything is read.
        .wrap(from_fn(move |request, next| gate::cap(rules, request, next)))
}

async fn nothing_here() -> ApiResult<HttpResponse> {
    Err(ApiError::NotFound)
}
