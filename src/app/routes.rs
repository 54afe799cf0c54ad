//! The route table: one row per endpoint. No column has a default, so each endpoint states its access, rate tier and body limit.
//!
//! The rows mount the routes ([`mount`]) and generate the OpenAPI document ([`super::openapi`]). Tests walk them, so new endpoints
//! are attacked too (`tests/api/contract/`).

use std::collections::BTreeSet;

use actix_governor::Governor;
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Route, guard};

use super::docs::{Docs, docs};
pub use super::gate::Access;
use super::gate::{self, Rules};
use crate::config::Settings;
use crate::features::about::handlers as about;
use crate::features::admin::{handlers as admin, store::OWN_ACCOUNT, views as admin_views};
use crate::features::auth::{handlers as auth, views as auth_views};
use crate::features::business::{handlers as business, views as business_views};
use crate::features::customers::{handlers as customers, store::CUSTOMER_HAS_INVOICES, views as customer_views};
use crate::features::demo;
use crate::features::documents::{content, handlers as documents, views as document_views};
use crate::features::events::{alert_views, handlers as events, views as event_views};
use crate::features::health::handlers as health;
use crate::features::invoices::credit_notes::{handlers as credit_notes, views as credit_note_views};
use crate::features::invoices::model::TransitionError as Transition;
use crate::features::invoices::{export, handlers as invoices, payments, pdf, views as invoice_views};
use crate::features::live::{handlers as live, views as live_views};
use crate::features::mail_pages;
use crate::features::reference;
use crate::features::users::{handlers as users, store::LAST_ADMINISTRATOR, views as user_views};
use crate::http::error::{ApiError, ApiResult};
use crate::http::form::ENVELOPE;
use crate::security::files::uploads::FileType;
use crate::security::limits::body_limits::BodyLimit::{self, Form, Json, None as NoBody};
use crate::security::limits::body_limits::SMALL_JSON;
use crate::security::limits::rate_limits::{RouteLimits, Tier};
use crate::security::limits::row_quotas::QUOTA_EXCEEDED;

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

/// Returns all endpoints.
#[must_use]
#[rustfmt::skip]
pub fn table() -> Vec<Endpoint> {
    use Access::{Admin, Cookie, Public, SignedIn, Ticket, TokenOrCookie};
    use Tier::{Export, Refresh, Registration, Reset, SignIn, Standard, Unlimited, Upload, Write};
    use auth_views::{ConfirmRegistration, ConfirmReset, Login, Register, RequestReset, SessionList, TokenView};
    use business_views::{BusinessView, ReplaceBusiness};
    use customer_views::{CustomerPage, CustomerView, NewCustomer, UpdateCustomer, CustomerQuery};
    use invoice_views::{InvoiceDraft, InvoicePage, InvoiceQuery, InvoiceView, IssueInvoice};
    use document_views::{DocumentPage, DocumentQuery, DocumentView, NewDocument, UpdateDocument};
    use admin_views::{AccountPage, AccountQuery, AccountView};
    use alert_views::{AlertPage, AlertQuery};
    use event_views::{EventPage, EventQuery, HistoryPage, HistoryQuery};
    use credit_note_views::{CreditNotePage, CreditNoteQuery, CreditNoteView, NewCreditNote};
    use export::ExportQuery;
    use live_views::TicketView;
    use payments::{NewPayment, PaymentPage, PaymentQuery, PaymentView};
    use user_views::{ChangePassword, DeleteAccount, ProfileView, UpdateProfile};
    let (get, post, put, patch, delete) = (Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE);
    /// An invoice has up to 100 lines.
    const INVOICE: BodyLimit = Json(64 * 1024);
    /// Replaced by the configured limit on mount.
    const UPLOAD: BodyLimit = Form(10 * 1024 * 1024 + ENVELOPE);
    let row = |method: &Method, path, access, tier, body, handler, docs| Endpoint { method: method.clone(), path, access, tier, body, handler, docs };
    vec![
        row(&post,   "/api/v1/auth/register",               Public,   Registration, SMALL_JSON, |r| r.to(auth::register),           docs("Register").body::<Register>().status(202).description("Sends a confirmation link to the address. The response is the same for addresses that are already registered (prevents user enumeration).")),
        row(&post,   "/api/v1/auth/confirm",                Public,   Registration, SMALL_JSON, |r| r.to(auth::confirm),            docs("Confirm registration").body::<ConfirmRegistration>().status(204).description("Creates the account with the token from the mail, a password and a name. A token is valid once, for 24 hours. If the password is rejected, the token remains valid.")),
        row(&post,   "/api/v1/auth/login",                  Public,   SignIn,       SMALL_JSON, |r| r.to(auth::login),              docs("Log in").body::<Login>().returns::<TokenView>(200).errors([ApiError::InvalidCredentials]).description("Returns an access token and sets two cookies: the refresh token, and a device cookie. With the device cookie, failed logins of other clients do not lock the user out for 90 days. All failures return the same 401 (prevents user enumeration).")),
        row(&post,   "/api/v1/auth/refresh",                Cookie,   Refresh,      NoBody,     |r| r.to(auth::refresh),            docs("Refresh the access token").returns::<TokenView>(200).description("Returns a new access token and rotates the refresh cookie. Using a refresh cookie twice ends the session (replay detection).")),
        row(&post,   "/api/v1/auth/logout",                 TokenOrCookie, Write,   NoBody,     |r| r.to(auth::logout),             docs("Log out").status(204).description("Ends the session. Its access tokens and refresh cookie are rejected from then on. If the access token has expired, the refresh cookie is sufficient.")),
        row(&post,   "/api/v1/auth/password-reset",         Public,   Reset,        SMALL_JSON, |r| r.to(auth::request_reset),      docs("Request a password reset").body::<RequestReset>().status(202).description("Sends a link to the address. The response is the same for unknown addresses (prevents user enumeration).")),
        row(&post,   "/api/v1/auth/password-reset/confirm", Public,   Reset,        SMALL_JSON, |r| r.to(auth::confirm_reset),      docs("Reset the password").body::<ConfirmReset>().status(204).description("Sets a new password with the token from the mail. Ends all sessions.")),
        row(&get,    "/api/v1/auth/sessions",               SignedIn, Standard,     NoBody,     |r| r.to(auth::list_sessions),      docs("List sessions").returns::<SessionList>(200).description("The caller's active sessions, most recently used first, at most ten.")),
        row(&delete, "/api/v1/auth/sessions",               SignedIn, Write,        NoBody,     |r| r.to(auth::end_all_sessions),   docs("Revoke all sessions").status(204).description("Ends the sessions on all devices, including the current one.")),
        row(&delete, "/api/v1/auth/sessions/{id}",          SignedIn, Write,        NoBody,     |r| r.to(auth::end_session),        docs("Revoke a session").status(204).description("Its access tokens are rejected immediately, on all replicas within two seconds at most.")),

        row(&get,    "/api/v1/me",                          SignedIn, Standard,     NoBody,     |r| r.to(users::read),              docs("Get the profile").returns::<ProfileView>(200).versioned().errors([ApiError::NotFound]).description("The caller's e-mail address, name and bio.")),
        row(&patch,  "/api/v1/me",                          SignedIn, Write,        SMALL_JSON, |r| r.to(users::update),            docs("Update the profile").body::<UpdateProfile>().returns::<ProfileView>(200).versioned().errors([ApiError::NotFound]).description("Absent fields are left unchanged.")),
        row(&delete, "/api/v1/me",                          SignedIn, Write,        SMALL_JSON, |r| r.to(users::delete),            docs("Delete the account").body::<DeleteAccount>().status(204).errors([ApiError::InvalidCredentials, LAST_ADMINISTRATOR]).description("Requires the password. The account is deleted immediately, its data in the background. The last active administrator cannot be deleted (409).")),
        row(&get,    "/api/v1/me/business",                 SignedIn, Standard,     NoBody,     |r| r.to(business::read),           docs("Get the business").returns::<BusinessView>(200).versioned().description("The seller on the caller's invoices: bank account, time zone and payment terms.")),
        row(&put,    "/api/v1/me/business",                 SignedIn, Write,        SMALL_JSON, |r| r.to(business::replace),        docs("Replace the business").body::<ReplaceBusiness>().returns::<BusinessView>(200).versioned().example_on("", "\"2\"").description("Replaces all fields; absent ones are cleared. Drafts show the new business; issued invoices do not change.")),
        row(&post,   "/api/v1/me/password",                 SignedIn, Write,        SMALL_JSON, |r| r.to(users::change_password),   docs("Change password").body::<ChangePassword>().returns::<TokenView>(200).errors([ApiError::InvalidCredentials, ApiError::NotFound]).description("Requires the current password. Ends all sessions and starts a new one: a new access token in the body, a new refresh token as a cookie.")),
        row(&get,    "/api/v1/me/security-events",          SignedIn, Standard,     NoBody,     |r| r.to(events::own),              docs("List security events of the account").query::<HistoryQuery>().returns::<HistoryPage>(200).description("Logins, failed logins, sessions and changes, newest first. Paginated.")),

        row(&post,   "/api/v1/customers",                   SignedIn, Write,        SMALL_JSON, |r| r.to(customers::create),        docs("Create a customer").idempotent().body::<NewCustomer>().returns::<CustomerView>(201).versioned().errors([QUOTA_EXCEEDED]).description("A repeated request with the same `Idempotency-Key` returns the first response.")),
        row(&get,    "/api/v1/customers",                   SignedIn, Standard,     NoBody,     |r| r.to(customers::list),          docs("List customers").query::<CustomerQuery>().returns::<CustomerPage>(200).description("Newest first. Paginated: `next_cursor` leads to the next page.")),
        row(&get,    "/api/v1/customers/{id}",              SignedIn, Standard,     NoBody,     |r| r.to(customers::read),          docs("Get a customer").returns::<CustomerView>(200).versioned().description("The `ETag` is required for changes.")),
        row(&patch,  "/api/v1/customers/{id}",              SignedIn, Write,        SMALL_JSON, |r| r.to(customers::update),        docs("Update a customer").body::<UpdateCustomer>().returns::<CustomerView>(200).versioned().description("Absent fields are left unchanged; null clears an optional field.")),
        row(&delete, "/api/v1/customers/{id}",              SignedIn, Write,        NoBody,     |r| r.to(customers::delete),        docs("Delete a customer").status(204).versioned().errors([CUSTOMER_HAS_INVOICES]).example_on(demo::CUSTOMER_WITHOUT_INVOICES, "\"1\"").description("A customer with invoices cannot be deleted (409).")),

        row(&post,   "/api/v1/invoices",                    SignedIn, Write,        INVOICE,    |r| r.to(invoices::create),         docs("Create a draft invoice").idempotent().body::<InvoiceDraft>().returns::<InvoiceView>(201).versioned().errors([QUOTA_EXCEEDED]).description("The server computes all totals; requests must not contain them. A repeated request with the same `Idempotency-Key` returns the first response.")),
        row(&get,    "/api/v1/invoices",                    SignedIn, Standard,     NoBody,     |r| r.to(invoices::list),           docs("List invoices").query::<InvoiceQuery>().returns::<InvoicePage>(200).description("Newest first, with optional filters. Paginated: `next_cursor` leads to the next page with the same filter.")),
        row(&get,    "/api/v1/invoices/export",             SignedIn, Export,       NoBody,     |r| r.to(export::export),           docs("Export invoices as CSV").query::<ExportQuery>().returns_file("text/csv").description("All invoices that match the filter. Safe to open in spreadsheets (prevents CSV injection).")),
        row(&get,    "/api/v1/invoices/{id}",               SignedIn, Standard,     NoBody,     |r| r.to(invoices::read),           docs("Get an invoice").returns::<InvoiceView>(200).versioned().description("With its lines and totals. The `ETag` is required for changes.")),
        row(&get,    "/api/v1/invoices/{id}/pdf",           SignedIn, Export,       NoBody,     |r| r.to(pdf::pdf),                 docs("Get an invoice as PDF").returns_file("application/pdf").cached().description("A4, with selectable text. An issued invoice shows the names of both parties as of its issue. Drafts and void invoices are marked on every page. Returns 304 if `If-None-Match` contains the current `ETag`.")),
        row(&put,    "/api/v1/invoices/{id}",               SignedIn, Write,        INVOICE,    |r| r.to(invoices::replace),        docs("Replace a draft invoice").body::<InvoiceDraft>().returns::<InvoiceView>(200).versioned().errors([Transition::NotADraft]).example_on(demo::DRAFT, "\"1\"").description("Replaces the whole content. An issued invoice cannot be changed (409).")),
        row(&delete, "/api/v1/invoices/{id}",               SignedIn, Write,        NoBody,     |r| r.to(invoices::delete),         docs("Delete a draft invoice").status(204).versioned().errors([Transition::NotADraft]).example_on(demo::DRAFT, "\"1\"").description("An issued invoice cannot be deleted (409).")),
        row(&post,   "/api/v1/invoices/{id}/issue",         SignedIn, Write,        SMALL_JSON, |r| r.to(invoices::issue),          docs("Issue an invoice").optional_body::<IssueInvoice>().returns::<InvoiceView>(200).versioned().errors([Transition::NotADraft, Transition::DueBeforeIssue, Transition::IssuedBeforeLast]).example_on(demo::DRAFT, "\"1\"").description("Assigns the number. The content and the names of both parties can no longer change. Numbers are gap-free for each user and year, in the order of issue dates: a date before that of the last issued invoice is rejected (409). Without a due date, the payment terms of the business determine it.")),
        row(&post,   "/api/v1/invoices/{id}/void",          SignedIn, Write,        NoBody,     |r| r.to(invoices::void),           docs("Void an invoice").returns::<InvoiceView>(200).versioned().errors([Transition::NotVoidable]).description("It keeps its number. An invoice with payments or credit notes cannot be voided (409).")),
        row(&post,   "/api/v1/invoices/{id}/payments",      SignedIn, Write,        SMALL_JSON, |r| r.to(invoices::pay),            docs("Record a payment").idempotent().body::<NewPayment>().returns::<PaymentView>(201).errors([QUOTA_EXCEEDED]).errors([Transition::NotPayable, Transition::PaymentExceedsBalance]).description("The amount must not exceed the balance (409). The last payment marks the invoice as paid. A repeated request with the same `Idempotency-Key` does not record a second payment.")),
        row(&get,    "/api/v1/invoices/{id}/payments",      SignedIn, Standard,     NoBody,     |r| r.to(invoices::payments),       docs("List payments of an invoice").query::<PaymentQuery>().returns::<PaymentPage>(200).description("Newest first. Paginated: `next_cursor` leads to the next page.")),
        row(&post,   "/api/v1/invoices/{id}/credit-notes",  SignedIn, Write,        SMALL_JSON, |r| r.to(credit_notes::create),     docs("Issue a credit note").idempotent().body::<NewCreditNote>().returns::<CreditNoteView>(201).errors([QUOTA_EXCEEDED]).errors([Transition::NotCreditable, Transition::CreditExceedsInvoice]).description("Credits parts of lines, or all that remains of the invoice, including tax (409 if it is more). The credit note has its own number and reduces the balance. An invoice without payments and credit notes can be voided instead. A repeated request with the same `Idempotency-Key` returns the first response.")),

        row(&get,    "/api/v1/credit-notes",                SignedIn, Standard,     NoBody,     |r| r.to(credit_notes::list),       docs("List credit notes").query::<CreditNoteQuery>().returns::<CreditNotePage>(200).description("Newest first, optionally of one invoice. Paginated: `next_cursor` leads to the next page.")),
        row(&get,    "/api/v1/credit-notes/{id}",           SignedIn, Standard,     NoBody,     |r| r.to(credit_notes::read),       docs("Get a credit note").returns::<CreditNoteView>(200).description("With its lines and totals. It never changes.")),
        row(&get,    "/api/v1/credit-notes/{id}/pdf",       SignedIn, Export,       NoBody,     |r| r.to(pdf::credit_note),         docs("Get a credit note as PDF").returns_file("application/pdf").cached().description("A4, with selectable text. Shows the same names of both parties as the invoice. Returns 304 if `If-None-Match` contains the current `ETag`.")),

        row(&post,   "/api/v1/documents",                   SignedIn, Upload,       UPLOAD,     |r| r.to(documents::create),        docs("Upload a document").idempotent().form::<NewDocument>(FileType::MEDIA_TYPES).returns::<DocumentView>(201).versioned().errors([QUOTA_EXCEEDED]).description("A form with the file and its title. The content must match the extension of the file name; the 400 says what is wrong. Returns 409 if the storage quota is exceeded. PDFs with active content are rejected: scripts, media, and actions that launch, submit or open something. Embedded files are rejected, except the XML of an e-invoice. A repeated request with the same `Idempotency-Key` returns the first response.")),
        row(&get,    "/api/v1/documents",                   SignedIn, Standard,     NoBody,     |r| r.to(documents::list),          docs("List documents").query::<DocumentQuery>().returns::<DocumentPage>(200).description("Newest first, optionally of one invoice. Paginated: `next_cursor` leads to the next page.")),
        row(&get,    "/api/v1/documents/{id}",              SignedIn, Standard,     NoBody,     |r| r.to(documents::read),          docs("Get a document").returns::<DocumentView>(200).versioned().description("The metadata. The `ETag` is required for changes.")),
        row(&get,    "/api/v1/documents/{id}/content",      SignedIn, Standard,     NoBody,     |r| r.to(content::content),         docs("Download a document").returns_ranges_of(FileType::MEDIA_TYPES).description("The unchanged file as an attachment. Supports `Range`.")),
        row(&patch,  "/api/v1/documents/{id}",              SignedIn, Write,        SMALL_JSON, |r| r.to(documents::update),        docs("Update a document").body::<UpdateDocument>().returns::<DocumentView>(200).versioned().description("Changes the title or attaches it to an invoice. Absent fields are left unchanged; null detaches it.")),
        row(&delete, "/api/v1/documents/{id}",              SignedIn, Write,        NoBody,     |r| r.to(documents::delete),        docs("Delete a document").status(204).versioned().description("Deletes the metadata and the file.")),

        row(&post,   "/api/v1/live/tickets",                SignedIn, Write,        NoBody,     |r| r.to(live::ticket),             docs("Create a WebSocket ticket").returns::<TicketView>(201).description("Valid for one connection within 30 seconds. Send it as the first message.")),
        row(&get,    "/api/v1/live",                        Ticket,   Standard,     NoBody,     |r| r.to(live::connect),            docs("Open a WebSocket for live events").status(101).errors([ApiError::UpgradeRequired]).description("Sends changes of the caller's own resources. The messages are described in docs/live.md.")),

        row(&get,    "/api/v1/admin/users",                 Admin,    Standard,     NoBody,     |r| r.to(admin::users),             docs("List users").query::<AccountQuery>().returns::<AccountPage>(200).description("Newest first, with optional filters. Paginated: `next_cursor` leads to the next page with the same filter.")),
        row(&get,    "/api/v1/admin/users/{id}",            Admin,    Standard,     NoBody,     |r| r.to(admin::user),              docs("Get a user").returns::<AccountView>(200).description("Account data only, not the user's own resources.")),
        row(&post,   "/api/v1/admin/users/{id}/unlock",     Admin,    Write,        NoBody,     |r| r.to(admin::unlock),            docs("Unlock a user").status(204).description("Resets the failed logins of the account.")),
        row(&post,   "/api/v1/admin/users/{id}/disable",    Admin,    Write,        NoBody,     |r| r.to(admin::disable),           docs("Disable a user").status(204).errors([OWN_ACCOUNT]).description("Ends the user's sessions and WebSockets immediately. Their data is kept. Administrators cannot disable themselves (409), so at least one administrator remains.")),
        row(&post,   "/api/v1/admin/users/{id}/enable",     Admin,    Write,        NoBody,     |r| r.to(admin::enable),            docs("Enable a user").status(204).description("The user must log in again.")),
        row(&delete, "/api/v1/admin/users/{id}/sessions",   Admin,    Write,        NoBody,     |r| r.to(admin::end_sessions),      docs("Revoke all sessions of a user").status(204).description("Their access tokens are rejected immediately, and their WebSockets are closed.")),

        row(&get,    "/api/v1/admin/security-events",       Admin,    Standard,     NoBody,     |r| r.to(events::all),              docs("List security events").query::<EventQuery>().returns::<EventPage>(200).description("Newest first, with optional filters. Paginated. Reading them is recorded as a security event.")),
        row(&get,    "/api/v1/admin/alerts",                Admin,    Standard,     NoBody,     |r| r.to(events::alerts),           docs("List alerts").query::<AlertQuery>().returns::<AlertPage>(200).description("Alerts of the detection rules, newest first. Paginated.")),

        row(&get,    "/health/live",                        Public,   Unlimited,    NoBody,     |r| r.to(health::live),             docs("Liveness probe").status(204).description("204 while the process is running.")),
        row(&get,    "/health/ready",                       Public,   Unlimited,    NoBody,     |r| r.to(health::ready),            docs("Readiness probe").status(204).description("503 while the database is unavailable or not migrated, and during shutdown.")),
        row(&get,    "/problems",                           Public,   Standard,     NoBody,     |r| r.to(about::problems),          docs("Get the list of problem codes").status(200).returns_file("text/html").description("A page that explains each code. The `type` of a problem points here.")),
        row(&get,    "/.well-known/security.txt",           Public,   Standard,     NoBody,     |r| r.to(about::security_txt),      docs("Get the security contact").status(200).returns_file("text/plain").description("RFC 9116.")),
        row(&get,    "/.well-known/change-password",        Public,   Standard,     NoBody,     |r| r.to(about::change_password),   docs("Redirect to the password page").status(303).description("For password managers.")),
        row(&get,    "/.well-known/jwks.json",              Public,   Standard,     NoBody,     |r| r.to(about::jwks),              docs("Get the public keys of access tokens").status(200).errors([ApiError::NotFound]).returns_file("application/json").description("A JSON Web Key Set (RFC 7517). 404 while tokens are signed with a shared secret.")),
        row(&get,    "/api/v1/openapi.json",                Public,   Standard,     NoBody,     |r| r.to(reference::document),      docs("Get this document").status(200).returns_file("application/json").description("OpenAPI 3.1.")),
        row(&get,    "/docs",                               Public,   Standard,     NoBody,     |r| r.to(reference::page),          docs("Get the API reference").status(200).returns_file("text/html").description("A page to read and try the API. In production 404, unless `STRONGROOM_HTTP_DOCS` is true.").errors([ApiError::NotFound])),
        row(&get,    "/docs/page.css",                      Public,   Standard,     NoBody,     |r| r.to(reference::style),         docs("Get the style sheet of the API reference").status(200).returns_file("text/css").description("404 if the API reference is off.").errors([ApiError::NotFound])),
        row(&get,    "/docs/page.js",                       Public,   Standard,     NoBody,     |r| r.to(reference::script),        docs("Get the script of the API reference").status(200).returns_file("text/javascript").description("404 if the API reference is off.").errors([ApiError::NotFound])),
        row(&get,    "/confirm",                            Public,   Standard,     NoBody,     |r| r.to(mail_pages::confirm),      docs("Get the page to confirm a registration").status(200).returns_file("text/html").description("The registration mail links here. The token is in the fragment, which browsers do not send.")),
        row(&get,    "/reset",                              Public,   Standard,     NoBody,     |r| r.to(mail_pages::reset),        docs("Get the page to reset the password").status(200).returns_file("text/html").description("The password reset mail links here. Without a token, the page asks for the address.")),
        row(&get,    "/mail-page.css",                      Public,   Standard,     NoBody,     |r| r.to(mail_pages::style),        docs("Get the style sheet of both pages").status(200).returns_file("text/css").description("For the pages that mails link to.")),
        row(&get,    "/mail-page.js",                       Public,   Standard,     NoBody,     |r| r.to(mail_pages::script),       docs("Get the script of both pages").status(200).returns_file("text/javascript").description("For the pages that mails link to.")),
        row(&get,    "/icon.svg",                           Public,   Standard,     NoBody,     |r| r.to(mail_pages::icon),         docs("Get the icon").status(200).returns_file("image/svg+xml").description("For all pages.")),
    ]
}

impl Endpoint {
    /// Returns whether the endpoint supports HEAD (`http/head.rs`). A WebSocket does not.
    fn supports_head(&self) -> bool {
        self.method == Method::GET && self.access != Access::Ticket
    }
}

/// Returns method and path of all endpoints, including HEAD, as labels of metrics.
pub fn methods_and_paths() -> impl Iterator<Item = (&'static str, &'static str)> {
    let name = |method: &Method| METHODS.into_iter().find(|known| *known == method.as_str()).unwrap_or("other");
    table().into_iter().flat_map(move |endpoint| {
        let head = endpoint.supports_head().then_some("HEAD");
        [Some(name(&endpoint.method)), head].into_iter().flatten().map(move |method| (method, endpoint.path))
    })
}

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// An endpoint with its rate limiters, which all workers share. Health checks have none.
pub struct Mounted {
    pub endpoint: Endpoint,
    pub limits: Option<RouteLimits>,
}

/// Returns all enabled endpoints with new rate limiters, and the limiters of unknown paths. `None` if a rate is zero.
#[must_use]
pub fn with_limits(settings: &Settings) -> Option<(Vec<Mounted>, RouteLimits)> {
    // The inner `None` is a rate of zero.
    let limits = |tier: Tier| tier.rate(&settings.limits).map(RouteLimits::new);
    let form = settings.documents.max_bytes + ENVELOPE;
    let mounted = table()
        .into_iter()
        .filter(|endpoint| settings.http.docs || !endpoint.path.starts_with("/docs"))
        .map(|endpoint| Endpoint { body: endpoint.body.with_form_limit(form), ..endpoint })
        .map(|endpoint| match limits(endpoint.tier) {
            Some(limits) => Some(Mounted { limits: Some(limits?), endpoint }),
            None => Some(Mounted { limits: None, endpoint }),
        })
        .collect::<Option<_>>()?;
    Some((mounted, limits(Tier::UnknownPath)??))
}

/// Mounts all endpoints with the middleware that their rows require.
pub fn mount(config: &mut ServiceConfig, endpoints: &[Mounted], unknown: &RouteLimits) {
    // Fixed paths first: actix compares routes in order, and a path with an id needs a regular expression.
    let path = |mounted: &Mounted| (mounted.endpoint.path.contains('{'), mounted.endpoint.path);
    for (_, path) in endpoints.iter().map(path).collect::<BTreeSet<_>>() {
        // A resource, not App::route: it answers a wrong method with 405 and Allow.
        let resource = endpoints
            .iter()
            .filter(|mounted| mounted.endpoint.path == path)
            .fold(web::resource(path), |resource, mounted| resource.route(layered(mounted)));
        config.service(resource);
    }
    let not_found = web::to(not_found).wrap(Governor::new(&unknown.by_address));
    config.default_service(not_found);
}

/// Wraps a handler from the inside out: the last middleware here runs first.
fn layered(mounted: &Mounted) -> Route {
    let Mounted { endpoint, limits } = mounted;
    let access = endpoint.access;
    let rules = Rules { access, body: endpoint.body, takes_query: endpoint.docs.takes_query() };
    let methods = match endpoint.supports_head() {
        true => web::route().guard(guard::Any(guard::Get()).or(guard::Head())),
        false => web::method(endpoint.method.clone()),
    };
    let mut route = (endpoint.handler)(methods)
        // 4. The role. It reads the database, so it follows all rate limits.
        .wrap(from_fn(move |request, next| gate::admit(rules, request, next)));
    // 3. Rate limits of verified callers, by user first: requests beyond the user's limit are not charged to the address.
    if let Some(limits) = limits.as_ref().filter(|_| access != Access::Public) {
        route = route.wrap(Governor::new(&limits.by_verified_address));
        if matches!(access, Access::SignedIn | Access::Admin) {
            route = route.wrap(Governor::new(&limits.by_user));
        }
    }
    let limits = limits.clone();
    route
        // 2. Authentication. Public and failed requests are charged to the address.
        .wrap(from_fn(move |request, next| gate::authenticate(access, limits.clone(), request, next)))
        // 1. The body limit, before anything is read.
        .wrap(from_fn(move |request, next| gate::limit_body(rules, request, next)))
}

async fn not_found() -> ApiResult<HttpResponse> {
    Err(ApiError::NotFound)
}
