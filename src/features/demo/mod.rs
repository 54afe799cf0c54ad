//! Demo data: two users with customers, invoices and one document each. In development, there is also an administrator.
//! Production has demo data only if a setting provides the users' password (`config/secrets.rs`).
//!
//! Each start of the service creates the demo data that are missing.
//! This module has no privileged access that an attacker could use.
//! This module logs in each user with the user's password, and calls the stores with the user's [`Caller`].
//! Ids are fixed, so that the examples of the OpenAPI document and of `docs/requests.http` work on every machine.
//! [`plan`] contains the data.

#[cfg(feature = "dev")]
pub mod accounts;
pub mod attack_accounts;
mod plan;

use std::net::Ipv4Addr;

use actix_web::http::header::HeaderMap;
use chrono::{DateTime, Days, Utc};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{PgConnection, PgPool};

use super::auth::model::ClientDescription;
use super::auth::session_store::IssuedSession;
use super::auth::store::AuthStore;
use super::business::model::Business;
use super::business::store::BusinessStore;
use super::customers::model::Customer;
use super::documents::model::Document;
use super::documents::store::DocumentStore;
use super::documents::upload_service::UploadService;
use super::invoices::credit_notes::model::{Credit, CreditPart, NetByLine};
use super::invoices::decimals::UnitPrice;
use super::invoices::model::{Content, Invoice, Status};
use super::invoices::payments::{Payment, PaymentMethod};
use super::invoices::store::{InvoiceStore, InvoiceTx};
use super::invoices::totals::{Discount, Line, Totals};
use super::resources::ResourceStore;
use super::users::purge_store::OwnerPurge;
use super::users::store as users;
pub use plan::{BEN, CUSTOMER_WITHOUT_INVOICES, DRAFT, ISSUED};
use plan::{
    DAYS_TO_PAY, DemoBusiness, DemoDocument, DemoInvoice, DemoLine, DemoObject, DemoUser, FOREIGN_INVOICE, USERS,
};

use crate::base::clock::Clock;
use crate::base::id::UserId;
use crate::base::money::Currency;
use crate::db::{OwnerTx, violates};
use crate::features::customers::id::CustomerId;
use crate::features::documents::id::DocumentId;
use crate::features::invoices::id::{CreditNoteId, InvoiceId, PaymentId};
use crate::http::client_ip::{ClientAddr, TrustedProxies};
use crate::http::error::{ApiError, ApiResult};
use crate::security::audit::context::background;
use crate::security::audit::event::EventKind;
use crate::security::audit::recorder::Recorder;
use crate::security::authentication::credentials::Credentials;
use crate::security::files::uploads::FileType;
use crate::security::sessions::caller::{Authenticator, Caller};

/// The services that create demo data.
#[derive(Clone)]
pub struct DemoServices {
    pub pool: PgPool,
    pub authenticator: Authenticator,
    pub credentials: Credentials,
    pub auth: AuthStore,
    pub recorder: Recorder,
    pub clock: Clock,
    pub uploads: UploadService,
    pub purge: OwnerPurge,
}

/// The demo users, who can sign in.
pub struct Demo {
    pub accounts: Vec<Account>,
}

/// A demo user and their password.
#[derive(Clone)]
pub struct Account {
    pub email: &'static str,
    pub name: &'static str,
    pub password: SecretString,
    is_admin: bool,
}

/// Returns the error for demo data that violate a rule of the model.
fn invalid_plan() -> ApiError {
    ApiError::internal("demo data is invalid")
}

/// Creates the demo data that are missing.
///
/// `owner` is a connection as the schema's owner, because the service's role cannot create the administrator.
///
/// Returns `None` if a demo user cannot log in: the password was changed, or the account is locked or is being deleted.
pub async fn create_missing(
    services: &DemoServices,
    owner: Option<&mut PgConnection>,
    passwords: &[SecretString; 3],
) -> ApiResult<Option<Demo>> {
    background(&services.recorder, create_users(services, owner, passwords)).await
}

async fn create_users(
    services: &DemoServices,
    mut owner: Option<&mut PgConnection>,
    passwords: &[SecretString; 3],
) -> ApiResult<Option<Demo>> {
    let mut accounts = Vec::new();
    for (user, password) in USERS.iter().zip(passwords) {
        let id: UserId = user.id.parse().map_err(|_| invalid_plan())?;
        let (email, name) =
            (user.email.parse().map_err(|_| invalid_plan())?, user.name.parse().map_err(|_| invalid_plan())?);
        let (hash, now) = (services.credentials.passwords.hash(password).await?, services.clock.now());
        let created = match (user.is_admin, owner.as_deref_mut()) {
            (false, _) => {
                let mut connection = services.pool.acquire().await?;
                users::create(&mut connection, id, &email, &name, &hash, now).await
            }
            (true, Some(owner)) => users::create_admin(owner, id, &email, &name, &hash, now).await,
            (true, None) => continue,
        };
        match created {
            // The rows of a deleted demo user exist until the purge ends. They must not prevent the service from starting.
            Err(error) if violates(&error, "owners_pkey") => return Ok(None),
            created => created?,
        };
        let caller = match services.sign_in(user, password).await {
            // A demo account that is locked after failed logins must not prevent the start of the service.
            Err(ApiError::InvalidCredentials | ApiError::TooManyRequests { .. }) => return Ok(None),
            signed_in => signed_in?,
        };
        services.create_objects(user, &caller).await?;
        services.auth.end(&caller, caller.session(), "demo_setup").await?;
        let &DemoUser { email, name, is_admin, .. } = user;
        accounts.push(Account { email, name, password: password.clone(), is_admin });
    }
    Ok(Some(Demo { accounts }))
}

impl DemoServices {
    async fn sign_in(&self, user: &DemoUser, password: &SecretString) -> ApiResult<Caller> {
        let here = ClientAddr::resolve(Ipv4Addr::LOCALHOST.into(), &HeaderMap::new(), &TrustedProxies::default());
        let attempt = self.credentials.sign_in(user.email, here);
        let email = user.email.parse().map_err(|_| invalid_plan())?;
        let found = self.auth.credentials(Some(&email)).await?;
        let verified = self.credentials.check(attempt, password, found, EventKind::AuthnLoginFail).await?;
        let issued = self.auth.open_session(&verified, None, &ClientDescription::new(Some("demo data"), here)).await?;
        Ok(self.use_session(&issued).await?.0)
    }

    /// Returns the caller of a new session, with its access token.
    async fn use_session(&self, issued: &IssuedSession) -> ApiResult<(Caller, SecretString)> {
        let token = self
            .authenticator
            .tokens
            .issue(issued.user, issued.session, issued.lifetime, self.clock.now())
            .map_err(ApiError::internal)?;
        Ok((self.authenticator.verify(token.expose_secret()).await?, token))
    }

    async fn create_objects(&self, user: &DemoUser, caller: &Caller) -> ApiResult<()> {
        if let Some(plan) = &user.business {
            self.set_business(plan, caller).await?;
        }
        self.create_all::<Customer>(user, caller, plan::CUSTOMERS).await?;
        let invoices = InvoiceStore::new(self.pool.clone());
        for plan in user.invoices {
            let id: InvoiceId = plan.id.parse().map_err(|_| invalid_plan())?;
            if is_missing(invoices.read(caller, id).await)? {
                let customer = plan.customer.parse().map_err(|_| invalid_plan())?;
                self.create_invoice(&invoices, caller, plan, id, customer).await?;
            }
        }
        let Some(plan) = &user.document else { return Ok(()) };
        let id: DocumentId = plan.id.parse().map_err(|_| invalid_plan())?;
        if is_missing(DocumentStore::new(self.pool.clone()).read(caller, id).await)? {
            let invoice = plan.invoice.parse().map_err(|_| invalid_plan())?;
            self.create_document(caller, plan, id, invoice).await?;
        }
        Ok(())
    }

    /// Creates the objects of a resource that are missing for the user.
    async fn create_all<R: ResourceStore>(
        &self,
        user: &DemoUser,
        caller: &Caller,
        objects: &[DemoObject],
    ) -> ApiResult<()> {
        for (_, id, body) in objects.iter().filter(|(owner, ..)| *owner == user.id) {
            let id: R::Id = id.parse().map_err(|_| invalid_plan())?;
            if R::find(&self.pool, caller, id).await?.is_none() {
                self.create_object::<R>(caller, id, body).await?;
            }
        }
        Ok(())
    }

    async fn create_object<R: ResourceStore>(&self, caller: &Caller, id: R::Id, body: &str) -> ApiResult<()> {
        let mut tx = OwnerTx::begin(&self.pool, caller.user()).await?;
        let new = serde_json::from_str(body).map_err(ApiError::internal)?;
        R::create(id, new, self.clock.now())?.insert(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// Sets the user's business, unless the user already has one.
    async fn set_business(&self, plan: &DemoBusiness, caller: &Caller) -> ApiResult<()> {
        let businesses = BusinessStore::new(self.pool.clone());
        let (_, version) = businesses.read(caller).await?;
        if version > 1 {
            return Ok(());
        }
        let business = Business {
            name: plan.name.to_owned(),
            address: Some(plan.address.to_owned()),
            country: Some(plan.country.to_owned()),
            vat_id: Some(plan.vat_id.to_owned()),
            registration: Some(plan.registration.to_owned()),
            iban: Some(plan.iban.parse().map_err(|_| invalid_plan())?),
            bic: Some(plan.bic.parse().map_err(|_| invalid_plan())?),
            time_zone: plan.time_zone.parse().map_err(|_| invalid_plan())?,
            payment_terms_days: i32::try_from(DAYS_TO_PAY).ok(),
        };
        businesses.replace(caller, &business, version).await?;
        Ok(())
    }

    async fn create_document(
        &self,
        caller: &Caller,
        plan: &DemoDocument,
        id: DocumentId,
        invoice: InvoiceId,
    ) -> ApiResult<()> {
        let documents = DocumentStore::new(self.pool.clone());
        let (file, reservation) =
            self.uploads.store(caller, plan.file_name, FileType::Text, plan.text.as_bytes()).await?;
        let now = self.clock.now();
        let mut tx = documents.begin(caller).await?;
        tx.insert(&Document::from_stored(id, plan.title.to_owned(), Some(invoice), file, 1, now, now)).await?;
        tx.commit().await?;
        reservation.commit();
        Ok(())
    }

    /// Creates an invoice and changes it to its final status.
    /// All changes are one transaction, so a crash leaves no other status.
    async fn create_invoice(
        &self,
        invoices: &InvoiceStore,
        caller: &Caller,
        plan: &DemoInvoice,
        id: InvoiceId,
        customer: CustomerId,
    ) -> ApiResult<()> {
        let now = self.clock.now();
        let today = now.date_naive();
        let issued_on = today.checked_sub_days(Days::new(plan.days_ago)).unwrap_or(today);
        let currency = plan.currency.parse().map_err(|_| invalid_plan())?;
        let lines = plan.lines.iter().map(|line| demo_line(line, currency)).collect::<Option<Vec<_>>>();
        let lines = lines.ok_or_else(invalid_plan)?;
        let totals = Totals::of(&lines, None).map_err(|_| invalid_plan())?;
        let content = Content {
            customer,
            currency,
            lines,
            discount: None,
            notes: None,
            // A draft has no due date here, so that developers can still issue it after that date.
            due_date: issued_on.checked_add_days(Days::new(DAYS_TO_PAY)).filter(|_| plan.final_status != Status::Draft),
        };
        let total = totals.total;
        let draft = Invoice::draft(content, totals, now);
        let mut invoice =
            Invoice::from_stored(id, draft.content().clone(), draft.totals().clone(), draft.state().clone());
        let mut tx = invoices.begin(caller).await?;
        tx.insert(&invoice).await?;
        if plan.final_status != Status::Draft {
            let number = tx.assign_number(&invoice, issued_on).await?;
            invoice = invoice.issue(number, issued_on, None, now)?;
            tx.save_state(&invoice).await?;
        }
        let paid = match plan.final_status {
            Status::PartiallyPaid => Some(total / 3),
            Status::Paid => Some(total),
            Status::Draft | Status::Issued | Status::Credited | Status::Void => None,
        };
        if let Some(amount) = paid {
            let (id, method) = (PaymentId::new(), PaymentMethod::BankTransfer);
            let payment = Payment { id, amount, paid_on: today, method, reference: None, created_at: now };
            invoice = invoice.pay(amount, now)?;
            tx.insert_payment(&invoice, &payment).await?;
            tx.save_state(&invoice).await?;
        } else if plan.final_status == Status::Void {
            invoice = invoice.void(now)?;
            tx.save_state(&invoice).await?;
        }
        if let Some(credited) = plan.credited {
            credit(&mut tx, invoice, credited, now).await?;
        }
        tx.commit().await
    }
}

async fn credit(
    tx: &mut InvoiceTx<'_>,
    invoice: Invoice,
    (id, amount): (&str, i64),
    now: DateTime<Utc>,
) -> ApiResult<()> {
    let id: CreditNoteId = id.parse().map_err(|_| invalid_plan())?;
    let part = CreditPart { line: 1, amount: Some(amount) };
    let credit = Credit::of(&invoice, &NetByLine::new(), Some(&[part]))?;
    let invoice = invoice.credit(credit.total(), now)?;
    tx.insert_credit_note(id, &invoice, credit, None, now.date_naive(), now).await?;
    tx.save_state(&invoice).await
}

fn demo_line(line: &DemoLine, currency: Currency) -> Option<Line> {
    let (description, quantity, price, discount, tax) = *line;
    let price = UnitPrice::parse(price, currency).ok()?;
    let discount = Discount::Rate(discount.parse().ok()?);
    Line::new(description.to_owned(), quantity.parse().ok()?, price, Some(discount), tax.parse().ok()?).ok()
}

/// Returns whether a read has failed because the object does not exist.
fn is_missing<T>(found: ApiResult<T>) -> ApiResult<bool> {
    match found {
        Ok(_) => Ok(false),
        Err(ApiError::NotFound) => Ok(true),
        Err(other) => Err(other),
    }
}

impl Demo {
    /// Returns shell commands that a developer can try first, and the login of the administrator.
    #[must_use]
    pub fn instructions(&self, base: &str) -> String {
        let Some(Account { email, password, .. }) = self.accounts.first() else { return String::new() };
        let password = password.expose_secret();
        let administrator =
            self.accounts.iter().find(|account| account.is_admin).map(|Account { email, password, .. }| {
                format!("\n\nThe administrator is {email}, with the password {}", password.expose_secret())
            });
        let administrator = administrator.unwrap_or_default();
        format!(
            r#"Sign in, read an invoice, try to read another user's invoice (404):

TOKEN=$(curl -s {base}/api/v1/auth/login -H 'Content-Type: application/json' -d '{{"email":"{email}","password":"{password}"}}' | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
curl -iw "\n" {base}/api/v1/invoices/{ISSUED} -H "Authorization: Bearer $TOKEN"
curl -iw "\n" {base}/api/v1/invoices/{FOREIGN_INVOICE} -H "Authorization: Bearer $TOKEN"{administrator}"#
        )
    }
}
