//! Demo data of development: two users, their customers, and invoices in every state. Production has none of it.
//!
//! It comes by the same doors as everything: each user signs in with his password, and every row is written as his caller. So
//! there is no way into the stores here that an attacker could borrow. Made once; a start that was killed halfway is completed.

use std::net::Ipv4Addr;

use actix_web::http::header::HeaderMap;
use chrono::{Days, NaiveDate};
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgPool;

use super::auth::model::ClientSeen;
use super::auth::store::AuthStore;
use super::customers::model::{Customer, Details};
use super::customers::store::CustomerStore;
use super::invoices::model::{Content, Invoice, Status};
use super::invoices::payments::{Method, Payment};
use super::invoices::store::InvoiceStore;
use super::invoices::summary::Filter;
use super::invoices::totals::{Line, Totals};
use super::users::store as users;
use crate::base::clock::Clock;
use crate::base::id::{CustomerId, InvoiceId, PaymentId};
use crate::base::page::{Limit, Position};
use crate::http::client_ip::{ClientAddr, TrustedProxies};
use crate::http::error::{ApiError, ApiResult};
use crate::security::caller::{Authenticator, Caller};
use crate::security::credentials::Credentials;
use crate::security::log::event::EventKind;

/// Where demo data go in.
pub struct Doors {
    pub pool: PgPool,
    pub authenticator: Authenticator,
    pub credentials: Credentials,
    pub auth: AuthStore,
    pub clock: Clock,
}

/// Who can sign in, and what to try then.
pub struct Demo {
    email: &'static str,
    password: SecretString,
    own_invoice: InvoiceId,
    strangers_invoice: InvoiceId,
}

struct DemoUser {
    email: &'static str,
    name: &'static str,
    customers: &'static [(&'static str, &'static str)],
    invoices: &'static [DemoInvoice],
}

/// Lives of invoices, with the customer's place in the list, and how many days ago the invoice was issued.
struct DemoInvoice {
    customer: usize,
    reaches: Status,
    days_ago: u64,
    currency: &'static str,
    /// Description, thousandths, unit price in minor units, discount and tax in hundredths of a percent.
    lines: &'static [(&'static str, i64, i64, i32, i32)],
}

const DAYS_TO_PAY: Days = Days::new(14);

const USERS: [DemoUser; 2] = [
    DemoUser {
        email: "anna@demo.example",
        name: "Anna Demo",
        customers: &[("Lighthouse Books", "EUR"), ("Harbour Ferries", "USD"), ("Kintsugi Studio", "JPY")],
        invoices: &[
            invoice(0, Status::Draft, 0, "EUR", &[("Catalogue, 64 pages", 1_000, 180_000, 0, 700)]),
            invoice(1, Status::Void, 30, "USD", &[("Timetable", 1_000, 40_000, 0, 0)]),
            invoice(0, Status::Issued, 40, "EUR", &[("Shop window", 2_000, 95_000, 500, 1_900)]),
            invoice(1, Status::PartiallyPaid, 9, "USD", &[("Deck plans", 3_000, 120_000, 0, 0)]),
            invoice(2, Status::Paid, 20, "JPY", &[("Photographs", 12_000, 4_500, 0, 1_000)]),
            invoice(
                0,
                Status::Issued,
                2,
                "EUR",
                &[("Posters", 250_000, 320, 1_000, 1_900), ("Delivery", 1_500, 4_000, 0, 1_900)],
            ),
        ],
    },
    DemoUser {
        email: "ben@demo.example",
        name: "Ben Demo",
        customers: &[("Northern Mills", "GBP")],
        invoices: &[invoice(0, Status::Issued, 3, "GBP", &[("Repair of a loom", 7_250, 6_800, 0, 2_000)])],
    },
];

const fn invoice(
    customer: usize,
    reaches: Status,
    days_ago: u64,
    currency: &'static str,
    lines: &'static [(&'static str, i64, i64, i32, i32)],
) -> DemoInvoice {
    DemoInvoice { customer, reaches, days_ago, currency, lines }
}

/// The plan breaks a rule of the model.
fn unsound() -> ApiError {
    ApiError::internal("the demo data are unsound")
}

/// Makes what is missing. `None`: the users cannot sign in with these passwords, so they are somebody's own by now, or locked.
///
/// # Errors
/// The database cannot be asked.
pub async fn make(doors: &Doors, passwords: &[SecretString; 2]) -> ApiResult<Option<Demo>> {
    let mut newest = Vec::new();
    for (user, password) in USERS.iter().zip(passwords) {
        let hash = doors.credentials.passwords.hash(password).await?;
        let (email, name) = (user.email.parse().map_err(|_| unsound())?, user.name.parse().map_err(|_| unsound())?);
        let mut connection = doors.pool.acquire().await?;
        users::create(&mut connection, &email, &name, &hash, doors.clock.now()).await?;
        drop(connection);
        let caller = match doors.sign_in(user, password).await {
            // Also when somebody has tried the lock of their account: that must not keep the service from starting.
            Err(ApiError::InvalidCredentials | ApiError::TooManyRequests { .. }) => return Ok(None),
            signed_in => signed_in?,
        };
        newest.push(doors.fill(user, &caller).await?);
        doors.auth.end(&caller, caller.session(), "demo_made").await?;
    }
    let ([own_invoice, strangers_invoice], [anna, _]) = (newest.as_slice(), &USERS) else {
        return Ok(None);
    };
    Ok(Some(Demo {
        email: anna.email,
        password: passwords[0].clone(),
        own_invoice: *own_invoice,
        strangers_invoice: *strangers_invoice,
    }))
}

impl Doors {
    async fn sign_in(&self, user: &DemoUser, password: &SecretString) -> ApiResult<Caller> {
        let here = ClientAddr::resolve(Ipv4Addr::LOCALHOST.into(), &HeaderMap::new(), &TrustedProxies::default());
        let attempt = self.credentials.sign_in(user.email, here);
        let email = user.email.parse().map_err(|_| unsound())?;
        let look_up = self.auth.credentials(Some(&email));
        let verified = self.credentials.check(&attempt, password, look_up, EventKind::AuthnLoginFail).await?;
        let granted = self.auth.open_session(&verified, None, &ClientSeen::new(Some("demo data"), here)).await?;
        let token = self
            .authenticator
            .tokens
            .issue(granted.user, granted.session, self.clock.now())
            .map_err(ApiError::internal)?;
        self.authenticator.verify(token.expose_secret()).await
    }

    /// The newest of the user's invoices, after those that were missing are made.
    async fn fill(&self, user: &DemoUser, caller: &Caller) -> ApiResult<InvoiceId> {
        let customers = self.customers(user, caller).await?;
        let invoices = InvoiceStore::new(self.pool.clone());
        let today = self.clock.now().date_naive();
        let list = async || invoices.list(caller, &Filter::default(), today, Position::start(), Limit::default()).await;
        let there = list().await?.len();
        for plan in user.invoices.iter().skip(there) {
            let customer = *customers.get(plan.customer).ok_or_else(unsound)?;
            self.live_through(&invoices, caller, plan, customer, today).await?;
        }
        Ok(list().await?.first().ok_or_else(unsound)?.id)
    }

    /// In the order of the plan.
    async fn customers(&self, user: &DemoUser, caller: &Caller) -> ApiResult<Vec<CustomerId>> {
        let store = CustomerStore::new(self.pool.clone());
        let there = store.list(caller, Position::start(), Limit::default()).await?;
        let mut ids: Vec<CustomerId> = there.iter().rev().map(Customer::id).collect();
        for (name, currency) in user.customers.iter().skip(ids.len()) {
            let details = Details {
                name: (*name).to_owned(),
                email: None,
                address: None,
                tax_id: None,
                default_currency: currency.parse().map_err(|_| unsound())?,
            };
            let customer = Customer::new(details, self.clock.now());
            let mut change = store.begin(caller).await?;
            change.insert(&customer).await?;
            change.commit().await?;
            ids.push(customer.id());
        }
        Ok(ids)
    }

    /// A whole life in one transaction: there is no invoice that is halfway through the plan.
    async fn live_through(
        &self,
        invoices: &InvoiceStore,
        caller: &Caller,
        plan: &DemoInvoice,
        customer: CustomerId,
        today: NaiveDate,
    ) -> ApiResult<()> {
        let now = self.clock.now();
        let issued_on = today.checked_sub_days(Days::new(plan.days_ago)).unwrap_or(today);
        let line = |&(text, thousandths, price, discount, tax): &(&str, i64, i64, i32, i32)| {
            Line::new(text.to_owned(), thousandths, price, discount, tax)
        };
        let lines = plan.lines.iter().map(line).collect::<Result<Vec<_>, _>>().map_err(|_| unsound())?;
        let totals = Totals::of(&lines).map_err(|_| unsound())?;
        let content = Content {
            customer,
            currency: plan.currency.parse().map_err(|_| unsound())?,
            lines,
            notes: None,
            due_date: issued_on.checked_add_days(DAYS_TO_PAY),
        };
        let total = totals.total;
        let mut invoice = Invoice::draft(content, totals, now);
        let mut change = invoices.begin(caller).await?;
        change.insert(&invoice).await?;
        if plan.reaches != Status::Draft {
            let number = change.number(&invoice, issued_on).await?;
            invoice = invoice.issue(number, issued_on, now)?;
            change.save_step(&invoice).await?;
        }
        let paid = match plan.reaches {
            Status::PartiallyPaid => Some(total / 3),
            Status::Paid => Some(total),
            Status::Draft | Status::Issued | Status::Void => None,
        };
        if let Some(amount) = paid {
            let (id, method) = (PaymentId::new(), Method::BankTransfer);
            let payment = Payment { id, amount, paid_on: today, method, reference: None, created_at: now };
            invoice = invoice.pay(amount, now)?;
            change.insert_payment(&invoice, &payment).await?;
            change.save_step(&invoice).await?;
        } else if plan.reaches == Status::Void {
            change.save_step(&invoice.void(now)?).await?;
        }
        change.commit().await
    }
}

impl Demo {
    /// Three lines for a shell, to be pasted as they are.
    #[must_use]
    pub fn lines(&self, base: &str) -> String {
        let Self { email, password, own_invoice, strangers_invoice } = self;
        let password = password.expose_secret();
        format!(
            r#"Sign in, read an invoice, try another user's (404):

TOKEN=$(curl -s {base}/api/v1/auth/login -H 'Content-Type: application/json' -d '{{"email":"{email}","password":"{password}"}}' | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
curl -iw "\n" {base}/api/v1/invoices/{own_invoice} -H "Authorization: Bearer $TOKEN"
curl -iw "\n" {base}/api/v1/invoices/{strangers_invoice} -H "Authorization: Bearer $TOKEN""#
        )
    }
}
