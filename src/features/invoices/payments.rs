use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::base::day;
use crate::base::money::MAX_MINOR_UNITS;
use crate::base::page::Position;
use crate::features::invoices::id::PaymentId;
use crate::http::error::{ApiError, ApiResult};
use crate::http::rules;
use crate::http::user_text::user_text;
use crate::http::values::{integer, variant};

/// The payment method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentMethod {
    BankTransfer,
    Card,
    Cash,
    DirectDebit,
    Other,
}

impl PaymentMethod {
    const ALL: [Self; 5] = [Self::BankTransfer, Self::Card, Self::Cash, Self::DirectDebit, Self::Other];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BankTransfer => "bank_transfer",
            Self::Card => "card",
            Self::Cash => "cash",
            Self::DirectDebit => "direct_debit",
            Self::Other => "other",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownPaymentMethod;

impl FromStr for PaymentMethod {
    type Err = UnknownPaymentMethod;

    fn from_str(text: &str) -> Result<Self, UnknownPaymentMethod> {
        Self::ALL.into_iter().find(|method| method.as_str() == text).ok_or(UnknownPaymentMethod)
    }
}

#[derive(Clone, Debug)]
pub struct Payment {
    pub id: PaymentId,
    /// In minor units of the invoice's currency.
    pub amount: i64,
    pub paid_on: NaiveDate,
    pub method: PaymentMethod,
    pub reference: Option<String>,
    pub created_at: DateTime<Utc>,
}

impl Payment {
    #[must_use]
    pub fn position(&self) -> Position {
        Position { created_at: self.created_at, id: self.id.uuid() }
    }
}

/// A request to record a payment.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"amount": 10000, "paid_on": "2026-12-15", "method": "bank_transfer", "reference": "INV-2026-0001"}))]
pub struct NewPayment {
    /// The amount in minor units of the invoice's currency, at most the amount due.
    #[serde(deserialize_with = "integer")]
    #[garde(range(min = 1, max = MAX_MINOR_UNITS))]
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    amount: i64,
    /// The day on which the payment was received.
    #[garde(custom(rules::day))]
    #[schema(format = Date)]
    paid_on: String,
    #[serde(deserialize_with = "variant")]
    #[garde(skip)]
    #[schema(inline)]
    method: PaymentMethod,
    /// The reference of a bank transfer, or the number of a receipt.
    #[serde(default, deserialize_with = "user_text")]
    #[garde(length(chars, max = 140), inner(custom(rules::line)))]
    #[schema(min_length = 1, max_length = 140, format = "line")]
    reference: Option<String>,
}

impl NewPayment {
    /// The validation of the request has already refused an invalid `paid_on`.
    pub fn parse(self, now: DateTime<Utc>) -> ApiResult<Payment> {
        let paid_on = day::parse(&self.paid_on).ok_or_else(|| ApiError::invalid("/paid_on", "must be a day"))?;
        let Self { amount, method, reference, .. } = self;
        Ok(Payment { id: PaymentId::new(), amount, paid_on, method, reference, created_at: now })
    }
}

/// A payment.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"amount": 10000, "method": "bank_transfer", "reference": "INV-2026-0001"}))]
pub struct PaymentView {
    #[schema(value_type = String, format = Uuid)]
    id: PaymentId,
    /// The amount in minor units.
    amount: i64,
    /// The day on which the payment was received.
    paid_on: NaiveDate,
    #[schema(inline)]
    method: PaymentMethod,
    /// The reference of a bank transfer, or the number of a receipt.
    #[schema(required = true, max_length = 140, format = "line")]
    reference: Option<String>,
    created_at: DateTime<Utc>,
}

impl From<Payment> for PaymentView {
    fn from(payment: Payment) -> Self {
        let Payment { id, amount, paid_on, method, reference, created_at } = payment;
        Self { id, amount, paid_on, method, reference, created_at }
    }
}
