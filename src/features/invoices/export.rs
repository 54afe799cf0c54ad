//! `GET invoices/export`: invoices as CSV, streamed in constant memory.
//!
//! The export reads the rows in batches. The transaction of a batch ends before the service sends the batch.
//! So a slow client does not occupy a database connection.
//! An invoice that changes during the export appears once, with its old or its new data.

use std::future::ready;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Bytes, Data};
use chrono::{NaiveDate, SecondsFormat};
use csv::Writer;
use futures_util::{StreamExt, TryStreamExt, stream};
use garde::Validate;
use serde::Deserialize;
use utoipa::IntoParams;

use super::model::Status;
use super::rows::ExportRow;
use super::store::InvoiceStore;
use super::summary::Filter;
use crate::base::day;
use crate::base::money::Currency;
use crate::base::page::Position;
use crate::features::customers::id::CustomerId;
use crate::http::error::{ApiError, ApiResult};
use crate::http::file_reply::{Csv, File};
use crate::http::params::{IdField, QueryFields};
use crate::http::rules;
use crate::security::files::csv_injection;
use crate::security::sessions::caller::{Authenticator, Caller};

const COLUMNS: [&str; 15] = [
    "id",
    "number",
    "status",
    "issue_date",
    "due_date",
    "customer_id",
    "customer_name",
    "currency",
    "subtotal",
    "discount_total",
    "tax_total",
    "total",
    "paid",
    "credited",
    "created_at",
];

/// The byte order mark (BOM), by which Excel recognizes UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The query parameters of the export.
#[derive(Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    /// Only invoices with this status.
    #[garde(skip)]
    #[param(inline, example = "issued")]
    pub status: Option<Status>,
    /// Only invoices of this customer. If you have no customer with this id, no invoice matches.
    #[garde(skip)]
    #[param(value_type = Option<String>, max_length = 36, example = "c0000000-0000-4000-8000-000000000001")]
    pub customer_id: Option<IdField<CustomerId>>,
    /// Only invoices that were issued on this day or later.
    #[garde(inner(custom(rules::day)))]
    #[param(format = Date)]
    pub issued_from: Option<String>,
    /// Only invoices that were issued on this day or earlier.
    #[garde(inner(custom(rules::day)))]
    #[param(format = Date)]
    pub issued_to: Option<String>,
    /// Whether the file begins with a byte order mark, by which Excel recognizes UTF-8. The default is true.
    #[garde(skip)]
    #[param(example = true)]
    pub bom: Option<bool>,
}

impl ExportQuery {
    fn filter(&self) -> Filter {
        let day = |text: &Option<String>| text.as_deref().and_then(day::parse);
        Filter {
            status: self.status,
            customer: self.customer_id.map(|id| id.0),
            issued_from: day(&self.issued_from),
            issued_to: day(&self.issued_to),
            ..Filter::default()
        }
    }
}

/// The next batch of an export: either its rows, or the position after which the rows must be read.
enum NextBatch {
    Loaded(Vec<ExportRow>),
    After(Position),
}

/// The first batch is read before the response begins. So the response is 503 if the database is unavailable.
/// A later error aborts the transfer, so that a client cannot mistake a part of the file for the whole file.
/// The caller's token and login session are checked before each batch, because they can end during a long export.
pub async fn export(
    caller: Caller,
    QueryFields(query): QueryFields<ExportQuery>,
    invoices: Data<InvoiceStore>,
    authenticator: Data<Authenticator>,
) -> ApiResult<File<Csv>> {
    let filter = query.filter();
    let first = NextBatch::Loaded(invoices.export(&caller, &filter, Position::end()).await?);
    let byte_order_mark = if query.bom.unwrap_or(true) { BYTE_ORDER_MARK } else { b"" };
    let head = Bytes::from([byte_order_mark, &bytes(|out| out.write_record(COLUMNS))?].concat());
    let batches = stream::try_unfold(first, move |next| {
        let (caller, filter, invoices) = (caller.clone(), filter.clone(), invoices.clone());
        let authenticator = authenticator.clone();
        async move {
            let rows = match next {
                NextBatch::Loaded(rows) => rows,
                NextBatch::After(position) => {
                    authenticator.check_still_valid(&caller).await?;
                    invoices.export(&caller, &filter, position).await?
                }
            };
            let Some(last) = rows.last() else { return Ok(None) };
            let after = Position { created_at: last.created_at, id: last.id };
            let batch = bytes(|out| rows.iter().try_for_each(|row| out.write_record(cells(row))))?;
            Ok::<_, ApiError>(Some((batch, NextBatch::After(after))))
        }
    });
    let body = stream::once(ready(Ok(head)))
        .chain(batches)
        .inspect_err(
            |error| tracing::error!(%error, "failed to read a batch of an invoice export; aborted the transfer"),
        )
        .map_err(actix_web::Error::from);
    let mut reply = HttpResponse::Ok();
    reply.insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"invoices.csv\""));
    Ok(File::of(reply.streaming(body)))
}

fn bytes(write: impl FnOnce(&mut Writer<Vec<u8>>) -> csv::Result<()>) -> ApiResult<Bytes> {
    let mut out = csv_injection::writer();
    write(&mut out).map_err(ApiError::internal)?;
    Ok(out.into_inner().map_err(ApiError::internal)?.into())
}

/// Amounts are decimals in the major unit, as spreadsheets expect them.
fn cells(row: &ExportRow) -> [String; COLUMNS.len()] {
    let day = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
    let amount = |minor| row.currency.parse::<Currency>().map_or_else(|_| String::new(), |it| it.decimal(minor));
    [
        row.id.to_string(),
        row.number.clone().unwrap_or_default(),
        row.status.clone(),
        day(row.issue_date),
        day(row.due_date),
        row.customer_id.to_string(),
        csv_injection::escape_cell(&row.customer_name).into_owned(),
        row.currency.clone(),
        amount(row.subtotal),
        amount(row.discount_total),
        amount(row.tax_total),
        amount(row.total),
        amount(row.paid),
        amount(row.credited),
        row.created_at.to_rfc3339_opts(SecondsFormat::Micros, true),
    ]
}
