//! Converts rows of invoices to and from model types.
//! If a stored value is invalid, the conversion returns an internal error.
//! The service never writes an invalid value, but an operator could change a row by hand.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use sqlx::types::Json;
use uuid::Uuid;

use super::decimals::{Quantity, Rate, UnitPrice};
use super::model::{Content, Invoice, InvoiceState};
use super::summary::{StatusTotal, Summary};
use super::totals::{Discount, Line, Totals};
use crate::http::error::{ApiError, ApiResult};

pub(super) struct Row {
    pub id: Uuid,
    pub customer_id: Uuid,
    pub status: String,
    pub number: Option<String>,
    pub currency: String,
    pub notes: Option<String>,
    pub discount_rate_millipercent: Option<i32>,
    pub discount_amount: Option<i64>,
    pub issue_date: Option<NaiveDate>,
    pub due_date: Option<NaiveDate>,
    pub subtotal: i64,
    pub discount_total: i64,
    pub tax_total: i64,
    pub total: i64,
    pub paid: i64,
    pub credited: i64,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub lines: Json<Vec<LineRow>>,
}

#[derive(Deserialize)]
pub(super) struct LineRow {
    description: String,
    quantity_thousandths: i64,
    unit_price_ten_thousandths: i64,
    discount_rate_millipercent: Option<i32>,
    discount_amount: Option<i64>,
    tax_rate_millipercent: i32,
}

pub(super) struct SummaryRow {
    pub id: Uuid,
    pub customer_id: Uuid,
    pub status: String,
    pub number: Option<String>,
    pub currency: String,
    pub issue_date: Option<NaiveDate>,
    pub due_date: Option<NaiveDate>,
    pub total: i64,
    pub paid: i64,
    pub credited: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

pub(super) struct StatusTotalRow {
    pub status: String,
    pub currency: String,
    pub invoices: i64,
    pub total: i64,
    pub due: i64,
}

pub(super) struct ExportRow {
    pub id: Uuid,
    pub number: Option<String>,
    pub status: String,
    pub issue_date: Option<NaiveDate>,
    pub due_date: Option<NaiveDate>,
    pub customer_id: Uuid,
    pub customer_name: String,
    pub currency: String,
    pub subtotal: i64,
    pub discount_total: i64,
    pub tax_total: i64,
    pub total: i64,
    pub paid: i64,
    pub credited: i64,
    pub created_at: DateTime<Utc>,
}

fn invalid_row() -> ApiError {
    ApiError::internal("stored invoice is invalid")
}

fn discount(millipercent: Option<i32>, amount: Option<i64>) -> ApiResult<Option<Discount>> {
    let rate = |millipercent| Rate::from_millipercent(millipercent).map(Discount::Rate).ok_or_else(invalid_row);
    millipercent.map(rate).transpose().map(|rate| rate.or(amount.map(Discount::Amount)))
}

impl TryFrom<LineRow> for Line {
    type Error = ApiError;

    fn try_from(row: LineRow) -> ApiResult<Self> {
        let quantity = Quantity::from_thousandths(row.quantity_thousandths).ok_or_else(invalid_row)?;
        let price = UnitPrice::from_ten_thousandths(row.unit_price_ten_thousandths).ok_or_else(invalid_row)?;
        let discount = discount(row.discount_rate_millipercent, row.discount_amount)?;
        let tax_rate = Rate::from_millipercent(row.tax_rate_millipercent).ok_or_else(invalid_row)?;
        Self::new(row.description, quantity, price, discount, tax_rate).map_err(|_| invalid_row())
    }
}

impl TryFrom<Row> for Invoice {
    type Error = ApiError;

    fn try_from(row: Row) -> ApiResult<Self> {
        let lines = row.lines.0.into_iter().map(Line::try_from).collect::<ApiResult<Vec<_>>>()?;
        // Use the stored sums, because a later change of the rounding rules must not change issued invoices.
        let discount = discount(row.discount_rate_millipercent, row.discount_amount)?;
        let totals = Totals {
            subtotal: row.subtotal,
            discount: row.discount_total,
            tax: row.tax_total,
            total: row.total,
            ..Totals::of(&lines, discount).map_err(|_| invalid_row())?
        };
        let content = Content {
            customer: row.customer_id.into(),
            currency: row.currency.parse().map_err(|_| invalid_row())?,
            lines,
            discount,
            notes: row.notes,
            due_date: row.due_date,
        };
        let state = InvoiceState {
            status: row.status.parse().map_err(|_| invalid_row())?,
            number: row.number,
            issue_date: row.issue_date,
            paid: row.paid,
            credited: row.credited,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        };
        Ok(Self::from_stored(row.id.into(), content, totals, state))
    }
}

impl TryFrom<SummaryRow> for Summary {
    type Error = ApiError;

    fn try_from(row: SummaryRow) -> ApiResult<Self> {
        Ok(Self {
            id: row.id.into(),
            customer: row.customer_id.into(),
            status: row.status.parse().map_err(|_| invalid_row())?,
            number: row.number,
            currency: row.currency.parse().map_err(|_| invalid_row())?,
            issue_date: row.issue_date,
            due_date: row.due_date,
            total: row.total,
            paid: row.paid,
            credited: row.credited,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

impl TryFrom<StatusTotalRow> for StatusTotal {
    type Error = ApiError;

    fn try_from(row: StatusTotalRow) -> ApiResult<Self> {
        Ok(Self {
            status: row.status.parse().map_err(|_| invalid_row())?,
            currency: row.currency.parse().map_err(|_| invalid_row())?,
            invoices: row.invoices,
            total: row.total,
            due: row.due,
        })
    }
}

/// Returns the values of `discount_rate_millipercent` and `discount_amount`. At most one of the two is set.
pub(super) fn discount_columns(discount: Option<Discount>) -> (Option<i32>, Option<i64>) {
    match discount {
        Some(Discount::Rate(rate)) => (Some(rate.millipercent()), None),
        Some(Discount::Amount(amount)) => (None, Some(amount)),
        None => (None, None),
    }
}

/// The lines of an invoice as one array for each column, so that a single statement can insert all lines.
#[derive(Default)]
pub(super) struct LineColumns {
    pub positions: Vec<i32>,
    pub descriptions: Vec<String>,
    pub quantities: Vec<i64>,
    pub prices: Vec<i64>,
    pub discount_rates: Vec<Option<i32>>,
    pub discount_amounts: Vec<Option<i64>>,
    pub tax_rates: Vec<i32>,
}

impl LineColumns {
    pub fn of(lines: &[Line]) -> Self {
        let mut columns = Self::default();
        for (position, line) in (1..).zip(lines) {
            let (discount_rate, discount_amount) = discount_columns(line.discount());
            columns.positions.push(position);
            columns.descriptions.push(line.description().to_owned());
            columns.quantities.push(line.quantity().thousandths());
            columns.prices.push(line.unit_price().ten_thousandths());
            columns.discount_rates.push(discount_rate);
            columns.discount_amounts.push(discount_amount);
            columns.tax_rates.push(line.tax_rate().millipercent());
        }
        columns
    }
}
