//! A business is the seller on a user's invoices.

use crate::base::bank::{Bic, Iban};
use crate::base::time_zone::TimeZone;

/// In days.
pub const MAX_PAYMENT_TERMS: i32 = 365;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Business {
    pub name: String,
    pub address: Option<String>,
    /// The country code (ISO 3166-1 alpha-2).
    pub country: Option<String>,
    pub vat_id: Option<String>,
    /// The name of a trade register and the number of the business in this register.
    pub registration: Option<String>,
    pub iban: Option<Iban>,
    pub bic: Option<Bic>,
    /// The time zone of issue dates and due dates.
    pub time_zone: TimeZone,
    /// The number of days from the issue date of an invoice to its due date.
    pub payment_terms_days: Option<i32>,
}
