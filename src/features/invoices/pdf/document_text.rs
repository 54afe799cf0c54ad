//! The texts and figures of an invoice or a credit note. [`layout`](super::layout) places them on pages.

use std::iter;

use chrono::{DateTime, Utc};

use crate::base::bank::Iban;
use crate::base::money::Currency;
use crate::features::invoices::credit_notes::model::{CreditNote, CreditedLine};
use crate::features::invoices::model::{Invoice, Status};
use crate::features::invoices::totals::{Discount, Line, TaxSubtotal};

/// Seller and customer. An issued invoice has the data of its issue date. A draft has the current data.
pub struct Parties {
    pub seller: String,
    pub seller_email: String,
    pub seller_address: Option<String>,
    pub seller_country: Option<String>,
    pub seller_vat_id: Option<String>,
    pub seller_registration: Option<String>,
    pub iban: Option<String>,
    pub bic: Option<String>,
    pub customer: String,
    pub customer_email: Option<String>,
    pub customer_address: Option<String>,
    pub customer_tax_id: Option<String>,
    /// The versions of seller and customer. They are 0 for an issued invoice, because its parties never change.
    pub seller_version: i64,
    pub customer_version: i64,
}

impl Parties {
    pub fn seller_details(&self) -> String {
        let vat_id = self.seller_vat_id.as_ref().map(|id| format!("VAT ID: {id}"));
        let registration = self.seller_registration.as_ref().map(|number| format!("Registration: {number}"));
        let (address, country) = (self.seller_address.clone(), self.seller_country.clone());
        joined([Some(self.seller_email.clone()), address, country, vat_id, registration])
    }

    pub fn customer_details(&self) -> String {
        let tax_id = self.customer_tax_id.as_ref().map(|id| format!("Tax ID: {id}"));
        joined([self.customer_address.clone(), self.customer_email.clone(), tax_id])
    }

    fn bank_account(&self) -> Option<String> {
        let iban = self.iban.as_ref()?;
        // Print the IBAN in groups of four characters, as banks do.
        let iban = iban.parse().map_or_else(|_| iban.clone(), |iban: Iban| iban.to_string());
        let bic = self.bic.as_ref().map(|bic| format!(", BIC {bic}"));
        Some(format!("IBAN {iban}{}", bic.unwrap_or_default()))
    }
}

fn joined<const N: usize>(lines: [Option<String>; N]) -> String {
    lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

/// A row of a table: its kind, the text of the first column, and the texts of the other columns.
pub(super) struct Row(pub RowKind, pub String, pub Vec<String>);

/// The kind of a row determines the text styles of the row.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RowKind {
    Fact,
    Head,
    Line,
    Sum,
    Total,
    AmountDue,
}

pub(super) struct DocumentText {
    /// A part of the `ETag`. The version changes whenever a printed text changes.
    pub version: String,
    pub parties: Parties,
    pub title: &'static str,
    pub number: Option<String>,
    /// The name of the document in the metadata of the PDF.
    pub name: String,
    pub footer: String,
    /// A text that is printed across each page.
    pub watermark: Option<&'static str>,
    /// The time of the last change. If it were the time of rendering, two renderings of a document would differ.
    pub at: DateTime<Utc>,
    pub facts: Vec<Row>,
    pub lines: Vec<Row>,
    pub sums: Vec<Row>,
    /// The texts below the sums, each with its label.
    pub blocks: Vec<(&'static str, String)>,
}

impl DocumentText {
    pub fn of_invoice(invoice: &Invoice, parties: Parties) -> Self {
        let (content, state) = (invoice.content(), invoice.state());
        let discounted = content.lines.iter().any(|line| line.amounts().discount > 0);
        let mut columns = vec!["Quantity", "Unit price", "Discount", "Tax", "Amount"];
        columns.retain(|column| discounted || *column != "Discount");
        let line = |line: &Line| {
            Row(RowKind::Line, line.description().to_owned(), figures(line, content.currency, discounted))
        };
        let number = state.number.clone();
        let name = number.as_ref().map_or_else(|| "Draft invoice".to_owned(), |number| format!("Invoice {number}"));
        let account = parties.bank_account().map(|account| ("Bank account", account));
        let notes = content.notes.clone().map(|notes| ("Notes", notes));
        Self {
            version: format!("{}-{}-{}", state.version, parties.customer_version, parties.seller_version),
            parties,
            title: "Invoice",
            number,
            footer: format!("{name} · {}", status_label(state.status)),
            name,
            watermark: match state.status {
                Status::Draft => Some("DRAFT"),
                Status::Void => Some("VOID"),
                Status::Issued | Status::PartiallyPaid | Status::Paid | Status::Credited => None,
            },
            at: state.updated_at,
            facts: facts(invoice),
            lines: iter::once(head(&columns)).chain(content.lines.iter().map(line)).collect(),
            sums: sums(invoice),
            blocks: account.into_iter().chain(notes).collect(),
        }
    }

    /// A credit note shows no bank account, because it does not request a payment.
    pub fn of_credit_note(note: &CreditNote, parties: Parties) -> Self {
        let (header, credit) = (&note.header, &note.credit);
        let mut sums = Sums::new(header.currency);
        sums.add("Net", credit.net, RowKind::Sum);
        sums.add_taxes(&credit.taxes);
        sums.add("Total credit", credit.total(), RowKind::AmountDue);
        let line = |line: &CreditedLine| {
            let figures = vec![format!("{} %", line.tax_rate), header.currency.decimal(line.net)];
            Row(RowKind::Line, line.description.clone(), figures)
        };
        let name = format!("Credit note {}", header.number);
        Self {
            // The version is constant, because a credit note never changes.
            version: "1".to_owned(),
            parties,
            title: "Credit note",
            number: Some(header.number.clone()),
            footer: name.clone(),
            name,
            watermark: None,
            at: header.created_at,
            facts: vec![
                fact("Invoice", note.invoice_number.clone()),
                fact("Issued on", header.issue_date.to_string()),
                fact("Currency", header.currency.to_string()),
            ],
            lines: iter::once(head(&["Tax", "Amount"])).chain(credit.lines.iter().map(line)).collect(),
            sums: sums.rows,
            blocks: note.reason.clone().map(|reason| ("Reason", reason)).into_iter().collect(),
        }
    }
}

/// Returns the texts of all columns except the description.
fn figures(line: &Line, currency: Currency, discounted: bool) -> Vec<String> {
    let amounts = line.amounts();
    let discount = match line.discount() {
        _ if amounts.discount == 0 => String::new(),
        Some(Discount::Rate(rate)) => format!("{rate} %"),
        _ => currency.decimal(-amounts.discount),
    };
    let mut figures = vec![line.quantity().to_string(), line.unit_price().decimal(currency)];
    figures.extend(discounted.then_some(discount));
    figures.extend([format!("{} %", line.tax_rate()), currency.decimal(amounts.net)]);
    figures
}

fn head(columns: &[&str]) -> Row {
    Row(RowKind::Head, "Description".to_owned(), columns.iter().map(|&column| column.to_owned()).collect())
}

fn fact(label: &str, value: String) -> Row {
    Row(RowKind::Fact, label.to_owned(), vec![value])
}

fn facts(invoice: &Invoice) -> Vec<Row> {
    let (content, state) = (invoice.content(), invoice.state());
    let mut facts = vec![fact("Status", status_label(state.status).to_owned())];
    facts.extend(state.issue_date.map(|day| fact("Issued on", day.to_string())));
    facts.extend(content.due_date.map(|day| fact("Due on", day.to_string())));
    facts.push(fact("Currency", content.currency.to_string()));
    facts
}

fn sums(invoice: &Invoice) -> Vec<Row> {
    let (content, totals, state) = (invoice.content(), invoice.totals(), invoice.state());
    let mut sums = Sums::new(content.currency);
    sums.add("Subtotal", totals.subtotal, RowKind::Sum);
    let on_lines = totals.discount - totals.invoice_discount;
    if on_lines > 0 {
        sums.add("Discounts on lines", -on_lines, RowKind::Sum);
    }
    if totals.invoice_discount > 0 {
        let label = match content.discount {
            Some(Discount::Rate(rate)) => format!("Discount {rate} %"),
            _ => "Discount".to_owned(),
        };
        sums.add(&label, -totals.invoice_discount, RowKind::Sum);
    }
    sums.add_taxes(&totals.taxes);
    sums.add("Total", totals.total, RowKind::Total);
    if state.credited > 0 {
        sums.add("Credited", -state.credited, RowKind::Sum);
    }
    sums.add("Paid", state.paid, RowKind::Sum);
    sums.add("Due", invoice.amount_due(), RowKind::AmountDue);
    sums.rows
}

struct Sums {
    currency: Currency,
    rows: Vec<Row>,
}

impl Sums {
    fn new(currency: Currency) -> Self {
        Self { currency, rows: Vec::new() }
    }

    fn add(&mut self, label: &str, amount: i64, kind: RowKind) {
        let amount = format!("{} {}", self.currency, self.currency.decimal(amount));
        self.rows.push(Row(kind, label.to_owned(), vec![amount]));
    }

    fn add_taxes(&mut self, taxes: &[TaxSubtotal]) {
        for tax in taxes {
            self.add(&format!("Tax {} % of {}", tax.rate, self.currency.decimal(tax.net)), tax.tax, RowKind::Sum);
        }
    }
}

fn status_label(status: Status) -> &'static str {
    match status {
        Status::Draft => "Draft, not issued",
        Status::Issued => "Issued",
        Status::PartiallyPaid => "Partially paid",
        Status::Paid => "Paid",
        Status::Credited => "Credited in full",
        Status::Void => "Void, not to be paid",
    }
}
