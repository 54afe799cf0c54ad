//! SQL of credit notes. Every statement filters by the caller's id.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use uuid::Uuid;

use super::super::decimals::Rate;
use super::super::model::Invoice;
use super::super::store::{InvoiceStore, InvoiceTx};
use super::super::totals::TaxSubtotal;
use super::model::{Credit, CreditNote, CreditNoteHeader, CreditedLine, NetByLine};
use crate::base::id::UserId;
use crate::base::page::{Limit, Position};
use crate::db::{owner_query, owner_query_as};
use crate::features::invoices::id::{CreditNoteId, InvoiceId};
use crate::http::error::{ApiError, ApiResult};
use crate::security::limits::row_quotas::count_rows;
use crate::security::sessions::caller::Caller;

count_rows!(CreditNoteHeader, "credit_notes");

#[derive(Debug, Serialize, Deserialize)]
struct LineJson {
    line: i32,
    description: String,
    tax_rate_millipercent: i32,
    net: i64,
}

#[derive(Debug, Serialize, Deserialize)]
struct TaxJson {
    rate_millipercent: i32,
    net: i64,
    tax: i64,
}

struct HeaderRow {
    id: Uuid,
    invoice_id: Uuid,
    number: String,
    issue_date: NaiveDate,
    currency: String,
    total: i64,
    created_at: DateTime<Utc>,
}

fn invalid_row() -> ApiError {
    ApiError::internal("stored credit note is invalid")
}

fn rate(millipercent: i32) -> ApiResult<Rate> {
    Rate::from_millipercent(millipercent).ok_or_else(invalid_row)
}

impl TryFrom<HeaderRow> for CreditNoteHeader {
    type Error = ApiError;

    fn try_from(row: HeaderRow) -> ApiResult<Self> {
        let HeaderRow { id, invoice_id, number, issue_date, currency, total, created_at } = row;
        let currency = currency.parse().map_err(|_| invalid_row())?;
        Ok(Self { id: id.into(), invoice: invoice_id.into(), number, issue_date, currency, total, created_at })
    }
}

impl TryFrom<LineJson> for CreditedLine {
    type Error = ApiError;

    fn try_from(row: LineJson) -> ApiResult<Self> {
        let LineJson { line, description, tax_rate_millipercent, net } = row;
        Ok(Self { line, description, tax_rate: rate(tax_rate_millipercent)?, net })
    }
}

impl TryFrom<TaxJson> for TaxSubtotal {
    type Error = ApiError;

    fn try_from(row: TaxJson) -> ApiResult<Self> {
        Ok(Self { rate: rate(row.rate_millipercent)?, net: row.net, tax: row.tax })
    }
}

impl InvoiceTx<'_> {
    /// Returns the credited net amount of each line.
    /// Lock the invoice first, so that no parallel request can add a credit note.
    pub async fn credited_by_line(&mut self, invoice: InvoiceId) -> ApiResult<NetByLine> {
        let owner = self.caller().user().uuid();
        let rows = sqlx::query!(
            r#"select (line ->> 'line')::integer as "line!", sum((line ->> 'net')::bigint)::bigint as "net!"
               from credit_notes n cross join lateral jsonb_array_elements(n.lines) as lines (line)
               where n.owner_id = $1 and n.invoice_id = $2 group by 1"#,
            owner,
            invoice.uuid()
        )
        .fetch_all(self.connection())
        .await?;
        Ok(rows.into_iter().map(|row| (row.line, row.net)).collect())
    }

    /// Inserts a credit note on a locked invoice. The database assigns the number of the credit note.
    /// The same transaction must also save the invoice's new state ([`Self::save_state`]).
    pub async fn insert_credit_note(
        &mut self,
        id: CreditNoteId,
        invoice: &Invoice,
        credit: Credit,
        reason: Option<String>,
        day: NaiveDate,
        now: DateTime<Utc>,
    ) -> ApiResult<CreditNote> {
        let owner = self.caller().user().uuid();
        let lines: Vec<_> = credit
            .lines
            .iter()
            .map(|line| LineJson {
                line: line.line,
                description: line.description.clone(),
                tax_rate_millipercent: line.tax_rate.millipercent(),
                net: line.net,
            })
            .collect();
        let tax =
            |tax: &TaxSubtotal| TaxJson { rate_millipercent: tax.rate.millipercent(), net: tax.net, tax: tax.tax };
        let taxes: Vec<_> = credit.taxes.iter().map(tax).collect();
        let number = sqlx::query_scalar!(
            "insert into credit_notes (id, owner_id, invoice_id, issue_date, reason, lines, taxes, net, tax_total, total,
                 created_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) returning number",
            id.uuid(),
            owner,
            invoice.id().uuid(),
            day,
            reason,
            Json(lines) as _,
            Json(taxes) as _,
            credit.net,
            credit.tax,
            credit.total(),
            now
        )
        .fetch_one(self.connection())
        .await?;
        let header = CreditNoteHeader {
            id,
            invoice: invoice.id(),
            number,
            issue_date: day,
            currency: invoice.content().currency,
            total: credit.total(),
            created_at: now,
        };
        let invoice_number = invoice.state().number.clone().unwrap_or_default();
        Ok(CreditNote { header, invoice_number, reason, credit })
    }
}

impl InvoiceStore {
    /// If there is a next page, the result has one row more than a page.
    pub async fn credit_notes(
        &self,
        caller: &Caller,
        invoice: Option<InvoiceId>,
        after: Position,
        limit: Limit,
    ) -> ApiResult<Vec<CreditNoteHeader>> {
        // The list of all credit notes and the list of one invoice need separate statements.
        // So each statement can use its own index and read only the rows of the page.
        let rows = match invoice {
            None => {
                owner_query_as!(
                    HeaderRow,
                    caller.user(),
                    "select n.id, n.invoice_id, n.number, n.issue_date, i.currency, n.total, n.created_at
                 from credit_notes n join invoices i on i.owner_id = $1 and i.id = n.invoice_id
                 where n.owner_id = $1 and (n.created_at, n.id) < ($2, $3)
                 order by n.created_at desc, n.id desc limit $4",
                    after.created_at,
                    after.id,
                    limit.rows()
                )
                .fetch_all(&self.pool)
                .await?
            }
            Some(invoice) => {
                owner_query_as!(
                    HeaderRow,
                    caller.user(),
                    "select n.id, n.invoice_id, n.number, n.issue_date, i.currency, n.total, n.created_at
                 from credit_notes n join invoices i on i.owner_id = $1 and i.id = n.invoice_id
                 where n.owner_id = $1 and (n.created_at, n.id) < ($2, $3) and n.invoice_id = $5
                 order by n.created_at desc, n.id desc limit $4",
                    after.created_at,
                    after.id,
                    limit.rows(),
                    invoice.uuid()
                )
                .fetch_all(&self.pool)
                .await?
            }
        };
        rows.into_iter().map(CreditNoteHeader::try_from).collect()
    }

    pub async fn credit_note(&self, caller: &Caller, id: CreditNoteId) -> ApiResult<CreditNote> {
        let row = owner_query!(
            caller.user(),
            r#"select n.id, n.invoice_id, n.number, n.issue_date, i.currency, n.total, n.created_at,
                   i.number as "invoice_number!", n.reason, n.net, n.tax_total,
                   n.lines as "lines: Json<Vec<LineJson>>", n.taxes as "taxes: Json<Vec<TaxJson>>"
               from credit_notes n join invoices i on i.owner_id = $1 and i.id = n.invoice_id
               where n.owner_id = $1 and n.id = $2"#,
            id.uuid()
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(ApiError::NotFound)?;
        let credit = Credit {
            lines: row.lines.0.into_iter().map(CreditedLine::try_from).collect::<ApiResult<_>>()?,
            taxes: row.taxes.0.into_iter().map(TaxSubtotal::try_from).collect::<ApiResult<_>>()?,
            net: row.net,
            tax: row.tax_total,
        };
        let header = HeaderRow {
            id: row.id,
            invoice_id: row.invoice_id,
            number: row.number,
            issue_date: row.issue_date,
            currency: row.currency,
            total: row.total,
            created_at: row.created_at,
        };
        Ok(CreditNote { header: header.try_into()?, invoice_number: row.invoice_number, reason: row.reason, credit })
    }
}
