//! A business.

use crate::base::bank::{Bic, Iban};
use crate::base::time_zone::TimeZone;

/// The most days of payment terms.
pub const MAX_PAYMENT_TERMS: i32 = 365;

/// What a user says of their business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Business {
    pub name: String,
    /// Several lines.
    pub address: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    pub vat_id: Option<String>,
    /// Its number in a register, and which.
    pub registration: Option<String>,
    pub iban: Option<Iban>,
    pub bic: Option<Bic>,
    /// Whose days are the days of its invoices.
    pub time_zone: TimeZone,
    /// Days from the issue of an invoice to its due date.
    pub payment_terms_days: Option<i32>,
}
