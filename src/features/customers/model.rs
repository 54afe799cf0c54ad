//! The request types have already validated all fields, so the model does not check them.

use chrono::{DateTime, Utc};

use crate::base::email::EmailAddress;
use crate::base::money::Currency;
use crate::features::customers::id::CustomerId;

/// The data of a customer that the owner can enter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    pub name: String,
    pub email: Option<EmailAddress>,
    pub address: Option<String>,
    pub tax_id: Option<String>,
    /// The currency that API clients suggest for new invoices to this customer.
    pub default_currency: Currency,
}

/// A partial update of [`Details`]. `None` leaves a field unchanged, and `Some(None)` clears it.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub name: Option<String>,
    pub email: Option<Option<EmailAddress>>,
    pub address: Option<Option<String>>,
    pub tax_id: Option<Option<String>>,
    pub default_currency: Option<Currency>,
}

#[derive(Clone, Debug)]
pub struct Customer {
    id: CustomerId,
    details: Details,
    pub(super) version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl Customer {
    #[must_use]
    pub fn new(id: CustomerId, details: Details, now: DateTime<Utc>) -> Self {
        Self { id, details, version: 1, created_at: now, updated_at: now }
    }

    #[must_use]
    pub fn from_stored(
        id: CustomerId,
        details: Details,
        version: i64,
        created_at: DateTime<Utc>,
        updated_at: DateTime<Utc>,
    ) -> Self {
        Self { id, details, version, created_at, updated_at }
    }

    #[must_use]
    pub fn updated(self, change: Change, now: DateTime<Utc>) -> Self {
        let old = self.details;
        let details = Details {
            name: change.name.unwrap_or(old.name),
            email: change.email.unwrap_or(old.email),
            address: change.address.unwrap_or(old.address),
            tax_id: change.tax_id.unwrap_or(old.tax_id),
            default_currency: change.default_currency.unwrap_or(old.default_currency),
        };
        Self { details, version: self.version + 1, updated_at: now, ..self }
    }

    #[must_use]
    pub fn id(&self) -> CustomerId {
        self.id
    }

    #[must_use]
    pub fn details(&self) -> &Details {
        &self.details
    }

    #[must_use]
    pub fn created_at(&self) -> DateTime<Utc> {
        self.created_at
    }

    #[must_use]
    pub fn updated_at(&self) -> DateTime<Utc> {
        self.updated_at
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn update_changes_only_given_fields() {
        let now = DateTime::UNIX_EPOCH;
        let details = Details {
            name: "Acme".into(),
            email: Some("a@acme.example".parse().unwrap()),
            address: None,
            tax_id: Some("NL1".into()),
            default_currency: "EUR".parse().unwrap(),
        };
        let old = Customer::new(CustomerId::new(), details.clone(), now);
        let later = now + TimeDelta::days(1);
        let change = Change { name: Some("Acme Ltd".into()), email: Some(None), ..Change::default() };
        let new = old.clone().updated(change, later);
        assert_eq!(new.details, Details { name: "Acme Ltd".into(), email: None, ..details });
        assert_eq!((new.id, new.version, new.created_at, new.updated_at), (old.id, 2, now, later));
    }
}
