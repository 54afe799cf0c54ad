//! Mass assignment: a request that contains status, number, totals or owner is refused.

use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::decimals::{Quantity, Rate, UnitPrice};
use super::model::Content;
use super::totals::{Discount, DiscountTooLarge, Line, LineError, Totals, TotalsError};
use crate::base::day;
use crate::base::money::{Currency, MAX_MINOR_UNITS};
use crate::features::customers::id::CustomerId;
use crate::http::error::{ApiError, ApiResult};
use crate::http::object::objects;
use crate::http::params::IdField;
use crate::http::rules;
use crate::http::user_text::user_text;
use crate::http::values::optional_integer;

const QUANTITY: &str = "must be a decimal above zero, with at most nine digits and three decimals";
const RATE: &str = "must be a decimal from 0 to 100 with at most three decimals, for example \"8.875\"";

/// The whole content of a draft.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "customer_id": "c0000000-0000-4000-8000-000000000001", "currency": "EUR", "due_date": "2030-12-31",
    "notes": "Thank you.", "discount_rate": "2.5",
    "lines": [{"description": "Consulting", "quantity": "1.5", "unit_price": "100.00", "discount_rate": null,
        "discount_amount": 500, "tax_rate": "21"}]
}))]
pub struct InvoiceDraft {
    /// The id of one of your customers.
    #[garde(skip)]
    #[schema(value_type = String, format = Uuid)]
    pub customer_id: IdField<CustomerId>,
    /// The currency code (ISO 4217). All amounts are in its minor unit: cents for EUR, yen for JPY, fils for KWD.
    #[garde(custom(rules::currency))]
    #[schema(min_length = 3, max_length = 3, pattern = "^[A-Z]{3}$")]
    pub currency: String,
    /// The due date. It must not be before the issue date.
    /// If the draft has no due date, the payment terms of the business determine it when the invoice is issued.
    #[garde(inner(custom(rules::day)))]
    #[schema(format = Date)]
    pub due_date: Option<String>,
    /// Notes that are printed below the lines.
    #[serde(default, deserialize_with = "user_text")]
    #[garde(length(chars, max = 2000), inner(custom(rules::paragraph)))]
    #[schema(max_length = 2000, format = "paragraph")]
    pub notes: Option<String>,
    /// The lines, in the order in which the invoice shows them.
    #[serde(deserialize_with = "objects")]
    #[garde(length(min = 1, max = 100), dive)]
    #[schema(min_items = 1, max_items = 100)]
    pub lines: Vec<NewLine>,
    /// The discount on the whole invoice, in percent of the sum of the lines after their own discounts.
    /// The service distributes the discount over the tax rates.
    #[garde(inner(custom(rate_rule)))]
    #[schema(max_length = 7, pattern = r"^(100(\.0{1,3})?|[0-9]{1,2}(\.[0-9]{1,3})?)$")]
    pub discount_rate: Option<String>,
    /// The discount on the whole invoice in minor units, at most the sum of the lines after their own discounts.
    /// A request cannot contain both `discount_amount` and `discount_rate`.
    #[serde(default, deserialize_with = "optional_integer")]
    #[garde(range(min = 0, max = MAX_MINOR_UNITS))]
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64, example = json!(null))]
    pub discount_amount: Option<i64>,
}

/// A line of a draft.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLine {
    /// The item or service, without line breaks.
    #[serde(deserialize_with = "user_text")]
    #[garde(length(chars, max = 500), custom(rules::line))]
    #[schema(min_length = 1, max_length = 500, format = "line")]
    pub description: String,
    /// The quantity: a decimal above zero, with at most nine digits before the point and three after the point.
    #[garde(custom(quantity_rule))]
    #[schema(pattern = r"^(?=.*[1-9])[0-9]{1,9}(\.[0-9]{1,3})?$", max_length = 13, example = "1.5")]
    pub quantity: String,
    /// The price per unit in the currency's major unit.
    /// The price can have four decimals more than the currency: "0.164825" in EUR, "4.5" in JPY.
    #[garde(skip)]
    #[schema(pattern = r"^[0-9]{1,14}(\.[0-9]{1,8})?$", max_length = 19, example = "100.00")]
    pub unit_price: String,
    /// The discount in percent of quantity × unit price.
    #[garde(inner(custom(rate_rule)))]
    #[schema(max_length = 7, pattern = r"^(100(\.0{1,3})?|[0-9]{1,2}(\.[0-9]{1,3})?)$", example = json!(null))]
    pub discount_rate: Option<String>,
    /// The discount in minor units, at most quantity × unit price.
    /// A line cannot contain both `discount_amount` and `discount_rate`.
    #[serde(default, deserialize_with = "optional_integer")]
    #[garde(range(min = 0, max = MAX_MINOR_UNITS))]
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    pub discount_amount: Option<i64>,
    /// The tax rate in percent of the amount after discounts, for example "21" or "8.875".
    #[garde(custom(rate_rule))]
    #[schema(max_length = 7, pattern = r"^(100(\.0{1,3})?|[0-9]{1,2}(\.[0-9]{1,3})?)$", example = "21")]
    pub tax_rate: String,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "garde's signature")]
fn quantity_rule(value: &str, _: &()) -> garde::Result {
    value.parse::<Quantity>().map(drop).map_err(|_| garde::Error::new(QUANTITY))
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "garde's signature")]
fn rate_rule(value: &str, _: &()) -> garde::Result {
    value.parse::<Rate>().map(drop).map_err(|_| garde::Error::new(RATE))
}

impl InvoiceDraft {
    /// Returns the content and its totals. If the sum becomes too large at a line, the error points to this line.
    pub fn parse(self) -> ApiResult<(Content, Totals)> {
        let currency = self.currency.parse().map_err(|_| ApiError::invalid("/currency", "must be a currency code"))?;
        let lines = self.lines.into_iter().enumerate();
        let lines = lines.map(|(index, line)| line.parse(index, currency)).collect::<ApiResult<Vec<_>>>()?;
        let discount = discount("", self.discount_rate.as_deref(), self.discount_amount)?;
        let totals = Totals::of(&lines, discount).map_err(|bad| match bad {
            TotalsError::OverflowAtLine(index) => overflow_error(format!("/lines/{index}")),
            TotalsError::Overflow => overflow_error("/lines".to_owned()),
            TotalsError::Discount(DiscountTooLarge) => {
                ApiError::invalid("/discount_amount", "must be at most the sum of the lines after their discounts")
            }
        })?;
        let content = Content {
            customer: self.customer_id.0,
            currency,
            lines,
            discount,
            notes: self.notes,
            due_date: self.due_date.as_deref().and_then(day::parse),
        };
        Ok((content, totals))
    }
}

impl NewLine {
    fn parse(self, index: usize, currency: Currency) -> ApiResult<Line> {
        let at = |field: &str| format!("/lines/{index}{field}");
        let quantity = self.quantity.parse().map_err(|_| ApiError::invalid(at("/quantity"), QUANTITY))?;
        let unit_price = UnitPrice::parse(&self.unit_price, currency).map_err(|_| {
            let (digits, decimals) = UnitPrice::digits(currency);
            let expected =
                format!("must be a decimal with at most {digits} digits and {decimals} decimals in {currency}, for example \"100\"");
            ApiError::invalid(at("/unit_price"), expected)
        })?;
        let discount = discount(&at(""), self.discount_rate.as_deref(), self.discount_amount)?;
        let tax_rate = self.tax_rate.parse().map_err(|_| ApiError::invalid(at("/tax_rate"), RATE))?;
        Line::new(self.description, quantity, unit_price, discount, tax_rate).map_err(|bad| match bad {
            LineError::Overflow => overflow_error(at("")),
            LineError::Discount(DiscountTooLarge) => {
                ApiError::invalid(at("/discount_amount"), "must be at most quantity × unit price")
            }
        })
    }
}

fn overflow_error(pointer: String) -> ApiError {
    ApiError::invalid(pointer, "makes the amount too large")
}

/// `at` is the JSON pointer of the discounted object in the request.
fn discount(at: &str, rate: Option<&str>, amount: Option<i64>) -> ApiResult<Option<Discount>> {
    match (rate, amount) {
        (Some(_), Some(_)) => {
            Err(ApiError::invalid(format!("{at}/discount_amount"), "cannot be combined with discount_rate"))
        }
        (Some(rate), None) => match rate.parse() {
            Ok(rate) => Ok(Some(Discount::Rate(rate))),
            Err(_) => Err(ApiError::invalid(format!("{at}/discount_rate"), RATE)),
        },
        (None, amount) => Ok(amount.map(Discount::Amount)),
    }
}
