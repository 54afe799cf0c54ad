//! The request types refuse unknown fields (mass assignment).

use chrono::{DateTime, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{Change, Customer, Details};
use crate::base::email::EmailAddress;
use crate::base::money::Currency;
use crate::base::page::Position;
use crate::features::customers::id::CustomerId;
use crate::features::resources::Resource;
use crate::http::error::{ApiError, ApiResult};
use crate::http::partial::present;
use crate::http::rules;
use crate::http::user_text::{present_user_text, user_text};

/// A customer to create.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Acme Ltd", "email": "billing@acme.example", "address": "1 Road\nTown", "tax_id": "NL001234567B01",
    "default_currency": "EUR"
}))]
pub struct NewCustomer {
    /// The name of the customer, without line breaks.
    #[serde(deserialize_with = "user_text")]
    #[garde(length(chars, max = 200), custom(rules::line))]
    #[schema(min_length = 1, max_length = 200, format = "line")]
    pub name: String,
    /// The email address, printed on invoices. The service sends no mail to it.
    #[garde(inner(custom(rules::email)))]
    #[schema(max_length = 100, format = Email)]
    pub email: Option<String>,
    /// The postal address. It may have several lines.
    #[serde(default, deserialize_with = "user_text")]
    #[garde(length(chars, max = 500), inner(custom(rules::paragraph)))]
    #[schema(max_length = 500, format = "paragraph")]
    pub address: Option<String>,
    /// The tax id, in the format of the customer's country.
    #[serde(default, deserialize_with = "user_text")]
    #[garde(length(chars, max = 50), inner(custom(rules::line)))]
    #[schema(min_length = 1, max_length = 50, format = "line")]
    pub tax_id: Option<String>,
    /// The currency code (ISO 4217) that clients suggest for new invoices.
    #[garde(custom(rules::currency))]
    #[schema(min_length = 3, max_length = 3, pattern = "^[A-Z]{3}$")]
    pub default_currency: String,
}

impl TryFrom<NewCustomer> for Details {
    type Error = ApiError;

    fn try_from(new: NewCustomer) -> ApiResult<Self> {
        Ok(Self {
            name: new.name,
            email: new.email.as_deref().map(parse_email).transpose()?,
            address: new.address,
            tax_id: new.tax_id,
            default_currency: parse_currency(&new.default_currency)?,
        })
    }
}

/// A partial update. An omitted field does not change; null clears an optional field.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Lighthouse Books & Maps", "email": "books@lighthouse.example", "address": "1 Pier\nTown", "tax_id": "NL001234567B01",
    "default_currency": "EUR"
}))]
pub struct UpdateCustomer {
    /// The name of the customer, without line breaks.
    #[serde(default, deserialize_with = "present_user_text")]
    #[garde(length(chars, max = 200), inner(custom(rules::line)))]
    #[schema(min_length = 1, max_length = 200, nullable = false, format = "line")]
    pub name: Option<String>,
    /// The email address, printed on invoices. The service sends no mail to it.
    #[serde(default, deserialize_with = "present")]
    #[garde(inner(inner(custom(rules::email))))]
    #[schema(max_length = 100, value_type = Option<String>, format = Email)]
    pub email: Option<Option<String>>,
    /// The postal address. It may have several lines.
    #[serde(default, deserialize_with = "present_user_text")]
    #[garde(inner(length(chars, max = 500)), inner(inner(custom(rules::paragraph))))]
    #[schema(max_length = 500, value_type = Option<String>, format = "paragraph")]
    pub address: Option<Option<String>>,
    /// The tax id, in the format of the customer's country.
    #[serde(default, deserialize_with = "present_user_text")]
    #[garde(inner(length(chars, max = 50)), inner(inner(custom(rules::line))))]
    #[schema(min_length = 1, max_length = 50, value_type = Option<String>, format = "line")]
    pub tax_id: Option<Option<String>>,
    /// The currency code (ISO 4217) that clients suggest for new invoices.
    #[serde(default, deserialize_with = "present")]
    #[garde(inner(custom(rules::currency)))]
    #[schema(min_length = 3, max_length = 3, pattern = "^[A-Z]{3}$", nullable = false)]
    pub default_currency: Option<String>,
}

impl TryFrom<UpdateCustomer> for Change {
    type Error = ApiError;

    fn try_from(update: UpdateCustomer) -> ApiResult<Self> {
        let email = match update.email {
            Some(Some(text)) => Some(Some(parse_email(&text)?)),
            Some(None) => Some(None),
            None => None,
        };
        Ok(Self {
            name: update.name,
            email,
            address: update.address,
            tax_id: update.tax_id,
            default_currency: update.default_currency.as_deref().map(parse_currency).transpose()?,
        })
    }
}

fn parse_email(text: &str) -> ApiResult<EmailAddress> {
    text.parse().map_err(|_| ApiError::invalid("/email", "must be an e-mail address"))
}

fn parse_currency(text: &str) -> ApiResult<Currency> {
    text.parse().map_err(|_| ApiError::invalid("/default_currency", "must be an ISO 4217 currency code in upper case"))
}

/// A customer.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "id": "c0000000-0000-4000-8000-000000000001", "name": "Lighthouse Books", "email": "books@lighthouse.example",
    "address": "1 Pier\nTown", "tax_id": "NL001234567B01", "default_currency": "EUR",
    "created_at": "2026-01-31T09:30:00.000001Z", "updated_at": "2026-01-31T09:30:00.000001Z"
}))]
pub struct CustomerView {
    #[schema(value_type = String, format = Uuid)]
    pub id: CustomerId,
    /// The name of the customer, without line breaks.
    #[schema(max_length = 200, format = "line")]
    pub name: String,
    /// The email address, printed on invoices.
    #[schema(required = true, format = Email)]
    pub email: Option<String>,
    /// The postal address. It may have several lines.
    #[schema(required = true, max_length = 500, format = "paragraph")]
    pub address: Option<String>,
    /// The tax id, in the format of the customer's country.
    #[schema(required = true, max_length = 50, format = "line")]
    pub tax_id: Option<String>,
    /// The currency code (ISO 4217) that clients suggest for new invoices.
    #[schema(max_length = 3, pattern = "^[A-Z]{3}$")]
    pub default_currency: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Resource for Customer {
    type Id = CustomerId;
    type New = NewCustomer;
    type Update = UpdateCustomer;
    type View = CustomerView;

    fn create(id: CustomerId, new: NewCustomer, now: DateTime<Utc>) -> ApiResult<Self> {
        Ok(Self::new(id, new.try_into()?, now))
    }

    fn update(self, update: UpdateCustomer, now: DateTime<Utc>) -> ApiResult<Self> {
        Ok(self.updated(update.try_into()?, now))
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn position(&self) -> Position {
        Position { created_at: self.created_at(), id: self.id().uuid() }
    }
}

impl From<&Customer> for CustomerView {
    fn from(customer: &Customer) -> Self {
        let details = customer.details().clone();
        Self {
            id: customer.id(),
            name: details.name,
            email: details.email.map(|email| email.as_str().to_owned()),
            address: details.address,
            tax_id: details.tax_id,
            default_currency: details.default_currency.code().to_owned(),
            created_at: customer.created_at(),
            updated_at: customer.updated_at(),
        }
    }
}
