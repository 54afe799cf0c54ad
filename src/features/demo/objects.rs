//! Creates the objects of the demo users. An object that already exists is not changed.

use chrono::{DateTime, Days, Utc};

use super::plan::{self, DAYS_TO_PAY, DemoBusiness, DemoDocument, DemoInvoice, DemoLine, DemoObject, DemoUser};
use super::{DemoServices, invalid_plan};
use crate::base::money::Currency;
use crate::db::OwnerTx;
use crate::features::business::model::Business;
use crate::features::business::store::BusinessStore;
use crate::features::customers::id::CustomerId;
use crate::features::customers::model::Customer;
use crate::features::documents::id::DocumentId;
use crate::features::documents::model::Document;
use crate::features::documents::store::DocumentStore;
use crate::features::invoices::credit_notes::model::{Credit, CreditPart, NetByLine};
use crate::features::invoices::decimals::UnitPrice;
use crate::features::invoices::id::{CreditNoteId, InvoiceId, PaymentId};
use crate::features::invoices::model::{Content, Invoice, Status};
use crate::features::invoices::payments::{Payment, PaymentMethod};
use crate::features::invoices::store::{InvoiceStore, InvoiceTx};
use crate::features::invoices::totals::{Discount, Line, Totals};
use crate::features::resources::ResourceStore;
use crate::http::error::{ApiError, ApiResult};
use crate::security::files::uploads::FileType;
use crate::security::sessions::caller::Caller;

impl DemoServices {
    pub(super) async fn create_objects(&self, user: &DemoUser, caller: &Caller) -> ApiResult<()> {
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

    pub(super) async fn create_object<R: ResourceStore>(
        &self,
        caller: &Caller,
        id: R::Id,
        body: &str,
    ) -> ApiResult<()> {
        let mut tx = OwnerTx::begin(&self.pool, caller.user()).await?;
        let new = serde_json::from_str(body).map_err(ApiError::internal)?;
        R::create(id, new, self.clock.now())?.insert(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// Does nothing if the user already has a business.
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

    pub(super) async fn create_document(
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

    /// All steps are in one transaction, so a crash leaves no intermediate status.
    pub(super) async fn create_invoice(
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
            // A draft gets no due date. Otherwise it could not be issued once this date has passed.
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

fn is_missing<T>(found: ApiResult<T>) -> ApiResult<bool> {
    match found {
        Ok(_) => Ok(false),
        Err(ApiError::NotFound) => Ok(true),
        Err(other) => Err(other),
    }
}
