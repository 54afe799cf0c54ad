//! Invoices as the tables have them. A row that breaks the rules was written by somebody else: it is not shown as if it were
//! sound.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use sqlx::types::Json;
use uuid::Uuid;

use super::model::{Content, Invoice, Life, Status};
use super::summary::Summary;
use super::totals::{Line, Totals};
use crate::http::error::{ApiError, ApiResult};

pub(super) struct Row {
    pub id: Uuid,
    pub customer_id: Uuid,
    pub status: String,
    pub number: Option<String>,
    pub currency: String,
    pub notes: Option<String>,
    pub issue_date: Option<NaiveDate>,
    pub due_date: Option<NaiveDate>,
    pub subtotal: i64,
    pub discount_total: i64,
    pub tax_total: i64,
    pub total: i64,
    pub paid: i64,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub lines: Json<Vec<LineRow>>,
}

#[derive(Deserialize)]
pub(super) struct LineRow {
    description: String,
    quantity_thousandths: i64,
    unit_price: i64,
    discount_basis_points: i32,
    tax_basis_points: i32,
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
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// One line of an export.
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
    pub created_at: DateTime<Utc>,
}

fn unsound() -> ApiError {
    ApiError::internal("an invoice's row breaks the rules")
}

impl TryFrom<LineRow> for Line {
    type Error = ApiError;

    fn try_from(row: LineRow) -> ApiResult<Self> {
        let LineRow { description, quantity_thousandths, unit_price, discount_basis_points, tax_basis_points } = row;
        Self::new(description, quantity_thousandths, unit_price, discount_basis_points, tax_basis_points)
            .map_err(|_| unsound())
    }
}

impl TryFrom<Row> for Invoice {
    type Error = ApiError;

    fn try_from(row: Row) -> ApiResult<Self> {
        let lines = row.lines.0.into_iter().map(Line::try_from).collect::<ApiResult<Vec<_>>>()?;
        // What was invoiced stays what it was, even if the rule of rounding changes one day: the sums are those that were kept.
        let totals = Totals {
            subtotal: row.subtotal,
            discount: row.discount_total,
            tax: row.tax_total,
            total: row.total,
            taxes: Totals::of(&lines).map_err(|_| unsound())?.taxes,
        };
        let content = Content {
            customer: row.customer_id.into(),
            currency: row.currency.parse().map_err(|_| unsound())?,
            lines,
            notes: row.notes,
            due_date: row.due_date,
        };
        let life = Life {
            status: Status::of_word(&row.status).ok_or_else(unsound)?,
            number: row.number,
            issue_date: row.issue_date,
            paid: row.paid,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        };
        Ok(Self::kept(row.id.into(), content, totals, life))
    }
}

impl TryFrom<SummaryRow> for Summary {
    type Error = ApiError;

    fn try_from(row: SummaryRow) -> ApiResult<Self> {
        Ok(Self {
            id: row.id.into(),
            customer: row.customer_id.into(),
            status: Status::of_word(&row.status).ok_or_else(unsound)?,
            number: row.number,
            currency: row.currency.parse().map_err(|_| unsound())?,
            issue_date: row.issue_date,
            due_date: row.due_date,
            total: row.total,
            paid: row.paid,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// Lines as columns, for one insert of them all.
#[derive(Default)]
pub(super) struct LineColumns {
    pub positions: Vec<i32>,
    pub descriptions: Vec<String>,
    pub quantities: Vec<i64>,
    pub prices: Vec<i64>,
    pub discounts: Vec<i32>,
    pub taxes: Vec<i32>,
}

impl LineColumns {
    pub fn of(lines: &[Line]) -> Self {
        let mut columns = Self::default();
        for (position, line) in (1..).zip(lines) {
            columns.positions.push(position);
            columns.descriptions.push(line.description().to_owned());
            columns.quantities.push(line.quantity_thousandths());
            columns.prices.push(line.unit_price());
            columns.discounts.push(line.discount_basis_points());
            columns.taxes.push(line.tax_basis_points());
        }
        columns
    }
}
