//! Invoices as a client may write them: what is his to say, field by field. Status, number, totals and owner are not, and
//! saying them is refused.

use garde::Validate;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::model::{Content, Status, StepRefused};
use super::quantity;
use super::summary::{Filter, Sort};
use super::totals::{BadLine, Line, Totals};
use crate::base::day;
use crate::base::id::CustomerId;
use crate::base::money::MOST_MINOR_UNITS;
use crate::base::page::Limit;
use crate::http::error::{ApiError, ApiResult};
use crate::http::object::objects;
use crate::http::params::GivenId;
use crate::http::rules;
use crate::http::typed::typed;

pub use super::replies::{InvoicePage, InvoiceView};

/// A draft: its whole content, for creating and for replacing.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "customer_id": "c0000000-0000-4000-8000-000000000001", "currency": "EUR", "due_date": "2030-12-31",
    "notes": "Thank you.",
    "lines": [{"description": "Consulting", "quantity": "1.5", "unit_price": 10000, "discount_basis_points": 0,
        "tax_basis_points": 2100}]
}))]
pub struct InvoiceDraft {
    /// One of your customers.
    #[garde(skip)]
    #[schema(value_type = String, format = Uuid)]
    pub customer_id: GivenId<CustomerId>,
    /// ISO 4217. All amounts are in its minor unit: cents for EUR, yen for JPY, fils for KWD.
    #[garde(custom(rules::currency))]
    #[schema(min_length = 3, max_length = 3, pattern = "^[A-Z]{3}$")]
    pub currency: String,
    /// Not before the day on which it will be issued. Left out, the payment terms of the business set it at issue.
    #[garde(inner(custom(rules::day)))]
    #[schema(format = Date)]
    pub due_date: Option<String>,
    /// Printed below the lines.
    #[serde(default, deserialize_with = "typed")]
    #[garde(length(chars, max = 2000), inner(custom(rules::paragraph)))]
    #[schema(max_length = 2000, format = "paragraph")]
    pub notes: Option<String>,
    /// What is invoiced, in this order.
    #[serde(deserialize_with = "objects")]
    #[garde(length(min = 1, max = 100), dive)]
    #[schema(min_items = 1, max_items = 100)]
    pub lines: Vec<NewLine>,
}

/// A line of a draft.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLine {
    /// On one line.
    #[serde(deserialize_with = "typed")]
    #[garde(length(chars, max = 500), custom(rules::line))]
    #[schema(min_length = 1, max_length = 500, format = "line")]
    pub description: String,
    /// A decimal above zero, of at most nine digits and three decimals.
    #[garde(custom(quantity_rule))]
    #[schema(pattern = r"^[0-9]{1,9}(\.[0-9]{1,3})?$", max_length = 13, example = "1.5")]
    pub quantity: String,
    /// Minor units.
    #[garde(range(min = 0, max = MOST_MINOR_UNITS))]
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    pub unit_price: i64,
    /// Hundredths of a percent: 1000 is 10 %.
    #[serde(default)]
    #[garde(range(min = 0, max = 10_000))]
    #[schema(minimum = 0, maximum = 10_000, default = 0)]
    pub discount_basis_points: i32,
    /// Hundredths of a percent, of what is left after the discount: 2100 is 21 %.
    #[garde(range(min = 0, max = 10_000))]
    #[schema(minimum = 0, maximum = 10_000)]
    pub tax_basis_points: i32,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "garde's signature")]
fn quantity_rule(value: &str, _: &()) -> garde::Result {
    match quantity::thousandths(value) {
        Some(1..) => Ok(()),
        _ => Err(garde::Error::new("must be a decimal above zero, with at most nine digits and three decimals")),
    }
}

impl InvoiceDraft {
    /// The content, and what it comes to.
    ///
    /// # Errors
    /// Names the field that does not fit, and the line at which the sum gets too large.
    pub fn parse(self) -> ApiResult<(Content, Totals)> {
        let lines = self.lines.into_iter().enumerate().map(parse_line).collect::<ApiResult<Vec<_>>>()?;
        let totals = Totals::of(&lines)
            .map_err(|too_much| ApiError::invalid(format!("/lines/{}", too_much.0), "makes the amount too large"))?;
        let content = Content {
            customer: self.customer_id.0,
            currency: self.currency.parse().map_err(|_| ApiError::invalid("/currency", "must be a currency code"))?,
            lines,
            notes: self.notes,
            due_date: self.due_date.as_deref().and_then(day::parse),
        };
        Ok((content, totals))
    }
}

fn parse_line((index, line): (usize, NewLine)) -> ApiResult<Line> {
    let quantity = quantity::thousandths(&line.quantity).unwrap_or(0);
    Line::new(line.description, quantity, line.unit_price, line.discount_basis_points, line.tax_basis_points).map_err(
        |bad| {
            let field = match bad {
                BadLine::Quantity => "quantity",
                BadLine::UnitPrice => "unit_price",
                BadLine::Discount => "discount_basis_points",
                BadLine::Tax => "tax_basis_points",
            };
            ApiError::invalid(format!("/lines/{index}/{field}"), "is out of its bounds")
        },
    )
}

impl From<StepRefused> for ApiError {
    fn from(refused: StepRefused) -> Self {
        let (code, title) = refused.face();
        Self::Conflict { code, title }
    }
}

/// Which invoices, and which page of them.
#[derive(Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InvoiceQuery {
    /// Items a page, 1 to 100; 20 when left out.
    #[serde(default)]
    #[garde(skip)]
    #[param(value_type = u32, minimum = 1, maximum = 100, default = 20, required = false)]
    pub limit: Limit,
    /// The `next_cursor` of the page before, under the same filter.
    #[garde(length(chars, max = 512))]
    #[param(max_length = 512, pattern = "^[A-Za-z0-9_-]+$")]
    pub cursor: Option<String>,
    /// In this state of their life.
    #[garde(skip)]
    #[param(inline, example = "issued")]
    pub status: Option<StatusName>,
    /// Invoices on this customer. An id that is none of your customers' has no invoices.
    #[garde(skip)]
    #[param(value_type = Option<String>, max_length = 36, example = "c0000000-0000-4000-8000-000000000001")]
    pub customer_id: Option<GivenId<CustomerId>>,
    /// Issued on this day or later.
    #[garde(inner(custom(rules::day)))]
    #[param(format = Date)]
    pub issued_from: Option<String>,
    /// Issued on this day or earlier.
    #[garde(inner(custom(rules::day)))]
    #[param(format = Date)]
    pub issued_to: Option<String>,
    /// Due on this day or later.
    #[garde(inner(custom(rules::day)))]
    #[param(format = Date)]
    pub due_from: Option<String>,
    /// Due on this day or earlier.
    #[garde(inner(custom(rules::day)))]
    #[param(format = Date)]
    pub due_to: Option<String>,
    /// Whether something should have been paid before today, in the time zone of the business.
    #[garde(skip)]
    #[param(example = false)]
    pub overdue: Option<bool>,
    /// Part of the number or of the customer's name. Upper and lower case are alike.
    #[serde(default, deserialize_with = "typed")]
    #[garde(length(chars, min = 1, max = 100), inner(custom(rules::line)))]
    #[param(min_length = 1, max_length = 100, format = "line", example = "lighthouse")]
    pub search: Option<String>,
    /// A minus sign is for "largest first". Without a date counts as later than any day.
    #[serde(default)]
    #[garde(skip)]
    #[param(inline, required = false, example = "-due_date")]
    pub sort: SortName,
}

impl InvoiceQuery {
    /// What the list is narrowed to.
    #[must_use]
    pub fn filter(&self) -> Filter {
        let day = |text: &Option<String>| text.as_deref().and_then(day::parse);
        Filter {
            status: self.status.map(Status::from),
            customer: self.customer_id.map(|id| id.0),
            issued_from: day(&self.issued_from),
            issued_to: day(&self.issued_to),
            due_from: day(&self.due_from),
            due_to: day(&self.due_to),
            overdue: self.overdue,
            search: self.search.clone(),
        }
    }
}

/// How a list of invoices is ordered.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
pub enum SortName {
    #[default]
    #[serde(rename = "-created_at")]
    Newest,
    #[serde(rename = "created_at")]
    Oldest,
    #[serde(rename = "-issue_date")]
    IssuedLast,
    #[serde(rename = "issue_date")]
    IssuedFirst,
    #[serde(rename = "-due_date")]
    DueLast,
    #[serde(rename = "due_date")]
    DueFirst,
    #[serde(rename = "-total")]
    Largest,
    #[serde(rename = "total")]
    Smallest,
}

impl From<SortName> for Sort {
    fn from(name: SortName) -> Self {
        match name {
            SortName::Newest => Self::Newest,
            SortName::Oldest => Self::Oldest,
            SortName::IssuedLast => Self::IssuedLast,
            SortName::IssuedFirst => Self::IssuedFirst,
            SortName::DueLast => Self::DueLast,
            SortName::DueFirst => Self::DueFirst,
            SortName::Largest => Self::Largest,
            SortName::Smallest => Self::Smallest,
        }
    }
}

/// Where in its life an invoice is.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatusName {
    Draft,
    Issued,
    PartiallyPaid,
    Paid,
    Void,
}

impl From<StatusName> for Status {
    fn from(name: StatusName) -> Self {
        match name {
            StatusName::Draft => Self::Draft,
            StatusName::Issued => Self::Issued,
            StatusName::PartiallyPaid => Self::PartiallyPaid,
            StatusName::Paid => Self::Paid,
            StatusName::Void => Self::Void,
        }
    }
}
