//! The API on one screen: one row an endpoint. No column has a default, so an endpoint without a decision does not compile.
//!
//! The rows mount the routes ([`mount`]), write the OpenAPI document ([`super::openapi`]), and are walked by
//! `tests/api/contract/`: a row that is added tomorrow is attacked tomorrow.

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

/// Every endpoint.
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
    /// What is set takes its place when it is mounted.
    const UPLOAD: BodyLimit = Form(10 * 1024 * 1024 + ENVELOPE);
    let row = |method: &Method, path, access, tier, body, handler, docs| Endpoint { method: method.clone(), path, access, tier, body, handler, docs };
    vec![
        row(&post,   "/api/v1/auth/register",               Public,   Registration, SMALL_JSON, |r| r.to(auth::register),           docs("Register").takes::<Register>().answers(202).says("Sends a confirmation link to the address. The response is the same for addresses that are already registered (prevents user enumeration).")),
        row(&post,   "/api/v1/auth/confirm",                Public,   Registration, SMALL_JSON, |r| r.to(auth::confirm),            docs("Confirm a registration").takes::<ConfirmRegistration>().answers(204).says("Creates the account with the token from that mail, and with the password and the name that its reader chooses. A token works once, within 24 hours; a password that is refused leaves it alive.")),
        row(&post,   "/api/v1/auth/login",                  Public,   SignIn,       SMALL_JSON, |r| r.to(auth::login),              docs("Sign in").takes::<Login>().gives::<TokenView>(200).refuses([ApiError::InvalidCredentials]).says("Gives an access token, and sets two cookies: the refresh token, and one by which this device is known for 90 days, so that failed guesses of other clients do not lock the owner out. Whatever is wrong, the refusal is the same (401).")),
        row(&post,   "/api/v1/auth/refresh",                Cookie,   Refresh,      NoBody,     |r| r.to(auth::refresh),            docs("Renew the access token").gives::<TokenView>(200).says("Gives a new access token and exchanges the cookie. A cookie that is used twice ends the whole session.")),
        row(&post,   "/api/v1/auth/logout",                 TokenOrCookie, Write,   NoBody,     |r| r.to(auth::logout),             docs("End this session").answers(204).says("From this moment the session's access tokens are refused, and its cookie too. When the access token has expired, the refresh cookie alone is enough.")),
        row(&post,   "/api/v1/auth/password-reset",         Public,   Reset,        SMALL_JSON, |r| r.to(auth::request_reset),      docs("Ask for a new password").takes::<RequestReset>().answers(202).says("Sends a mail with a link if a user has that address. The answer is the same if no user has it.")),
        row(&post,   "/api/v1/auth/password-reset/confirm", Public,   Reset,        SMALL_JSON, |r| r.to(auth::confirm_reset),      docs("Answer the mail and choose a new password").takes::<ConfirmReset>().answers(204).says("Takes the token from that mail and the new password. It ends all sessions.")),
        row(&get,    "/api/v1/auth/sessions",               SignedIn, Standard,     NoBody,     |r| r.to(auth::list_sessions),      docs("List sessions").gives::<SessionList>(200).says("Ten at most, the one that was used last first.")),
        row(&delete, "/api/v1/auth/sessions",               SignedIn, Write,        NoBody,     |r| r.to(auth::end_all_sessions),   docs("Revoke all sessions").answers(204).says("On every device, this one too.")),
        row(&delete, "/api/v1/auth/sessions/{id}",          SignedIn, Write,        NoBody,     |r| r.to(auth::end_session),        docs("Revoke a session").answers(204).says("Its tokens are refused from this moment, on other replicas within two seconds at most.")),

        row(&get,    "/api/v1/me",                          SignedIn, Standard,     NoBody,     |r| r.to(users::read),              docs("Read the profile").gives::<ProfileView>(200).versioned().refuses([ApiError::NotFound]).says("E-mail address, name and bio of the caller. If the account was deleted while the request ran, the answer is 404.")),
        row(&patch,  "/api/v1/me",                          SignedIn, Write,        SMALL_JSON, |r| r.to(users::update),            docs("Change the profile").takes::<UpdateProfile>().gives::<ProfileView>(200).versioned().refuses([ApiError::NotFound]).says("A field that is left out stays as it is.")),
        row(&delete, "/api/v1/me",                          SignedIn, Write,        SMALL_JSON, |r| r.to(users::delete),            docs("Delete the account").takes::<DeleteAccount>().answers(204).refuses([ApiError::InvalidCredentials, LAST_ADMINISTRATOR]).says("Requires the password. The account is gone at once; what it owned is deleted in the background. The last active administrator stays (409).")),
        row(&get,    "/api/v1/me/business",                 SignedIn, Standard,     NoBody,     |r| r.to(business::read),           docs("Read the business").gives::<BusinessView>(200).versioned().says("The seller on the caller's invoices, its bank account, and the time zone and payment terms that their days follow.")),
        row(&put,    "/api/v1/me/business",                 SignedIn, Write,        SMALL_JSON, |r| r.to(business::replace),        docs("Replace the business").takes::<ReplaceBusiness>().gives::<BusinessView>(200).versioned().on("", "\"2\"").says("Exchanges it whole: a field that is left out is empty afterwards. Drafts print the new one; issued invoices keep what they say.")),
        row(&post,   "/api/v1/me/password",                 SignedIn, Write,        SMALL_JSON, |r| r.to(users::change_password),   docs("Change the password").takes::<ChangePassword>().gives::<TokenView>(200).refuses([ApiError::InvalidCredentials, ApiError::NotFound]).says("Requires the current password. Ends all sessions, this one too, and opens a new one: a new access token in the body, a new refresh token as a cookie.")),
        row(&get,    "/api/v1/me/security-events",          SignedIn, Standard,     NoBody,     |r| r.to(events::own),              docs("List the account's security events").queries::<HistoryQuery>().gives::<HistoryPage>(200).says("Sign-ins and failed ones, sessions, changes: newest first, a page at a time.")),

        row(&post,   "/api/v1/customers",                   SignedIn, Write,        SMALL_JSON, |r| r.to(customers::create),        docs("Create a customer").keyed().takes::<NewCustomer>().gives::<CustomerView>(201).versioned().refuses([QUOTA_EXCEEDED]).says("Asked again with the same `Idempotency-Key`, it gives the first answer again.")),
        row(&get,    "/api/v1/customers",                   SignedIn, Standard,     NoBody,     |r| r.to(customers::list),          docs("List customers, newest first").queries::<CustomerQuery>().gives::<CustomerPage>(200).says("A page at a time; `next_cursor` leads to the next.")),
        row(&get,    "/api/v1/customers/{id}",              SignedIn, Standard,     NoBody,     |r| r.to(customers::read),          docs("Read a customer").gives::<CustomerView>(200).versioned().says("Its `ETag` is what a change asks for.")),
        row(&patch,  "/api/v1/customers/{id}",              SignedIn, Write,        SMALL_JSON, |r| r.to(customers::update),        docs("Change a customer").takes::<UpdateCustomer>().gives::<CustomerView>(200).versioned().says("A field that is left out stays as it is; null clears one that may be empty.")),
        row(&delete, "/api/v1/customers/{id}",              SignedIn, Write,        NoBody,     |r| r.to(customers::delete),        docs("Delete a customer who has no invoices").answers(204).versioned().refuses([CUSTOMER_HAS_INVOICES]).on(demo::CUSTOMER_WITHOUT_INVOICES, "\"1\"").says("One with invoices is kept (409).")),

        row(&post,   "/api/v1/invoices",                    SignedIn, Write,        INVOICE,    |r| r.to(invoices::create),         docs("Create a draft").keyed().takes::<InvoiceDraft>().gives::<InvoiceView>(201).versioned().refuses([QUOTA_EXCEEDED]).says("The server computes every sum; saying one is refused. Asked again with the same `Idempotency-Key`, it gives the first answer again.")),
        row(&get,    "/api/v1/invoices",                    SignedIn, Standard,     NoBody,     |r| r.to(invoices::list),           docs("List invoices").queries::<InvoiceQuery>().gives::<InvoicePage>(200).says("A page at a time, narrowed as asked; `next_cursor` leads to the next page under the same filter.")),
        row(&get,    "/api/v1/invoices/export",             SignedIn, Export,       NoBody,     |r| r.to(export::export),           docs("Export invoices as CSV").queries::<ExportQuery>().gives_file("text/csv").says("As many as the filter lets through, in a form that a spreadsheet can open without running anything.")),
        row(&get,    "/api/v1/invoices/{id}",               SignedIn, Standard,     NoBody,     |r| r.to(invoices::read),           docs("Read an invoice").gives::<InvoiceView>(200).versioned().says("With its lines and sums. Its `ETag` is what a change asks for.")),
        row(&get,    "/api/v1/invoices/{id}/pdf",           SignedIn, Export,       NoBody,     |r| r.to(pdf::pdf),                 docs("Print an invoice as PDF").gives_file("application/pdf").cached().says("A4, with text that can be selected. What was issued names both sides as they were called then. Void ones and drafts say so on every page. With the `ETag` of a copy in `If-None-Match`, the answer is 304 while nothing on it has changed.")),
        row(&put,    "/api/v1/invoices/{id}",               SignedIn, Write,        INVOICE,    |r| r.to(invoices::replace),        docs("Replace a draft").takes::<InvoiceDraft>().gives::<InvoiceView>(200).versioned().refuses([Transition::NotADraft]).on(demo::DRAFT, "\"1\"").says("The whole content is exchanged. What has been issued stands (409).")),
        row(&delete, "/api/v1/invoices/{id}",               SignedIn, Write,        NoBody,     |r| r.to(invoices::delete),         docs("Delete a draft").answers(204).versioned().refuses([Transition::NotADraft]).on(demo::DRAFT, "\"1\"").says("What has been issued is kept (409).")),
        row(&post,   "/api/v1/invoices/{id}/issue",         SignedIn, Write,        SMALL_JSON, |r| r.to(invoices::issue),          docs("Issue a draft: it gets its number").takes_optional::<IssueInvoice>().gives::<InvoiceView>(200).versioned().refuses([Transition::NotADraft, Transition::DueBeforeIssue, Transition::IssuedBeforeLast]).on(demo::DRAFT, "\"1\"").says("From here on its content stands, and so does what it says of both sides. Numbers are the owner's own, counted by year of the day of issue, without gaps and in the order of these days: a day before that of the last issued invoice is refused (409). Without a due date, the payment terms of the business set it.")),
        row(&post,   "/api/v1/invoices/{id}/void",          SignedIn, Write,        NoBody,     |r| r.to(invoices::void),           docs("Void an invoice without payments and credit notes").gives::<InvoiceView>(200).versioned().refuses([Transition::NotVoidable]).says("It keeps its number. One with payments or credit notes cannot be voided (409).")),
        row(&post,   "/api/v1/invoices/{id}/payments",      SignedIn, Write,        SMALL_JSON, |r| r.to(invoices::pay),            docs("Record a payment").keyed().takes::<NewPayment>().gives::<PaymentView>(201).refuses([QUOTA_EXCEEDED]).refuses([Transition::NotPayable, Transition::PaymentExceedsBalance]).says("At most what is due (409); the last payment makes it paid. Asked again with the same `Idempotency-Key`, it is not paid twice.")),
        row(&get,    "/api/v1/invoices/{id}/payments",      SignedIn, Standard,     NoBody,     |r| r.to(invoices::payments),       docs("List an invoice's payments, newest first").queries::<PaymentQuery>().gives::<PaymentPage>(200).says("A page at a time; `next_cursor` leads to the next.")),
        row(&post,   "/api/v1/invoices/{id}/credit-notes",  SignedIn, Write,        SMALL_JSON, |r| r.to(credit_notes::create),     docs("Issue a credit note").keyed().takes::<NewCreditNote>().gives::<CreditNoteView>(201).refuses([QUOTA_EXCEEDED]).refuses([Transition::NotCreditable, Transition::CreditExceedsInvoice]).says("Credits parts of lines, or everything that is left of the invoice, with its tax; never more than that (409). It gets a number of its own and lowers what is due. An invoice without payments and credit notes can be voided instead. With the same `Idempotency-Key` it is issued once.")),

        row(&get,    "/api/v1/credit-notes",                SignedIn, Standard,     NoBody,     |r| r.to(credit_notes::list),       docs("List credit notes, newest first").queries::<CreditNoteQuery>().gives::<CreditNotePage>(200).says("A page at a time, of one invoice if asked; `next_cursor` leads to the next.")),
        row(&get,    "/api/v1/credit-notes/{id}",           SignedIn, Standard,     NoBody,     |r| r.to(credit_notes::read),       docs("Read a credit note").gives::<CreditNoteView>(200).says("With its lines and sums. It never changes.")),
        row(&get,    "/api/v1/credit-notes/{id}/pdf",       SignedIn, Export,       NoBody,     |r| r.to(pdf::credit_note),         docs("Print a credit note as PDF").gives_file("application/pdf").cached().says("A4, with text that can be selected. It names both sides as the invoice does. With the `ETag` of a copy in `If-None-Match`, the answer is 304 if it is up to date.")),

        row(&post,   "/api/v1/documents",                   SignedIn, Upload,       UPLOAD,     |r| r.to(documents::create),        docs("Upload a document").keyed().takes_form::<NewDocument>(FileType::MEDIA_TYPES).gives::<DocumentView>(201).versioned().refuses([QUOTA_EXCEEDED]).says("A form with the file and its title. The content of the file must be what the ending of its name says; a refusal (400) says what is wrong and what to do. Without space for it, the answer is 409. A PDF is refused, with the reason, if it has active content: scripts, media, or actions that start, send or open something. Of embedded files only the XML of an e-invoice is accepted. Asked again with the same `Idempotency-Key`, it gives the first answer again.")),
        row(&get,    "/api/v1/documents",                   SignedIn, Standard,     NoBody,     |r| r.to(documents::list),          docs("List documents, newest first").queries::<DocumentQuery>().gives::<DocumentPage>(200).says("A page at a time, of one invoice if asked; `next_cursor` leads to the next.")),
        row(&get,    "/api/v1/documents/{id}",              SignedIn, Standard,     NoBody,     |r| r.to(documents::read),          docs("Read what is known of a document").gives::<DocumentView>(200).versioned().says("Its `ETag` is what a change asks for.")),
        row(&get,    "/api/v1/documents/{id}/content",      SignedIn, Standard,     NoBody,     |r| r.to(content::content),         docs("Download a document").gives_part_of(FileType::MEDIA_TYPES).says("An attachment, bit for bit as it came. Part of it if a `Range` asks.")),
        row(&patch,  "/api/v1/documents/{id}",              SignedIn, Write,        SMALL_JSON, |r| r.to(documents::update),        docs("Rename a document, hang it on an invoice, take it off").takes::<UpdateDocument>().gives::<DocumentView>(200).versioned().says("A field that is left out stays as it is; null takes it off its invoice.")),
        row(&delete, "/api/v1/documents/{id}",              SignedIn, Write,        NoBody,     |r| r.to(documents::delete),        docs("Delete a document").answers(204).versioned().says("With its bytes.")),

        row(&post,   "/api/v1/live/tickets",                SignedIn, Write,        NoBody,     |r| r.to(live::ticket),             docs("Ask for what opens a socket, once").gives::<TicketView>(201).says("Good for one socket, once, within 30 seconds. Send it as the socket's first message.")),
        row(&get,    "/api/v1/live",                        Ticket,   Standard,     NoBody,     |r| r.to(live::connect),            docs("Open a WebSocket for live events; the ticket is its first message").answers(101).refuses([ApiError::UpgradeRequired]).says("Sends changes of the caller's own objects; the messages are in docs/live.md.")),

        row(&get,    "/api/v1/admin/users",                 Admin,    Standard,     NoBody,     |r| r.to(admin::users),             docs("List users, newest first").queries::<AccountQuery>().gives::<AccountPage>(200).says("A page at a time, narrowed as asked; `next_cursor` leads to the next page under the same filter.")),
        row(&get,    "/api/v1/admin/users/{id}",            Admin,    Standard,     NoBody,     |r| r.to(admin::user),              docs("Read a user").gives::<AccountView>(200).says("Data about sign-in only, and nothing that the user owns.")),
        row(&post,   "/api/v1/admin/users/{id}/unlock",     Admin,    Write,        NoBody,     |r| r.to(admin::unlock),            docs("Unlock a user").answers(204).says("Resets the failed sign-ins of the account.")),
        row(&post,   "/api/v1/admin/users/{id}/disable",    Admin,    Write,        NoBody,     |r| r.to(admin::disable),           docs("Disable a user").answers(204).refuses([OWN_ACCOUNT]).says("Takes effect at once: the user's sessions end and their sockets close. What they own stays. Administrators cannot disable themselves (409), so one administrator is always left.")),
        row(&post,   "/api/v1/admin/users/{id}/enable",     Admin,    Write,        NoBody,     |r| r.to(admin::enable),            docs("Enable a user").answers(204).says("The user must sign in again.")),
        row(&delete, "/api/v1/admin/users/{id}/sessions",   Admin,    Write,        NoBody,     |r| r.to(admin::end_sessions),      docs("End all sessions of a user").answers(204).says("Their tokens are refused from this moment, and their sockets close.")),

        row(&get,    "/api/v1/admin/security-events",       Admin,    Standard,     NoBody,     |r| r.to(events::all),              docs("List security events, newest first").queries::<EventQuery>().gives::<EventPage>(200).says("A page at a time, narrowed as asked. That it was read is an event as well.")),
        row(&get,    "/api/v1/admin/alerts",                Admin,    Standard,     NoBody,     |r| r.to(events::alerts),           docs("List alerts, newest first").queries::<AlertQuery>().gives::<AlertPage>(200).says("What rules found, and whether it goes on.")),

        row(&get,    "/health/live",                        Public,   Unlimited,    NoBody,     |r| r.to(health::live),             docs("Whether the process runs").answers(204).says("For an orchestrator: restart what does not answer.")),
        row(&get,    "/health/ready",                       Public,   Unlimited,    NoBody,     |r| r.to(health::ready),            docs("Whether requests can be served").answers(204).says("For a load balancer: 503 while the database does not answer or is not up to date.")),
        row(&get,    "/problems",                           Public,   Standard,     NoBody,     |r| r.to(about::problems),          docs("What the codes of refusals mean").answers(200).gives_file("text/html").says("The `type` of every refusal points here.")),
        row(&get,    "/.well-known/security.txt",           Public,   Standard,     NoBody,     |r| r.to(about::security_txt),      docs("Whom to tell of a hole").answers(200).gives_file("text/plain").says("RFC 9116.")),
        row(&get,    "/.well-known/change-password",        Public,   Standard,     NoBody,     |r| r.to(about::change_password),   docs("Where a user changes the password").answers(303).says("Redirects to the page for it. Password managers open this address.")),
        row(&get,    "/.well-known/jwks.json",              Public,   Standard,     NoBody,     |r| r.to(about::jwks),              docs("The public keys of access tokens, if they are asymmetric").answers(200).refuses([ApiError::NotFound]).gives_file("application/json").says("A JSON Web Key Set (RFC 7517). There is none while tokens are signed with a shared secret (404).")),
        row(&get,    "/api/v1/openapi.json",                Public,   Standard,     NoBody,     |r| r.to(reference::document),      docs("This document").answers(200).gives_file("application/json").says("OpenAPI 3.1.")),
        row(&get,    "/docs",                               Public,   Standard,     NoBody,     |r| r.to(reference::page),          docs("This document as a page").answers(200).gives_file("text/html").says("Requests can be tried on it. Off in production unless `STRONGROOM_HTTP_DOCS` asks for it (404).").refuses([ApiError::NotFound])),
        row(&get,    "/docs/page.css",                      Public,   Standard,     NoBody,     |r| r.to(reference::style),         docs("How that page looks").answers(200).gives_file("text/css").says("Off and on with it.").refuses([ApiError::NotFound])),
        row(&get,    "/docs/page.js",                       Public,   Standard,     NoBody,     |r| r.to(reference::script),        docs("What that page does").answers(200).gives_file("text/javascript").says("Off and on with it.").refuses([ApiError::NotFound])),
        row(&get,    "/confirm",                            Public,   Standard,     NoBody,     |r| r.to(mail_pages::confirm),      docs("The page to confirm a registration on").answers(200).gives_file("text/html").says("The mail of a registration links here; the token is in the fragment, which is not sent.")),
        row(&get,    "/reset",                              Public,   Standard,     NoBody,     |r| r.to(mail_pages::reset),        docs("The page to choose a new password on").answers(200).gives_file("text/html").says("The mail of a password reset links here; without a token it asks for the address.")),
        row(&get,    "/mail-page.css",                      Public,   Standard,     NoBody,     |r| r.to(mail_pages::style),        docs("How these two pages look").answers(200).gives_file("text/css").says("Always on.")),
        row(&get,    "/mail-page.js",                       Public,   Standard,     NoBody,     |r| r.to(mail_pages::script),       docs("What these two pages do").answers(200).gives_file("text/javascript").says("Always on.")),
        row(&get,    "/icon.svg",                           Public,   Standard,     NoBody,     |r| r.to(mail_pages::icon),         docs("The icon of every page").answers(200).gives_file("image/svg+xml").says("Always on.")),
    ]
}

impl Endpoint {
    /// Whether HEAD is answered as GET without a body (`http/head.rs`). The WebSocket has no reply whose head could be sent.
    fn answers_head(&self) -> bool {
        self.method == Method::GET && self.access != Access::Ticket
    }
}

/// The methods and paths that metrics count separately, with HEAD. The names are constants, so no other text becomes a label.
pub fn methods_and_paths() -> impl Iterator<Item = (&'static str, &'static str)> {
    let name = |method: &Method| METHODS.into_iter().find(|known| *known == method.as_str()).unwrap_or("other");
    table().into_iter().flat_map(move |endpoint| {
        let head = endpoint.answers_head().then_some("HEAD");
        [Some(name(&endpoint.method)), head].into_iter().flatten().map(move |method| (method, endpoint.path))
    })
}

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// An endpoint with its limiters, which all workers share. Health checks have none.
pub struct Mounted {
    pub endpoint: Endpoint,
    pub limits: Option<RouteLimits>,
}

/// Every endpoint that is on, with fresh limiters, and those of unknown paths: what is off is one of them. `None`: a rate is zero.
#[must_use]
pub fn with_limits(settings: &Settings) -> Option<(Vec<Mounted>, RouteLimits)> {
    // The inner `None` is a rate of zero.
    let limits = |tier: Tier| tier.rate(&settings.limits).map(RouteLimits::new);
    let form = settings.documents.max_bytes + ENVELOPE;
    let mounted = table()
        .into_iter()
        .filter(|endpoint| settings.http.docs || !endpoint.path.starts_with("/docs"))
        .map(|endpoint| Endpoint { body: endpoint.body.with_form_of(form), ..endpoint })
        .map(|endpoint| match limits(endpoint.tier) {
            Some(limits) => Some(Mounted { limits: Some(limits?), endpoint }),
            None => Some(Mounted { limits: None, endpoint }),
        })
        .collect::<Option<_>>()?;
    Some((mounted, limits(Tier::UnknownPath)??))
}

/// Mounts every endpoint with the layers that its row asks for.
pub fn mount(config: &mut ServiceConfig, endpoints: &[Mounted], unknown: &RouteLimits) {
    // Fixed ones first: actix asks one after the other, and one with an id costs a regular expression.
    let path = |mounted: &Mounted| (mounted.endpoint.path.contains('{'), mounted.endpoint.path);
    for (_, path) in endpoints.iter().map(path).collect::<BTreeSet<_>>() {
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
    let access = endpoint.access;
    let rules = Rules { access, body: endpoint.body, takes_query: endpoint.docs.takes_query() };
    let methods = match endpoint.answers_head() {
        true => web::route().guard(guard::Any(guard::Get()).or(guard::Head())),
        false => web::method(endpoint.method.clone()),
    };
    let mut route = (endpoint.handler)(methods)
        // 4. The role: it asks the database, so after every budget.
        .wrap(from_fn(move |request, next| gate::admit(rules, request, next)));
    // 3. The budgets of verified callers: the user's first, so that what is beyond it is not charged to their address.
    if let Some(limits) = limits.as_ref().filter(|_| access != Access::Public) {
        route = route.wrap(Governor::new(&limits.by_verified_address));
        if matches!(access, Access::SignedIn | Access::Admin) {
            route = route.wrap(Governor::new(&limits.by_user));
        }
    }
    let limits = limits.clone();
    route
        // 2. Who calls. The address's budget pays for public requests and for those that fail.
        .wrap(from_fn(move |request, next| gate::authenticate(access, limits.clone(), request, next)))
        // 1. The size of what is coming: before anything is read.
        .wrap(from_fn(move |request, next| gate::cap(rules, request, next)))
}

async fn nothing_here() -> ApiResult<HttpResponse> {
    Err(ApiError::NotFound)
}
